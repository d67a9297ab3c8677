"""Look for faces with other eyes than `extract`'s, at other times, wherever a clip shows something new."""

from typing import cast

import cv2
import dlib
import numpy as np

from tasks.video import Frame
from tasks.vision.detectors import Detection, View, move, turn, turn_back, unite
from tasks.vision.faces import detect_centerface
from tasks.vision.novelty import Novelty
from tasks.vision.regions import Box, RgbImage, overlap, share_within
from tasks.vision.sessions import Weights

# one frame of so many is watched in each arm, beginning with another one
EVERY, FIRST = 8, {"original": 3, "released": 7}
LONGEST_PX = 640
# CenterFace alone is believed from SURE on, and from LIKELY on where dlib's HOG sees the same
LIKELY, SURE, SAME = 0.5, 0.85, 0.3
CUT = 0.4  # of a box
# dlib's HOG sees faces of 80 pixels: what is smaller is enlarged once
ENLARGED_PX = 400


class Watch:
    """Say where a face is in the frames of an arm that are watched."""

    def __init__(self, weights: Weights, arm: str) -> None:
        self._weights, self._first = weights, FIRST[arm]
        self._novelty = Novelty()
        self._hog = weights.once("dlib_hog", dlib.get_frontal_face_detector)

    def faces(self, frame: Frame, covered: list[Box]) -> list[Box]:
        """Return boxes of faces in what is new since the last watched frame; none in frames between.

        covered: boxes that are compared in any case.
        """
        if frame.index % EVERY != self._first:
            return []
        view = View.of(frame.rgb, LONGEST_PX)
        scale = max(view.small.shape[:2]) / max(view.size_wh)
        news = self._novelty.next_boxes(view.small, [box * scale for box in covered])
        seen = [box for new in news for box in self._look(frame.rgb, new / scale)]
        # at the edge of what is looked at a covered face may be cut in two; it is compared as a whole
        return [box for box in seen if all(share_within(box, other) <= CUT for other in covered)]

    def _look(self, rgb: RgbImage, box_xyxy: Box) -> list[Box]:
        height, width = rgb.shape[:2]
        x0, y0, x1, y1 = np.clip(np.round(box_xyxy), 0, [width, height] * 2).astype(int)
        if min(x1 - x0, y1 - y0) < 2:
            return []
        view = View.of(rgb[y0:y1, x0:x1], LONGEST_PX)
        found = [face for turns in range(4) for face in self._at_turn(view, turns)]
        return [move(face, (x0, y0)).box_xyxy for face in unite(found, SAME)]

    def _at_turn(self, view: View, turns: int) -> list[Detection]:
        turned = turn(view, turns)
        found = detect_centerface(turned, self._weights, score=LIKELY, overlap=SAME)
        seconds = self._hog_boxes(turned) if any(face.score < SURE for face in found) else []
        return [
            turn_back(face, turns, view.size_wh)
            for face in found
            if face.score >= SURE or any(overlap(face.box_xyxy, box) > SAME for box in seconds)
        ]

    def _hog_boxes(self, view: View) -> list[Box]:
        grey = cv2.cvtColor(view.small, cv2.COLOR_RGB2GRAY)
        scale = max(view.size_wh) / max(view.small.shape[:2])
        found = self._hog(grey, 1 if max(grey.shape) < ENLARGED_PX else 0)
        boxes = [(one.left(), one.top(), one.right(), one.bottom()) for one in found]
        return [cast(Box, np.array(box, np.float32) * np.float32(scale)) for box in boxes]

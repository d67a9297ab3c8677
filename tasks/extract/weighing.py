"""Gather what speaks for and against every face of a clip while its frames go by (pure)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from schemas.faces import FACES, FOLLOWED
from tasks.extract.following import Follow, Follower
from tasks.extract.hypotheses import Hypothesis
from tasks.extract.tracking import Tracked
from tasks.files.tables import build_table
from tasks.tracks.beliefs import GOOD
from tasks.vision.appearance import from_afar
from tasks.vision.detectors import View
from tasks.vision.regions import Box, RgbImage

# box, angle of the eyes' line, boxes of others -> how sure one is of a face there, in 0..1
LookClose = Callable[[RgbImage, Box, float, list[Box]], float]


@dataclass
class Evidence:
    """What is known of a clip's faces: track -> hypothesis, (frame, track) -> where it was followed."""

    hypotheses: dict[int, Hypothesis] = field(default_factory=dict)
    follows: dict[tuple[int, int], Follow] = field(default_factory=dict)

    def follow(self, found: Follow) -> None:
        """Take note of where a face was followed; of two ways there the better one."""
        at = found.frame, found.track
        if at not in self.follows or self.follows[at].agreement < found.agreement:
            self.follows[at] = found

    def rejected(self) -> set[int]:
        """Return the tracks that are no faces."""
        return {track for track, one in self.hypotheses.items() if one.opinion.belief == "rejected"}

    def face_table(self, person_of: Mapping[int, int]) -> pl.DataFrame:
        """Build the table of faces. person_of: track -> number in the keypoint table."""
        tracks = sorted(self.hypotheses, key=lambda track: person_of[track])
        rows = [
            {
                "person": person_of[track], "scene": one.scene, "first_frame": one.first_frame,
                "last_frame": one.last_frame, "sightings": one.sightings, "meshes": int(one.meshes),
                "looks": one.looks, "likeliest_frame": one.likeliest_frame,
                "around_xyxy": one.around_xyxy.tolist(), "first_rgb": one.first_rgb.tolist(),
                "last_rgb": one.last_rgb.tolist(), **one.opinion._asdict(),
            }
            for track, one in ((track, self.hypotheses[track]) for track in tracks)
        ]  # fmt: skip
        return build_table(rows, FACES)

    def followed_table(self, person_of: Mapping[int, int]) -> pl.DataFrame:
        """Build the table of faces that were followed."""
        rows = [
            {
                "frame": one.frame, "person": person_of[one.track], "agreement": one.agreement,
                "box_xyxy": one.box_xyxy.tolist(),
            }
            for _, one in sorted(self.follows.items())
        ]  # fmt: skip
        return build_table(rows, FOLLOWED)


class Weighing:
    """Every face as a hypothesis, and where it was followed between its sightings."""

    def __init__(self, look: LookClose, interval: int) -> None:
        self._look, self._follower = look, Follower(interval)
        self.evidence = Evidence()

    def step(self, frame: int, scene: int, view: View, faces: tuple[Tracked, ...], *, cut: bool) -> None:
        """Take the next frame's faces into account, and look closely at those that are not sure yet."""
        scale = max(view.small.shape[:2]) / max(view.size_wh)
        for face in faces:
            afar = from_afar(view.small, face.located.part.box_xyxy * np.float32(scale))
            first = Hypothesis.of(face, frame, scene, afar)
            known = self.evidence.hypotheses.setdefault(face.track, first)
            known.see(face, frame, afar)
            if known.wants_look:
                box, others = face.located.part.box_xyxy, _boxes_but(face, faces)
                known.hear(self._look(view.rgb, box, known.angle_rad, others), frame)
        size = [*view.small.shape[1::-1]] * 2
        boxes = {
            face.track: np.clip(face.located.part.box_xyxy * np.float32(scale), 0, size) for face in faces
        }
        for found in self._follower.step(frame, view.small, boxes, cut=cut):
            box = found.box_xyxy / np.float32(scale)
            if found.frame == frame:
                self._doubt(found.track, view.rgb, box, faces)
            self.evidence.follow(replace(found, box_xyxy=box))

    def _doubt(self, track: int, rgb: RgbImage, box: Box, faces: tuple[Tracked, ...]) -> None:
        known = self.evidence.hypotheses[track]
        known.follow()
        if known.wants_followed_look:
            others = [other.located.part.box_xyxy for other in faces]
            known.followed_looks.append(self._look(rgb, box, known.angle_rad, others))

    def knows(self, faces: tuple[Tracked, ...]) -> bool:
        """Return whether one of the faces was ever seen well from close by."""
        known = self.evidence.hypotheses
        return any(max(known[face.track].looks, default=1.0) >= GOOD for face in faces)


def _boxes_but(face: Tracked, faces: tuple[Tracked, ...]) -> list[Box]:
    return [other.located.part.box_xyxy for other in faces if other.track != face.track]

"""Follow lines back in time through pictures of since the look before, reading them again there (pure)."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.text.lines import Line, around, is_same_place
from tasks.text.seeing import GreyImage, cut_small, find_again
from tasks.vision.regions import Box, RgbImage

# pictures are kept at most so large, so far apart in time
KEPT_PX, KEPT_S = 1920, 0.4
# between two of them a line moves by so many times its height at most, and looks as much like itself
REACH, ALIKE = 3.0, 0.6
# a line that is read again has the same size but for such a share; lines move together that differ by no more
# than such a share of their height
SAME_SIZE, SAME_STEP = 0.25, 0.3
# so many times the height of a line lies around it where it is read again: more of its kind may stand there
AROUND = np.array([-4, -2.5, 4, 2.5], np.float32)


@dataclass(frozen=True)
class Kept:
    """A frame's picture, and how many of its pixels are one of the video's."""

    frame: int
    time_s: float
    rgb: RgbImage
    scale: float

    @classmethod
    def of(cls, frame: int, time_s: float, rgb: RgbImage) -> "Kept":
        """Return a frame as it is kept."""
        scale = min(1.0, KEPT_PX / max(rgb.shape[:2]))
        size_wh = tuple(max(1, round(side * scale)) for side in rgb.shape[1::-1])
        small = cv2.resize(rgb, size_wh, interpolation=cv2.INTER_AREA) if scale < 1 else rgb
        return cls(frame, time_s, np.asarray(small, np.uint8), scale)


Step = NDArray[np.float32]


@dataclass
class Path:
    """A line that is followed back: its box in the earliest frame so far, and what it looked like last.

    places: where it is in each frame, the latest first; all in pixels of the video.
    """

    line: Line
    box_xyxy: Box
    looks: GreyImage
    places: list[tuple[int, Box]]

    @property
    def now(self) -> Line:
        """Return the line where it is in the latest frame."""
        return replace(self.line, box_xyxy=self.places[0][1])

    @property
    def height(self) -> float:
        return float(self.box_xyxy[3] - self.box_xyxy[1])

    def stays(self) -> Iterator[tuple[int, int, Box]]:
        """Yield the first and the last frame of each of its stays, and a box around all of its way there."""
        after, ahead = self.places[0]
        for frame, box in self.places[1:]:
            yield frame, after - 1, around(box, ahead)
            after, ahead = frame, box


Read = Callable[[Kept, Box], list[Line]]


def recall(lines: list[Line], now: Kept, kept: Iterable[Kept], read: Read) -> list[Path]:
    """Return where lines of a frame were in earlier ones, and what else is read beside them there.

    kept: the newest first. read: what is readable in a box of one, in pixels of the video. What is found
    there moved with the others since.
    """
    paths = [
        Path(line, line.box_xyxy, _looks(now, line.box_xyxy), [(now.frame, line.box_xyxy)]) for line in lines
    ]
    step_xy = np.zeros(2, np.float32)
    for picture in kept:
        found = read(picture, _area(paths))
        step_xy = _step_back(paths, picture, found, step_xy)
        for line in found:
            known = [path for path in paths if is_same_place(path.box_xyxy, line.box_xyxy)]
            for path in known:
                path.places[-1] = picture.frame, around(path.places[-1][1], line.box_xyxy)
            if not known:
                paths.append(_beside(paths[0], line, picture))
    return paths


def _step_back(paths: list[Path], picture: Kept, found: list[Line], usual_xy: Step) -> Step:
    """Place every line in an earlier picture and return how most have moved; usual_xy: how they did so far.

    A line is where it is read again or looks like itself, if others moved like that, or else where they say.
    """
    options = [[*_like(path, found), *_again(path, picture)] for path in paths]
    steps = [box[:2] - path.box_xyxy[:2] for path, boxes in zip(paths, options, strict=True) for box in boxes]
    least = min(path.height for path in paths) * SAME_STEP

    def support(step_xy: Step) -> tuple[int, float]:
        near = sum(float(np.abs(other - step_xy).max()) <= least for other in steps)
        return near, -float(np.abs(step_xy - usual_xy).max())

    step_xy = max(steps, key=support, default=usual_xy)
    for path, boxes in zip(paths, options, strict=True):
        place = path.box_xyxy + np.tile(step_xy, 2)
        near = [box for box in boxes if float(np.abs(box[:2] - place[:2]).max()) <= path.height * SAME_STEP]
        path.box_xyxy = near[0] if near else place
        path.places.append((picture.frame, path.box_xyxy))
        if near:
            path.looks = _looks(picture, path.box_xyxy)
    return np.asarray(step_xy, np.float32)


def _like(path: Path, found: list[Line]) -> Iterator[Box]:
    """Yield where a line of about the same size is read that is not too far away."""
    size_wh = path.box_xyxy[2:] - path.box_xyxy[:2]
    for line in found:
        is_alike = np.abs((line.box_xyxy[2:] - line.box_xyxy[:2]) / size_wh - 1).max() < SAME_SIZE
        if is_alike and np.abs(line.box_xyxy - path.box_xyxy).max() < REACH * path.height:
            yield line.box_xyxy


def _again(path: Path, picture: Kept) -> Iterator[Box]:
    """Yield where something looks like a line."""
    box = path.box_xyxy * np.float32(picture.scale)
    reach_px = round(REACH * float(box[3] - box[1]))
    stays = find_again(picture.rgb, path.looks, box, 0, ALIKE)
    moved = stays if stays is not None else find_again(picture.rgb, path.looks, box, reach_px, ALIKE)
    if moved is not None:
        yield moved / np.float32(picture.scale)


def _area(paths: list[Path]) -> Box:
    boxes = np.stack([path.box_xyxy + (path.box_xyxy[3] - path.box_xyxy[1]) * AROUND for path in paths])
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)]).astype(np.float32)


def _beside(other: Path, line: Line, picture: Kept) -> Path:
    """Take what is read beside another line for what moved as that did since."""
    shifts = [(frame, np.tile((box - other.box_xyxy)[:2], 2)) for frame, box in other.places]
    places = [(frame, line.box_xyxy + shift) for frame, shift in shifts]
    return Path(line, line.box_xyxy, _looks(picture, line.box_xyxy), places)


def _looks(picture: Kept, box_xyxy: Box) -> GreyImage:
    return cut_small(picture.rgb, box_xyxy * np.float32(picture.scale))


def scaled(line: Line, scale: float) -> Line:
    """Return a line in pixels so many times as small."""
    return replace(line, box_xyxy=line.box_xyxy * np.float32(scale))

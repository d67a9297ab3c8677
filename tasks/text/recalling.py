"""Follow lines back in time through pictures of since the look before, reading them again there (pure)."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from schemas.texts import KINDS, Kind
from tasks.text.lines import Line, around, is_same_place
from tasks.text.seeing import GreyImage, cut_small, find_again
from tasks.vision.regions import Box, RgbImage

# pictures are kept at most so large
KEPT_PX = 1920
# from one to the next a line moves by so many times its height at most, and looks as much like itself
REACH, ALIKE = 3.0, 0.6
# a line that is read again has the same size but for such a share; lines move together that differ by no more
# than such a share of their height
SAME_SIZE, SAME_STEP = 0.25, 0.3
# so many times its height around a line it is read again: more of its kind may stand there; around a single
# word, where letters are so high
AROUND, WORD_AROUND, WORD_PX = REACH + 1, 1.0, 40
Step = NDArray[np.float32]


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
        return cls(frame, time_s, rgb, 1.0).smaller(KEPT_PX / max(rgb.shape[:2]))

    def smaller(self, scale: float) -> "Kept":
        """Return it with so many times as many pixels a side, or as it is."""
        if scale >= 1:
            return self
        size_wh = [max(1, round(side * scale)) for side in self.rgb.shape[1::-1]]
        small = cv2.resize(self.rgb, size_wh, interpolation=cv2.INTER_AREA)
        return replace(self, rgb=np.asarray(small, np.uint8), scale=self.scale * scale)


@dataclass
class Path:
    """A line that is followed back: its box in the earliest frame so far, and what it looked like last.

    track: its box in every frame, the latest first; all in pixels of the video. read_at, read_s: which of
    them is the earliest in which it was seen, and when that was. speed_xy: pixels a second, back in time.
    more: how much farther than its box it reaches to each side.
    """

    kind: Kind
    box_xyxy: Box
    looks: GreyImage
    track: list[tuple[int, Box]]
    read_s: float
    read_at: int = 0
    speed_xy: Step = field(default_factory=lambda: np.zeros(2, np.float32))
    more: Box = field(default_factory=lambda: np.zeros(4, np.float32))

    @property
    def height(self) -> float:
        return max(1.0, float((self.box_xyxy[2:] - self.box_xyxy[:2]).min()))

    @property
    def now_xyxy(self) -> Box:
        """Return the box around all of it in the latest frame."""
        return self.track[0][1] + self.more

    def ahead(self, seconds: float) -> Box:
        """Return where it should be so many seconds earlier."""
        return self.box_xyxy + np.tile(self.speed_xy * np.float32(seconds), 2)

    def place(self, picture: Kept, box: Box, *, is_seen: bool) -> None:
        """Say where it is in an earlier picture; where it was not seen since, it went straight there."""
        if self.kind == "word":  # the hand that sets letters down is read with them
            box = np.concatenate([box[:2], box[:2] + self.box_xyxy[2:] - self.box_xyxy[:2]])
        self.track.append((picture.frame, box))
        if is_seen:
            later, start = self.track[self.read_at]
            for at in range(self.read_at + 1, len(self.track) - 1):
                frame = self.track[at][0]
                share = np.float32((later - frame) / max(1, later - picture.frame))
                self.track[at] = frame, start + (box - start) * share
            self.speed_xy = (box - start)[:2] / np.float32(max(self.read_s - picture.time_s, 1e-3))
            self.read_at, self.read_s = len(self.track) - 1, picture.time_s
            self.looks = _looks(picture, box)
        self.box_xyxy = box

    def reaches(self, line: Line) -> None:
        """Take what is read in its place for a part of it."""
        self.kind = min(self.kind, line.kind, key=KINDS.index)
        self.more = around(self.box_xyxy + self.more, line.box_xyxy) - self.box_xyxy

    def stays(self, *, seen_only: bool) -> Iterator[tuple[int, int, Box]]:
        """Yield the first and the last frame of each of its stays, and a box around all of its way there."""
        track, more = (self.track[: self.read_at + 1], 0) if seen_only else (self.track, self.more)
        for (after, ahead), (frame, box) in pairwise(track):
            yield frame, after - 1, around(box, ahead) + more


Read = Callable[[Kept, Box], list[Line]]


def recall(lines: list[Line], now: Kept, kept: Iterable[Kept], read: Read) -> list[Path]:
    """Return where lines of a frame were in earlier ones, and what else is read beside them there.

    kept: the newest first. read: what is readable in a box of one, in pixels of the video. What is found
    there moved with the nearest other since.
    """
    scale = _scale(lines)
    now = now.smaller(scale)
    paths = [
        Path(line.kind, line.box_xyxy, _looks(now, line.box_xyxy), [(now.frame, line.box_xyxy)], now.time_s)
        for line in lines
    ]
    later_s = now.time_s
    for picture in (one.smaller(scale) for one in kept):
        seconds, later_s = later_s - picture.time_s, picture.time_s
        found = read(picture, _area(paths, seconds))
        _step_back(paths, picture, found, seconds)
        for line in found:
            known = [path for path in paths if is_same_place(path.box_xyxy, line.box_xyxy)]
            for path in known:
                path.reaches(line)
            if not known:
                paths.append(_beside(paths, line, picture))
    return paths


def _scale(lines: list[Line]) -> float:
    """Return how small single words are read; beside a name there may be small letters."""
    if any(line.kind != "word" for line in lines):
        return 1.0
    return WORD_PX / min(float((line.box_xyxy[2:] - line.box_xyxy[:2]).min()) for line in lines)


def _step_back(paths: list[Path], picture: Kept, found: list[Line], seconds: float) -> None:
    """Place every line in an earlier picture: as most move, if it is seen there; else where it is read.

    What is not seen moves as several others do, or as it did.
    """
    options = [_options(path, picture, found, seconds) for path in paths]
    steps = np.array(
        [box[:2] - path.box_xyxy[:2] for path, boxes in zip(paths, options, strict=True) for box, _ in boxes],
        np.float32,
    ).reshape(-1, 2)
    least = min(path.height for path in paths) * SAME_STEP
    owners = np.repeat(np.arange(len(paths)), [len(boxes) for boxes in options])
    is_near = np.abs(steps[:, None] - steps[None]).max(axis=2) <= least
    support = np.array([len(set(owners[near])) for near in is_near])
    # of those that as many others support, the one as things moved so far
    usual_xy = np.median([path.speed_xy for path in paths], axis=0) * seconds
    order = np.lexsort((np.abs(steps - usual_xy).max(axis=1), -support))
    common = steps[order[0]] if len(order) and support[order[0]] > 1 else None
    near = [_near(path, boxes, common) for path, boxes in zip(paths, options, strict=True)]
    for path, boxes, box in zip(paths, options, near, strict=True):
        # what another line was read as is not this one
        free = [one for one, is_read in boxes if is_read and not any(one is other for other in near)]
        if common is None:
            free = free or [one for one, _ in boxes]
        ahead = path.ahead(seconds)
        chosen = box if box is not None else min(free, key=partial(_apart, ahead), default=None)
        place = ahead if common is None else path.box_xyxy + np.tile(common, 2)
        path.place(picture, place if chosen is None else chosen, is_seen=chosen is not None)


Options = list[tuple[Box, bool]]


def _apart(box: Box, other: Box) -> float:
    return float(np.abs(box[:2] - other[:2]).max())


def _near(path: Path, boxes: Options, common: Step | None) -> Box | None:
    """Return where a line is seen and several others say that it is."""
    if common is None:
        return None
    place = path.box_xyxy + np.tile(common, 2)
    return next((box for box, _ in boxes if _apart(box, place) <= path.height * SAME_STEP), None)


def _options(path: Path, picture: Kept, found: list[Line], seconds: float) -> Options:
    """Return where a line may be, what is read first: of about its size, or what looks like it."""
    ahead, size_wh = path.ahead(seconds), np.maximum(path.box_xyxy[2:] - path.box_xyxy[:2], 1)
    options: Options = []
    for line in found:
        is_alike = np.abs((line.box_xyxy[2:] - line.box_xyxy[:2]) / size_wh - 1).max() < SAME_SIZE
        far = min(float(np.abs(line.box_xyxy - place).max()) for place in (ahead, path.box_xyxy))
        if is_alike and far < REACH * path.height:
            options.append((line.box_xyxy, True))
    scale = np.float32(picture.scale)
    reach_px = round(REACH * path.height * picture.scale)
    for place, px in ((path.box_xyxy, 0), (ahead, reach_px)):
        box = find_again(picture.rgb, path.looks, place * scale, px, ALIKE)
        if box is not None:
            return [*options, (box / scale, False)]
    return options


def _area(paths: list[Path], seconds: float) -> Box:
    boxes = np.stack([box for path in paths for box in (path.box_xyxy, path.ahead(seconds))])
    wide = max(path.height * (WORD_AROUND if path.kind == "word" else AROUND) for path in paths)
    return np.concatenate([boxes[:, :2].min(axis=0) - wide, boxes[:, 2:].max(axis=0) + wide]).astype(
        np.float32
    )


def _beside(paths: list[Path], line: Line, picture: Kept) -> Path:
    """Take what is read beside other lines for what moved as the nearest of them did since."""
    middle = line.box_xyxy.reshape(2, 2).mean(axis=0)
    other = min(
        paths, key=lambda path: float(np.abs(path.box_xyxy.reshape(2, 2).mean(axis=0) - middle).sum())
    )
    track = [(frame, line.box_xyxy + np.tile((box - other.box_xyxy)[:2], 2)) for frame, box in other.track]
    looks = _looks(picture, line.box_xyxy)
    return Path(line.kind, line.box_xyxy, looks, track, picture.time_s, len(track) - 1, other.speed_xy.copy())


def _looks(picture: Kept, box_xyxy: Box) -> GreyImage:
    return cut_small(picture.rgb, box_xyxy * np.float32(picture.scale))


def scaled(line: Line, scale: float) -> Line:
    """Return a line in pixels so many times as small."""
    return replace(line, box_xyxy=line.box_xyxy * np.float32(scale))

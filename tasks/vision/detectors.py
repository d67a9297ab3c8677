"""Single-shot detectors on one letterboxed square: anchors, decoding, the best of each cluster (pure)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.vision.regions import Box, Points, RgbImage, suppress

if TYPE_CHECKING:
    from tasks.vision.sessions import Session

Anchors = NDArray[np.float32]


@dataclass(frozen=True)
class Detection:
    """A box x0, y0, x1, y1 and its K x 2 points, in picture pixels; score in 0..1."""

    box_xyxy: Box
    points_xy: Points
    score: float


@dataclass(frozen=True)
class View:
    """A picture, and a smaller copy for whoever looks at all of it at once."""

    rgb: RgbImage
    small: RgbImage

    @classmethod
    def of(cls, rgb: RgbImage, longest_px: int) -> Self:
        """Shrink once what every detector needs small: the copy's longer side has so many pixels at most."""
        height, width = rgb.shape[:2]
        shrink = longest_px / max(height, width)
        if shrink >= 1:
            return cls(rgb, rgb)
        size_wh = max(1, round(width * shrink)), max(1, round(height * shrink))
        shrinks = cv2.INTER_AREA if shrink <= 0.5 else cv2.INTER_LINEAR
        return cls(rgb, np.asarray(cv2.resize(rgb, size_wh, interpolation=shrinks), np.uint8))

    @property
    def size_wh(self) -> tuple[int, int]:
        return self.rgb.shape[1], self.rgb.shape[0]


def make_anchors(grids: list[tuple[int, int]]) -> Anchors:
    """Return N x 2 anchor centres in 0..1 for (cells a side, anchors a cell), row by row."""
    layers = []
    for cells, repeats in grids:
        axis = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
        layers.append(np.repeat(grid, repeats, axis=0))
    return np.concatenate(layers)


def turn(view: View, quarter_turns: int) -> View:
    """Turn a picture counter-clockwise; only its smaller copy is written anew."""
    rgb, small = (np.rot90(each, quarter_turns) for each in (view.rgb, view.small))
    return View(rgb, np.ascontiguousarray(small))


def turn_back(found: Detection, quarter_turns: int, size_wh: tuple[int, int]) -> Detection:
    """Map a detection in a picture turned counter-clockwise by np.rot90 back into the picture itself."""
    corners = found.box_xyxy.reshape(2, 2)
    points = np.concatenate([corners, found.points_xy])
    for done in range(quarter_turns, 0, -1):
        # a picture of width w, turned once: x' = y, y' = w - x
        width = size_wh[0] if done % 2 else size_wh[1]
        points = np.stack([width - points[:, 1], points[:, 0]], axis=1)
    return Detection(
        np.concatenate([points[:2].min(axis=0), points[:2].max(axis=0)]).astype(np.float32),
        points[2:].astype(np.float32),
        found.score,
    )


def move(found: Detection, origin_xy: tuple[int, int]) -> Detection:
    """Map a detection in a tile back into the picture that the tile was cut from."""
    origin = np.array(origin_xy, np.float32)
    return Detection(found.box_xyxy + np.tile(origin, 2), found.points_xy + origin, found.score)


def unite(found: list[Detection], overlap: float) -> list[Detection]:
    """Return the best detection of each cluster, best first."""
    if not found:
        return []
    boxes = np.stack([one.box_xyxy for one in found])
    scores = np.array([one.score for one in found], np.float32)
    return [found[index] for index in suppress(boxes, scores, overlap)]


def letterbox(rgb: RgbImage, side_px: int) -> RgbImage:
    """Fit a picture into the top left of a black square."""
    height, width = rgb.shape[:2]
    longer = max(height, width)
    size_wh = (max(1, round(width * side_px / longer)), max(1, round(height * side_px / longer)))
    square = np.zeros((side_px, side_px, 3), np.uint8)
    shrinks = longer > side_px
    square[: size_wh[1], : size_wh[0]] = cv2.resize(
        rgb, size_wh, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    return square


def to_tensor(rgb: RgbImage) -> NDArray[np.float32]:
    """Return a picture as 1 x height x width x 3 floats in 0..1."""
    return rgb[None].astype(np.float32) / np.float32(255)


def sigmoid(value: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(1 / (1 + np.exp(-np.clip(value, -80, 80))), np.float32)


def detect(
    session: "Session",
    view: View,
    *,
    side_px: int,
    anchors: Anchors,
    low: float,
    threshold: float,
    overlap: float,
) -> list[Detection]:
    """Run a MediaPipe detector whose input ranges from `low` to 1."""
    unit = float(max(view.size_wh))
    tensor = to_tensor(letterbox(view.small, side_px)) * np.float32(1 - low) + np.float32(low)
    raw, logits = (output[0] for output in session(tensor))
    scores = sigmoid(logits[:, 0])
    found = np.flatnonzero(scores >= threshold)
    return _decode(raw[found] / side_px, scores[found], anchors[found], unit, overlap)


def _decode(
    raw: NDArray[np.float32],
    scores: NDArray[np.float32],
    anchors: Anchors,
    unit: float,
    overlap: float,
) -> list[Detection]:
    center, half = raw[:, :2] + anchors, raw[:, 2:4] / 2
    boxes = (np.hstack([center - half, center + half]) * unit).astype(np.float32)
    points = (raw[:, 4:].reshape(len(raw), raw.shape[1] // 2 - 2, 2) + anchors[:, None]) * unit
    rows = zip(boxes, points, scores, strict=True)
    return unite([Detection(box, xy, float(score)) for box, xy, score in rows], overlap)

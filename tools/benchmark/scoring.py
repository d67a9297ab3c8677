"""What a run covered, held against heads that a person marked (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Box = NDArray[np.float64]
Kind = Literal["face", "back", "picture"]
# a head counts as covered from this share of its box on: hair is not covered; around a head, that may change
LEAST_COVERED, AROUND = 0.3, 1.5
GRID = 400  # areas are counted on so many cells a side


@dataclass(frozen=True)
class Head:
    """A head that a person marked: x0, y0, x1, y1 in shares of the picture.

    A back need not be covered, and may be; nor need a picture of a face.
    """

    kind: Kind
    box: Box


@dataclass(frozen=True)
class Region:
    """What a run covered of a frame, in shares of the picture; track: -1 is nobody, the whole frame."""

    track: int
    box: Box
    method: str


@dataclass(frozen=True)
class Score:
    """heads: that must be covered. right, regions: those that lie on a head, of all with a track.

    false_tracks: tracks that never lie on a head in a marked frame. outside, black: mean shares of the
    picture that are changed beyond 1.5 times any head, and that are opaque. missed: frames with an uncovered
    head.
    """

    frames: int
    heads: int
    covered: int
    right: int
    regions: int
    false_tracks: int
    outside: float
    black: float
    missed: tuple[int, ...]

    @property
    def recall(self) -> float:
        return self.covered / self.heads if self.heads else 1.0

    @property
    def precision(self) -> float:
        return self.right / self.regions if self.regions else 1.0


def score(truth: Mapping[int, Sequence[Head]], regions: Mapping[int, Sequence[Region]]) -> Score:
    """Score one clip. truth: every marked frame -> its heads. regions: frame -> what was drawn there."""
    drawn = {frame: [one for one in regions.get(frame, ()) if one.method != "none"] for frame in truth}
    covered = {
        frame: [_is_covered(head, drawn[frame]) for head in must(heads)] for frame, heads in truth.items()
    }
    lies = [
        (one.track, any(_lies_on(one.box, head.box) for head in heads))
        for frame, heads in truth.items()
        for one in drawn[frame]
        if one.track != -1
    ]
    known = {track for track, is_right in lies if is_right}
    return Score(
        frames=len(truth),
        heads=sum(map(len, covered.values())),
        covered=sum(sum(found) for found in covered.values()),
        right=sum(is_right for _, is_right in lies),
        regions=len(lies),
        false_tracks=len({track for track, _ in lies} - known),
        outside=_mean(_outside(heads, drawn[frame]) for frame, heads in truth.items()),
        black=_mean(
            _area([one.box for one in here if one.method == "mask"]).mean() for here in drawn.values()
        ),
        missed=tuple(frame for frame, found in covered.items() if not all(found)),
    )


def must(heads: Sequence[Head]) -> list[Head]:
    """Return the heads that must be covered."""
    return [head for head in heads if head.kind == "face"]


def _mean(shares: Iterable[float]) -> float:
    known = list(shares)
    return float(np.mean(known)) if known else 0.0


def _is_covered(head: Head, regions: Sequence[Region]) -> bool:
    inside = _area([head.box])
    over = _area([one.box for one in regions]) & inside
    return bool(over.sum() >= LEAST_COVERED * max(1, inside.sum()))


def _lies_on(region: Box, head: Box) -> bool:
    center = (region[:2] + region[2:]) / 2
    wide = _grown(head)
    return bool((wide[:2] <= center).all() and (center <= wide[2:]).all())


def _outside(heads: Sequence[Head], regions: Sequence[Region]) -> float:
    return float((_area([one.box for one in regions]) & ~_area([_grown(head.box) for head in heads])).mean())


def _black(regions: Sequence[Region]) -> float:
    return float(_area([one.box for one in regions if one.method == "mask"]).mean())


def _grown(box: Box) -> Box:
    half = (box[2:] - box[:2]) * (AROUND - 1) / 2
    return np.concatenate([box[:2] - half, box[2:] + half])


def _area(boxes: Sequence[Box]) -> NDArray[np.bool_]:
    cells = np.zeros((GRID, GRID), np.bool_)
    for box in boxes:
        x0, y0 = np.clip(np.floor(box[:2] * GRID), 0, GRID).astype(int)
        x1, y1 = np.clip(np.ceil(box[2:] * GRID), 0, GRID).astype(int)
        cells[y0:y1, x0:x1] = True
    return cells

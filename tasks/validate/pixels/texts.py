"""What can still be read in a release, at other times than it was looked for in the original."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from schemas.jobs import Row
from schemas.params.deidentify import TextRule
from schemas.texts import COVERED_TEXTS, KINDS
from tasks.files.clips import covered_texts_path
from tasks.files.documents import read_table
from tasks.text.following import THOROUGH
from tasks.text.lines import Line, is_same_place
from tasks.text.reading import read_lines
from tasks.video import Frame
from tasks.vision.sessions import Weights

OFTENER = 0.8  # so that both looks do not always meet the same frames


class Rereading:
    """Read a release a little more often than its original was read; a short one at its end.

    begin_s: when what it is given begins.
    """

    def __init__(self, weights: Weights, interval_s: float, begin_s: float = 0.0) -> None:
        self._weights, self._interval_s = weights, OFTENER * interval_s
        self._next_s = begin_s + self._interval_s / 2
        self._looks = 0
        self._last: Frame | None = None
        self._found: dict[int, list[Line]] = {}

    def step(self, frame: Frame) -> None:
        """Take the next frame of the release into account."""
        self._last = frame
        if frame.timestamp_s >= self._next_s:
            self._next_s = frame.timestamp_s + self._interval_s
            self._read(frame)

    def found(self) -> dict[int, list[Line]]:
        """Return frame -> what was read there."""
        if not self._looks and self._last is not None:
            self._read(self._last)
        return self._found

    def _read(self, frame: Frame) -> None:
        lines = read_lines(frame.rgb, self._weights, thorough=self._looks % THOROUGH == 0)
        self._looks += 1
        if lines:
            self._found[frame.index] = lines


def read_covered(root: Path, clip_id: str) -> pl.DataFrame:
    """Read which lines of text a release covers, and which stay."""
    return read_table(root / covered_texts_path("released", clip_id), COVERED_TEXTS)


def text_rows(clip_id: str, covered: pl.DataFrame, found: dict[int, list[Line]]) -> list[Row]:
    """Return a clip's rows of the evidence on text: what is known, and what was read although it is not."""
    known = [
        {"clip_id": clip_id, "arm": "original", **row} for row in covered.drop("line").iter_rows(named=True)
    ]
    return known + [
        {
            "clip_id": clip_id, "arm": "released", "first_frame": frame, "last_frame": frame,
            "kind": line.kind, "box_xyxy": line.box_xyxy.tolist(), "covered": False,
        }
        for frame, line in _unknown(covered, found)
    ]  # fmt: skip


def frames_of(rows: list[Row], rule: TextRule) -> tuple[list[int], list[int]]:
    """Return the frames in which text is left that should be covered, and those for a person to look at."""
    if rule == "keep":
        return [], []
    left, stays = list[int](), list[int]()
    for row in rows:
        is_left = rule == "cover" and row["arm"] == "released" and row["kind"] == "identifying"
        if not row["covered"]:
            (left if is_left else stays).extend(range(row["first_frame"], row["last_frame"] + 1))
    return sorted({*left}), sorted({*stays})


def _unknown(covered: pl.DataFrame, found: dict[int, list[Line]]) -> Iterator[tuple[int, Line]]:
    stays = covered.filter(~pl.col("covered"))
    for frame, lines in found.items():
        here = stays.filter(pl.col("first_frame") <= frame, pl.col("last_frame") >= frame)
        known = [
            Line(np.array(box, np.float32), kind) for box, kind in here.select("box_xyxy", "kind").iter_rows()
        ]
        for line in lines:
            if not any(_tells_of(one, line) for one in known):
                yield frame, line


def _tells_of(known: Line, line: Line) -> bool:
    """Return whether a line is one that is known to stay, and not worse than what is known of it."""
    is_there = is_same_place(known.box_xyxy, line.box_xyxy)
    return is_there and KINDS.index(known.kind) <= KINDS.index(line.kind)

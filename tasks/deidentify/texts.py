"""Lines of text: which are covered in which frames (pure)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import polars as pl

from schemas.params.deidentify import TextRule
from schemas.texts import COVERED_TEXTS, Kind
from tasks.deidentify.correcting import MEANT, Correction
from tasks.files.tables import build_table
from tasks.vision.regions import Box, share_within


@dataclass(frozen=True)
class CoveredText:
    """A line of text in frames, the last one included, in which it stays where it is."""

    line: int
    first_frame: int
    last_frame: int
    kind: Kind
    box_xyxy: Box
    covered: bool


def choose_texts(
    texts: pl.DataFrame, rule: TextRule, corrections: Sequence[Correction], size_wh: tuple[int, int]
) -> list[CoveredText]:
    """Return every line with whether it is covered, in the order of frames; boxes lie in the picture.

    A line that a person's `remove` speaks of stays in those frames.
    """
    most = np.array([*size_wh, *size_wh], np.float32)
    lines = [
        CoveredText(
            row["line"],
            row["first_frame"],
            row["last_frame"],
            row["kind"],
            np.clip(np.array(row["box_xyxy"], np.float32), 0, most),
            rule == "cover" and row["kind"] != "other",
        )
        for row in texts.iter_rows(named=True)
    ]
    removals = [line for line in corrections if line.action == "remove" and line.track is None]
    parts = [part for line in lines for part in _without(line, removals)]
    return sorted(parts, key=lambda part: (part.first_frame, part.line))


def texts_table(texts: Sequence[CoveredText]) -> pl.DataFrame:
    """Build the table of what became of each line."""
    rows = [
        {
            "line": text.line, "first_frame": text.first_frame, "last_frame": text.last_frame,
            "kind": text.kind, "box_xyxy": text.box_xyxy.tolist(), "covered": text.covered,
        }
        for text in texts
    ]  # fmt: skip
    return build_table(rows, COVERED_TEXTS)


def _without(text: CoveredText, removals: Sequence[Correction]) -> Iterator[CoveredText]:
    """Yield a line in pieces: covered, and where a person took its cover away."""
    run = range(text.first_frame, text.last_frame + 1)
    about = [line for line in removals if line.frames[0] <= run[-1] and run[0] <= line.frames[-1]]
    if not about or not text.covered:
        yield text
        return
    for is_removed, group in groupby(run, lambda frame: any(_speaks_of(line, text, frame) for line in about)):
        frames = list(group)
        yield replace(text, first_frame=frames[0], last_frame=frames[-1], covered=not is_removed)


def _speaks_of(line: Correction, text: CoveredText, frame: int) -> bool:
    return frame in line.frames and share_within(text.box_xyxy, line.box_in(frame)) >= MEANT

"""Lines of text that were followed part by part, made those of a clip (pure)."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from schemas.texts import TEXTS
from tasks.files.tables import build_table
from tasks.text.lines import is_same_place

Row = dict[str, Any]


class PartLines(NamedTuple):
    """The lines of a part, which begins with a frame and ends before another one."""

    first: int
    end: int
    table: pl.DataFrame


def join_lines(parts: Sequence[PartLines], reach: int) -> pl.DataFrame:
    """Return the lines of all parts. reach: frames between two looks for text.

    A line ends where its part does, and is read anew. What cannot be read on the other side is lost for a
    moment: it is taken to be there until it would have been looked for in vain, and what may identify since
    the look before.
    """
    numbered, lines = list[list[Row]](), 0
    for part in parts:
        rows = [row | {"line": row["line"] + lines} for row in part.table.iter_rows(named=True)]
        lines = max([lines, *(row["line"] + 1 for row in rows)])
        numbered.append(rows)
    kept = [row for rows in numbered for row in rows]
    for (part, rows), (_, later) in pairwise(zip(parts, numbered, strict=True)):
        kept += _across(part.end, rows, later, (reach, parts[-1].end))
    kept.sort(key=lambda row: (row["line"], row["first_frame"]))
    return build_table(kept, TEXTS)


def _across(border: int, before: list[Row], after: list[Row], limits: tuple[int, int]) -> Iterator[Row]:
    """Yield what is taken to be beyond a border. limits: frames to go there, and of the clip."""
    reach, end = limits
    ends = [row for row in before if row["last_frame"] == border - 1]
    begins = [row for row in after if row["first_frame"] == border]
    for row in ends:
        if not _goes_on(row, begins):
            yield row | {"first_frame": border, "last_frame": min(border + reach, end) - 1}
    for row in begins:
        if row["kind"] == "identifying" and not _goes_on(row, ends):
            yield row | {"first_frame": max(border - reach, 0), "last_frame": border - 1}


def _goes_on(row: Row, others: list[Row]) -> bool:
    box = np.array(row["box_xyxy"], np.float32)
    return any(is_same_place(np.array(other["box_xyxy"], np.float32), box) for other in others)

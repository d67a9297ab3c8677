"""Corrections that a reviewer draws on the page, written as every other correction is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from flows.review.contents import Clip, Contents
from flows.review.doubts import film_of
from flows.review.guard import Guard
from schemas.corrections import CORRECTIONS, METHODS
from schemas.coverage import COVERAGE
from tasks.deidentify.corrections import Film, read_corrections, read_rows
from tasks.deidentify.face_regions import HEADS
from tasks.files.clips import coverage_path
from tasks.files.documents import read_table
from tasks.files.errors import GuiseError, InputError

COLUMNS = tuple(CORRECTIONS.columns)
# how rows are written down; raises GuiseError where one does not hold, or a run works
Mend = Callable[[Path, str, Sequence[Mapping[str, str]], Film], None]


class Row(BaseModel):
    """What a page says of a clip. cells: a row to add, by column. out: the row to take out, as shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clip_id: str
    cells: dict[str, str] = Field({}, max_length=len(COLUMNS))
    out: str | None = None


@dataclass(frozen=True)
class Track:
    """A track that is covered, its body's head too: its number, and from which frame to which."""

    number: int
    first: int
    last: int


@dataclass
class Mending:
    """The corrections of one review's clips."""

    root: Path
    mend: Mend
    guard: Guard
    contents: Contents = field(init=False)
    methods = METHODS

    def rows(self, clip: Clip) -> list[str]:
        """Return a clip's rows as written, without empty cells at their ends; none of a broken file."""
        return [] if self.trouble(clip) else [_line(row) for row in read_rows(self.root, clip.clip_id)]

    def trouble(self, clip: Clip) -> str:
        """Return what does not hold in a clip's file; empty where all does."""
        try:
            read_corrections(self.root, clip.clip_id, self._film(clip))
        except GuiseError as error:
            return str(error)
        return ""

    def _film(self, clip: Clip) -> Film:
        return replace(film_of(self.root, clip.clip_id), frame_count=len(clip.time_s))

    def tracks(self, clip: Clip) -> list[Track]:
        """Return who is covered in a clip, by the number that a row may name."""
        covered = read_table(self.root / coverage_path("released", clip.clip_id), COVERAGE)
        frames = (
            covered.filter(pl.col("track") >= 0)
            .group_by(pl.col("track") % HEADS)
            .agg(first=pl.col("frame").min(), last=pl.col("frame").max())
        )
        return [Track(*row) for row in frames.sort("track").iter_rows()]

    def covers(self, clip: Clip, first: int, frames: int) -> dict[int, list[list[float]]]:
        """Return frame -> the number of each track that is covered there, and its box in shown pixels."""
        stretch_xy = np.tile(self._film(clip).stretch_xy, 2)
        rows = pl.scan_parquet(self.root / coverage_path("released", clip.clip_id)).filter(
            pl.col("track") >= 0, pl.col("frame").is_between(first, first + frames - 1)
        )
        covered: dict[int, list[list[float]]] = {}
        for frame, track, box_xyxy in rows.select("frame", "track", "region_xyxy").collect().iter_rows():
            shown = (np.array(box_xyxy) * stretch_xy).round(1).tolist()
            covered.setdefault(frame, []).append([track % HEADS, *shown])
        return covered

    async def write(self, request: Request) -> Response:
        """Add a row to a clip's corrections, or take one out."""
        said = await self.guard.read(request, Row)
        clip = self.contents.clips.get(said.clip_id)
        if clip is None or not {*said.cells} <= {*COLUMNS}:
            raise HTTPException(404)
        return await run_in_threadpool(self._write, said, clip)

    def _write(self, said: Row, clip: Clip) -> Response:
        # what a person wrote elsewhere is never written over where it cannot be read
        if trouble := self.trouble(clip):
            return JSONResponse({"trouble": trouble, "rows": []})
        try:
            rows = read_rows(self.root, clip.clip_id)
            if said.out is None:
                rows.append(said.cells)
            else:
                rows.pop(_place_of(rows, said.out))
            self.mend(self.root, clip.clip_id, rows, self._film(clip))
        except GuiseError as error:
            trouble = str(error)
        return JSONResponse({"trouble": trouble, "rows": self.rows(clip)})


def _place_of(rows: list[dict[str, str]], line: str) -> int:
    """Return which row is shown so. Raises InputError where there is none any more."""
    lines = [*map(_line, rows)]
    if line not in lines:
        raise InputError("this row is not there any more: somebody has changed the corrections meanwhile")
    return lines.index(line)


def _line(row: Mapping[str, str]) -> str:
    return ",".join(row.get(name, "").replace(",", ".") for name in COLUMNS).rstrip(",")

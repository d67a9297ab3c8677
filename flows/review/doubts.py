"""What may be a face: for a person to see, and to answer with one line of corrections."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from schemas.coverage import COVERAGE
from tasks.deidentify.corrections import Film
from tasks.files.clips import coverage_path, video_path
from tasks.files.documents import read_table
from tasks.files.seen import faces_of
from tasks.video import read_info


@dataclass(frozen=True)
class Doubt:
    """What may be a face: where it is most like one, why it is doubted, and the line that says it is none.

    belief: possible (covered where it was seen) or rejected (not covered, in a scene without any face).
    """

    frame: int
    belief: str
    reason: str
    line: str


def read_doubts(root: Path, clip_id: str) -> Iterator[Doubt]:
    """Yield what may be a face; of what is rejected, the likeliest of each scene in which nobody is known."""
    faces = faces_of(root, "original", clip_id)
    coverage = read_table(root / coverage_path("released", clip_id), COVERAGE)
    if faces.filter(pl.col("belief") != "confirmed").is_empty():
        return
    film = film_of(root, clip_id)
    for row in faces.filter(belief="possible").sort("first_frame").iter_rows(named=True):
        covers = coverage.filter(pl.col("track") == row["person"], pl.col("flagged"))
        if len(covers):  # it may be a piece of somebody who is known
            boxes = covers["region_xyxy"].to_numpy()
            around = [*np.floor(boxes[:, :2].min(axis=0)), *np.ceil(boxes[:, 2:].max(axis=0))]
            line = correction(film, covers["frame"].min(), covers["frame"].max(), around, "remove,")
            yield Doubt(row["likeliest_frame"], "possible", row["reason"], line)
    known = set(faces.filter(pl.col("belief") != "rejected")["scene"])
    most = faces.sort(pl.col("looks").list.max(), descending=True, nulls_last=True, maintain_order=True)
    for row in most.unique("scene", keep="first", maintain_order=True).sort("scene").iter_rows(named=True):
        if row["scene"] not in known:
            around = row["around_xyxy"]
            line = correction(film, row["first_frame"], row["last_frame"], around, "add,pixelate")
            yield Doubt(row["likeliest_frame"], "rejected", row["reason"], line)


def film_of(root: Path, clip_id: str) -> Film:
    """Return how a clip's boxes are shown."""
    info = read_info(root / video_path("original", clip_id))
    return Film(0, info.shown_size_wh, float(info.shown_pixel_aspect))


def correction(film: Film, first: Any, last: Any, box_xyxy: list[float], action: str) -> str:
    """Write a line of corrections: its box is in pixels as they are shown."""
    shown = np.maximum(0, np.array(box_xyxy) * np.tile(film.stretch_xy, 2)).round().astype(int).tolist()
    return ",".join(map(str, (first, last, *shown))) + f",{action},"

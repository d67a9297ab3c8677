"""What a person corrects of a clip's coverage, read and checked row by row."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import polars as pl

from schemas.corrections import CORRECTIONS, UNCOVERS
from schemas.params.deidentify import Method
from tasks.deidentify.correcting import Action, Correction
from tasks.files.clips import CORRECTIONS as FOLDER
from tasks.files.clips import corrections_path
from tasks.files.errors import DocumentError
from tasks.files.tables import check_table
from tasks.vision.regions import Box

GUIDE = "README.md"


@dataclass(frozen=True)
class Film:
    """What corrections may speak of; pixel_aspect: the shown width of a stored pixel over its height."""

    frame_count: int
    size_wh: tuple[int, int]
    pixel_aspect: float = 1.0

    @property
    def stretch_xy(self) -> tuple[float, float]:
        """How a player stretches the picture: the way in which its pixels are shorter."""
        return max(1.0, self.pixel_aspect), max(1.0, 1 / self.pixel_aspect)


def check_corrections(root: Path, clip_ids: list[str]) -> None:
    """Raise DocumentError where something lies among the corrections that belongs to no admitted clip.

    Names may be a patient's, so that only those of admitted clips are told.
    """
    allowed = {GUIDE, *(corrections_path(clip_id).name for clip_id in clip_ids)}
    strange = [path for path in sorted((root / FOLDER).glob("*")) if path.name not in allowed]
    if not strange:
        return
    known = [path.name for path in strange if path.name.split(".")[0] in clip_ids]
    raise DocumentError(
        f"{FOLDER} holds {len(strange)} file(s) that belong to no admitted clip"
        f"{f' ({known[0]} is one)' if known else ''}: name them <clip_id>.csv or move them out"
    )


def read_corrections(root: Path, clip_id: str, film: Film) -> list[Correction]:
    """Return what a person corrected in a clip, boxes in stored pixels.

    Raises DocumentError naming row and column.
    """
    path = root / corrections_path(clip_id)
    if not path.is_file():
        return []
    dtypes = {name: column.dtype.type for name, column in CORRECTIONS.columns.items()}
    former = {name: kind for name, kind in dtypes.items() if name != UNCOVERS}
    try:
        has_all = UNCOVERS in pl.read_csv(path, n_rows=0, infer_schema=False).columns
        table = pl.read_csv(path, schema=dtypes if has_all else former)
    except pl.exceptions.PolarsError as error:
        raise DocumentError(
            f"{path.name} cannot be read: it needs the columns {', '.join(dtypes)}, in this order"
        ) from error
    table = table if has_all else table.with_columns(pl.lit(None, pl.String).alias(UNCOVERS))
    rows = check_table(table, CORRECTIONS, path.name).iter_rows(named=True)
    return [_correction(f"{path.name} row {number}", row, film) for number, row in enumerate(rows, 1)]


def _correction(where: str, row: Mapping[str, object], film: Film) -> Correction:
    first, last = int(str(row["first_frame"])), int(str(row["last_frame"]))
    if last < first or last >= film.frame_count:
        raise DocumentError(f"{where}: frames go from 0 to {film.frame_count - 1}, first before last")
    if row["action"] == "method" and row["method"] is None:
        raise DocumentError(f"{where}: the action method needs a method")
    action, method = cast(Action, row["action"]), cast(Method, row["method"])
    return Correction(
        range(first, last + 1), _box(where, row, film), action, method, uncovers=row[UNCOVERS] == "yes"
    )


def _box(where: str, row: Mapping[str, object], film: Film) -> Box:
    shown = np.array([row["x0"], row["y0"], row["x1"], row["y1"]], np.float32)
    if (shown[2:] <= shown[:2]).any():
        raise DocumentError(f"{where}: x1 must lie right of x0, and y1 below y0")
    box = shown / np.tile(np.array(film.stretch_xy, np.float32), 2)
    if (np.minimum(box[2:], film.size_wh) - np.maximum(box[:2], 0) < 1).any():
        width, height = np.array(film.size_wh) * film.stretch_xy
        raise DocumentError(
            f"{where}: the box lies outside of the picture, which is {width:.0f} x {height:.0f} pixels large"
        )
    return np.asarray(box, np.float32)

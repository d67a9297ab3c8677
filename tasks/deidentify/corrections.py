"""What a person corrects of a clip's coverage, read and checked row by row."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl

from schemas.corrections import BOX, CORRECTIONS, OPTIONAL, TO_BOX, UNCOVERS
from schemas.params.deidentify import Method
from tasks.deidentify.correcting import Action, Correction
from tasks.files.clips import CORRECTIONS as FOLDER
from tasks.files.clips import corrections_path
from tasks.files.errors import DocumentError
from tasks.files.spreadsheet import read_sheet
from tasks.files.tables import check_table
from tasks.files.whole import write_bytes
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
    return parse_corrections(path.read_bytes(), path.name, film) if path.is_file() else []


def parse_corrections(content: bytes, name: str, film: Film) -> list[Correction]:
    """Return what a file of corrections says. Raises DocumentError naming row and column."""
    table, numbers = _read(content, name)
    rows = check_table(table, CORRECTIONS, name, numbers).iter_rows(named=True)
    return [
        replace(_correction(f"{name} row {number}", row, film), row=number)
        for number, row in zip(numbers, rows, strict=True)
    ]


def read_rows(root: Path, clip_id: str) -> list[dict[str, str]]:
    """Return the rows of a clip's corrections as they are written, by column. Raises DocumentError."""
    path = root / corrections_path(clip_id)
    if not path.is_file():
        return []
    sheet = read_sheet(path.read_bytes(), path.name)
    return [dict(zip(sheet.columns, map(str.strip, row), strict=True)) for row in sheet.rows.values()]


def write_rows(root: Path, clip_id: str, rows: Sequence[Mapping[str, str]], film: Film) -> None:
    """Write a clip's corrections. Raises DocumentError naming row and column; the file stays as it was."""
    path, text = root / corrections_path(clip_id), io.StringIO(newline="")
    columns = [*CORRECTIONS.columns]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([columns, *([row.get(name, "") for name in columns] for row in rows)])
    content = text.getvalue().encode()
    parse_corrections(content, path.name, film)
    if rows:
        write_bytes(content, path)
    else:
        path.unlink(missing_ok=True)


def _read(content: bytes, file: str) -> tuple[pl.DataFrame, list[int]]:
    """Read the columns, in any order and as people save them, and what a spreadsheet calls each row.

    Those that may be left out are null where they are.
    """
    sheet = read_sheet(content, file)
    there = [name for name in sheet.columns if name]
    needed = [name for name in CORRECTIONS.columns if name not in OPTIONAL]
    if not {*needed} <= {*there} <= {*CORRECTIONS.columns} or len({*there}) < len(there):
        raise DocumentError(
            f"{file} cannot be read: it needs the columns {', '.join(needed)}; "
            f"{', '.join(OPTIONAL)} may follow"
        )
    beyond = [at for at, name in enumerate(sheet.columns) if not name]
    for number, row in sheet.rows.items():
        if any(row[at].strip() for at in beyond):
            raise DocumentError(f"{file} row {number}: it has more cells than the header")
    cells = list(sheet.rows.values())
    columns = {name: [row[at].strip() for row in cells] for at, name in enumerate(sheet.columns) if name}
    empty = [""] * len(cells)
    numbers = list(sheet.rows)
    typed = [
        _typed(pl.Series(name, columns.get(name, empty), pl.String), column.dtype.type, file, numbers)
        for name, column in CORRECTIONS.columns.items()
    ]
    return pl.DataFrame(typed), numbers


def _typed(cells: pl.Series, dtype: pl.DataType, name: str, rows: list[int]) -> pl.Series:
    """Return words in lower case, and numbers, whose decimals may follow a comma. Raises DocumentError."""
    known = cells.str.to_lowercase().replace("", None)
    if dtype == pl.String:
        return known
    numbers = known.str.replace(",", ".", literal=True)
    if dtype.is_integer():  # some write 3 as 3.0
        numbers = numbers.str.replace(r"\.0*$", "")
    made = numbers.cast(dtype, strict=False)
    wrong = (known.is_not_null() & ~made.is_finite().fill_null(value=False)).to_list()
    if any(wrong):
        raise DocumentError(f"{name} row {rows[wrong.index(True)]}: {cells.name} is no number")
    return made


def _correction(where: str, row: Mapping[str, Any], film: Film) -> Correction:
    action, method, track = cast(Action, row["action"]), cast(Method | None, row["method"]), row["track"]
    if action == "method" and method is None:
        raise DocumentError(f"{where}: the action method needs a method")
    box = _box(where, row, BOX, film)
    if (box is None) == (track is None) or (action == "add" and box is None):
        raise DocumentError(f"{where}: write a box, or, to change what covers it, the number of a track")
    if box is None and any(row[name] is not None for name in TO_BOX):
        raise DocumentError(f"{where}: a box that moves says where it is in the first frame, too")
    return Correction(
        _frames(where, row, film), box, action, method, uncovers=row[UNCOVERS] == "yes",
        to_xyxy=_box(where, row, TO_BOX, film), track=track,
    )  # fmt: skip


def _frames(where: str, row: Mapping[str, Any], film: Film) -> range:
    first, last = row["first_frame"], row["last_frame"]
    if first is None and last is None:
        return range(film.frame_count)
    if first is None or last is None or not first <= last < film.frame_count:
        raise DocumentError(f"{where}: frames go from 0 to {film.frame_count - 1}, first before last")
    return range(first, last + 1)


def _box(where: str, row: Mapping[str, Any], names: tuple[str, ...], film: Film) -> Box | None:
    """Return a row's box in stored pixels; None where none of its four numbers is there."""
    numbers = [row[name] for name in names]
    if all(number is None for number in numbers):
        return None
    if any(number is None for number in numbers):
        raise DocumentError(f"{where}: a box has four numbers, {', '.join(names)}")
    shown = np.array(numbers, np.float32)
    if (shown[2:] <= shown[:2]).any():
        raise DocumentError(
            f"{where}: {names[2]} must lie right of {names[0]}, and {names[3]} below {names[1]}"
        )
    box = shown / np.tile(np.array(film.stretch_xy, np.float32), 2)
    if (np.minimum(box[2:], film.size_wh) - np.maximum(box[:2], 0) < 1).any():
        width, height = np.array(film.size_wh) * film.stretch_xy
        raise DocumentError(
            f"{where}: the box lies outside of the picture, which is {width:.0f} x {height:.0f} pixels large"
        )
    return np.asarray(box, np.float32)

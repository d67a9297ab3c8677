"""Keypoints of a clip between arrays and their table (pure)."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.keypoints import KEYPOINTS, PARTS

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Part:
    """One part of one person in one frame: K x 2 pixels, K visibilities in 0..1.

    xy is NaN where the part was detected but not located: then only its box is known, and of a face where the
    detector places right eye, left eye and tip of the nose: 3 x 2.
    """

    xy: Floats
    visibility: Floats
    score: float
    box_xyxy: Floats
    eyes_nose_xy: Floats | None = None


@dataclass(frozen=True)
class Sighting:
    """One person in one frame."""

    frame: int
    pts: int
    timestamp_s: float
    person: int
    parts: dict[str, Part]


def to_table(
    sightings: list[Sighting], face_backend: str = "mediapipe", body_backend: str = "blazepose"
) -> pl.DataFrame:
    """Build the keypoint table, ordered by frame and person; the backends are what found them."""
    rows = sorted(sightings, key=lambda row: (row.frame, row.person))
    faces = [row.parts.get("face") for row in rows]
    columns: dict[str, pl.Series] = {
        "frame": pl.Series([row.frame for row in rows], dtype=pl.Int32),
        "pts": pl.Series([row.pts for row in rows], dtype=pl.Int64),
        "timestamp_s": pl.Series([row.timestamp_s for row in rows], dtype=pl.Float64),
        "person": pl.Series([row.person for row in rows], dtype=pl.Int32),
        "face_backend": pl.Series([face_backend] * len(rows), dtype=pl.String),
        "body_backend": pl.Series([body_backend] * len(rows), dtype=pl.String),
        "eyes_nose_xy": _column(faces, "eyes_nose_xy", KEYPOINTS.columns["eyes_nose_xy"].dtype.type),
    }
    for part in PARTS:
        parts = [row.parts.get(part) for row in rows]
        for field in ("score", "box_xyxy", "xy", "visibility"):
            name = f"{part}_{field}"
            columns[name] = _column(parts, field, KEYPOINTS.columns[name].dtype.type)
    return pl.DataFrame(columns)


def _column(parts: list[Part | None], field: str, dtype: pl.DataType) -> pl.Series:
    values = np.full((len(parts), *getattr(dtype, "shape", ())), np.nan, np.float32)
    seen = np.array([part is not None for part in parts], bool)
    for index in np.flatnonzero(seen):
        value = getattr(parts[index], field)
        if value is not None:
            values[index] = np.ravel(value) if values.ndim > 1 else value
    seen &= ~np.isnan(values).any(axis=tuple(range(1, values.ndim)))
    filled = pl.Series("filled", values) if len(parts) else pl.Series("filled", [], dtype=dtype)
    return pl.select(pl.when(pl.Series("seen", seen)).then(filled)).to_series().cast(dtype)


def stack_xy(table: pl.DataFrame, part: str) -> Floats:
    """Return a part's keypoints as rows x K x 2, NaN where it was not located."""
    return _stack(table[f"{part}_xy"], 2 * PARTS[part]).reshape(len(table), PARTS[part], 2)


def stack_visibility(table: pl.DataFrame, part: str) -> Floats:
    """Return a part's visibilities as rows x K, NaN where it was not seen."""
    return _stack(table[f"{part}_visibility"], PARTS[part])


def stack_eyes_nose(table: pl.DataFrame) -> Floats:
    """Return where a detector placed eyes and nose as rows x 3 x 2, NaN where it need not."""
    return _stack(table["eyes_nose_xy"], 6).reshape(len(table), 3, 2)


def stack_boxes(table: pl.DataFrame, part: str) -> Floats:
    """Return a part's boxes as rows x (x0, y0, x1, y1), NaN where it was not seen."""
    return _stack(table[f"{part}_box_xyxy"], 4)


def _stack(series: pl.Series, width: int) -> Floats:
    values = np.full((len(series), width), np.nan, np.float32)
    seen = series.is_not_null().to_numpy()
    if seen.any():
        values[seen] = series.drop_nulls().to_numpy()
    return values

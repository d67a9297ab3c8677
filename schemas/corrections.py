"""Corrections by a person: one row per box and run of frames of a clip, in data/corrections/<clip_id>.csv."""

import pandera.polars as pa
import polars as pl

ACTIONS = ("add", "remove", "method")
UNCOVERS = "uncovers_a_face"  # a file may leave this column out
METHODS = ("blur", "pixelate", "mask")


def _column(dtype: type[pl.DataType] = pl.Float32) -> pa.Column:
    return pa.Column(dtype, pa.Check.ge(0))


CORRECTIONS = pa.DataFrameSchema(
    {
        "first_frame": _column(pl.Int32),
        "last_frame": _column(pl.Int32),
        "x0": _column(),
        "y0": _column(),
        "x1": _column(),
        "y1": _column(),
        "action": pa.Column(pl.String, pa.Check.isin(ACTIONS)),
        "method": pa.Column(pl.String, pa.Check.isin(METHODS), nullable=True),
        # "yes" where a `remove` is meant although a face, or the subject, is known in its box
        UNCOVERS: pa.Column(pl.String, pa.Check.isin(("yes",)), nullable=True),
    },
    strict=True,
    ordered=True,
)

"""Coverage tables: one row per frame and face track that the released clip covers."""

import pandera.polars as pa
import polars as pl

SOURCES = ("detected", "interpolated", "extended", "whole_frame")

COVERAGE = pa.DataFrameSchema(
    {
        "frame": pa.Column(pl.Int32, pa.Check.ge(0)),
        "track": pa.Column(pl.Int16, pa.Check.ge(-1)),
        "source": pa.Column(pl.String, pa.Check.isin(SOURCES)),
        "region_xyxy": pa.Column(pl.Array(pl.Float32, 4)),
        "method": pa.Column(pl.String, pa.Check.isin(("mesh_swap", "blur", "pixelate", "mask"))),
        "flagged": pa.Column(pl.Boolean),
    },
    strict=True,
    unique=["frame", "track"],
)

"""Frame tables: one row per frame that the extractor saw, also where nobody is in it."""

import pandera.polars as pa
import polars as pl

FRAMES = pa.DataFrameSchema(
    {
        "frame": pa.Column(pl.Int32, pa.Check.ge(0), unique=True),
        "pts": pa.Column(pl.Int64),
        "timestamp_s": pa.Column(pl.Float64),
        "scene": pa.Column(pl.Int32, pa.Check.ge(0)),
        # more faces or bodies were seen than are followed
        "crowded": pa.Column(pl.Boolean),
    },
    strict=True,
)

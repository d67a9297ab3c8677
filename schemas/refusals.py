"""Clips that a stage could not process: one row per clip, beside what the stage made of the others."""

import pandera.polars as pa
import polars as pl

from schemas.clips import CLIP_ID

REFUSALS = pa.DataFrameSchema(
    {
        "clip_id": pa.Column(pl.String, CLIP_ID, unique=True),
        "stage": pa.Column(pl.String),
        "reason": pa.Column(pl.String),
    },
    strict=True,
)

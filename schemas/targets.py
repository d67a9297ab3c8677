"""Who is given which face: one row per face track of a clip; face 0 is the clip's subject."""

import pandera.polars as pa
import polars as pl

from schemas.clips import CLIP_ID, SUBJECT

TARGETS = pa.DataFrameSchema(
    {
        "subject": pa.Column(pl.String, SUBJECT),
        "clip_id": pa.Column(pl.String, CLIP_ID),
        "track": pa.Column(pl.Int32, pa.Check.ge(0)),
        "face": pa.Column(pl.Int32, pa.Check.ge(0)),
        "target": pa.Column(pl.String),
        "target_sha256": pa.Column(pl.String, pa.Check.str_matches(r"^[0-9a-f]{64}$")),
    },
    strict=True,
    unique=["clip_id", "track"],
)

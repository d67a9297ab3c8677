"""Who is given which face: one row per face track of a clip; face 0 is the clip's subject."""

import pandera.polars as pa
import polars as pl

from schemas.clips import CLIP_ID, SUBJECT
from schemas.skeletons import FACE_POINTS

TARGETS = pa.DataFrameSchema(
    {
        "subject": pa.Column(pl.String, SUBJECT),
        "clip_id": pa.Column(pl.String, CLIP_ID),
        "track": pa.Column(pl.Int32, pa.Check.ge(0)),
        "face": pa.Column(pl.Int32, pa.Check.ge(0)),
        "target": pa.Column(pl.String),
        "target_sha256": pa.Column(pl.String, pa.Check.str_matches(r"^[0-9a-f]{64}$")),
        # of the way from the person's own shape to the target's
        "share": pa.Column(pl.Float64, pa.Check.in_range(0, 2)),
    },
    strict=True,
    unique=["clip_id", "track"],
)

# the static face shapes of those in a subject's clips who are given another one: never published
SHAPES = pa.DataFrameSchema(
    {
        "face": pa.Column(pl.Int32, pa.Check.ge(0), unique=True),
        # 468 x 3: across, down, away, in distances of the outer eye corners, free of pose
        "shape_xyz": pa.Column(pl.Array(pl.Float32, 3 * FACE_POINTS)),
    },
    strict=True,
)

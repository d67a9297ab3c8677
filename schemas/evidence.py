"""Evidence tables: what the keypoints and the recognisers say of each arm."""

import pandera.polars as pa
import polars as pl

from schemas.clips import CLIP_ID
from schemas.keypoints import ARMS

ARM = pa.Check.isin(ARMS)
PARTS = ("face", "head", "body", "left_hand", "right_hand")
SHARE = pa.Check.in_range(0, 1)

INVARIANCE = pa.DataFrameSchema(
    {
        "clip_id": pa.Column(pl.String, CLIP_ID),
        "arm": pa.Column(pl.String, ARM),
        "part": pa.Column(pl.String, pa.Check.isin(PARTS)),
        "metric": pa.Column(pl.String),
        "value": pa.Column(pl.Float64, pa.Check.ge(-1), nullable=True),  # only a correlation is below 0
        "n": pa.Column(pl.Int32, pa.Check.ge(0)),
        # the 95 % interval over frames, where the value is a mean over them
        "low": pa.Column(pl.Float64, pa.Check.ge(0), nullable=True),
        "high": pa.Column(pl.Float64, pa.Check.ge(0), nullable=True),
        "floor": pa.Column(pl.Float64, pa.Check.ge(-1), nullable=True),
        "ratio_to_floor": pa.Column(pl.Float64, nullable=True),
    },
    strict=True,
    unique=["clip_id", "arm", "part", "metric"],
)

IDENTITY = pa.DataFrameSchema(
    {
        "clip_id": pa.Column(pl.String, CLIP_ID),
        "arm": pa.Column(pl.String, ARM),
        "recogniser": pa.Column(pl.String, pa.Check.isin(("dlib", "mobilefacenet"))),
        "distance_mean": pa.Column(pl.Float64, pa.Check.in_range(0, 2), nullable=True),
        "distance_min": pa.Column(pl.Float64, pa.Check.in_range(0, 2), nullable=True),
        "threshold": pa.Column(pl.Float64, pa.Check.gt(0), nullable=True),
        "rank1": pa.Column(pl.Float64, SHARE, nullable=True),
        "gallery_subjects": pa.Column(pl.Int32, pa.Check.ge(0)),
        "frames": pa.Column(pl.Int32, pa.Check.ge(0)),
        "frames_no_face": pa.Column(pl.Int32, pa.Check.ge(0)),
    },
    strict=True,
    unique=["clip_id", "arm", "recogniser"],
)

FINDINGS = pa.DataFrameSchema(
    {
        "clip_id": pa.Column(pl.String, CLIP_ID),
        # surviving: original pixels are still in a face. flagged: a face was not located there
        "finding": pa.Column(pl.String, pa.Check.isin(("surviving", "flagged"))),
        "frames": pa.Column(pl.Int32, pa.Check.ge(0)),
        "ranges": pa.Column(pl.String),
        "worst": pa.Column(pl.Float64, SHARE, nullable=True),
    },
    strict=True,
    unique=["clip_id", "finding"],
)

VERDICTS = pa.DataFrameSchema(
    {
        "clip_id": pa.Column(pl.String, CLIP_ID),
        "verdict": pa.Column(pl.String, pa.Check.isin(("pass", "review", "fail"))),
        "rule": pa.Column(pl.String),
        "value": pa.Column(pl.Float64, nullable=True),
        "comparison": pa.Column(pl.String, pa.Check.isin(("<=", ">="))),
        "threshold": pa.Column(pl.Float64),
        "severity": pa.Column(pl.String, pa.Check.isin(("fail", "review"))),
        "passed": pa.Column(pl.Boolean),
    },
    strict=True,
    unique=["clip_id", "rule"],
)

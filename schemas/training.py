"""What a workspace's own network learnt from, and what came of it: never published."""

import pandera.polars as pa
import polars as pl
from pydantic import BaseModel, ConfigDict

from schemas.clips import CLIP_ID, SUBJECT
from schemas.registry import RegisteredModel

# which faces are drawn for it to learn from: 0 is the clips' subject
PAIRS = pa.DataFrameSchema(
    {
        "clip_id": pa.Column(pl.String, CLIP_ID),
        "subject": pa.Column(pl.String, SUBJECT),
        "face": pa.Column(pl.Int32, pa.Check.ge(0)),
        "pairs": pa.Column(pl.Int32, pa.Check.ge(1)),
    },
    strict=True,
    unique=["clip_id", "face"],
)

# after each part of a training, on pairs that were not learnt from: mean absolute error of what is drawn, of
# 255, and of how much of a picture is the face, of 1
CURVE = pa.DataFrameSchema(
    {
        "steps": pa.Column(pl.Int32, pa.Check.ge(1), unique=True),
        "loss": pa.Column(pl.Float64, pa.Check.ge(0)),
        "colour_error": pa.Column(pl.Float64, pa.Check.in_range(0, 255)),
        "mask_error": pa.Column(pl.Float64, pa.Check.in_range(0, 1)),
    },
    strict=True,
)


class Networks(BaseModel):
    """networks: `subject-face` -> the graph that draws their given face, all of one training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    networks: dict[str, RegisteredModel]

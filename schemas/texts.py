"""Text that is burned into the picture: where it is and what it looks like, never what it says."""

from typing import Literal, get_args

import pandera.polars as pa
import polars as pl

from schemas.clips import CLIP_ID

# the worst first. identifying: like a name, a date or a number of a record. word: one in capitals, may be a
# name or a sign. other: a few plain words
Kind = Literal["identifying", "word", "other"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# frames in which a line of text stays where it is
_RUN = {
    "first_frame": pa.Column(pl.Int32, pa.Check.ge(0)),
    "last_frame": pa.Column(pl.Int32, pa.Check.ge(0)),
    "kind": pa.Column(pl.String, pa.Check.isin(KINDS)),
    "box_xyxy": pa.Column(pl.Array(pl.Float32, 4)),
}
_LINE = {"line": pa.Column(pl.Int32, pa.Check.ge(0))}

TEXTS = pa.DataFrameSchema(_LINE | _RUN, strict=True)

# what became of it in a video that was covered
COVERED_TEXTS = pa.DataFrameSchema(_LINE | _RUN | {"covered": pa.Column(pl.Boolean)}, strict=True)

# the same of all clips, and what was read in a release beside what is known to stay there
CLIP_TEXTS = pa.DataFrameSchema(
    {
        "clip_id": pa.Column(pl.String, CLIP_ID),
        # the video in which it was read
        "arm": pa.Column(pl.String, pa.Check.isin(("original", "released"))),
        **_RUN,
        "covered": pa.Column(pl.Boolean),
    },
    strict=True,
)

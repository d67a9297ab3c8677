"""What a person corrects of a clip: a row per box or track and run of frames, in data/corrections."""

import pandera.polars as pa
import polars as pl

ACTIONS = ("add", "remove", "method")
UNCOVERS = "uncovers_a_face"
BOX, TO_BOX = ("x0", "y0", "x1", "y1"), ("to_x0", "to_y0", "to_x1", "to_y1")
# which a file may leave out
OPTIONAL = (UNCOVERS, *TO_BOX, "track")
METHODS = ("blur", "pixelate", "mask")


def _column(dtype: type[pl.DataType] = pl.Float32) -> pa.Column:
    return pa.Column(dtype, pa.Check.ge(0, error="write no number below 0"), nullable=True)


def _words(*words: str, nullable: bool = True) -> pa.Column:
    allowed = " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
    check = pa.Check.isin(words, error=f"write {allowed}{', or nothing' * nullable}")
    return pa.Column(pl.String, check, nullable=nullable)


CORRECTIONS = pa.DataFrameSchema(
    {
        # none of both: the whole clip
        "first_frame": _column(pl.Int32),
        "last_frame": _column(pl.Int32),
        # where the box is in the first frame; none where a track is named
        "x0": _column(),
        "y0": _column(),
        "x1": _column(),
        "y1": _column(),
        "action": _words(*ACTIONS, nullable=False),
        "method": _words(*METHODS),
        # "yes" where a `remove` is meant although a face, or the subject, is known in its box
        UNCOVERS: _words("yes"),
        # where it is in the last frame, straight between; none: it stays where it is
        **{name: _column() for name in TO_BOX},
        # a track of the coverage table, in place of a box
        "track": _column(pl.Int32),
    },
    strict=True,
    ordered=True,
)

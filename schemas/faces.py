"""What speaks for and against every face of a clip, and where faces were followed between their sightings."""

import pandera.polars as pa
import polars as pl

# possible: covered where it was seen or followed, and a person is asked. rejected: not covered
BELIEFS = ("confirmed", "possible", "rejected")
# side of what a face and what is around it look like from afar
AFAR_PX = 4

FACES = pa.DataFrameSchema(
    {
        # as in the keypoint table, which does not tell of rejected faces
        "person": pa.Column(pl.Int32, pa.Check.ge(0), unique=True),
        "scene": pa.Column(pl.Int32, pa.Check.ge(0)),
        "first_frame": pa.Column(pl.Int32, pa.Check.ge(0)),
        "last_frame": pa.Column(pl.Int32, pa.Check.ge(0)),
        "sightings": pa.Column(pl.Int32, pa.Check.ge(1)),
        "meshes": pa.Column(pl.Int32, pa.Check.ge(0)),
        # scores in 0..1 of looks from close by
        "looks": pa.Column(pl.List(pl.Float32)),
        # where the look was that speaks most for a face
        "likeliest_frame": pa.Column(pl.Int32, pa.Check.ge(0)),
        # around all sightings
        "around_xyxy": pa.Column(pl.Array(pl.Float32, 4)),
        # what it looked like from afar when it was seen first and last: rows of red, green, blue
        "first_rgb": pa.Column(pl.Array(pl.UInt8, 3 * AFAR_PX**2)),
        "last_rgb": pa.Column(pl.Array(pl.UInt8, 3 * AFAR_PX**2)),
        "belief": pa.Column(pl.String, pa.Check.isin(BELIEFS)),
        "reason": pa.Column(pl.String),
    },
    strict=True,
)

FOLLOWED = pa.DataFrameSchema(
    {
        "frame": pa.Column(pl.Int32, pa.Check.ge(0)),
        "person": pa.Column(pl.Int32, pa.Check.ge(0)),
        # correlation with the picture of the nearest sighting
        "agreement": pa.Column(pl.Float32, pa.Check.in_range(0, 1)),
        "box_xyxy": pa.Column(pl.Array(pl.Float32, 4)),
    },
    strict=True,
    unique=["frame", "person"],
)

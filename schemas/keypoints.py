"""Keypoint tables: one row per frame and person, every part side by side.

xy is flat: x0, y0, x1, y1, ... in pixels of the shown picture, origin at its top left corner.
"""

import pandera.polars as pa
import polars as pl

from schemas.skeletons import BODY_POINTS, FACE_POINTS, HAND_POINTS

PARTS = {"face": FACE_POINTS, "body": BODY_POINTS, "left_hand": HAND_POINTS, "right_hand": HAND_POINTS}
ARMS = ("original", "control", "released", "blur", "pixelate", "mask")


def _part_columns(part: str, count: int) -> dict[str, pa.Column]:
    unit = pa.Check.in_range(0, 1)
    return {
        f"{part}_score": pa.Column(pl.Float32, unit, nullable=True),
        f"{part}_box_xyxy": pa.Column(pl.Array(pl.Float32, 4), nullable=True),
        f"{part}_xy": pa.Column(pl.Array(pl.Float32, 2 * count), nullable=True),
        f"{part}_visibility": pa.Column(pl.Array(pl.Float32, count), nullable=True),
    }


KEYPOINTS = pa.DataFrameSchema(
    {
        "frame": pa.Column(pl.Int32, pa.Check.ge(0)),
        "pts": pa.Column(pl.Int64),
        "timestamp_s": pa.Column(pl.Float64),
        "person": pa.Column(pl.Int32, pa.Check.ge(0)),
        # who found faces and bodies; what a backend does not know is placed by what it does, visibility 0
        "face_backend": pa.Column(pl.String),
        "body_backend": pa.Column(pl.String),
        # right eye, left eye and tip of the nose, as a detector places them in a face without a mesh
        "eyes_nose_xy": pa.Column(pl.Array(pl.Float32, 6), nullable=True),
    }
    | {name: column for part, count in PARTS.items() for name, column in _part_columns(part, count).items()},
    strict=True,
    unique=["frame", "person"],
)

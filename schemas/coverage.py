"""Coverage tables: one row per frame and face track that the released clip covers."""

import pandera.polars as pa
import polars as pl

SOURCES = (
    "detected", "followed", "interpolated", "extended", "head_region", "whole_frame", "nobody", "corrected"
)  # fmt: skip

# point_swap: laid on the eyes and the nose of a small face without keypoints. own_swap: drawn by a network
# that the workspace trained, where the mesh could not be trusted. none: a person said that there
# is no face, or nobody was found
METHODS = ("mesh_swap", "point_swap", "own_swap", "inswapper", "blur", "pixelate", "mask", "none")

# share of a face from which on the inside of its mouth is told of: less is the edge of a lip
OPEN_MOUTH = 0.002

COVERAGE = pa.DataFrameSchema(
    {
        "frame": pa.Column(pl.Int32, pa.Check.ge(0)),
        # -1 is nobody: the whole frame; what a person added counts downwards from -2
        "track": pa.Column(pl.Int32),
        "source": pa.Column(pl.String, pa.Check.isin(SOURCES)),
        "region_xyxy": pa.Column(pl.Array(pl.Float32, 4)),
        "method": pa.Column(pl.String, pa.Check.isin(METHODS)),
        # the share of a swapped face in front of which something stayed, with its original pixels
        "in_front": pa.Column(pl.Float32, pa.Check.in_range(0, 1)),
        # the share that glasses or a tube take that were there from the first, beside that: they explain
        # nothing else that is left
        "worn": pa.Column(pl.Float32, pa.Check.in_range(0, 1)),
        # whether something is worn or lies there that should have stayed in front, as glasses, and could not
        "painted_over": pa.Column(pl.Boolean),
        # the share of a swapped face that is the inside of an open mouth, with its original pixels
        "in_mouth": pa.Column(pl.Float32, pa.Check.in_range(0, 1)),
        "flagged": pa.Column(pl.Boolean),
    },
    strict=True,
    unique=["frame", "track"],
)

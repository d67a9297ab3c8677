"""The static shapes of a subject and of others in their clips, in a file of the private zone."""

from pathlib import Path

import numpy as np

from schemas.skeletons import FACE_POINTS
from schemas.targets import SHAPES
from tasks.files.clips import shapes_path
from tasks.files.documents import read_table, write_table
from tasks.files.tables import build_table
from tasks.swap.shape import Shape


def read_shapes(root: Path, subject: str) -> dict[int, Shape]:
    """Return face -> shape of everyone in a subject's clips; face 0 is the subject."""
    table = read_table(root / shapes_path(subject), SHAPES)
    shapes = np.asarray(table["shape_xyz"].to_numpy(), np.float32).reshape(-1, FACE_POINTS, 3)
    return dict(zip(table["face"], shapes, strict=True))


def write_shapes(root: Path, subject: str, shapes: list[Shape]) -> None:
    """Write the shapes of the faces 0, 1, ... of a subject's clips."""
    rows = [{"face": face, "shape_xyz": shape.ravel().tolist()} for face, shape in enumerate(shapes)]
    write_table(build_table(rows, SHAPES), SHAPES, root / shapes_path(subject))

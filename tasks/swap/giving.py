"""What becomes of the shape of everybody who is given another face."""

from collections.abc import Mapping
from pathlib import Path

from tasks.files.errors import DocumentError
from tasks.swap.cast import Cast
from tasks.swap.shape import Reshaping, reshape
from tasks.swap.shapes import read_shapes
from tasks.swap.target import Target


def read_reshapings(
    root: Path, subject: str, cast: Cast, pool: Mapping[str, Target], *, keep_asymmetry: bool
) -> dict[int, Reshaping]:
    """Return track -> what becomes of its person's shape. Raises DocumentError where a shape is missing.

    A face that was too small or too short to be cast keeps its shape.
    """
    shapes = read_shapes(root, subject)
    if not set(cast.faces.values()) <= set(shapes):
        raise DocumentError("the face shapes of a subject are missing: run `guise run targets` again")
    return {
        track: reshape(shapes[face], pool[target].shape, cast.shares[track], keep_asymmetry=keep_asymmetry)
        for track, face in cast.faces.items()
        for target in [cast.targets[track]]
        if target in pool
    }

"""What is listed of an arm beside its keypoints: frames, faces, and where faces were followed."""

from pathlib import Path

import polars as pl

from schemas.faces import FACES, FOLLOWED
from schemas.frames import FRAMES
from tasks.files.clips import keypoints_path
from tasks.files.nested import read_nested, write_nested

SEEN = {"frames": FRAMES, "faces": FACES, "followed": FOLLOWED}


def seen_path(arm: str, clip_id: str) -> Path:
    """Return where all of it lies, in one file: DVC looks at each of a cohort's, again and again."""
    return keypoints_path(arm, clip_id).parent / "seen" / f"{clip_id}.parquet"


def write_seen(path: Path, frames: pl.DataFrame, faces: pl.DataFrame, followed: pl.DataFrame) -> None:
    """Validate and write the tables of an arm. Raises FaultError."""
    write_nested({"frames": frames, "faces": faces, "followed": followed}, SEEN, path)


def frames_of(root: Path, arm: str, clip_id: str) -> pl.DataFrame:
    """Read an arm's frames and scenes. Raises DocumentError."""
    return read_nested(root / seen_path(arm, clip_id), "frames", FRAMES)


def faces_of(root: Path, arm: str, clip_id: str) -> pl.DataFrame:
    """Read what is believed of each face of an arm, and why. Raises DocumentError."""
    return read_nested(root / seen_path(arm, clip_id), "faces", FACES)


def followed_of(root: Path, arm: str, clip_id: str) -> pl.DataFrame:
    """Read which faces of an arm were followed between their sightings. Raises DocumentError."""
    return read_nested(root / seen_path(arm, clip_id), "followed", FOLLOWED)

"""What `extract` saw of a clip's original."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from schemas.frames import FRAMES
from schemas.keypoints import KEYPOINTS
from schemas.params.deidentify import Deidentify
from tasks.files.clips import frames_path, keypoints_path
from tasks.files.documents import read_pieces, read_table
from tasks.files.hashing import sha256_document, sha256_file
from tasks.tracks.joining import Tracks, join_tracks
from tasks.tracks.sightings import Head, Observation, faces_in, heads_in


@dataclass(frozen=True)
class Seen:
    """The scene number of every frame, the faces as tracks, and the heads.

    crowded: frames that showed more people than were followed.
    """

    scenes: list[int]
    crowded: frozenset[int]
    tracks: Tracks
    heads: list[Head]


def read_seen(root: Path, clip_id: str, rule: Deidentify) -> Seen:
    """Read what was seen of a clip once, and join its faces to tracks."""
    frames = read_table(root / frames_path("original", clip_id), FRAMES)
    scenes = frames["scene"].to_list()
    faces: list[Observation] = []
    heads: list[Head] = []
    for piece in read_pieces(root / keypoints_path("original", clip_id), KEYPOINTS):
        faces += faces_in(piece, rule.trust)
        heads += heads_in(piece)
    crowded = frozenset(frames.filter(pl.col("crowded"))["frame"].to_list())
    return Seen(scenes, crowded, join_tracks(faces, scenes, rule.reach), heads)


def seen_digest(root: Path, clip_id: str) -> str:
    """Return the digest of all that was seen of a clip."""
    paths = keypoints_path("original", clip_id), frames_path("original", clip_id)
    return sha256_document([sha256_file(root / path) for path in paths])

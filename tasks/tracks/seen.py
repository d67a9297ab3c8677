"""What `extract` saw of a clip's original."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from schemas.faces import BELIEFS
from schemas.keypoints import KEYPOINTS
from schemas.params.deidentify import Deidentify
from tasks.files.clips import keypoints_path
from tasks.files.documents import read_pieces
from tasks.files.hashing import sha256_document, sha256_file
from tasks.files.seen import faces_of, followed_of, frames_of, seen_path
from tasks.tracks.beliefs import Beliefs, Opinion, believe
from tasks.tracks.joining import Looks, Tracks, join_tracks
from tasks.tracks.sightings import Head, Observation, faces_in, followed_in, heads_in


@dataclass(frozen=True)
class Seen:
    """The scene number of every frame, the faces as tracks, and the heads.

    crowded: frames that showed more people than were followed. beliefs: of each track, and why.
    """

    scenes: list[int]
    crowded: frozenset[int]
    tracks: Tracks
    heads: list[Head]
    beliefs: Beliefs


def read_seen(root: Path, clip_id: str, rule: Deidentify) -> Seen:
    """Read what was seen of a clip once, and join its faces to tracks. Rejected faces are not among them."""
    frames = frames_of(root, "original", clip_id)
    scenes = frames["scene"].to_list()
    faces: list[Observation] = []
    heads: list[Head] = []
    for piece in read_pieces(root / keypoints_path("original", clip_id), KEYPOINTS):
        faces += faces_in(piece, rule.trust)
        heads += heads_in(piece)
    crowded = frozenset(frames.filter(pl.col("crowded"))["frame"].to_list())
    weighed = faces_of(root, "original", clip_id)
    followed = followed_in(followed_of(root, "original", clip_id))
    tracks = join_tracks(faces, scenes, rule.reach, followed, _looks(weighed))
    return Seen(scenes, crowded, tracks, heads, _beliefs(tracks, weighed))


def _looks(weighed: pl.DataFrame) -> Looks:
    first, last = (weighed[name].to_numpy() for name in ("first_rgb", "last_rgb"))
    return {person: (first[row], last[row]) for row, person in enumerate(weighed["person"])}


def _beliefs(tracks: Tracks, weighed: pl.DataFrame) -> Beliefs:
    """Return what to believe of each track: the best of what its pieces say, and of their looks together."""
    known = {row["person"]: row for row in weighed.iter_rows(named=True)}
    found = {}
    for key, seen in tracks.items():
        pieces = [known[person] for person in dict.fromkeys(one.person for one in seen) if person in known]
        together = believe([look for piece in pieces for look in piece["looks"]])
        told = [Opinion(piece["belief"], piece["reason"]) for piece in pieces]
        found[key] = min([together, *told], key=lambda one: BELIEFS.index(one.belief))
    return found


def seen_digest(root: Path, clip_id: str) -> str:
    """Return the digest of all that was seen of a clip."""
    paths = [path("original", clip_id) for path in (keypoints_path, seen_path)]
    return sha256_document([sha256_file(root / path) for path in paths])

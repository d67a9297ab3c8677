"""The meshes and hands of a clip, a few hundred frames at a time."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from schemas.params.deidentify import Deidentify
from schemas.skeletons import FACE_POINTS
from tasks.files.clips import keypoints_path
from tasks.tracks.sightings import Observation
from tasks.tracks.steadying import steady
from tasks.vision.keypoints import Floats, stack_xy
from tasks.vision.regions import Points

PIECE_FRAMES = 300


class Meshes:
    """The steadied meshes and the hands of a clip, for frames asked for in order."""

    def __init__(self, root: Path, clip_id: str, faces: list[Observation], rule: Deidentify) -> None:
        self._path = root / keypoints_path("original", clip_id)
        self._track_of = {(face.frame, face.person): face.track for face in faces if face.is_trusted}
        self._rule = rule
        self._pad = rule.max_gap + rule.steady
        self._rows = pl.scan_parquet(self._path).select("frame").collect()["frame"].to_numpy()
        self._start = -PIECE_FRAMES
        self._meshes: dict[int, Floats] = {}
        self._hands: dict[int, list[Points]] = {}

    def mesh(self, frame: int, track: int) -> Points | None:
        """Return a track's 468 x 2 keypoints in a frame; None where they are not known."""
        self._move_to(frame)
        known = self._meshes.get(track)
        mesh = None if known is None else known[frame - self._start + self._pad]
        return None if mesh is None or np.isnan(mesh).any() else mesh

    def mesh_before(self, frame: int, track: int) -> Points | None:
        """Return a track's keypoints in the frame before one that was just asked for."""
        known = self._meshes.get(track)
        mesh = None if known is None else known[frame - self._start + self._pad - 1]
        return None if mesh is None or np.isnan(mesh).any() else mesh

    def hands(self, frame: int) -> list[Points]:
        """Return the 21 x 2 keypoints of every hand in a frame."""
        self._move_to(frame)
        return self._hands.get(frame, [])

    def _move_to(self, frame: int) -> None:
        start = frame // PIECE_FRAMES * PIECE_FRAMES
        if start != self._start:
            self._start = start
            self._load(start - self._pad, start + PIECE_FRAMES + self._pad)

    def _load(self, first: int, last: int) -> None:
        low, high = np.searchsorted(self._rows, [first, last])
        table = pl.scan_parquet(self._path).slice(int(low), int(high - low)).collect()
        tracks: dict[int, Floats] = {}
        places = table.select("frame", "person").iter_rows()
        for (frame, person), mesh in zip(places, stack_xy(table, "face"), strict=True):
            track = self._track_of.get((frame, person))
            if track is not None:
                empty = np.full((last - first, FACE_POINTS, 2), np.nan, np.float32)
                tracks.setdefault(track, empty)[frame - first] = mesh
        window, gap = self._rule.steady, self._rule.max_gap
        self._meshes = {track: steady(xy, gap, window) for track, xy in tracks.items()}
        self._hands = {}
        for frame, hand in _hands_of(table):
            self._hands.setdefault(frame, []).append(hand)


def _hands_of(table: pl.DataFrame) -> Iterator[tuple[int, Points]]:
    for part in ("left_hand", "right_hand"):
        for frame, hand in zip(table["frame"], stack_xy(table, part), strict=True):
            if not np.isnan(hand).any():
                yield frame, hand

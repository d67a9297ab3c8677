"""A clip's arms beside its original, out of the keypoints of each."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import polars as pl

from schemas.jobs import Row
from schemas.params.validate import Validate
from tasks.files.clips import keypoints_path, read_admitted, read_keypoints
from tasks.files.errors import DocumentError
from tasks.files.seen import frames_of
from tasks.validate.comparison import Comparison
from tasks.validate.keypoints.people import Tracks, align_people, to_tracks
from tasks.validate.keypoints.timeline import frame_errors
from tasks.validate.signals.clinical import Film

FOLLOWED = ("control", "released")  # frame by frame; of others there are excerpts


def excerpt_of(root: Path, arm: str, clip_id: str) -> range:
    """Return the frames of a clip that a compared method was tried on."""
    frames = frames_of(root, arm, clip_id)["frame"]
    return range(frames[0], frames[-1] + 1)


def require_one_extractor(root: Path, clip_id: str, arms: Sequence[str]) -> None:
    """Raise DocumentError where arms that are compared were read by different backends."""
    names = ["face_backend", "body_backend"]
    found = {
        arm: pl.scan_parquet(root / keypoints_path(arm, clip_id)).select(names).unique().collect().rows()
        for arm in arms
    }
    if len({row for rows in found.values() for row in rows}) > 1:
        told = "; ".join(
            f"{arm} by {' and '.join(row)}" for arm, rows in found.items() for row in sorted(rows)
        )
        raise DocumentError(
            f"{clip_id}: arms were read by different backends ({told}): run `guise run` again"
        )


def clip_keypoints(root: Path, clip_id: str, arms: Sequence[str], settings: Validate) -> dict[str, list[Row]]:
    """Return a clip's rows of invariance, keypoint errors, signals and timeline, `control` first.

    A compared method is measured where it was tried, against the control in the same frames.
    """
    require_one_extractor(root, clip_id, ["original", *arms])
    clip = read_admitted(root).row(by_predicate=pl.col("clip_id") == clip_id, named=True)
    time_s = frames_of(root, "original", clip_id)["timestamp_s"].to_numpy()
    rows: dict[str, list[Row]] = {"invariance": [], "keypoint_errors": [], "signals": [], "timeline": []}
    for measured, frames in _stretches(root, clip_id, arms, len(time_s)):
        read = partial(_read_tracks, root, clip_id, frames, len(time_s))
        film = Film(time_s[frames.start : frames.stop], (clip["width"], clip["height"]))
        original = read("original")
        comparison = Comparison(original, film, settings.pck_thresholds)
        # one arm at a time: ten minutes of keypoints are large
        for arm in dict.fromkeys(["control", *measured]):
            other = align_people(original, read(arm))
            tables = comparison.rows(other)
            if arm not in measured:
                continue  # it is the floor only
            if arm in FOLLOWED:
                tables["timeline"] = list(frame_errors(original, other, time_s))
            for name, found in tables.items():
                rows[name] += [{"clip_id": clip_id, "arm": arm} | row for row in found]
    return rows


def _stretches(
    root: Path, clip_id: str, arms: Sequence[str], count: int
) -> Iterator[tuple[tuple[str, ...], range]]:
    """Yield which arms are measured in which frames."""
    yield FOLLOWED, range(count)
    tried = tuple(arm for arm in arms if arm not in FOLLOWED)
    if tried:
        yield tried, excerpt_of(root, tried[0], clip_id)


def _read_tracks(root: Path, clip_id: str, frames: range, count: int, arm: str) -> Tracks:
    return to_tracks(read_keypoints(root, arm, clip_id), count).of(frames)

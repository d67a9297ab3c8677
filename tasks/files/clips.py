"""Which clips a workspace holds and where each arm's video and keypoints lie."""

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import polars as pl

from schemas.clips import CLIPS
from schemas.keypoints import KEYPOINTS
from schemas.refusals import REFUSALS
from schemas.targets import TARGETS
from tasks.files.documents import read_table
from tasks.files.errors import DocumentError

NeededFile = Callable[[str], Path]
CLIPS_PATH = Path("data/ingested/clips.parquet")
TARGETS_PATH = Path("data/targets/targets.parquet")
SHAPES = TARGETS_PATH.with_name("shapes")
CORRECTIONS = Path("data/corrections")
EVIDENCE = Path("data/evidence")
REFUSED = EVIDENCE / "refusals.parquet"  # of all stages
VIDEO_FOLDERS = {
    "original": Path("data/ingested/videos"),
    "control": Path("data/control"),
    "released": Path("data/deidentified/videos"),
}


def read_clips(root: Path) -> pl.DataFrame:
    path = root / CLIPS_PATH
    found = path.stat() if path.is_file() else None
    return _read_clips(path, found and (found.st_mtime_ns, found.st_size, found.st_ino))


@lru_cache(maxsize=4)
def _read_clips(path: Path, stamp: tuple[int, int, int] | None) -> pl.DataFrame:
    # every stage asks for it, some of them three times
    return read_table(path, CLIPS)


def read_admitted(root: Path) -> pl.DataFrame:
    """Return the admitted clips, ordered by clip_id. Raises DocumentError where there are none."""
    admitted = read_clips(root).filter(pl.col("status") == "admitted").sort("clip_id")
    if admitted.is_empty():
        raise DocumentError("no clip was admitted: `guise run ingest` says why each was refused")
    return admitted


def read_cast(root: Path, clip_id: str) -> pl.DataFrame:
    """Return who is given which face in a clip. Raises DocumentError where the table is not there."""
    path = root / TARGETS_PATH
    found = path.stat() if path.is_file() else None
    casts = _read_casts(path, found and (found.st_mtime_ns, found.st_size, found.st_ino))
    return casts.get((clip_id,), casts[()])


@lru_cache(maxsize=2)
def _read_casts(path: Path, stamp: tuple[int, int, int] | None) -> dict[tuple[str, ...], pl.DataFrame]:
    # read for every clip, the table of a large cohort would be most of the work; () -> nobody
    table = read_table(path, TARGETS).sort("clip_id", "face", "track")
    by_clip = cast(dict[tuple[str, ...], pl.DataFrame], table.partition_by("clip_id", as_dict=True))
    return by_clip | {(): table.clear()}


def shapes_path(subject: str) -> Path:
    return SHAPES / f"{subject}.parquet"


def cost_of(clip: Mapping[str, Any]) -> float:
    """Return how much work a clip is beside others: its pixels over all frames."""
    return math.prod(float(clip[name] or 0) for name in ("width", "height", "frame_count"))


def with_file(root: Path, clips: pl.DataFrame, needed: NeededFile) -> pl.DataFrame:
    """Return the clips of which there is what an earlier stage makes, unless it refused them and said why."""
    return clips.filter([(root / needed(clip_id)).is_file() for clip_id in clips["clip_id"]])


def refusals_path(folder: Path) -> Path:
    """Return where a stage says which clips it could not process."""
    return folder / "refused.parquet"


def read_refusals(root: Path, folder: Path) -> dict[str, str]:
    """Return clip_id -> why a stage refused it; a stage that refused nobody wrote nothing."""
    if not (root / refusals_path(folder)).is_file():
        return {}
    return dict(read_table(root / refusals_path(folder), REFUSALS).select("clip_id", "reason").iter_rows())


def video_path(arm: str, clip_id: str) -> Path:
    """Return where an arm's video lies in the workspace."""
    folder = VIDEO_FOLDERS.get(arm, Path("data/compare") / arm / "videos")
    return folder / f"{clip_id}.mp4"


def coverage_path(arm: str, clip_id: str) -> Path:
    """Return where an arm says what it covered."""
    return video_path(arm, clip_id).parent.parent / "coverage" / f"{clip_id}.parquet"


def evidence_path(table: str) -> Path:
    """Return where a table of the cohort's evidence lies."""
    return EVIDENCE / f"{table}{'.csv' if table in ('methods', 'roc') else '.parquet'}"


def keypoints_path(arm: str, clip_id: str) -> Path:
    return Path("data/keypoints") / arm / f"{clip_id}.parquet"


def texts_path(clip_id: str) -> Path:
    """Return where the lines of text in an original are listed."""
    return keypoints_path("original", clip_id).parent / "texts" / f"{clip_id}.parquet"


def covered_texts_path(arm: str, clip_id: str) -> Path:
    """Return where an arm says which lines of text it covered."""
    return coverage_path(arm, clip_id).parent.parent / "texts" / f"{clip_id}.parquet"


def corrections_path(clip_id: str) -> Path:
    """Return where a person corrects what is covered of a clip."""
    return CORRECTIONS / f"{clip_id}.csv"


def read_keypoints(root: Path, arm: str, clip_id: str) -> pl.DataFrame:
    return read_table(root / keypoints_path(arm, clip_id), KEYPOINTS)

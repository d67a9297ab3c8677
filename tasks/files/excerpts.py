"""The excerpts of a cohort on which compared methods are tried: what they cost does not grow with it."""

from itertools import zip_longest
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.params.validate import Compare
from tasks.files.clips import keypoints_path
from tasks.files.seen import frames_of

LEAST_S = 1.0  # an excerpt of less shows no motion
SLACK_S = 1e-6  # of times that are sums

Excerpts = dict[str, range]


def choose_excerpts(root: Path, clips: pl.DataFrame, settings: Compare) -> Excerpts:
    """Return clip_id -> the frames that compared methods are tried on, of a sample spread over subjects.

    Each is the stretch of its clip that shows a face in most frames.
    """
    chosen, length_s = sample(clips, settings)
    found = {}
    for clip_id in chosen:
        time_s = frames_of(root, "original", clip_id)["timestamp_s"].to_numpy()
        shown = np.zeros(len(time_s), np.bool_)
        shown[_frames_with_face(root, clip_id)] = True
        found[clip_id] = best_stretch(time_s, shown, length_s)
    return found


def sample(clips: pl.DataFrame, settings: Compare) -> tuple[list[str], float]:
    """Return the clips to take an excerpt of, every subject's before anyone's second, and how long it is.

    clips: the rows of those that stand. The length is in seconds.
    """
    whole_s = float(clips["duration_s"].sum())
    budget_s = max(min(settings.seconds, settings.share * whole_s), LEAST_S)
    by_subject = clips.sort("clip_id").group_by("subject", maintain_order=True).agg("clip_id")["clip_id"]
    turns = [clip_id for turn in zip_longest(*by_subject.to_list()) for clip_id in turn if clip_id]
    chosen = turns[: max(1, int(budget_s / LEAST_S))]
    return sorted(chosen), budget_s / max(1, len(chosen))


def best_stretch(time_s: NDArray[np.float64], shown: NDArray[np.bool_], length_s: float) -> range:
    """Return the frames of the stretch of that length which shows most; of equals the one nearest the middle.

    time_s: of every frame, ascending. shown: which frames show what is wanted.
    """
    starts = np.arange(len(time_s))
    ends = np.maximum(np.searchsorted(time_s, time_s[starts] + length_s - SLACK_S), starts + 1)
    count = np.concatenate([[0], np.cumsum(shown)])
    found = count[ends] - count[starts]
    # one that is cut off by the end of the clip shows less
    found = np.where((ends < len(time_s)) | (starts == 0), found, -1)
    equals = np.flatnonzero(found == found.max())
    best = equals[len(equals) // 2]
    return range(int(starts[best]), int(ends[best]))


def _frames_with_face(root: Path, clip_id: str) -> NDArray[np.int64]:
    table = pl.scan_parquet(root / keypoints_path("original", clip_id))
    frames = table.filter(pl.col("face_xy").is_not_null()).select(pl.col("frame").unique()).collect()
    return frames["frame"].to_numpy().astype(np.int64)

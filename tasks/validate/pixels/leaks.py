"""Every released frame beside its original: what of a face is still there, and where nobody was found."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import polars as pl

from schemas.coverage import COVERAGE, OPEN_MOUTH
from schemas.jobs import Row
from schemas.params.validate import Survival, Validate
from tasks.files.clips import coverage_path
from tasks.files.documents import read_table
from tasks.validate.pixels.comparing import WHOLE, Compared, Shares, compare_frames
from tasks.validate.pixels.survival import ranges

BEFORE = ("in_front", "worn")  # a person is asked of either; only the first explains what is left
# a shut mouth holds less than one window, which chance makes alike in a frame, but not in so many on end
MOUTH_FRAMES = 3


def clip_leaks(
    root: Path,
    clip_id: str,
    settings: Validate,
    margin: float,
    bared: Sequence[int] = (),
    *,
    compared: Compared | None = None,
) -> list[Row]:
    """Return the findings on a clip's frames: where original pixels survived, and where a person should look.

    bared: frames in which a face was uncovered that is known to be the subject's. compared: its frames, where
    they were compared before. Raises VideoError where the released video has another number of frames than
    its original.
    """
    coverage = read_table(root / coverage_path("released", clip_id), COVERAGE)
    compared = compared or compare_frames(root, clip_id, settings, margin)
    shares = compared.sure | {frame: {WHOLE: 1.0} for frame in bared}
    survived, doubtful = _left(shares, compared.unsure, settings)
    # however little: a tattoo looks like a plaster, and says who somebody is
    behind = sorted({*_more(coverage, "in_front", settings.in_front_share), *_more(coverage, "worn", 0.0)})
    most = {name: float(coverage[name].to_numpy().max(initial=0.0)) for name in (*BEFORE, "in_mouth")}
    return [
        finding(clip_id, "surviving", survived, _worst(shares, survived)),
        finding(
            clip_id, "uncovered", coverage.filter(method="none", source="corrected")["frame"].to_list(), None
        ),
        finding(clip_id, "flagged", coverage.filter("flagged")["frame"].to_list(), None),
        finding(clip_id, "in_front", behind, max(most[name] for name in BEFORE)),
        finding(clip_id, "painted_over", sorted(set(coverage.filter("painted_over")["frame"])), None),
        finding(clip_id, "doubtful", doubtful, None),
        finding(clip_id, "in_mouth", _more(coverage, "in_mouth", OPEN_MOUTH), most["in_mouth"]),
    ]


def _left(
    sure: dict[int, Shares], unsure: dict[int, Shares], settings: Validate
) -> tuple[list[int], list[int]]:
    """Return the frames in which original pixels survived, and those in which they may have."""
    survived, doubtful = (_beyond(sure, limits) for limits in (settings.surviving, settings.doubtful))
    by_chance = _short_mouths(sure, survived, settings.surviving)
    doubtful += [*_beyond(unsure, settings.surviving), *by_chance]
    survived = [frame for frame in survived if frame not in by_chance]
    return survived, sorted(set(doubtful) - set(survived))


def _worst(shares: dict[int, Shares], survived: list[int]) -> float:
    """Return the largest share of a whole face, or of a part of one that survived."""
    whole = [share.get(WHOLE, 0.0) for share in shares.values()]
    return max([0.0, *whole, *(max(shares[frame].values()) for frame in survived)])


def _more(coverage: pl.DataFrame, column: str, share: float) -> list[int]:
    return coverage.filter(pl.col(column) > share)["frame"].to_list()


def _beyond(shares: dict[int, Shares], limits: Survival) -> list[int]:
    """Return the frames in which more of a face, or of a part of one, survives than may."""
    most = limits.model_dump()
    return [frame for frame, share in shares.items() if any(share[part] > most[part] for part in share)]


def _short_mouths(shares: dict[int, Shares], survived: list[int], limits: Survival) -> set[int]:
    """Return the frames of fewer than MOUTH_FRAMES on end in which a mouth, and nothing else, survives."""
    others = Survival(**limits.model_dump() | {"mouth": 1.0})
    frames = sorted(set(survived) - set(_beyond(shares, others)))
    runs = [[frame for _, frame in run] for _, run in groupby(enumerate(frames), lambda one: one[1] - one[0])]
    return {frame for run in runs if len(run) < MOUTH_FRAMES for frame in run}


def finding(clip_id: str, name: str, frames: list[int], worst: float | None) -> Row:
    """Return a row of findings on so many frames."""
    count = len(set(frames))
    return {"clip_id": clip_id, "finding": name, "frames": count, "ranges": ranges(frames), "worst": worst}

"""The evidence in a few numbers, for `dvc metrics` and the screen (pure)."""

import polars as pl

from schemas.evidence import METHOD_FIGURES, RECOGNISERS
from schemas.jobs import Row
from tasks.validate.averages import mean_of_known, ratio
from tasks.validate.cohort import Subjects, people_of
from tasks.validate.intervals import mean_interval

Figures = dict[str, float | int | None]

# what `dvc metrics show` prints of each arm, under names that a terminal holds; digits that say something
BRIEFLY = {
    "found": ("face_found_again", 3),
    "moves": ("face_motion", 4),
    "times": ("face_motion_ratio_to_control", 2),
    "shape": ("face_shape", 3),
    "oks": ("head_oks", 3),
    "body_nme": ("body_nme", 4),
    "nearest": ("dlib_distance_min", 3),
    "dlib_rank": ("dlib_rank_mean", 1),
    "mfn_rank": ("mobilefacenet_rank_mean", 1),
}


def count_clips(clips: pl.DataFrame, verdicts: pl.DataFrame) -> dict[str, int]:
    """Return how many clips were admitted and refused, and how those fared."""
    outcome = verdicts.unique("clip_id")["verdict"].to_list()
    states = {name: clips.filter(status=name).height for name in ("admitted", "refused")}
    return states | {name: outcome.count(name) for name in ("pass", "review", "fail")}


def figures_of_arms(invariance: pl.DataFrame, identity: pl.DataFrame) -> dict[str, Figures]:
    """Return the mean figures of every arm."""
    arms = invariance["arm"].unique(maintain_order=True)
    return {arm: _figures(arm, invariance, identity) for arm in arms}


def brief(figures: Figures) -> Figures:
    """Return what `dvc metrics` shows of an arm, the same for every arm; None where there is no figure."""
    found = {short: (figures.get(name), digits) for short, (name, digits) in BRIEFLY.items()}
    return {
        short: None if value is None else round(value, digits) for short, (value, digits) in found.items()
    }


def _figures(arm: str, invariance: pl.DataFrame, identity: pl.DataFrame) -> Figures:
    def figure(part: str, metric: str, column: str = "value") -> float | None:
        return _round(mean_of_known(invariance.filter(arm=arm, part=part, metric=metric)[column]))

    motion, floor = figure("face", "motion"), figure("face", "motion", "floor")
    times = ratio(motion, floor)
    figures: Figures = {
        "face_found_again": figure("face", "found_again"),
        "face_motion": motion,
        "face_motion_ratio_to_control": None if times is None else round(times, 4),
        "face_shape": figure("face", "shape"),
        "face_nme": figure("face", "nme_mean"),
        "head_error": figure("head", "nme_mean"),
        "head_oks": figure("head", "oks_mean"),
        "body_nme": figure("body", "nme_mean"),
        "body_found_again": figure("body", "found_again"),
    }
    for name in identity["recogniser"].unique(maintain_order=True):
        rows = identity.filter(arm=arm, recogniser=name)
        figures[f"{name}_distance_min"] = _round(rows["distance_min"].min())
        figures[f"{name}_rank_mean"] = _round(mean_of_known(rows["rank_mean"]))
        figures[f"{name}_rank_floor"] = _round(mean_of_known(rows["rank_floor"]))
        figures[f"{name}_rank1"] = _round(mean_of_known(rows["rank1"]))
    return figures


def compare_methods(invariance: pl.DataFrame, identity: pl.DataFrame, subjects: Subjects) -> list[Row]:
    """Return a row per method, the control first: means over the clips that every method was run on.

    low, high: 95 % intervals over people, None for fewer than eight. subjects: clip_id -> subject.
    """
    arms = invariance["arm"].unique(maintain_order=True).to_list()
    by_clip = invariance.group_by("clip_id").agg(pl.col("arm").n_unique())
    clips = by_clip.filter(pl.col("arm") == len(arms))["clip_id"].to_list()
    return [_method(arm, clips, invariance, identity, subjects) for arm in arms]


def _method(
    arm: str, clips: list[str], invariance: pl.DataFrame, identity: pl.DataFrame, subjects: Subjects
) -> Row:
    here = pl.col("clip_id").is_in(clips) & (pl.col("arm") == arm)
    row: Row = {"method": arm, "clips": len(clips)}
    for name, (part, metric) in METHOD_FIGURES.items():
        rows = invariance.filter(here & (pl.col("part") == part) & (pl.col("metric") == metric))
        row |= _spread(name, rows, "value", subjects)
    for recogniser in RECOGNISERS:
        rows = identity.filter(here & (pl.col("recogniser") == recogniser))
        row |= _spread(f"{recogniser}_distance", rows, "distance_mean", subjects)
        row |= _spread(f"{recogniser}_rank1", rows, "rank1", subjects)
    return row


def _spread(name: str, rows: pl.DataFrame, column: str, subjects: Subjects) -> Row:
    known = rows.drop_nulls(column).sort(column, "clip_id")
    low, high = mean_interval(known[column].to_numpy(), people_of(known, subjects)) or (None, None)
    return {
        name: _round(mean_of_known(known[column])),
        f"{name}_low": _round(low),
        f"{name}_high": _round(high),
    }


def _round(value: object) -> float | None:
    return round(float(value), 6) if isinstance(value, float) else None

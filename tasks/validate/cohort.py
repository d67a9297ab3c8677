"""A cohort's figures: means over its clips, and how far its clinical signals agree (pure)."""

from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from schemas.jobs import Row
from tasks.validate.averages import correlation, mean, mean_of_known, ratio, saturated
from tasks.validate.intervals import LEAST_GROUPS, Groups, mean_interval, prediction_reach

LEAST_VALUES = 3
SLICE_ROWS = 500_000
Subjects = Mapping[str, str]


def people_of(rows: pl.DataFrame, subjects: Subjects) -> Groups:
    """Return for every row whose clip it speaks of, as a number; subjects: clip_id -> subject."""
    names = [subjects.get(clip_id, clip_id) for clip_id in rows["clip_id"]]
    return np.asarray(np.unique(np.array(names, np.str_), return_inverse=True)[1], np.int64)


def cohort_means(invariance: pl.DataFrame, subjects: Subjects) -> list[Row]:
    """Return a row per arm, part and metric: the mean over clips, its 95 % interval, and the control's.

    The interval is over people, whose clips go together; null for fewer than eight of them.
    """
    return [key | _mean_row(rows, subjects) for key, rows in _groups(invariance, ["arm", "part", "metric"])]


def _groups(table: pl.DataFrame, keys: list[str]) -> Iterator[tuple[Row, pl.DataFrame]]:
    """Yield the rows of each key, in the order of the first.

    A large table is told apart slice by slice: as a whole, that takes as much memory as the table again.
    """
    slices: dict[tuple[object, ...], list[pl.DataFrame]] = {}
    for some in table.iter_slices(SLICE_ROWS):
        for key, rows in some.group_by(keys, maintain_order=True):
            slices.setdefault(key, []).append(rows.drop(keys))
    for key in [*slices]:
        yield dict(zip(keys, key, strict=True)), pl.concat(slices.pop(key))


def _mean_row(rows: pl.DataFrame, subjects: Subjects) -> Row:
    known = rows.drop_nulls("value").sort("clip_id")
    values, floor = known["value"].to_numpy(), mean_of_known(known["floor"])
    people = people_of(known, subjects)
    low, high = mean_interval(values, people) or (None, None)
    value = mean_of_known(known["value"])
    return {
        "value": value, "low": low, "high": high, "floor": floor, "ratio_to_floor": ratio(value, floor),
        "clips": len(values), "subjects": len(set(people)),
    }  # fmt: skip


def cohort_agreement(signals: pl.DataFrame, subjects: Subjects) -> list[Row]:
    """Return a row per arm and signal: Bland and Altman's bias and limits over people and clips.

    The limits are those between which the next difference lies 95 times in 100; null for fewer than eight
    people.
    """
    return [
        key | _agreement_row(rows.drop_nulls(["original", "value"]), subjects)
        for key, rows in _groups(signals, ["arm", "signal", "unit"])
    ]


def _agreement_row(rows: pl.DataFrame, subjects: Subjects) -> Row:
    first, second = (rows[name].to_numpy() for name in ("original", "value"))
    apart, people = second - first, len(set(people_of(rows, subjects)))
    row: Row = {
        "bias": None, "limit_low": None, "limit_high": None, "correlation": None,
        "n": len(apart), "subjects": people,
    }  # fmt: skip
    if len(apart) < LEAST_VALUES:
        return row
    bias, deviation = mean(apart), float(apart.std(ddof=1, dtype=np.float64))
    row |= {"bias": saturated(bias), "correlation": correlation(first, second)}
    if people < LEAST_GROUPS:
        return row
    reach = prediction_reach(deviation, people)
    return row | {"limit_low": saturated(bias - reach), "limit_high": saturated(bias + reach)}

"""A cohort's figures: means over its clips, and how far its clinical signals agree (pure)."""

import polars as pl

from schemas.jobs import Row
from tasks.validate.averages import correlation, limits_of_agreement, mean_of_known, ratio
from tasks.validate.bootstrap import mean_interval

LEAST_VALUES = 3


def cohort_means(invariance: pl.DataFrame) -> list[Row]:
    """Return a row per arm, part and metric: the mean over clips, its 95 % interval, and the control's."""
    keys = ["arm", "part", "metric"]
    return [
        dict(zip(keys, key, strict=True)) | _mean_row(rows)
        for key, rows in invariance.group_by(keys, maintain_order=True)
    ]


def _mean_row(rows: pl.DataFrame) -> Row:
    known = rows.drop_nulls("value").sort("clip_id")
    values, floor = known["value"].to_numpy(), mean_of_known(known["floor"])
    low, high = mean_interval(values) or (None, None)
    value = mean_of_known(known["value"])
    return {
        "value": value, "low": low, "high": high, "floor": floor, "ratio_to_floor": ratio(value, floor),
        "clips": len(values),
    }  # fmt: skip


def cohort_agreement(signals: pl.DataFrame) -> list[Row]:
    """Return a row per arm and signal: Bland and Altman's bias and limits over people and clips."""
    keys = ["arm", "signal", "unit"]
    return [
        dict(zip(keys, key, strict=True)) | _agreement_row(rows.drop_nulls(["original", "value"]))
        for key, rows in signals.group_by(keys, maintain_order=True)
    ]


def _agreement_row(rows: pl.DataFrame) -> Row:
    first, second = (rows[name].to_numpy() for name in ("original", "value"))
    apart = second - first
    row: Row = {"bias": None, "limit_low": None, "limit_high": None, "correlation": None, "n": len(apart)}
    if len(apart) < LEAST_VALUES:
        return row
    bias, low, high = limits_of_agreement(apart)
    return row | {
        "bias": bias,
        "limit_low": low,
        "limit_high": high,
        "correlation": correlation(first, second),
    }

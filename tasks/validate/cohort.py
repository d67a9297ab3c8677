"""A cohort's figures: means over its clips, and how far its clinical signals agree (pure)."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.jobs import Row
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
    values, floor = known["value"].to_numpy(), _mean(known["floor"])
    low, high = mean_interval(values) or (None, None)
    value = _mean(known["value"])
    perfect = 1.0 if value == 0 == floor else None
    ratio = value / floor if value is not None and floor else perfect
    return {
        "value": value, "low": low, "high": high, "floor": floor, "ratio_to_floor": ratio,
        "clips": len(values),
    }  # fmt: skip


def _mean(column: pl.Series) -> float | None:
    known = column.drop_nulls().to_numpy()
    return float(known.mean()) if len(known) else None


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
    bias, spread = float(apart.mean()), 1.96 * float(apart.std(ddof=1))
    return row | {
        "bias": bias,
        "limit_low": bias - spread,
        "limit_high": bias + spread,
        "correlation": _correlation(first, second),
    }


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    if min(first.std(), second.std()) < 1e-9:
        return None
    return float(np.clip(np.corrcoef(first, second)[0, 1], -1, 1))

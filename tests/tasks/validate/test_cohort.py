"""Figures over a cohort's clips, with known answers."""

import numpy as np
import polars as pl
import pytest

from schemas.evidence import AGREEMENT, COHORT, INVARIANCE, SIGNALS
from tasks.documents import build_table, check_table
from tasks.validate.bootstrap import percentile_interval
from tasks.validate.cohort import cohort_agreement, cohort_means


def _clip(number):
    return f"clip-{number:016x}"


def _invariance(values, floors):
    rows = [
        {"clip_id": _clip(number), "arm": "released", "part": "face", "metric": "pck@0.02", "value": value,
         "n": 10, "low": None, "high": None, "floor": floor, "ratio_to_floor": None}
        for number, (value, floor) in enumerate(zip(values, floors, strict=True))
    ]  # fmt: skip
    return build_table(rows, INVARIANCE)


def test_a_mean_over_clips_has_its_interval_and_its_floor():
    (row,) = cohort_means(_invariance([0.5, 0.7, 0.9, None], [1.0, 1.0, 1.0, 1.0]))
    check_table(build_table([row], COHORT), COHORT, "cohort")
    assert (row["value"], row["floor"], row["clips"]) == (pytest.approx(0.7), 1.0, 3)
    assert row["ratio_to_floor"] == pytest.approx(0.7)
    assert 0.5 <= row["low"] < 0.7 < row["high"] <= 0.9


def test_one_clip_has_no_interval_and_no_clip_no_value():
    (one,) = cohort_means(_invariance([0.5], [0.0]))
    assert (one["value"], one["low"], one["high"], one["ratio_to_floor"]) == (0.5, None, None, None)
    (none,) = cohort_means(_invariance([None], [1.0]))
    assert (none["value"], none["clips"]) == (None, 0)


def test_an_arm_that_loses_as_little_as_the_control_is_as_good():
    (row,) = cohort_means(_invariance([0.0, 0.0], [0.0, 0.0]))
    assert row["ratio_to_floor"] == 1.0


def _signals(pairs):
    rows = [
        {"clip_id": _clip(number), "arm": "released", "person": 0, "signal": "blinks", "unit": "count",
         "original": first, "value": second, "difference": 0.0, "floor": 0.0, "n": 10}
        for number, (first, second) in enumerate(pairs)
    ]  # fmt: skip
    return build_table(rows, SIGNALS)


def test_counts_of_many_clips_agree_within_bland_and_altmans_limits():
    (row,) = cohort_agreement(_signals([(1.0, 2.0), (5.0, 5.0), (9.0, 8.0), (3.0, None)]))
    check_table(build_table([row], AGREEMENT), AGREEMENT, "agreement")
    assert (row["bias"], row["n"]) == (0.0, 3)
    assert row["limit_high"] == pytest.approx(1.96)  # the differences 1, 0 and -1 have a deviation of 1
    assert row["limit_low"] == pytest.approx(-1.96)
    assert row["correlation"] > 0.98


def test_two_clips_are_too_few_to_agree():
    (row,) = cohort_agreement(_signals([(1.0, 2.0), (5.0, 5.0)]))
    assert (row["bias"], row["limit_low"], row["n"]) == (None, None, 2)


def test_the_interval_of_a_percentile_holds_it_and_narrows_with_more_frames():
    values = np.random.default_rng(0).gamma(2.0, size=4000)
    wide, narrow = percentile_interval(values[:200], 95, 10), percentile_interval(values, 95, 10)
    assert narrow[0] < 4.744 < narrow[1]  # the 95th percentile of that distribution
    assert narrow[1] - narrow[0] < wide[1] - wide[0]
    assert percentile_interval(values[:20], 95, 10) is None
    assert pl.Series(narrow).is_finite().all()

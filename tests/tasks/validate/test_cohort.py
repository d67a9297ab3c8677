"""Figures over a cohort's clips, with known answers."""

import numpy as np
import polars as pl
import pytest
from scipy.signal import lfilter

from schemas.evidence import AGREEMENT, COHORT, INVARIANCE, SIGNALS
from tasks.files.tables import build_table, check_table
from tasks.validate.cohort import cohort_agreement, cohort_means
from tasks.validate.intervals import mean_interval, percentile_interval, stretches


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
    (row,) = cohort_means(_invariance([0.5, 0.7, 0.9] * 3 + [None], [1.0] * 10), {})
    check_table(build_table([row], COHORT), COHORT, "cohort")
    assert (row["value"], row["floor"], row["clips"]) == (pytest.approx(0.7), 1.0, 9)
    assert row["ratio_to_floor"] == pytest.approx(0.7)
    assert 0.5 <= row["low"] < 0.7 < row["high"] <= 0.9


def test_clips_of_one_person_go_together():
    """Twenty clips of two people say no more of others than two people do."""
    values, names = [0.5, 0.9] * 10, [_clip(number) for number in range(20)]
    (two,) = cohort_means(
        _invariance(values, [1.0] * 20), {name: f"{at % 2}" for at, name in enumerate(names)}
    )
    assert (two["subjects"], two["low"], two["high"]) == (2, None, None)
    (ten,) = cohort_means(
        _invariance(values, [1.0] * 20), {name: f"{at % 10}" for at, name in enumerate(names)}
    )
    (all_apart,) = cohort_means(_invariance(values, [1.0] * 20), {})
    assert (ten["subjects"], all_apart["subjects"]) == (10, 20)
    assert ten["high"] - ten["low"] > 1.3 * (all_apart["high"] - all_apart["low"])


DRAWS = {
    "normal": (lambda rng, size: rng.normal(0, 1, size), 0.0, 0.89),
    "uniform": (lambda rng, size: rng.uniform(-1, 1, size), 0.0, 0.86),
    "skew": (lambda rng, size: rng.lognormal(0, 0.5, size), np.exp(0.125), 0.87),
    "shares near 1": (lambda rng, size: rng.beta(5, 0.5, size), 5 / 5.5, 0.82),
}


@pytest.mark.parametrize("people", [8, 12, 25])
@pytest.mark.parametrize("clips", [1, 6])
@pytest.mark.parametrize("name", DRAWS)
def test_an_interval_over_people_holds_the_truth_as_often_as_it_says(name, clips, people):
    """Of 95 % asked; a person has one to so many clips, which differ a fifth as much as people do."""
    draw, truth, least = DRAWS[name]
    rng = np.random.default_rng(people)
    held = 0
    for _ in range(600):
        owner = np.repeat(np.arange(people), rng.integers(1, clips + 1, people))
        own = draw(rng, people)
        values = own[owner] + rng.normal(0, 0.2, len(owner)) * own.std() * (clips > 1)
        low, high = mean_interval(values, owner)
        held += low <= truth <= high
    assert least <= held / 600 <= 0.98


@pytest.mark.parametrize("people", [8, 12, 25])
def test_the_next_difference_lies_within_the_limits_of_agreement(people):
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(1000):
        *apart, last = rng.normal(0.3, 1, people + 1)
        (row,) = cohort_agreement(_signals([(1.0, 1.0 + one) for one in apart]), {})
        held += row["limit_low"] <= last <= row["limit_high"]
    assert 0.93 <= held / 1000 <= 0.97


@pytest.mark.parametrize("seconds", [8, 20, 60])
@pytest.mark.parametrize(("memory", "least"), [(0.0, 0.9), (0.8, 0.88), (0.95, 0.77)])
def test_an_interval_over_frames_holds_the_truth_though_frames_are_alike(memory, least, seconds):
    """Where frames are alike for about a second, which is one stretch, it holds it less often."""
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(300):
        steps = rng.normal(0, 1, 25 * seconds + 50)
        values = lfilter([1], [1, -memory], steps)[50:]
        low, high = mean_interval(values, stretches(len(values), 25))
        held += low <= 0 <= high
    assert least <= held / 300 <= 0.99


def test_one_clip_has_no_interval_and_no_clip_no_value():
    (one,) = cohort_means(_invariance([0.5], [0.0]), {})
    assert (one["value"], one["low"], one["high"], one["ratio_to_floor"]) == (0.5, None, None, None)
    (none,) = cohort_means(_invariance([None], [1.0]), {})
    assert (none["value"], none["clips"]) == (None, 0)


def test_an_arm_that_loses_as_little_as_the_control_is_as_good():
    (row,) = cohort_means(_invariance([0.0, 0.0], [0.0, 0.0]), {})
    assert row["ratio_to_floor"] == 1.0


def _signals(pairs):
    rows = [
        {"clip_id": _clip(number), "arm": "released", "person": 0, "signal": "blinks", "unit": "count",
         "original": first, "value": second, "difference": 0.0, "floor": 0.0, "n": 10}
        for number, (first, second) in enumerate(pairs)
    ]  # fmt: skip
    return build_table(rows, SIGNALS)


def test_counts_of_many_clips_agree_within_bland_and_altmans_limits():
    pairs = [(1.0, 2.0), (5.0, 5.0), (9.0, 8.0)] * 4
    (row,) = cohort_agreement(_signals([*pairs, (3.0, None)]), {})
    check_table(build_table([row], AGREEMENT), AGREEMENT, "agreement")
    assert (row["bias"], row["n"], row["subjects"]) == (0.0, 12, 12)
    # the differences have a deviation of sqrt(8 / 11), Student's factor of 11 degrees is 2.201
    assert row["limit_high"] == pytest.approx(2.201 * np.sqrt(8 / 11 * 13 / 12), abs=1e-3)
    assert row["limit_low"] == -row["limit_high"]
    assert row["correlation"] > 0.98


def test_two_clips_are_too_few_to_agree_and_seven_people_for_limits():
    (row,) = cohort_agreement(_signals([(1.0, 2.0), (5.0, 5.0)]), {})
    assert (row["bias"], row["limit_low"], row["n"]) == (None, None, 2)
    (row,) = cohort_agreement(_signals([(1.0, 2.0), (5.0, 5.0)] * 3 + [(1.0, 1.0)]), {})
    assert (row["bias"], row["limit_low"]) == (pytest.approx(3 / 7), None)


def test_the_interval_of_a_percentile_holds_it_and_narrows_with_more_frames():
    values = np.random.default_rng(0).gamma(2.0, size=4000)
    wide, narrow = percentile_interval(values[:200], 95, 10), percentile_interval(values, 95, 10)
    assert narrow[0] < 4.744 < narrow[1]  # the 95th percentile of that distribution
    assert narrow[1] - narrow[0] < wide[1] - wide[0]
    assert percentile_interval(values[:79], 95, 10) is None
    assert pl.Series(narrow).is_finite().all()


@pytest.mark.parametrize("rows", [1, 2, 7, 1000])
def test_a_table_of_any_length_has_the_same_means_in_the_same_order(monkeypatch, rows):
    """Rows of one figure lie in many slices, and a figure may be new in the last of them."""
    rng = np.random.default_rng(5)
    told = [
        {"clip_id": _clip(clip), "arm": arm, "part": "face", "metric": metric, "value": float(rng.random()),
         "n": 10, "low": None, "high": None, "floor": float(rng.random()), "ratio_to_floor": None}
        for clip in range(20)
        for arm in ("control", "released", *(["blur"] if clip == 19 else []))
        for metric in ("motion", *(["shape"] if clip > 3 else []))
    ]  # fmt: skip
    table = build_table(told, INVARIANCE)
    whole = cohort_means(table, {})
    assert [(row["arm"], row["metric"], row["clips"]) for row in whole] == [
        ("control", "motion", 20), ("released", "motion", 20), ("control", "shape", 16),
        ("released", "shape", 16), ("blur", "motion", 1), ("blur", "shape", 1),
    ]  # fmt: skip
    assert whole[1]["value"] == pytest.approx(
        np.mean([one["value"] for one in told if (one["arm"], one["metric"]) == ("released", "motion")])
    )
    monkeypatch.setattr("tasks.validate.cohort.SLICE_ROWS", rows)
    assert cohort_means(table, {}) == whole

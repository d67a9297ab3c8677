"""What compared methods are tried on: a sample that does not grow with the cohort, spread over people."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.params.validate import Compare
from tasks.files.excerpts import LEAST_S, best_stretch, sample

DEFAULT = Compare(seconds=60, share=0.1)


def _cohort(*clips_of_subject, duration_s=4.0):
    rows = [
        {"clip_id": f"clip-{subject}-{number}", "subject": f"subject-{subject}", "duration_s": duration_s}
        for subject, count in enumerate(clips_of_subject)
        for number in range(count)
    ]
    return pl.DataFrame(rows, schema={"clip_id": pl.String, "subject": pl.String, "duration_s": pl.Float64})


@pytest.mark.parametrize(
    ("subjects", "duration_s", "chosen", "length_s"),
    [
        ((1, 1, 1), 12.0, ["clip-0-0", "clip-1-0", "clip-2-0"], 1.2),
        ((5, 1), 10.0, ["clip-0-0", "clip-0-1", "clip-0-2", "clip-0-3", "clip-0-4", "clip-1-0"], 1.0),
        ((5, 2), 5.0, ["clip-0-0", "clip-0-1", "clip-1-0"], 3.5 / 3),  # everybody's first before a second
        ((1,), 0.6, ["clip-0-0"], LEAST_S),
        ((1,), 600.0, ["clip-0-0"], 60.0),
        ((1, 1), 36_000.0, ["clip-0-0", "clip-1-0"], 30.0),
    ],
)
def test_everybody_is_in_it_before_anybody_twice(subjects, duration_s, chosen, length_s):
    found, found_s = sample(_cohort(*subjects, duration_s=duration_s), DEFAULT)
    assert found == chosen
    assert found_s == pytest.approx(length_s)


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=60),
    st.floats(0.04, 20_000),
    st.floats(0.5, 120),
    st.floats(0, 1),
)
def test_a_hundred_hours_cost_what_one_does(subjects, duration_s, seconds, share):
    chosen, length_s = sample(
        _cohort(*subjects, duration_s=duration_s), Compare(seconds=seconds, share=share)
    )
    assert chosen and len(set(chosen)) == len(chosen)
    assert len(chosen) * length_s <= max(seconds, LEAST_S) + 1e-6
    assert length_s >= LEAST_S - 1e-9


def test_nothing_is_taken_of_nothing():
    assert sample(_cohort(), DEFAULT)[0] == []


def _times(count, fps):
    return np.arange(count) / fps


@pytest.mark.parametrize("fps", [4, 25, 29.97, 240])
def test_the_stretch_shows_what_is_wanted(fps):
    time_s = _times(round(10 * fps), fps)
    shown = (time_s >= 6) & (time_s < 7.5)
    frames = best_stretch(time_s, shown, 1.2)
    assert shown[frames.start : frames.stop].all()
    assert len(frames) == pytest.approx(1.2 * fps, abs=1)


def test_of_equals_the_middle_is_taken():
    frames = best_stretch(_times(250, 25), np.ones(250, np.bool_), 2.0)
    assert len(frames) == 50
    assert abs(frames.start + 25 - 125) <= 1


@pytest.mark.parametrize("count", [1, 2, 14])
def test_a_short_clip_is_tried_whole(count):
    assert best_stretch(_times(count, 25), np.zeros(count, np.bool_), 1.2) == range(count)


def test_frames_that_last_long_are_counted_by_their_time():
    time_s = np.concatenate([_times(50, 50), 1 + np.arange(40) * 0.5])
    frames = best_stretch(time_s, np.arange(90) >= 50, 2.0)
    assert frames.start >= 50
    assert len(frames) == 4


@pytest.mark.parametrize("from_s", [0, 200, 3000])
def test_a_face_that_comes_late_in_an_hour_is_found(from_s):
    """What lies before an excerpt is not decoded, so it may lie anywhere."""
    time_s = _times(4 * 3600, 4)
    frames = best_stretch(time_s, (time_s >= from_s) & (time_s < from_s + 70), 60.0)
    assert from_s <= time_s[frames.start] <= from_s + 10
    assert len(frames) == 240


@given(st.lists(st.booleans(), min_size=1, max_size=80), st.floats(0.05, 4), st.integers(1, 30))
def test_no_stretch_of_that_length_shows_more(shown, length_s, fps):
    time_s = _times(len(shown), fps)
    shown = np.array(shown)
    frames = best_stretch(time_s, shown, length_s)
    assert 0 <= frames.start < frames.stop <= len(shown)
    whole = int(np.searchsorted(time_s, time_s[0] + length_s))
    starts = range(max(1, len(shown) - whole))
    assert shown[frames.start : frames.stop].sum() >= max(
        shown[start : start + len(frames)].sum() for start in starts
    )

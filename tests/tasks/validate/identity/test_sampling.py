"""Who stands for a cohort that is too large to be compared with itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.validate.identity.sampling import sample_clips

COHORTS = st.dictionaries(st.from_regex(r"c[0-9a-f]{6}", fullmatch=True), st.sampled_from("ABCDEFGH"))


@given(subjects=COHORTS, most=st.integers(1, 30))
def test_a_sample_is_of_the_cohort_and_as_large_as_it_may_be(subjects, most):
    sample = sample_clips(subjects, most)
    assert sample == sorted(set(sample))
    assert {*sample} <= {*subjects}
    assert len(sample) == min(most, len(subjects))


@given(subjects=COHORTS, most=st.integers(1, 30))
def test_nobody_is_in_it_a_third_time_before_everybody_is_twice(subjects, most):
    sample = sample_clips(subjects, most)
    taken = {who: sum(subjects[clip] == who for clip in sample) for who in subjects.values()}
    there = {who: [*subjects.values()].count(who) for who in subjects.values()}
    if any(count > 2 for count in taken.values()):
        assert all(taken[who] >= min(2, there[who]) for who in there)


@pytest.mark.parametrize(("who", "stays"), [("Z", True), ("A", False)])
def test_who_comes_later_changes_nothing_and_who_comes_first_takes_one_place(who, stays):
    subjects = {f"c{number}{who}": who for who in "BCDE" for number in range(2)}
    before = sample_clips(subjects, 4)
    after = sample_clips(subjects | {f"d{who}": who}, 4)
    assert (after == before) == stays
    assert len({*before} - {*after}) == (0 if stays else 1)


def test_two_clips_of_a_person_go_together():
    subjects = {f"c{number:03}": f"s{number // 4:03}" for number in range(400)}
    sample = sample_clips(subjects, 20)
    assert sorted(subjects[clip] for clip in sample) == sorted([f"s{number:03}" for number in range(10)] * 2)

"""The cohort's excerpts, of any length that a user may ask for."""

import pytest

from flows.demo.sample import CLIPS, FORGOTTEN, NO_CONSENT, cohort, fill_inbox
from tasks.files.hashing import sha256_file


@pytest.mark.parametrize("seconds", [0.5, 1.0, 2.0, 10.0, None])
def test_what_must_be_refused_holds_back_no_clip_of_the_cohort(tmp_path, seconds):
    """A no for a file is one for its copies: a second of a clip is the clip where a second is asked for."""
    inbox = tmp_path / "inbox"
    fill_inbox(inbox, seconds)
    names = [*(clip.file for clip in cohort(seconds)), NO_CONSENT, FORGOTTEN]
    assert len({sha256_file(inbox / name) for name in names}) == len(names)


@pytest.mark.parametrize(("seconds", "count"), [(1.0, 4), (10.0, 6), (None, 6)])
def test_whole_bodies_are_in_the_cohort_unless_somebody_is_in_a_hurry(seconds, count):
    assert len(cohort(seconds)) == count
    assert {clip.task for clip in CLIPS} == {"talking", "balance", "gait"}

"""A candidate on the screen says what is on record of it, and what comes next."""

import pytest

from flows.screen.release import show_approval, show_next
from schemas.release import Approval, Candidate

DIGEST, OTHER = "ab" * 32, "cd" * 32


@pytest.fixture
def candidate():
    return Candidate.model_construct(version="2026.11")


def _approval(by, digest):
    return Approval(digest=digest, by=by, reason="watched it", rejected=[], at="2026-11-30T10:00:00+00:00")


def _told(capsys, *words, **more):
    show_next(*words, **more)
    return capsys.readouterr().out


def test_a_candidate_that_nobody_approved_says_how(candidate, capsys):
    told = _told(capsys, candidate, DIGEST)
    assert f"guise approve 2026.11 --digest {DIGEST[:16]}" in told
    assert "approved by" not in told
    assert "void" not in told


@pytest.mark.parametrize(("others", "said"), [(1, "1 approval of"), (3, "3 approvals of")])
def test_a_word_on_what_was_frozen_before_is_told_to_be_void(candidate, capsys, others, said):
    approvals = [_approval(f"Person {number}", OTHER) for number in range(others)]
    told = _told(capsys, candidate, DIGEST, approvals)
    assert f"{said} another candidate 2026.11, void for this one" in told
    assert "approved by" not in told


def test_who_approved_just_this_is_told_with_what_comes_next(candidate, capsys):
    approvals = [_approval("Anna", OTHER), _approval("Ben", DIGEST), _approval("Cleo", DIGEST)]
    told = _told(capsys, candidate, DIGEST, approvals)
    assert "approved by Ben, Cleo; when enough have: guise publish 2026.11" in told
    assert "1 approval of another candidate" in told


@pytest.mark.parametrize(("missing", "resumed", "said"), [
    (0, 0, "next: guise publish 2026.11"), (1, 0, "one more person must approve it"),
    (2, 0, "2 more people must approve it"), (0, 1, "the release run that waited for it goes on"),
])  # fmt: skip
def test_an_approval_says_what_comes_next(capsys, missing, resumed, said):
    show_approval("2026.11", "Anna", missing, resumed)
    told = capsys.readouterr().out
    assert said in told
    assert ("guise publish" in told) == (not missing and not resumed)

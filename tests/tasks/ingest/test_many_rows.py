"""What is asked of every row of a manifest about all others costs no more than the rows."""

import time
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.ingest import NOTE_NAME
from tasks.ingest.manifest import LEAST_NAME, MANIFEST_NAME, Names, read_manifest
from tasks.ingest.survey import survey

LETTERS = st.text("abÄ1-. é/", max_size=9)


def _held_one_by_one(text, name):
    """What a name in a text is, asked of one name."""

    def bare(words):
        return "".join(char for char in normalize("NFKD", words).casefold() if char.isalnum())

    short = len(bare(name)) < LEAST_NAME
    return name.strip() in text.split() if short else bare(name) in bare(text)


@given(text=LETTERS, names=st.lists(LETTERS.filter(str.strip), max_size=5))
def test_many_names_are_held_where_one_of_them_is(text, names):
    assert Names(names).any_in(text) == any(_held_one_by_one(text, name) for name in names)


@pytest.mark.parametrize(
    ("names", "text", "held"),
    [
        ([], "anything", False),
        (["P-0017"], "visit of p 0017", True),
        (["P-0017", "Q-1"], "visit of p 0018", False),
        (["7"], "17 7", True),
        (["7"], "17", False),
        (["Müller"], "mu\u0308ller's", True),
        (["long name"], "", False),
    ],
)
def test_names_by_hand(names, text, held):
    assert Names(names).any_in(text) == held


def _hand_in(raw, rows):
    raw.mkdir()
    (raw / NOTE_NAME).write_text('{"as_of": "2026-01-01", "outside": []}')
    lines = ["file,subject_id,session,task,consent_release,consent_expires,audio_policy,notes"]
    for number in range(rows):
        (raw / f"{number}.mp4").write_bytes(str(number).encode())
        lines.append(f"{number}.mp4,P{number:05},visit{number % 1000},gait,yes,,,")
    (raw / MANIFEST_NAME).write_text("\n".join(lines) + "\n")
    return raw


def test_ten_times_the_rows_take_no_hundred_times_as_long(tmp_path):
    took = {}
    for rows in (400, 4000):
        raw = _hand_in(tmp_path / str(rows), rows)
        started = time.process_time()
        assert read_manifest(raw / MANIFEST_NAME).height == rows
        assert len(survey(raw, b"k" * 32)) == rows
        took[rows] = time.process_time() - started
    assert took[4000] < 30 * took[400] + 1, took

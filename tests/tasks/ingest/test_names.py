"""Whatever a disk calls a file: it can be shown, and is usable, or there is a sentence."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.ingest.names import LONGEST_BYTES, is_systems, printable, unusable_names

BYTES = st.binary(min_size=1, max_size=255).filter(lambda name: not {0, 47} & {*name} and name.strip(b"."))


@settings(max_examples=200)
@given(st.lists(BYTES, min_size=1, max_size=4, unique=True))
def test_any_name_is_shown_and_the_usable_ones_can_be_written_down(names):
    files = [os.fsdecode(name) for name in names]
    found = unusable_names(files)
    for file in files:
        shown = printable(file)
        shown.encode()
        assert not {"\n", "\x1b", "\x85"} & {*shown}
        if file not in found:
            assert shown == file
            assert len(file.encode()) <= LONGEST_BYTES


@pytest.mark.parametrize("file", [
    "a.mp4", "visit 1/Zoë.mp4", "1.30\u202fPM.mov", "👩‍⚕️.mp4", "a" * 196 + ".mp4", "=1+1.mp4",
    "病.mp4", "./a.mp4",
])  # fmt: skip
def test_everyday_names_are_usable(file):
    assert unusable_names([file]) == {}
    assert not is_systems(file)


@pytest.mark.parametrize("file", [
    ".DS_Store", "a/.git/config", "THUMBS.DB", "~$walk.xlsx", "._walk.mp4", "visit/Desktop.ini",
    "Icon\r", "@eaDir/walk.mp4/SYNO@.jpg", "System Volume Information/x", "manifest.csv~",
])  # fmt: skip
def test_the_computers_own_is_known_in_any_folder_and_case(file):
    assert is_systems(file)

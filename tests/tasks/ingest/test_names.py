"""Whatever a disk calls a file: it can be shown, and is usable, or there is a sentence."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.ingest.names import LONGEST_BYTES, is_systems, may_mean, plain, printable, unusable_names

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


@pytest.mark.parametrize(("said", "file"), [
    ("../IMG_0001", "IMG_0001"), ("C:\\in\\img_0001", "IMG_0001"), ("../0", "0"),
    ("05.03.2026", "05.03.2026.mp4"), ("in/visit.1", "Visit.1.MP4"), ("a", "a.mp4"), ("a.mp4", "v/A.mp4"),
])  # fmt: skip
def test_a_name_may_mean_a_file_with_its_extension_or_without(said, file):
    """A no was not heard of a file that has no extension, nor without it of one with a dot in its name."""
    assert may_mean(said, file)


@pytest.mark.parametrize(("said", "file"), [
    ("05.03.2026", "06.03.2026.mp4"), ("a.mov", "a.mp4"), ("w/a", "v/a.mp4"), ("a", "aa.mp4"), ("", "a.mp4"),
    ("mp4", "a.mp4"),
])  # fmt: skip
def test_another_name_means_no_file(said, file):
    assert not may_mean(said, file)


def test_a_row_that_slipped_means_a_file_by_its_whole_name_only():
    assert may_mean("a.mp4", "a.mp4", whole=True)
    assert not may_mean("a", "a.mp4", whole=True)


@given(
    st.lists(
        st.sampled_from(["a.mp4", " a", "a ", ".", "..", "/", "//", "\\", " ", "Zoe\u0308", "\u00a0"])
    ).map("".join)
)
def test_a_plain_name_is_as_plain_as_it_gets(file):
    """What a manifest says is read again from what was written of it: another name would be another file."""
    assert plain(plain(file)) == plain(file)


@pytest.mark.parametrize("spelt", ["a.mp4", " a.mp4", "./ a.mp4", "./a.mp4 ", ".//  ./a.mp4", ".\\ a.mp4"])
def test_blanks_around_a_name_do_not_count_wherever_it_is_said_to_lie(spelt):
    assert plain(spelt) == "a.mp4"

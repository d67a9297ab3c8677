"""An inbox as disks and people really have it: one stranger stops nobody."""

import csv
import os
import unicodedata

import pytest

from flows.demo.sample import COLUMNS
from flows.workspace.inbox import take_inbox
from flows.workspace.make import make_workspace
from tasks.files.documents import read_document
from tasks.ingest import RAW_PATH
from tasks.ingest.survey import NOTE_NAME, InboxNote, survey

KEY = b"k" * 32
CHINESE = "病" * 83 + ".mp4"
LATIN = os.fsdecode(b"M\xfcller.mp4")
COMPOSED, APART = (unicodedata.normalize(form, "Zoë.mp4") for form in ("NFC", "NFD"))
TWO = [unicodedata.normalize(form, "Ångström.mp4") for form in ("NFC", "NFD")]
SYSTEMS = [
    ".DS_Store",
    "Thumbs.db",
    "~$notes.docx",
    "._good.mp4",
    ".dvcignore",
    "visit/desktop.ini",
    ".git/config",
]


def _row(file, subject="P1", consent="yes", expires=""):
    return [file, subject, "s1", "gait", consent, expires, "", ""]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("inbox") / "d"
    make_workspace(root)
    inbox = root / "data/inbox"
    strangers = [CHINESE, LATIN, APART, *TWO, "with\nbreak.mp4", *SYSTEMS]
    for number, name in enumerate(["good.mp4", "late.mp4", "doubtful.mp4", "same.mp4", *strangers]):
        path = inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"video %d" % number)
    (inbox / "same.mp4").write_bytes((inbox / "doubtful.mp4").read_bytes())
    (inbox / ".dvcignore").write_text("*.mp4\n")
    rows = [_row(name) for name in ("good.mp4", COMPOSED, CHINESE, TWO[0], "same.mp4")]
    rows += [_row("late.mp4", expires="03/04/2027"), _row("doubtful.mp4", consent="mabye")]
    with (inbox / "manifest.csv").open("w", newline="", encoding="utf-16") as stream:
        csv.writer(stream, delimiter=";").writerows([COLUMNS, *rows])
    take_inbox(root, inbox)
    return root


def test_every_stranger_is_refused_by_a_printable_name_and_the_others_go_on(root):
    entries = survey(root / RAW_PATH, KEY)
    found = {entry.file: (entry.reason, entry.detail) for entry in entries}
    assert len({entry.clip_id for entry in entries}) == len(entries) == len(found)
    name, row = "unusable file name", "wrong row in the manifest"
    twice = "another file has the same name, composed otherwise: rename one"
    assert found == {
        "good.mp4": (None, None),
        APART: (None, None),
        CHINESE: (name, "its name has 253 bytes, of which 200 are taken: shorten it"),
        "M\\xfcller.mp4": (name, "its name is no text in UTF-8: rename it"),
        TWO[0]: (name, twice),
        TWO[1]: (name, twice),
        "with\nbreak.mp4": (name, "its name holds a control character: rename it"),
        "late.mp4": (
            row,
            "row 7, consent_expires: write the day as 2027-12-31: others can be read in two ways",
        ),
        "doubtful.mp4": (row, "row 8, consent_release: write yes or no"),
        "same.mp4": (row, None),  # the same video, of which nobody knows whether it may be released
    }
    note = read_document(root / RAW_PATH / NOTE_NAME, InboxNote)
    assert note.told == [
        "manifest.csv is in UTF-16",
        "manifest.csv is separated by semicolons",
        f"{len(SYSTEMS)} of the computer's own files, such as .DS_Store and Thumbs.db, were left alone",
    ]


def test_nothing_of_the_computers_own_lies_beside_the_videos(root):
    taken = {
        path.relative_to(root / RAW_PATH).as_posix()
        for path in (root / RAW_PATH).rglob("*")
        if path.is_file()
    }
    assert taken == {"good.mp4", "late.mp4", "doubtful.mp4", "same.mp4", APART, "manifest.csv", NOTE_NAME}
    assert (root / "data/raw.dvc").is_file()


def test_the_inbox_itself_is_left_as_it_was(root):
    inbox = root / "data/inbox"
    assert (inbox / "manifest.csv").read_bytes().startswith(b"\xff\xfe")
    assert all((inbox / name).is_file() for name in (*SYSTEMS, LATIN, CHINESE))

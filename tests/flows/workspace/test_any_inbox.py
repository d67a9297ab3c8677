"""Whatever lies in an inbox under whatever names: nobody is lost, and who says no is not released."""

import csv
import os
import shutil
from hashlib import sha256
from unicodedata import normalize

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from flows.demo.sample import COLUMNS
from flows.workspace.inbox import mirror_inbox
from flows.workspace.make import make_workspace
from tasks.files.documents import read_document
from tasks.ingest import RAW_PATH
from tasks.ingest.manifest import MANIFEST_NAME
from tasks.ingest.names import is_systems, plain, printable
from tasks.ingest.survey import NOTE_NAME, InboxNote, survey

KEY = b"k" * 32
SOUND = "sound.mp4"
BYTES = st.binary(min_size=1, max_size=255).filter(lambda name: not {0, 47} & {*name} and name.strip(b"."))
PARTS = st.one_of(
    st.sampled_from(["a.mp4", "b.mp4", "A.MP4", "Zoë.mp4", normalize("NFD", "Zoë.mp4"), "a.mp4 ", " a.mp4",
                     ".a.mp4", "Thumbs.db", "病" * 60, "病" * 84, "a\nb.mp4", "v", "-", "*.mp4", "?", "%41"]),
    BYTES.map(os.fsdecode),
)  # fmt: skip
NAMES = st.lists(PARTS, min_size=1, max_size=3).map("/".join).filter(lambda name: name != MANIFEST_NAME)
SPELLINGS = {
    "as it is": str,
    "from here": "./{}".format,
    "blanks": "  {} ".format,
    "other slashes": lambda name: name.replace("/", "\\"),
    "doubled": lambda name: name.replace("/", "//"),
    "composed": lambda name: normalize("NFC", name),
    "apart": lambda name: normalize("NFD", name),
    "out": "../{}".format,
    "capitals": str.upper,
    "small": str.lower,
    "from a share": "C:\\visits\\{}".format,
    "unseen": "\u202a{}\u200b".format,
    "quoted": "'{}'".format,
    "in a circle": "x/../{}".format,
}
ROWS = st.tuples(
    st.integers(0, 5), st.sampled_from([*SPELLINGS]), st.sampled_from(["yes", "no", "YES", "maybe", ""])
)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("any") / "d"
    make_workspace(root)
    return root


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@example({"a.mp4": b"2", "\n\udc80": b"2"}, [(0, "as it is", "yes"), (1, "as it is", "no")])
@example({".a.mp4": b"1", "a.mp4": b"1"}, [(0, "out", "no"), (1, "as it is", "yes")])
@example({"a.mp4": b"1", " a.mp4": b"1"}, [(0, "as it is", "yes"), (1, "from here", "yes")])
@given(st.dictionaries(NAMES, st.sampled_from([b"1", b"2", b"3"]), max_size=6), st.lists(ROWS, max_size=6))
def test_nobody_is_lost_and_who_says_no_is_not_released(root, files, named):
    inbox = root / "data/inbox"
    files = _hand_in(inbox, files)
    meant = {}
    rows = []
    for number, spelling, consent in named if files else ():
        origin = [*files][number % len(files)]
        file = SPELLINGS[spelling](origin)
        if plain(file) != SOUND and _is_text(file):
            rows.append((file, consent))
            meant[file] = origin
    _write_manifest(inbox, rows)
    mirror_inbox(root, inbox)
    entries = survey(root / RAW_PATH, KEY)
    assert [entry.reason for entry in entries if entry.file == SOUND] == [None]
    assert len({entry.clip_id for entry in entries}) == len(entries)
    released = {entry.raw_sha256 for entry in entries if entry.reason is None}
    for file, consent in rows:
        for other, content in files.items():
            if plain(other) == plain(file) and consent.lower() != "yes":
                assert sha256(content).hexdigest() not in released
        there = {plain(other) for other in files}
        if consent.lower() != "yes" and plain(file) not in there and _can_be_told(meant[file]):
            assert sha256(files[meant[file]]).hexdigest() not in released
    told = read_document(root / RAW_PATH / NOTE_NAME, InboxNote).told
    silent = {printable(file) for file in files} - {entry.file for entry in entries}
    assert all(is_systems(file) for file in silent)
    assert bool(silent) <= any("the computer's own files" in one for one in told)


def _hand_in(inbox, files):
    """Write what a disk can hold of some files, beside one that is sound."""
    shutil.rmtree(inbox)
    inbox.mkdir()
    held = {}
    for name, content in files.items():
        try:
            (inbox / name).parent.mkdir(parents=True, exist_ok=True)
            (inbox / name).write_bytes(content)
        except OSError:  # a name that is too long, or a file where a folder should be
            continue
        held[os.path.relpath(inbox / name, inbox)] = content
    (inbox / SOUND).write_bytes(b"sound")
    return held


def _can_be_told(file):
    """Whether something is left of a name when it is folded, and it is written down as it is."""
    return any(char.isalnum() for char in file) and file.isprintable() and not {*"':"} & {*file}


def _is_text(file):
    """Whether a manifest can name it: bytes that are no text become other signs in one."""
    is_utf8 = not any("\ud800" <= char <= "\udfff" for char in file)
    return is_utf8 and (file.isprintable() or "\n" in file)


def _write_manifest(inbox, rows):
    whole = [[file, f"Person {plain(file)!r}", "s1", "gait", consent, "", "", ""] for file, consent in rows]
    with (inbox / MANIFEST_NAME).open("w", newline="", encoding="utf-8", errors="replace") as stream:
        sound = [SOUND, "Sound Person", "q", "q", "yes", "", "", ""]
        csv.writer(stream).writerows([COLUMNS, sound, *whole])

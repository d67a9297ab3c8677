"""An inbox as disks and people really have it: one stranger stops nobody."""

import csv
import os
import shutil
import subprocess
import unicodedata
from datetime import date
from pathlib import Path

import pytest
import yaml

import flows.workspace.inbox as inbox_room
from flows.demo.sample import COLUMNS
from flows.workspace.inbox import WITHDRAWALS_PATH, take_inbox
from flows.workspace.make import make_workspace
from tasks.files.documents import read_document
from tasks.files.errors import InputError
from tasks.files.pseudonyms import known_key, subject_pseudonym
from tasks.ingest import RAW_PATH
from tasks.ingest.survey import NOTE_NAME, InboxNote, survey

KEY = b"k" * 32
CHINESE, DENIED = "病" * 83 + ".mp4", "否" * 80 + ".mp4"
LATIN = os.fsdecode(b"M\xfcller.mp4")
COMPOSED, APART = (unicodedata.normalize(form, "Zoë.mp4") for form in ("NFC", "NFD"))
DOUBT, DOUBT_APART = (unicodedata.normalize(form, "Véra.mp4") for form in ("NFC", "NFD"))
TWO = [unicodedata.normalize(form, "Ångström.mp4") for form in ("NFC", "NFD")]
HIDDEN = ".kept.mp4"
SYSTEMS = [
    ".DS_Store",
    "Thumbs.db",
    "~$notes.docx",
    "._good.mp4",
    ".dvcignore",
    "visit/desktop.ini",
    ".git/config",
]
COPIES = {"same.mp4": "doubtful.mp4", "denied.mp4": DENIED, "again.mp4": DOUBT_APART}
NAME, ROW = "unusable file name", "wrong row in the manifest"


def _row(file, subject="P1", consent="yes", expires=""):
    return [file, subject, "s1", "gait", consent, expires, "", ""]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("inbox") / "d"
    make_workspace(root)
    inbox = root / "data/inbox"
    strangers = [CHINESE, LATIN, APART, *TWO, "with\nbreak.mp4", DOUBT_APART, HIDDEN, DENIED, *SYSTEMS]
    for number, name in enumerate(["good.mp4", "late.mp4", "doubtful.mp4", *strangers]):
        path = inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"video %d" % number)
    for copy, other in COPIES.items():
        (inbox / copy).write_bytes((inbox / other).read_bytes())
    (inbox / ".dvcignore").write_text("*.mp4\n")
    rows = [_row(name) for name in ("good.mp4", COMPOSED, CHINESE, TWO[0], HIDDEN, *COPIES)]
    rows += [_row(DENIED, consent="no"), _row("late.mp4", expires="03/04/2027")]
    rows += [_row(name, consent="mabye") for name in ("doubtful.mp4", DOUBT)]
    with (inbox / "manifest.csv").open("w", newline="", encoding="utf-16") as stream:
        csv.writer(stream, delimiter=";").writerows([COLUMNS, *rows])
    take_inbox(root, inbox)
    return root


def test_every_stranger_is_refused_by_a_printable_name_and_the_others_go_on(root):
    entries = survey(root / RAW_PATH, KEY)
    found = {entry.file: (entry.reason, entry.detail) for entry in entries}
    assert len({entry.clip_id for entry in entries}) == len(entries) == len(found)
    text = "its name is no text in UTF-8, or holds a control character: rename it"
    twice = "another file has the same name, spelt otherwise: rename one"
    assert found == {
        "good.mp4": (None, None),
        APART: (None, None),
        CHINESE: (NAME, "its name has 253 bytes, of which 200 are taken: shorten it"),
        DENIED: (NAME, "its name has 244 bytes, of which 200 are taken: shorten it"),
        "M\\xfcller.mp4": (NAME, text),
        "with\\nbreak.mp4": (NAME, text),
        TWO[0]: (NAME, twice),
        TWO[1]: (NAME, twice),
        HIDDEN: (NAME, "its name is a hidden file's, or one of the computer's own: rename it"),
        "late.mp4": (
            ROW, "row 11, consent_expires: write the day as 2027-12-31: this is none, or may be one of two"
        ),
        "doubtful.mp4": (ROW, "row 12, consent_release: write yes or no"),
        DOUBT_APART: (ROW, "row 13, consent_release: write yes or no"),
        # the same videos, of which nobody knows whether they may be released, or which may not
        "same.mp4": (ROW, None),
        "again.mp4": (ROW, None),
        "denied.mp4": ("no consent to release", None),
    }  # fmt: skip
    note = read_document(root / RAW_PATH / NOTE_NAME, InboxNote)
    assert note.told == [
        "manifest.csv is in UTF-16",
        "manifest.csv is separated by semicolons",
        f"{len(SYSTEMS)} of the computer's own files, such as .DS_Store and Thumbs.db, were left alone",
    ]


def test_what_is_not_usable_is_not_taken(root):
    """Nor what stands in a row that does not hold: it may be somebody's who withdrew."""
    raw = root / RAW_PATH
    taken = {path.relative_to(raw).as_posix() for path in raw.rglob("*") if path.is_file()}
    assert taken == {"good.mp4", *COPIES, APART, "manifest.csv", NOTE_NAME}
    assert (root / "data/raw.dvc").is_file()


def test_the_inbox_itself_is_left_as_it_was(root):
    inbox = root / "data/inbox"
    assert (inbox / "manifest.csv").read_bytes().startswith(b"\xff\xfe")
    assert all((inbox / name).is_file() for name in (*SYSTEMS, LATIN, CHINESE))


def test_who_withdrew_and_has_an_unusable_name_is_refused_once(root):
    """Such a file is named twice over, as theirs and as unusable."""
    subject = subject_pseudonym(known_key(root), "P1")
    record = {
        "subject": subject,
        "clips": [],
        "reason": "asked for it",
        "at": "2026-11-26",
        "published_in": [],
    }
    (root / WITHDRAWALS_PATH).write_text(yaml.safe_dump({"withdrawals": [record]}))
    take_inbox(root, root / "data/inbox")
    entries = survey(root / RAW_PATH, KEY)
    assert len({entry.clip_id for entry in entries}) == len(entries)
    reasons = {entry.file: entry.reason for entry in entries}
    assert reasons[CHINESE] == reasons["good.mp4"] == "consent withdrawn"
    assert not any(reason is None for reason in reasons.values())


@pytest.mark.parametrize(
    ("days", "expires", "refused"),
    [
        (["2026-11-27", "2026-11-28"], "2027-01-01", [None, None]),
        (["2026-11-28", "2026-11-27"], "", [None, None]),
        (["2026-12-31", "2027-01-01"], "2026-12-31", [None, "consent expired"]),
        (["2027-01-01", "2026-12-31"], "2026-12-31", ["consent expired", None]),
        (["2027-01-02", "2027-01-03"], "2026-12-31", ["consent expired", "consent expired"]),
    ],
)
def test_another_day_changes_nothing_but_consent_that_ended(tmp_path, monkeypatch, days, expires, refused):
    root = tmp_path / "d"
    make_workspace(root)
    for name in ("one.mp4", "two.mp4"):
        (root / "data/inbox" / name).write_bytes(name.encode())
    with (root / "data/inbox/manifest.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([COLUMNS, _row("one.mp4"), _row("two.mp4", expires=expires)])
    pointers = []
    for day, reason in zip(days, refused, strict=True):
        _set_clock(monkeypatch, day)
        take_inbox(root, root / "data/inbox")
        assert [entry.reason for entry in survey(root / RAW_PATH, KEY)] == [None, reason]
        pointers.append((root / "data/raw.dvc").read_bytes())
    assert (pointers[0] == pointers[1]) == (refused[0] == refused[1])


def _set_clock(monkeypatch, day):
    class Clock(date):
        @classmethod
        def today(cls):
            return cls.fromisoformat(day)

    monkeypatch.setattr(inbox_room, "date", Clock)


@pytest.fixture(scope="module")
def plain_root(tmp_path_factory):
    root = tmp_path_factory.mktemp("spellings") / "d"
    make_workspace(root)
    return root


def _hand_in(root, files, rows):
    _write_inbox(root / "data/inbox", files, rows)
    take_inbox(root, root / "data/inbox")
    return {entry.file: entry.reason for entry in survey(root / RAW_PATH, KEY)}


def _write_inbox(inbox, files, rows):
    shutil.rmtree(inbox)
    for name, content in files.items():
        (inbox / name).parent.mkdir(parents=True, exist_ok=True)
        (inbox / name).write_bytes(content)
    with (inbox / "manifest.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([COLUMNS, *rows])


@pytest.mark.parametrize(("on_disk", "written"), [
    (DENIED, f"./{DENIED}"), (DENIED, f"{DENIED} "), (f"v/{DENIED}", f"v\\{DENIED}"),
    (APART, f"./{COMPOSED}"), (APART, f" {COMPOSED}"), (f"v/{APART}", f"v//{COMPOSED}"),
    ("b.mp4", "././b.mp4"), ("v/b.mp4", ".\\v\\b.mp4"),
])  # fmt: skip
def test_who_said_no_is_not_released_however_the_file_is_spelt(plain_root, on_disk, written):
    """Nor under another name, of which another row says yes."""
    files = {on_disk: b"denied", "copy.mp4": b"denied", "good.mp4": b"good"}
    rows = [_row(written, consent="no"), _row("copy.mp4"), _row("good.mp4")]
    reasons = _hand_in(plain_root, files, rows)
    assert reasons.pop("good.mp4") is None
    assert reasons.pop("copy.mp4") == "no consent to release"
    assert len(reasons) == 1  # one file, told once
    assert None not in reasons.values()


def test_a_name_that_is_spelt_otherwise_is_found(plain_root):
    files = {APART: b"1", "v/b.mp4": b"2"}
    assert _hand_in(plain_root, files, [_row(f"./{COMPOSED}"), _row("v\\b.mp4")]) == dict.fromkeys(files)


@pytest.mark.parametrize("written", ["./c.mp4", " c.mp4", "c.mp4", "c.mp4 "])
@pytest.mark.parametrize("consent", ["yes", "no"])
def test_two_files_that_differ_in_their_spelling_only_are_both_refused(plain_root, written, consent):
    """Nobody knows of which of them a row speaks, nor whose word goes for another one with the same bytes."""
    files = {"c.mp4 ": b"3", "c.mp4": b"4", "one.mp4": b"3", "two.mp4": b"4"}
    rows = [_row(written, consent=consent), _row("one.mp4"), _row("two.mp4")]
    reasons = _hand_in(plain_root, files, rows)
    assert reasons["c.mp4"] == reasons["c.mp4 "] == NAME
    copies = {reasons["one.mp4"], reasons["two.mp4"]}
    assert copies == ({None} if consent == "yes" else {"no consent to release"})


@pytest.mark.parametrize("no", [
    "A.MP4", "a", "in/a.mp4", "/data/inbox/a.mp4", "C:\\in\\a.mp4", "v/../a.mp4", "a.mp4\u200b",
    "\u202aa.mp4", "'a.mp4", "\uff41.mp4", "linked/a.mp4", "a\u00a0.mp4",
])  # fmt: skip
@pytest.mark.parametrize("named", ["a.mp4", "copy.mp4"])
def test_a_no_that_names_no_file_holds_back_what_it_may_mean(plain_root, no, named):
    """Also where the video is named under another name only."""
    inbox = plain_root / "data/inbox"
    files = {"a.mp4": b"1", "copy.mp4": b"1", "aa.mp4": b"2", "b.mp4": b"3", "w/b.mp4": b"4"}
    rows = [_row(no, consent="no"), _row("v/b.mp4", consent="no"), *map(_row, {named, "aa.mp4", "w/b.mp4"})]
    _write_inbox(inbox, files, rows)
    (inbox / "linked").symlink_to(".", target_is_directory=True)
    take_inbox(plain_root, inbox)
    reasons = {entry.file: entry.reason for entry in survey(plain_root / RAW_PATH, KEY)}
    assert reasons[named] == "no consent to release"
    # another's name, or the same in another folder, is not meant
    assert (reasons["aa.mp4"], reasons["w/b.mp4"]) == (None, None)
    told = read_document(plain_root / RAW_PATH / NOTE_NAME, InboxNote).told
    assert any(one.startswith("a.mp4 is held back") for one in told)


@pytest.mark.parametrize("line", [
    ",a.mp4,P1,s1,gait,no,,", '"a.mp4,P1,s1,gait,no,,,"', "x,a.mp4,P1,s1,gait,no,,,",
    "a.mp4;P1;s1;gait;no;;;", "A.mp4,P1,s1,gait,mabye,,,",
])  # fmt: skip
def test_a_row_that_slipped_holds_back_whom_it_names(plain_root, line):
    inbox = plain_root / "data/inbox"
    files = {"a.mp4": b"1", "copy.mp4": b"1", "s1.mp4": b"2", "gait.mp4": b"3", "P1.mp4": b"4"}
    _write_inbox(inbox, files, [_row(name, "Q7") for name in files])
    with (inbox / "manifest.csv").open("a", newline="") as stream:
        stream.write(line + "\r\n")
    take_inbox(plain_root, inbox)
    entries = survey(plain_root / RAW_PATH, KEY)
    reasons = {entry.file: entry.reason for entry in entries if entry.file in files}
    assert reasons == {"a.mp4": ROW, "copy.mp4": ROW, "s1.mp4": None, "gait.mp4": None, "P1.mp4": None}
    assert "." not in {entry.file for entry in entries}


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(("days", "day"), [
    (["", "2099-01-01"], "2099-01-01"), (["2099-02-01", "2099-01-01"], "2099-01-01"), (["", ""], None),
])  # fmt: skip
@pytest.mark.parametrize(("policies", "policy"), [
    (["keep", "drop"], "drop"), (["keep", ""], None), (["keep", "keep"], "keep"),
])  # fmt: skip
def test_a_video_that_two_rows_name_is_released_as_both_allow(plain_root, order, days, day, policies, policy):
    rows = [
        [*_row(name, expires=expires)[:6], kept, ""]
        for name, expires, kept in zip(("a.mp4", "b.mp4"), days, policies, strict=True)
    ][::order]
    _write_inbox(plain_root / "data/inbox", {"a.mp4": b"1", "b.mp4": b"1"}, rows)
    take_inbox(plain_root, plain_root / "data/inbox")
    (admitted,) = [entry for entry in survey(plain_root / RAW_PATH, KEY) if not entry.reason]
    assert (admitted.consent_expires, admitted.audio_policy) == (day, policy)


def test_what_comes_in_of_who_withdrew_is_not_taken_under_anothers_name(plain_root):
    subject = subject_pseudonym(known_key(plain_root), "P2")
    record = {"subject": subject, "clips": [], "reason": "asked for it", "at": "2026-11-26",
              "published_in": []}  # fmt: skip
    (plain_root / WITHDRAWALS_PATH).write_text(yaml.safe_dump({"withdrawals": [record]}))
    try:
        files = {"a.mp4": b"1", "a2.mp4": b"1", "b.mp4": b"2"}
        reasons = _hand_in(plain_root, files, [_row("a.mp4"), _row("a2.mp4", "P2"), _row("b.mp4")])
    finally:
        (plain_root / WITHDRAWALS_PATH).unlink()
    assert reasons == {"a.mp4": "consent withdrawn", "a2.mp4": "consent withdrawn", "b.mp4": None}


@pytest.mark.parametrize("place", ["data/raw", "data", ".", "data/raw/v", "elsewhere"])
def test_what_is_kept_cannot_be_the_inbox(plain_root, place):
    rows = [_row("a.mp4"), _row("b.mp4", consent="mabye")]
    _hand_in(plain_root, {"a.mp4": b"1", "v/c.mp4": b"2", "b.mp4": b"3"}, [*rows, _row("v/c.mp4")])
    (plain_root / "elsewhere").unlink(missing_ok=True)
    (plain_root / "elsewhere").symlink_to("data/raw")
    for folder in (plain_root / RAW_PATH, plain_root / "data", plain_root, plain_root / RAW_PATH / "v"):
        if not (folder / "manifest.csv").is_file():
            (folder / "manifest.csv").write_text(",".join(COLUMNS) + "\n")
    before = {path: path.read_bytes() for path in (plain_root / RAW_PATH).rglob("*") if path.is_file()}
    with pytest.raises(InputError, match="cannot be the inbox"):
        take_inbox(plain_root, plain_root / place)
    assert before == {
        path: path.read_bytes() for path in (plain_root / RAW_PATH).rglob("*") if path.is_file()
    }
    (plain_root / "data/manifest.csv").unlink()
    (plain_root / "manifest.csv").unlink()


def _content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_deep_and_decomposed_paths_stop_nobody(plain_root):
    korean = (
        "\uc2e0\uacbd\uacfc\uc678\ub798\ubcf4\ud589\uac80\uc0ac\uc2e4\ub450\ubc88\uc9f8\ubc29\ubb38\uac77\uae30"
        * 6
    )
    apart = "/".join(unicodedata.normalize("NFD", korean[at : at + 24]) for at in range(0, 96, 24))
    deep = "/".join(["folder" * 20] * 12)
    files = {f"{apart}.mp4": b"1", f"{deep}/x.mp4": b"2", "b.mp4": b"3"}
    named = unicodedata.normalize("NFC", f"{apart}.mp4")
    assert len(named) < 200 < len(apart)
    reasons = _hand_in(plain_root, files, [_row(named), _row("b.mp4")])
    assert reasons == {f"{apart}.mp4": None, f"{deep}/x.mp4": NAME, "b.mp4": None}


def test_what_is_no_file_is_told_and_what_to_do(plain_root, tmp_path):
    inbox = plain_root / "data/inbox"
    _write_inbox(inbox, {"v/a.mp4": b"1", "b.mp4": b"2"}, [_row("v/a.mp4"), _row("b.mp4"), _row("l/a.mp4")])
    os.mkfifo(inbox / "pipe.mp4")
    for name, target in {"l": "v", "circle": ".", "away": str(tmp_path), "file.mp4": "b.mp4"}.items():
        (inbox / name).symlink_to(target)
    take_inbox(plain_root, inbox)
    found = {entry.file: (entry.reason, entry.detail) for entry in survey(plain_root / RAW_PATH, KEY)}
    linked = (NAME, "it is a link to a folder: hand in what lies there")
    assert found == {
        "v/a.mp4": (None, None),
        "b.mp4": (None, None),
        "l/a.mp4": ("file missing", None),
        "pipe.mp4": (NAME, "it is no file: take it out"),
        "l": linked,
        "circle": linked,
        "away": ("path outside the inbox", None),
        "file.mp4": ("not named in the manifest", None),
    }


@pytest.mark.parametrize("name", ["Manifest.csv", "MANIFEST.CSV"])
def test_the_manifests_capitals_do_not_matter(plain_root, name):
    inbox = plain_root / "data/inbox"
    _write_inbox(inbox, {"a.mp4": b"1"}, [_row("a.mp4")])
    (inbox / "manifest.csv").rename(inbox / name)
    take_inbox(plain_root, inbox)
    assert [(entry.file, entry.reason) for entry in survey(plain_root / RAW_PATH, KEY)] == [("a.mp4", None)]


@pytest.mark.skipif(os.getuid() != 0, reason="what nobody may read is made by root")
def test_a_file_or_folder_that_may_not_be_read_is_refused_and_the_others_go_on(plain_root, monkeypatch):
    reached = os.access

    def access(path, mode):
        return reached(path, mode) and Path(path).stat().st_mode & 0o444 != 0

    monkeypatch.setattr("os.access", access)  # root may read everything
    files = {"a.mp4": b"1", "b.mp4": b"2", "c.mp4": b"3"}
    inbox = plain_root / "data/inbox"
    _hand_in(plain_root, files | {"shut/d.mp4": b"4", "open/e.mp4": b"5"}, [_row(name) for name in files])
    (inbox / "b.mp4").chmod(0)
    (inbox / "shut").chmod(0)
    take_inbox(plain_root, inbox)
    (inbox / "shut").chmod(0o755)
    found = {entry.file: (entry.reason, entry.detail) for entry in survey(plain_root / RAW_PATH, KEY)}
    assert found == {
        "a.mp4": (None, None),
        "b.mp4": (NAME, "you may not read it: give yourself the right to"),
        "c.mp4": (None, None),
        "open/e.mp4": ("not named in the manifest", None),
        "shut": (NAME, "you may not read it: give yourself the right to"),
    }
    assert not (plain_root / RAW_PATH / "b.mp4").exists()
    assert not (plain_root / RAW_PATH / "shut").exists()


@pytest.fixture
def locked(tmp_path):
    """An inbox on a share that may only be read, with what is asked of it."""
    inbox, share = tmp_path / "inbox", tmp_path / "share"
    inbox.mkdir()
    share.mkdir()
    (inbox / "good.mp4").write_bytes(b"good")
    (inbox / ".DS_Store").write_bytes(b"x")
    with (inbox / "manifest.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([COLUMNS, _row("good.mp4")])
    mounts = (["mount", "--bind", str(inbox), str(share)], ["mount", "-o", "remount,ro,bind", str(share)])
    if any(subprocess.run(words, capture_output=True, check=False).returncode for words in mounts):
        subprocess.run(["umount", str(share)], capture_output=True, check=False)
        pytest.skip("this machine does not allow to mount a folder that may only be read")
    yield share
    subprocess.run(["umount", str(share)], check=True)


@pytest.mark.slow
def test_an_inbox_that_may_only_be_read_is_taken_and_left_as_it_is(tmp_path, locked):
    with pytest.raises(OSError):
        (locked / "new").write_bytes(b"")
    before = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in locked.iterdir()}
    workspace = tmp_path / "release"
    make_workspace(workspace)
    take_inbox(workspace, locked)
    assert [(one.file, one.reason) for one in survey(workspace / RAW_PATH, KEY)] == [("good.mp4", None)]
    assert {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in locked.iterdir()} == before
    # and once more, when something is there already
    take_inbox(workspace, locked)
    assert (workspace / RAW_PATH / "good.mp4").read_bytes() == b"good"

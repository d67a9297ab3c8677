"""What the manifest says against what lies there."""

import csv

import pytest

from flows.demo.sample import COLUMNS
from tasks.files.documents import write_json
from tasks.files.errors import DocumentError, KeyMismatchError
from tasks.files.pseudonyms import (
    KEY_PATH,
    KEY_VARIABLE,
    check_key,
    clip_pseudonym,
    read_key,
    subject_pseudonym,
)
from tasks.ingest.survey import NOTE_NAME, spellings, survey

KEY = b"k" * 32
TODAY = "2026-11-22"


def _row(file, subject="S1", consent="yes", expires="", policy=""):
    return [file, subject, "s1", "gait", consent, expires, policy, ""]


def _inbox(folder, rows, files, outside=()):
    write_json({"as_of": TODAY, "outside": list(outside)}, folder / NOTE_NAME)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    with (folder / "manifest.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([COLUMNS, *rows])
    return folder


def _reasons(folder):
    return {entry.file: entry.reason for entry in survey(folder, KEY)}


def test_each_reason_and_none(tmp_path):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (tmp_path / "secret.mp4").write_bytes(b"outside")
    rows = [
        _row("good.mp4"),
        _row("sub/good too.mp4", expires="2026-11-22"),
        _row("no.mp4", consent="no"),
        _row("late.mp4", expires="2026-11-21"),
        _row("gone.mp4"),
        _row("again.mp4"),
        _row("../secret.mp4"),
        _row(str(tmp_path / "secret.mp4")),
        _row("link.mp4"),
        _row(f"{'ü' * 150}.mp4"),
    ]
    contents = {"good.mp4": b"1", "sub/good too.mp4": b"2", "no.mp4": b"3", "late.mp4": b"4",
                "again.mp4": b"1", "forgotten.mp4": b"5"}  # fmt: skip
    _inbox(inbox, rows, contents, outside=["link.mp4", "stray-link.mp4"])
    assert _reasons(inbox) == {
        "good.mp4": None,
        "sub/good too.mp4": None,
        "no.mp4": "no consent to release",
        "late.mp4": "consent expired",
        "gone.mp4": "file missing",
        "again.mp4": "duplicate content",
        "../secret.mp4": "path outside the inbox",
        str(tmp_path / "secret.mp4"): "path outside the inbox",
        "link.mp4": "path outside the inbox",
        "forgotten.mp4": "not named in the manifest",
        "stray-link.mp4": "path outside the inbox",
        f"{'ü' * 150}.mp4": "file missing",
    }


@pytest.mark.parametrize("order", [1, -1])
def test_consent_that_is_denied_under_one_name_is_denied_under_every_name(tmp_path, order):
    rows = [_row("one.mp4", consent="no"), _row("two.mp4")][::order]
    _inbox(tmp_path, rows, {"one.mp4": b"1", "two.mp4": b"1"})
    assert set(_reasons(tmp_path).values()) == {"no consent to release"}


def test_pseudonyms_hold_over_names_and_differ_over_keys(tmp_path):
    assert clip_pseudonym(KEY, "ab") == clip_pseudonym(KEY, "ab")
    assert subject_pseudonym(KEY, "S1") != subject_pseudonym(b"l" * 32, "S1")
    _inbox(tmp_path, [_row("one.mp4")], {"one.mp4": b"1"})
    (entry,) = survey(tmp_path, KEY)
    (tmp_path / "one.mp4").rename(tmp_path / "two.mp4")
    _inbox(tmp_path, [_row("two.mp4")], {})
    (renamed,) = survey(tmp_path, KEY)
    assert entry.clip_id == renamed.clip_id
    assert "S1" not in f"{entry.clip_id}{entry.subject}"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([_row("a.mp4", consent="perhaps")], "row 2: consent_release: write yes or no"),
        ([_row("a.mp4"), _row("b.mp4", expires="2026-02-30")], "row 3: consent_expires: no such day"),
        ([_row("a.mp4"), _row("a.mp4", "S2")], "row 2: file: another row names it, too"),
        ([["a.mp4"]], "manifest.csv"),
    ],
)
def test_a_manifest_that_cannot_be_trusted_is_refused_whole(tmp_path, rows, said):
    with pytest.raises(DocumentError, match=said):
        survey(_inbox(tmp_path, rows, {}), KEY)


@pytest.mark.parametrize(
    ("subject", "label"),
    [("P-017", "P-017"), ("P-017", "p_017"), ("p 017", "P-017"), ("Müller", "x-Muller"), ("Anna M", "annam"),
     ("P-017", "visit-P017"), ("S1", "S1")],
)  # fmt: skip
@pytest.mark.parametrize("column", ["session", "task"])
def test_a_label_that_holds_a_subjects_id_is_refused(tmp_path, subject, label, column):
    row = dict(zip(COLUMNS, _row("a.mp4", subject), strict=True)) | {column: label}
    other = _row("b.mp4", "Somebody Else")
    with pytest.raises(DocumentError, match=f"row 3: {column}: a label is published"):
        survey(_inbox(tmp_path, [other, list(row.values())], {}), KEY)


@pytest.mark.parametrize(
    ("subject", "label"), [("S1", "s1"), ("P-017", "visit"), ("1", "s1"), ("P-017", "P-18")]
)
def test_a_label_that_only_looks_a_little_like_an_id_is_admitted(tmp_path, subject, label):
    row = dict(zip(COLUMNS, _row("a.mp4", subject), strict=True)) | {"session": label}
    assert len(survey(_inbox(tmp_path, [list(row.values())], {}), KEY)) == 1


def test_no_manifest(tmp_path):
    write_json({"as_of": TODAY, "outside": []}, tmp_path / NOTE_NAME)
    with pytest.raises(DocumentError, match=r"manifest\.csv is missing"):
        survey(tmp_path, KEY)


@pytest.fixture
def keyed(tmp_path, monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    path = tmp_path / KEY_PATH
    path.parent.mkdir()
    path.write_bytes(KEY)
    path.chmod(0o600)
    return tmp_path


def test_the_key_is_read_from_a_file_that_only_its_owner_reads(keyed):
    assert read_key(keyed) == KEY
    (keyed / KEY_PATH).chmod(0o640)
    with pytest.raises(KeyMismatchError, match="chmod 600"):
        read_key(keyed)


def test_a_missing_key_is_told_as_what_it_is(keyed):
    (keyed / KEY_PATH).unlink()
    with pytest.raises(KeyMismatchError, match="no clip can be linked"):
        read_key(keyed)


def test_another_key_than_last_time_is_an_error(keyed, monkeypatch):
    check_key(keyed, read_key(keyed))
    check_key(keyed, read_key(keyed))
    monkeypatch.setenv(KEY_VARIABLE, "another key, long enough to be taken")
    with pytest.raises(KeyMismatchError, match="not the one"):
        check_key(keyed, read_key(keyed))


def test_a_short_key_is_refused(keyed, monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, "short")
    with pytest.raises(KeyMismatchError, match="shorter than 32"):
        read_key(keyed)


@pytest.mark.parametrize(
    "other",
    [
        "P-017 ",
        " p-017",
        "P-017\u200b",
        "P\u2013017",
        "\uff30-\uff10\uff11\uff17",
        "P-017\u00a0",
        "p\u2011017",
    ],
)
def test_one_person_has_one_pseudonym_however_they_are_spelt(tmp_path, other):
    assert subject_pseudonym(KEY, other) == subject_pseudonym(KEY, "P-017")
    rows = [_row("one.mp4", "P-017"), _row("two.mp4", other), _row("three.mp4", "P-018")]
    _inbox(tmp_path, rows, {"one.mp4": b"1", "two.mp4": b"2", "three.mp4": b"3"})
    assert len({entry.subject for entry in survey(tmp_path, KEY)}) == 2
    assert spellings(tmp_path) == 1


@pytest.mark.parametrize(("one", "other"), [("Mu\u0308ller", "M\u00fcller"), ("STRASSE 1", "stra\u00dfe  1")])
def test_names_that_are_composed_differently_are_one(one, other):
    assert one != other
    assert subject_pseudonym(KEY, one) == subject_pseudonym(KEY, other)


@pytest.mark.parametrize("other", ["P-0171", "P-07", "P017", "Q-017", "P-01 7"])
def test_people_who_are_spelt_alike_stay_apart(other):
    assert subject_pseudonym(KEY, other) != subject_pseudonym(KEY, "P-017")


@pytest.mark.parametrize("blank", [" ", "\u200b", "\u00a0 \ufeff"])
def test_an_id_that_cannot_be_seen_is_refused(tmp_path, blank):
    _inbox(tmp_path, [_row("one.mp4", blank)], {"one.mp4": b"1"})
    with pytest.raises(DocumentError, match="row 2: subject_id"):
        survey(tmp_path, KEY)

"""What was handed in, against what the manifest says of it."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Annotated
from unicodedata import normalize

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from schemas.clips import DATE, MANIFEST
from tasks.files.documents import read_document
from tasks.files.errors import DocumentError
from tasks.files.hashing import sha256_file
from tasks.files.pseudonyms import canonical_id, clip_pseudonym, refused_pseudonym, subject_pseudonym
from tasks.files.tables import check_table

MANIFEST_NAME = "manifest.csv"
NOTE_NAME = "inbox-note.json"
LEAST_NAME = 3  # in characters: shorter ones stand in any text
CONSENT = ("no consent to release", "consent expired")


class InboxNote(BaseModel):
    """What `guise ingest` notes beside the videos.

    as_of: the day. outside: links that lead out of the inbox. withdrawn: files that were handed in again
    after their people withdrew; neither they nor their rows are taken.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: Annotated[str, Field(pattern=DATE)]
    outside: list[str]
    withdrawn: list[str] = []


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file handed in, or named; reason: why it is refused before it is opened, or None."""

    file: str
    clip_id: str
    subject: str | None = None
    session: str | None = None
    task: str | None = None
    audio_policy: str | None = None
    consent_expires: str | None = None
    raw_sha256: str | None = None
    reason: str | None = None


def read_manifest(path: Path) -> pl.DataFrame:
    """Read the manifest as text. Raises DocumentError naming row and column."""
    if not path.is_file():
        raise DocumentError(f"{MANIFEST_NAME} is missing: put it beside the videos")
    try:
        # text only: a date or a subject id must not be reinterpreted on the way in
        table = pl.read_csv(path, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise DocumentError(f"{MANIFEST_NAME} is not a readable CSV table") from error
    if ";" in "".join(table.columns):
        raise DocumentError(f"{MANIFEST_NAME} is separated by semicolons: save it with commas")
    table = table.filter(~pl.all_horizontal(pl.all().is_null()))
    missing = sorted(set(MANIFEST.columns) - set(table.columns))
    if missing:
        raise DocumentError(f"{MANIFEST_NAME} lacks the column {', '.join(missing)}")
    table = check_table(table, MANIFEST, MANIFEST_NAME)
    for row, text in enumerate(table["consent_expires"], 1):
        _check_date(text, row)
    for row, text in enumerate(table["subject_id"], 1):
        if not canonical_id(text):
            raise DocumentError(
                f"{MANIFEST_NAME} column subject_id row {row}: it holds nothing that can be seen"
            )
    _check_labels(table)
    return table


def _check_labels(table: pl.DataFrame) -> None:
    """Raise DocumentError where a label, which is published, holds the id of one of the manifest's people."""
    ids = set(table["subject_id"])
    for column in ("session", "task"):
        for row, label in enumerate(table[column], 1):
            if any(holds_name(label, one) for one in ids):
                raise DocumentError(
                    f"{MANIFEST_NAME} column {column} row {row}: a label is published, and this one holds a "
                    "subject's id: write what was done, or which visit it was"
                )


def holds_name(text: str, name: str) -> bool:
    """Return whether a text holds a name, however it is spelt; a very short one only as the very word."""
    bare = _bare(name)
    return bare in _bare(text) if len(bare) >= LEAST_NAME else name.strip() in text.split()


def _bare(text: str) -> str:
    return "".join(char for char in normalize("NFKD", text).casefold() if char.isalnum())


def _check_date(text: str | None, row: int) -> None:
    try:
        date.fromisoformat(text or "9999-12-31")
    except ValueError:
        raise DocumentError(f"{MANIFEST_NAME} column consent_expires row {row}: no such day") from None


def spellings(raw: Path) -> int:
    """Return how many people's ids are spelt in more than one way."""
    written = set(read_manifest(raw / MANIFEST_NAME)["subject_id"])
    people = Counter(map(canonical_id, written))
    return sum(count > 1 for count in people.values())


def survey(raw: Path, key: bytes) -> list[Entry]:
    """Return an entry for every row of the manifest and every file that it does not name.

    Raises DocumentError where the manifest or the note of `guise ingest` is missing or broken.
    """
    note = read_document(raw / NOTE_NAME, InboxNote)
    rows = list(read_manifest(raw / MANIFEST_NAME).iter_rows(named=True))
    refusals = [_refusal(raw, row, note) for row in rows]
    digests = [_digest(raw / row["file"]) for row in rows]
    forbidden = {
        digest: reason
        for digest, reason in zip(digests, refusals, strict=True)
        if digest and reason in CONSENT
    }
    entries: list[Entry] = []
    contents: set[str] = set()
    for row, refusal, digest in zip(rows, refusals, digests, strict=True):
        # what may not be released under one name may not under another
        reason = refusal or forbidden.get(digest or "")
        reason = reason or ("duplicate content" if digest in contents else None)
        if not reason:
            contents.add(digest or "")
        entries.append(_entry(row, key, digest, reason))
    named = {str(PurePosixPath(entry.file)) for entry in entries} | {MANIFEST_NAME, NOTE_NAME}
    unnamed = [file for file in list_files(raw) if file not in named]
    outside = [file for file in note.outside if file not in named]
    return (
        entries
        + [_stranger(file, key, "not named in the manifest") for file in unnamed]
        + [_stranger(file, key, "path outside the inbox") for file in outside]
        + [_stranger(file, key, "consent withdrawn") for file in note.withdrawn]
    )


def _stranger(file: str, key: bytes, reason: str) -> Entry:
    return Entry(file=file, clip_id=refused_pseudonym(key, file), reason=reason)


def list_files(folder: Path) -> list[str]:
    """Return every file below a folder, relative and sorted."""
    found = (path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _entry(row: dict[str, str], key: bytes, digest: str | None, reason: str | None) -> Entry:
    is_open = digest is not None and reason is None
    return Entry(
        file=row["file"],
        clip_id=clip_pseudonym(key, digest or "") if is_open else refused_pseudonym(key, row["file"]),
        subject=subject_pseudonym(key, row["subject_id"]),
        session=row["session"],
        task=row["task"],
        audio_policy=row["audio_policy"],
        consent_expires=row["consent_expires"],
        raw_sha256=digest if is_open else None,
        reason=reason,
    )


def _refusal(raw: Path, row: dict[str, str], note: InboxNote) -> str | None:
    path = PurePosixPath(row["file"])
    if path.is_absolute() or ".." in path.parts or str(path) in note.outside:
        return "path outside the inbox"
    if row["consent_release"] != "yes":
        return "no consent to release"
    expires = row["consent_expires"]
    if expires and date.fromisoformat(expires) < date.fromisoformat(note.as_of):
        return "consent expired"
    return None if _digest(raw / path) else "file missing"


def _digest(path: Path) -> str | None:
    try:
        if path.is_symlink() or not path.is_file():
            return None
        status = path.stat()
    except OSError:
        return None
    return _digest_of(path, status.st_size, status.st_mtime_ns)


@cache
def _digest_of(path: Path, size: int, mtime_ns: int) -> str:
    return sha256_file(path)

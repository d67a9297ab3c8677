"""What was handed in, against what the manifest says of it."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path, PurePosixPath

import polars as pl

from schemas.clips import MANIFEST
from tasks.documents import check_table
from tasks.errors import DocumentError
from tasks.hashing import sha256_file
from tasks.ingest.pseudonyms import clip_pseudonym, refused_pseudonym, subject_pseudonym

MANIFEST_NAME = "manifest.csv"


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
    table = check_table(table, MANIFEST, MANIFEST_NAME)
    for row, text in enumerate(table["consent_expires"], 1):
        _check_date(text, row)
    return table


def _check_date(text: str | None, row: int) -> None:
    try:
        date.fromisoformat(text or "9999-12-31")
    except ValueError:
        raise DocumentError(f"{MANIFEST_NAME} column consent_expires row {row}: no such day") from None


def survey(raw: Path, key: bytes, today: date) -> list[Entry]:
    """Return an entry for every row of the manifest and every file that it does not name."""
    entries: list[Entry] = []
    contents: set[str] = set()
    for row in read_manifest(raw / MANIFEST_NAME).iter_rows(named=True):
        entry = _judge(raw, row, key, today, contents)
        if entry.raw_sha256 and not entry.reason:
            contents.add(entry.raw_sha256)
        entries.append(entry)
    named = {str(PurePosixPath(entry.file)) for entry in entries} | {MANIFEST_NAME}
    return entries + [
        Entry(file=file, clip_id=refused_pseudonym(key, file), reason="not named in the manifest")
        for file in list_files(raw)
        if file not in named
    ]


def list_files(folder: Path) -> list[str]:
    """Return every file below a folder, relative and sorted."""
    found = (path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _judge(raw: Path, row: dict[str, str], key: bytes, today: date, contents: set[str]) -> Entry:
    file = row["file"]
    reason = _refusal(raw, row, today)
    digest = None if reason else _digest(raw / file)
    if digest in contents:
        reason = "duplicate content"
    return Entry(
        file=file,
        clip_id=clip_pseudonym(key, digest) if digest and not reason else refused_pseudonym(key, file),
        subject=subject_pseudonym(key, row["subject_id"]),
        session=row["session"],
        task=row["task"],
        audio_policy=row["audio_policy"],
        consent_expires=row["consent_expires"],
        raw_sha256=digest,
        reason=reason,
    )


def _refusal(raw: Path, row: dict[str, str], today: date) -> str | None:
    path = PurePosixPath(row["file"])
    if path.is_absolute() or ".." in path.parts:
        return "path outside the inbox"
    if not (raw / path).resolve().is_relative_to(raw.resolve()):
        return "path outside the inbox"
    if row["consent_release"] != "yes":
        return "no consent to release"
    if row["consent_expires"] and date.fromisoformat(row["consent_expires"]) < today:
        return "consent expired"
    return None if (raw / path).is_file() else "file missing"


def _digest(path: Path) -> str:
    status = path.stat()
    return _digest_of(path, status.st_size, status.st_mtime_ns)


@cache
def _digest_of(path: Path, size: int, mtime_ns: int) -> str:
    return sha256_file(path)

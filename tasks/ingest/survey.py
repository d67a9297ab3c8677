"""What was handed in, against what the manifest says of it."""

import os
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from schemas.clips import DATE
from tasks.files.documents import read_document
from tasks.files.hashing import sha256_file
from tasks.files.pseudonyms import canonical_id, clip_pseudonym, refused_pseudonym, subject_pseudonym
from tasks.ingest.manifest import MANIFEST_NAME, read_manifest

NOTE_NAME = "inbox-note.json"
WRONG_ROW, UNUSABLE = "wrong row in the manifest", "unusable file name"
Row = dict[str, Any]
CONSENT = ("no consent to release", "consent expired")


class InboxNote(BaseModel):
    """What `guise ingest` notes beside the videos.

    as_of: the day on which consent was looked at, kept while later days say the same. outside: links that
    lead out of the inbox. withdrawn: files that were handed in again after their people withdrew; neither
    they nor their rows are taken. unusable: printable names of files that were not taken, and why. wrong:
    rows of the manifest that do not hold: number, file, what to type; their files are not taken. forbidden:
    SHA-256 of files that lie in the inbox only and may not be released under another name, and why. told:
    what else a person should know.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: Annotated[str, Field(pattern=DATE)]
    outside: list[str]
    withdrawn: list[str] = []
    unusable: dict[str, str] = {}
    wrong: list[tuple[int, str, str]] = []
    forbidden: dict[str, str] = {}
    told: list[str] = []


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
    may_be_mixed: bool = False
    raw_sha256: str | None = None
    reason: str | None = None
    detail: str | None = None


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
    forbidden = note.forbidden | {
        digest: reason
        for digest, reason in zip(digests, refusals, strict=True)
        if digest and reason in CONSENT
    }
    entries: list[Entry] = []
    contents: set[str] = set()
    same: dict[str, list[Row]] = {}
    for row, digest in zip(rows, digests, strict=True):
        same.setdefault(digest or "", []).append(row)
    rows = [
        row | (_strictest(same[digest]) if digest else {}) for row, digest in zip(rows, digests, strict=True)
    ]
    for row, refusal, digest in zip(rows, refusals, digests, strict=True):
        # what may not be released under one name may not under another
        reason = refusal or forbidden.get(digest or "")
        reason = reason or ("duplicate content" if digest in contents else None)
        if not reason:
            contents.add(digest or "")
        entries.append(_entry(row, key, digest, reason, note.unusable.get(row["file"])))
    entries += [_of_wrong_row(key, *one) for one in note.wrong]
    return entries + _not_named(raw, key, note, {str(PurePosixPath(entry.file)) for entry in entries})


def _strictest(rows: list[Row]) -> Row:
    """Return what all rows of one video allow: until their first day, its sound and its mixing if all do."""
    days = [row["consent_expires"] for row in rows if row["consent_expires"]]
    policies = {row["audio_policy"] for row in rows}
    said = next((policy for policy in ("drop", None) if policy in policies), "keep")
    mix = "yes" if {row["consent_mix"] for row in rows} == {"yes"} else None
    return {"consent_expires": min(days, default=None), "audio_policy": said, "consent_mix": mix}


def _of_wrong_row(key: bytes, row: int, file: str, said: str) -> Entry:
    return Entry(
        file=file,
        clip_id=refused_pseudonym(key, f"\0row {row}"),
        reason=WRONG_ROW,
        detail=f"row {row}, {said}",
    )


def _not_named(raw: Path, key: bytes, note: InboxNote, named: set[str]) -> list[Entry]:
    """Return an entry for every file of which the manifest says nothing."""
    known = named | {MANIFEST_NAME, NOTE_NAME}
    unnamed = [file for file in list_files(raw) if file not in known]
    outside = [file for file in note.outside if file not in named]
    unusable = {file: why for file, why in note.unusable.items() if file not in named}
    return (
        [_stranger(file, key, "not named in the manifest") for file in unnamed]
        + [_stranger(file, key, "path outside the inbox") for file in outside]
        + [_stranger(file, key, "consent withdrawn") for file in note.withdrawn]
        + [replace(_stranger(file, key, UNUSABLE), detail=why) for file, why in unusable.items()]
    )


def _stranger(file: str, key: bytes, reason: str) -> Entry:
    return Entry(file=file, clip_id=refused_pseudonym(key, file), reason=reason)


def list_files(folder: Path) -> list[str]:
    """Return what lies below a folder, relative and sorted; of a folder that may not be entered itself."""
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        inside = {name: Path(place, name) for name in [*folders, *names]}
        shut = [name for name in folders if is_shut(inside[name])]
        links = [name for name in folders if inside[name].is_symlink()]
        found += [inside[name] for name in [*shut, *links]]
        found += [inside[name] for name in names]
        folders[:] = [name for name in folders if name not in shut]
    return sorted({path.relative_to(folder).as_posix() for path in found})


def is_shut(path: Path) -> bool:
    """Return whether a file may not be read, or a folder not entered, by who asks."""
    if path.is_dir() and not path.is_symlink():
        return not os.access(path, os.R_OK | os.X_OK)
    return path.is_file() and not os.access(path, os.R_OK)


def _entry(row: Row, key: bytes, digest: str | None, reason: str | None, detail: str | None) -> Entry:
    is_open = digest is not None and reason is None
    return Entry(
        file=row["file"],
        clip_id=clip_pseudonym(key, digest or "") if is_open else refused_pseudonym(key, row["file"]),
        subject=subject_pseudonym(key, row["subject_id"]),
        session=row["session"],
        task=row["task"],
        audio_policy=row["audio_policy"],
        consent_expires=row["consent_expires"],
        may_be_mixed=row["consent_mix"] == "yes",
        raw_sha256=digest if is_open else None,
        reason=reason,
        detail=detail,
    )


def _refusal(raw: Path, row: Row, note: InboxNote) -> str | None:
    path = PurePosixPath(row["file"])
    if path.is_absolute() or ".." in path.parts or str(path) in note.outside:
        return "path outside the inbox"
    if row["file"] in note.unusable:
        return UNUSABLE
    return consent_refusal(row, note.as_of) or (None if _digest(raw / path) else "file missing")


def consent_refusal(row: Row, as_of: str) -> str | None:
    """Return which of CONSENT forbids a row's video on a day."""
    if row["consent_release"] != "yes":
        return CONSENT[0]
    expires = row["consent_expires"]
    is_over = expires and date.fromisoformat(expires) < date.fromisoformat(as_of)
    return CONSENT[1] if is_over else None


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

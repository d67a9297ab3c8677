"""Take what was handed in into data/raw, under DVC."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path, PurePosixPath

import polars as pl
import yaml

from flows.workspace.graph import open_repo
from schemas.release import Withdrawal, Withdrawals
from tasks.files.documents import read_document, write_json
from tasks.files.errors import DocumentError, InputError
from tasks.files.hashing import sha256_file
from tasks.files.pseudonyms import clip_pseudonym, known_key, subject_pseudonym
from tasks.files.whole import whole, write_bytes
from tasks.ingest import RAW_PATH
from tasks.ingest.manifest import MANIFEST_NAME, HandedIn, find_manifest, read_handed_in
from tasks.ingest.names import is_systems, may_mean, plain, printable, unusable_names
from tasks.ingest.survey import NOTE_NAME, WRONG_ROW, InboxNote, consent_refusal, is_shut, list_files

RAW_FILE = Path("data/raw.dvc")
WITHDRAWALS_PATH = Path("data/withdrawals.yaml")


def take_inbox(root: Path, inbox: Path) -> None:
    """Mirror the inbox into data/raw and add it to DVC. Raises what mirror_inbox raises."""
    mirror_inbox(root, inbox)
    add_to_dvc(root)


def mirror_inbox(root: Path, inbox: Path) -> None:
    """Mirror the inbox into data/raw, and note beside it what was not taken, and the day for consent.

    Links that lead out of the inbox are noted and never read; nothing is taken of people who withdrew.
    Raises InputError or DocumentError where there is no readable manifest.
    """
    _require_inbox(root, inbox)
    manifest = find_manifest(inbox)
    handed_in = read_handed_in(manifest)
    found = [file for file in list_files(inbox) if file not in (NOTE_NAME, manifest.name)]
    handed_in = _as_on_disk(handed_in, found)
    wrong = {_normal(one.file) for one in handed_in.wrong}
    named = {*wrong, *map(_normal, handed_in.rows["file"])}
    files = [file for file in found if file in named or not is_systems(file)]
    if handed_in.rows.is_empty() and not files:
        raise InputError("the inbox is empty: nothing was handed in")
    odd = {file: said for file in files if (said := _oddness(inbox, file))}
    unusable = odd | unusable_names(files)
    inside = [file for file in files if file not in unusable and _is_inside(inbox, file)]
    withdrawn = withdrawn_files(root, inbox, inside, handed_in.rows)
    gone = {*wrong, *withdrawn}
    rows = without_files(handed_in.rows, withdrawn)
    as_of = _day_of_consent(root, rows)
    held = held_back(handed_in, inbox, files, found, as_of)
    _take(root, inbox, [file for file in inside if file not in gone])
    write_manifest(root / RAW_PATH, rows)
    note = InboxNote(
        as_of=as_of,
        outside=sorted(set(files) - set(inside) - set(unusable) - gone),
        withdrawn=withdrawn,
        unusable={printable(file): why for file, why in unusable.items() if file not in gone},
        wrong=[(one.row, printable(one.file), one.detail) for one in handed_in.wrong],
        forbidden=_forbidden(inbox, found, rows, wrong, as_of) | _digests(inbox, held),
        told=[*handed_in.told, *_told_of(len(found) - len(files)), *_told_of_held(held)],
    )
    write_json(note.model_dump(), root / RAW_PATH / NOTE_NAME)


def _require_inbox(root: Path, inbox: Path) -> None:
    """Raise InputError where nothing can be handed in from a folder."""
    if not inbox.is_dir():
        raise InputError(f"there is no inbox at {inbox}")
    raw, here = (root / RAW_PATH).resolve(), inbox.resolve()
    if raw.is_relative_to(here) or here.is_relative_to(raw):
        raise InputError(f"{inbox} cannot be the inbox: what is handed in is kept in {RAW_PATH}")
    if is_shut(inbox):
        raise InputError(f"you may not read {inbox}: give yourself the right to")


def _oddness(inbox: Path, file: str) -> str | None:
    """Return why what lies in an inbox cannot be taken, and what to do; None for a file, or a link to one."""
    path = inbox / file
    if is_shut(path):
        return "you may not read it: give yourself the right to"
    if path.is_symlink():
        led_to = _led_to(inbox, file)
        return "it is a link to a folder: hand in what lies there" if led_to and path.is_dir() else None
    return None if path.is_file() else "it is no file: take it out"


def _day_of_consent(root: Path, rows: pl.DataFrame) -> str:
    """Return today, or the day that was noted before where today says the same of every row.

    A run on another day has then nothing to do.
    """
    today = date.today().isoformat()
    try:
        noted = read_document(root / RAW_PATH / NOTE_NAME, InboxNote).as_of
    except DocumentError:  # none yet, or another Guise's
        return today
    same = all(
        consent_refusal(row, noted) == consent_refusal(row, today) for row in rows.iter_rows(named=True)
    )
    return noted if same else today


def _told_of(systems: int) -> list[str]:
    if not systems:
        return []
    return [f"{systems} of the computer's own files, such as .DS_Store and Thumbs.db, were left alone"]


def _as_on_disk(handed_in: HandedIn, files: list[str]) -> HandedIn:
    """Name each file as the disk does, which may spell it otherwise than the manifest."""
    there = {plain(file): file for file in files}
    known = set(files)

    def place(file: str) -> str:
        return file if file in known or not file else there.get(plain(file), _normal(file))

    names = [place(file) for file in handed_in.rows["file"]]
    return replace(
        handed_in,
        rows=handed_in.rows.with_columns(file=pl.Series(names, dtype=pl.String)).unique(maintain_order=True),
        wrong=tuple(replace(one, file=place(one.file)) for one in handed_in.wrong),
    )


def _forbidden(
    inbox: Path, files: list[str], rows: pl.DataFrame, wrong: set[str], as_of: str
) -> dict[str, str]:
    """Return what may not be released under another name either, though its own file may not be taken.

    A row that cannot be read may have said no, and one whose file is spelt otherwise speaks of each that it
    may mean.
    """
    denied = {plain(row["file"]): consent_refusal(row, as_of) for row in rows.iter_rows(named=True)}
    why = {plain(file): WRONG_ROW for file in wrong} | {name: said for name, said in denied.items() if said}
    return _digests(inbox, {file: why[plain(file)] for file in files if plain(file) in why})


def _digests(inbox: Path, why: Mapping[str, str]) -> dict[str, str]:
    """Return the SHA-256 of files of the inbox, and why of each."""
    return {
        sha256_file(inbox / file): said
        for file, said in why.items()
        if _is_inside(inbox, file) and not is_shut(inbox / file)
    }


def held_back(
    handed_in: HandedIn, inbox: Path, files: list[str], found: list[str], as_of: str
) -> dict[str, str]:
    """Return files that rows without a file of their own may speak of, and why they may not be released.

    Such a row says no, or cannot be read, and is spelt as no file is: with other capitals, another folder,
    through a link, a place off. found: those files and the computer's own, of which it may speak as well.
    """
    there = set(map(plain, files))
    held: dict[str, str] = {}
    for row in handed_in.rows.iter_rows(named=True):
        why = consent_refusal(row, as_of)
        if why and plain(row["file"]) not in there:
            led_to = _led_to(inbox, row["file"])
            held |= {file: why for file in found if may_mean(row["file"], file) or file == led_to}
    for one in handed_in.wrong:
        if plain(one.file) not in there:
            held |= {file: WRONG_ROW for file in found if may_mean(one.file, file)}
            held |= {
                file: WRONG_ROW for file in found for cell in one.cells if may_mean(cell, file, whole=True)
            }
    return held


def _led_to(inbox: Path, file: str) -> str | None:
    """Return the file of the inbox to which a path leads through links, None where it leads to none."""
    try:
        return (inbox / file).resolve().relative_to(inbox.resolve()).as_posix()
    except (OSError, RuntimeError, ValueError):
        return None


def _told_of_held(held: Mapping[str, str]) -> list[str]:
    return [
        f"{printable(file)} is held back: a row may speak of it ({why}) that names no file as it is called"
        for file, why in held.items()
    ]


def withdrawn_files(root: Path, inbox: Path, files: list[str], rows: pl.DataFrame) -> list[str]:
    """Return files of people who withdrew: named as theirs, or the same video under another name."""
    withdrawals = read_withdrawals(root)
    if not withdrawals:
        return []
    key = known_key(root)
    subjects = {record.subject for record in withdrawals}
    clips = {clip_id for record in withdrawals for clip_id in record.clips}
    named = [
        _normal(row["file"])
        for row in rows.iter_rows(named=True)
        if subject_pseudonym(key, row["subject_id"]) in subjects
    ]
    theirs = _digests(inbox, dict.fromkeys(named, ""))
    digests = {file: sha256_file(inbox / file) for file in files}
    same = [file for file, one in digests.items() if one in theirs or clip_pseudonym(key, one) in clips]
    return sorted({*named, *same})


def without_files(rows: pl.DataFrame, files: list[str]) -> pl.DataFrame:
    """Return the rows of a manifest that name none of the files."""
    return rows.filter([_normal(file) not in files for file in rows["file"]])


def _normal(file: str) -> str:
    return str(PurePosixPath(file))


def read_withdrawals(root: Path) -> list[Withdrawal]:
    path = root / WITHDRAWALS_PATH
    return read_document(path, Withdrawals).withdrawals if path.is_file() else []


def write_manifest(folder: Path, rows: pl.DataFrame) -> None:
    write_bytes(rows.write_csv().encode(), folder / MANIFEST_NAME)


def _take(root: Path, inbox: Path, files: list[str]) -> None:
    raw = root / RAW_PATH
    raw.mkdir(parents=True, exist_ok=True)
    _forget(raw, {*files, MANIFEST_NAME, NOTE_NAME})
    for file in files:
        _mirror(inbox / file, raw / file)


def _is_inside(inbox: Path, file: str) -> bool:
    try:
        place = (inbox / file).resolve(strict=True)
    except (OSError, RuntimeError, ValueError):  # a link to nothing, or in a circle; no name at all
        return False
    return place.is_file() and place.is_relative_to(inbox.resolve())


def _forget(raw: Path, kept: set[str]) -> None:
    for file in list_files(raw):
        if file not in kept:
            (raw / file).unlink()
    for folder in sorted((path for path in raw.rglob("*") if path.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()


def _mirror(source: Path, target: Path) -> None:
    status = source.stat()
    if target.is_file():
        kept = target.stat()
        if (kept.st_size, kept.st_mtime_ns) == (status.st_size, status.st_mtime_ns):
            return
    with whole(target) as partial:
        shutil.copyfile(source, partial)
        os.utime(partial, ns=(status.st_atime_ns, status.st_mtime_ns))


def add_to_dvc(root: Path) -> None:
    """Take data/raw into DVC, for the private remote only."""
    with open_repo(root) as repo:
        repo.add(str(root / RAW_PATH))
    document = yaml.safe_load((root / RAW_FILE).read_text())
    if document["outs"][0].get("remote") != "private":
        document["outs"][0]["remote"] = "private"
        (root / RAW_FILE).write_text(yaml.safe_dump(document, sort_keys=False))

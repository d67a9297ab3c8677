"""Take what was handed in into data/raw, under DVC."""

import os
import shutil
from datetime import date
from pathlib import Path

import yaml

from flows.workspace import dvc
from tasks.documents import write_json
from tasks.errors import InputError
from tasks.ingest import RAW_PATH
from tasks.ingest.survey import MANIFEST_NAME, NOTE_NAME, InboxNote, list_files, read_manifest

RAW_FILE = Path("data/raw.dvc")


def take_inbox(root: Path, inbox: Path) -> None:
    """Mirror the inbox into data/raw, note the day for consent, and add it to DVC.

    Links that lead out of the inbox are noted and never read. Raises InputError or DocumentError
    where there is no readable manifest.
    """
    if not inbox.is_dir():
        raise InputError(f"there is no inbox at {inbox}")
    read_manifest(inbox / MANIFEST_NAME)
    files = [file for file in list_files(inbox) if file != NOTE_NAME]
    inside = [file for file in files if _is_inside(inbox, file)]
    raw = root / RAW_PATH
    raw.mkdir(parents=True, exist_ok=True)
    _forget(raw, {*inside, NOTE_NAME})
    for file in inside:
        _mirror(inbox / file, raw / file)
    outside = sorted(set(files) - set(inside))
    note = InboxNote(as_of=date.today().isoformat(), outside=outside)
    write_json(note.model_dump(), raw / NOTE_NAME)
    _add_to_dvc(root)


def _is_inside(inbox: Path, file: str) -> bool:
    try:
        place = (inbox / file).resolve(strict=True)
    except (OSError, RuntimeError):  # a link to nothing, or in a circle
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
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.part")
    try:
        shutil.copyfile(source, partial)
        os.utime(partial, ns=(status.st_atime_ns, status.st_mtime_ns))
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)


def _add_to_dvc(root: Path) -> None:
    dvc(root, "add", "--quiet", str(RAW_PATH))
    document = yaml.safe_load((root / RAW_FILE).read_text())
    if document["outs"][0].get("remote") != "private":
        document["outs"][0]["remote"] = "private"
        (root / RAW_FILE).write_text(yaml.safe_dump(document, sort_keys=False))

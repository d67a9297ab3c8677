"""Take what was handed in into data/raw, under DVC."""

import os
import shutil
from pathlib import Path

import yaml

from flows.workspace import dvc
from tasks.errors import InputError
from tasks.ingest import RAW_PATH
from tasks.ingest.survey import MANIFEST_NAME, list_files, read_manifest

RAW_FILE = Path("data/raw.dvc")


def take_inbox(root: Path, inbox: Path) -> list[str]:
    """Mirror the inbox into data/raw and add it to DVC; return what was left out, a sentence each.

    Raises InputError or DocumentError where there is no readable manifest.
    """
    if not inbox.is_dir():
        raise InputError(f"there is no inbox at {inbox}")
    read_manifest(inbox / MANIFEST_NAME)
    raw = root / RAW_PATH
    files, left_out = _inside(inbox)
    raw.mkdir(parents=True, exist_ok=True)
    for file in list_files(raw):
        if file not in files:
            (raw / file).unlink()
    for file in files:
        _mirror(inbox / file, raw / file)
    _add_to_dvc(root)
    return left_out


def _inside(inbox: Path) -> tuple[list[str], list[str]]:
    files = list_files(inbox)
    inside = [file for file in files if (inbox / file).resolve().is_relative_to(inbox.resolve())]
    left_out = [f"{file} leads outside the inbox and was not read" for file in files if file not in inside]
    return inside, left_out


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

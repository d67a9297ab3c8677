"""Remove single files from DVC's cache and from the remote `private`: `dvc gc`, scoped to one person."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl
import yaml
from dvc.exceptions import DvcException

from flows.workspace.graph import open_repo
from flows.workspace.inbox import RAW_FILE
from tasks.files.errors import StorageError
from tasks.files.hashing import sha256_bytes
from tasks.files.pseudonyms import clip_pseudonym, known_key, subject_pseudonym
from tasks.ingest import SOURCES_PATH
from tasks.ingest.manifest import MANIFEST_NAME
from tasks.ingest.survey import NOTE_NAME

LISTING, NETWORK = ".dir", ".onnx"
Listing = dict[str, str]


class Caches:
    """Every place in which DVC keeps patients' files: this workspace's cache and the remote `private`."""

    def __init__(self, repo: Any) -> None:
        self.places = [repo.cache.local, repo.cloud.get_remote_odb("private")]

    def read(self, oid: str) -> bytes | None:
        """Return an object's bytes from the first place that holds it."""
        for place in self.places if oid else ():
            path = place.oid_to_path(oid)
            if place.fs.exists(path):
                with place.fs.open(path, "rb") as stream:
                    return bytes(stream.read())
        return None

    def listing(self, oid: str) -> Listing:
        """Return relative path -> object of a folder that DVC keeps; empty where it is known nowhere."""
        content = self.read(oid)
        return {entry["relpath"]: entry["md5"] for entry in json.loads(content)} if content else {}

    def listings(self) -> dict[str, Listing]:
        """Return every folder that any run ever kept, whether or not a revision names it."""
        found = {oid for place in self.places for oid in place.all() if oid.endswith(LISTING)}
        return {oid: self.listing(oid) for oid in sorted(found)}

    def remove(self, oid: str) -> int:
        """Remove an object wherever it is; return how many files that were."""
        holders = [place for place in self.places if place.exists(oid)]
        for place in holders:
            place.delete(oid)
        return len(holders)


@dataclass
class Remains:
    """What the caches hold of one person.

    clips: the ids of all videos that were ever handed in. objects: files. guides: listings and manifests
    that lead to them, and name them.
    """

    clips: set[str]
    objects: set[str] = field(default_factory=set)
    guides: set[str] = field(default_factory=set)


def purge(
    root: Path, subject: str, clips: set[str], record: Callable[[set[str]], object]
) -> tuple[set[str], int]:
    """Remove a person's raw files and results from the cache and the remote `private`.

    record: is given the ids of all their clips before anything is removed. Return these, and how many
    files were removed. Raises StorageError where the remote cannot be reached.
    """
    try:
        with open_repo(root) as repo:
            caches = Caches(repo)
            remains = _find(root, caches, subject, clips)
            record(remains.clips)
            kept = _kept(root, caches)
            # what leads to the files goes last, so that a killed run can be carried on
            order = [*sorted(remains.objects - kept), *sorted(remains.guides - kept)]
            return remains.clips, sum(caches.remove(oid) for oid in order)
    except (DvcException, OSError) as error:
        raise StorageError(
            "not everything could be removed from DVC's cache and the remote `private` "
            f"({type(error).__name__}): run the same command again"
        ) from None


def _find(root: Path, caches: Caches, subject: str, clips: set[str]) -> Remains:
    remains, key = Remains(set(clips)), known_key(root)
    listings = caches.listings()
    for oid, listing in listings.items():
        files = _files_of(caches, key, subject, listing)
        if files:
            # the note names files that were not taken
            remains.guides |= {
                oid,
                *(listing[name] for name in (MANIFEST_NAME, NOTE_NAME) if name in listing),
            }
        for file in files & set(listing):
            remains.objects.add(listing[file])
            content = caches.read(listing[file])
            if content is not None:
                remains.clips.add(clip_pseudonym(key, sha256_bytes(content)))
    for listing in listings.values():
        _mark_results(caches, listing, remains, subject)
    return remains


def _files_of(caches: Caches, key: bytes, subject: str, listing: Listing) -> set[str]:
    """Return what a person handed in by the manifest of the time; nothing where a folder is not data/raw."""
    table = caches.read(listing.get(MANIFEST_NAME, ""))
    if table is None:
        return set()
    rows = pl.read_csv(table, infer_schema=False).iter_rows(named=True)
    theirs = (row["file"] for row in rows if subject_pseudonym(key, row["subject_id"] or "") == subject)
    return {str(PurePosixPath(file)) for file in theirs}


def _mark_results(caches: Caches, listing: Listing, remains: Remains, subject: str) -> None:
    # the shape of their face bears their own pseudonym
    names = {subject, *remains.clips}
    remains.objects |= {md5 for path, md5 in listing.items() if any(name in path for name in names)}
    if any(path.startswith(f"{subject}-") and path.endswith(NETWORK) for path in listing):
        # all networks of one training have seen them
        remains.objects |= {md5 for path, md5 in listing.items() if path.endswith(NETWORK)}
    # the one table that knows what a clip was handed in as
    sources = caches.read(listing.get(SOURCES_PATH.name, ""))
    if sources and not remains.clips.isdisjoint(pl.read_parquet(BytesIO(sources))["clip_id"]):
        remains.objects.add(listing[SOURCES_PATH.name])


def _kept(root: Path, caches: Caches) -> set[str]:
    """Return what was handed in and is there today, and the table that knows what it was handed in as."""
    raw = yaml.safe_load((root / RAW_FILE).read_text())["outs"][0]["md5"]
    stages = yaml.safe_load((root / "dvc.lock").read_text())["stages"]
    (ingested,) = [out["md5"] for out in stages["ingest"]["outs"]]
    table = caches.listing(ingested).get(SOURCES_PATH.name)
    return {raw, *caches.listing(raw).values(), *([table] if table else [])}

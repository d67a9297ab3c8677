"""Remove single files from DVC's cache and from the remote `private`: `dvc gc`, scoped to one person."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import yaml
from dvc.exceptions import DvcException

from flows.git import git
from flows.history import git_bytes
from flows.inbox import RAW_FILE
from flows.replay import open_repo
from tasks.errors import GuiseError, StorageError
from tasks.hashing import sha256_bytes
from tasks.ingest import RAW_PATH, SOURCES_PATH
from tasks.ingest.pseudonyms import clip_pseudonym, known_key, subject_pseudonym
from tasks.ingest.survey import MANIFEST_NAME

LISTING = ".dir"
Listing = dict[str, str]


class Caches:
    """Every place in which DVC keeps patients' files: this workspace's cache and the remote `private`."""

    def __init__(self, root: Path, repo: Any) -> None:
        self.root = root
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
        """Return relative path -> object of a folder that DVC tracks; empty where it is known nowhere."""
        content = self.read(oid)
        return {entry["relpath"]: entry["md5"] for entry in json.loads(content)} if content else {}

    def remove(self, oids: Iterable[str]) -> int:
        """Remove objects wherever they are; return how many files that were."""
        removed = 0
        for oid in oids:
            for place in self.places:
                if place.exists(oid):
                    place.delete(oid)
                    removed += 1
        return removed


def folders_ever_tracked(root: Path) -> Iterator[tuple[str, str]]:
    """Yield path and object of every folder that any revision of this workspace tracked."""
    seen: set[tuple[str, str]] = set()
    for file in ("dvc.lock", str(RAW_FILE)):
        for revision in git(root, "log", "--all", "--format=%H", "--", file).split():
            try:
                outs = _outs(file, git_bytes(root, f"{revision}:{file}"))
            except GuiseError:  # a revision that removed it
                continue
            seen |= {(path, oid) for path, oid in outs if oid.endswith(LISTING)}
    yield from sorted(seen)


def _outs(file: str, content: bytes) -> Iterator[tuple[str, str]]:
    document = yaml.safe_load(content)
    if file == str(RAW_FILE):
        yield from ((f"data/{out['path']}", out["md5"]) for out in document["outs"])
        return
    for stage in document["stages"].values():
        yield from ((out["path"], out["md5"]) for out in stage.get("outs", ()))


@dataclass
class Remains:
    """What the caches hold of one person: objects, and the ids of all clips that were ever handed in."""

    objects: set[str]
    clips: set[str]


def find_remains(root: Path, caches: Caches, subject: str, clips: set[str]) -> Remains:
    """Look through every folder that was ever tracked; clips: those that are known already."""
    key = known_key(root)
    remains = Remains(set(), set(clips))
    folders = list(folders_ever_tracked(root))
    for path, oid in folders:
        if path == str(RAW_PATH):
            _mark_raw(caches, key, subject, oid, remains)
    for path, oid in folders:
        if path != str(RAW_PATH):
            _mark_results(caches, oid, remains)
    return remains


def _mark_raw(caches: Caches, key: bytes, subject: str, oid: str, remains: Remains) -> None:
    listing = caches.listing(oid)
    table = caches.read(listing.get(MANIFEST_NAME, ""))
    if table is None:
        return
    rows = pl.read_csv(table, infer_schema=False).iter_rows(named=True)
    files = {row["file"] for row in rows if subject_pseudonym(key, row["subject_id"] or "") == subject}
    if not files:
        return
    # the folder's listing and its manifest name the person's files
    remains.objects |= {oid, listing[MANIFEST_NAME]}
    for file in files & set(listing):
        remains.objects.add(listing[file])
        content = caches.read(listing[file])
        if content is not None:
            remains.clips.add(clip_pseudonym(key, sha256_bytes(content)))


def _mark_results(caches: Caches, oid: str, remains: Remains) -> None:
    listing = caches.listing(oid)
    theirs = {md5 for path, md5 in listing.items() if any(clip in path for clip in remains.clips)}
    remains.objects |= theirs
    # the one table that knows what a clip was handed in as
    sources = caches.read(listing.get(SOURCES_PATH.name, ""))
    if sources and not remains.clips.isdisjoint(pl.read_parquet(BytesIO(sources))["clip_id"]):
        remains.objects.add(listing[SOURCES_PATH.name])


def kept_objects(root: Path, caches: Caches) -> set[str]:
    """Return what the cohort of today, handed in and admitted, still needs."""
    folders = [out for file in ("dvc.lock", str(RAW_FILE)) for out in _outs(file, (root / file).read_bytes())]
    wanted = {oid for path, oid in folders if path in (str(RAW_PATH), str(SOURCES_PATH.parent))}
    return wanted | {md5 for oid in wanted for md5 in caches.listing(oid).values()}


def purge(root: Path, subject: str, clips: set[str]) -> tuple[set[str], int]:
    """Remove a person's raw files and results from the cache and the remote `private`, in all history.

    Return the ids of all their clips, and how many objects were removed. Raises StorageError where the
    remote cannot be reached.
    """
    try:
        with open_repo(root) as repo:
            caches = Caches(root, repo)
            remains = find_remains(root, caches, subject, clips)
            return remains.clips, caches.remove(sorted(remains.objects - kept_objects(root, caches)))
    except (DvcException, OSError) as error:
        raise StorageError(
            f"not everything could be removed from DVC's cache and the remote `private` "
            f"({type(error).__name__}): run the same command again"
        ) from None

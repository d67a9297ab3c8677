"""Where one released clip came from, back to its raw file."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from flows.audit.dvc_lock import Lock
from flows.release.record import Record
from flows.workspace.git import git_bytes
from schemas.clips import SOURCES
from schemas.release import Candidate
from tasks.files.documents import read_table
from tasks.files.errors import GuiseError, InputError
from tasks.files.hashing import keyed_digest, sha256_bytes, sha256_file
from tasks.files.pseudonyms import known_key
from tasks.ingest import RAW_PATH, SOURCES_PATH

HERE, ALTERED, ABSENT = "here and unchanged", "ALTERED", "not in this workspace"


@dataclass(frozen=True)
class Thing:
    """A file or a step of a lineage; says: what identifies it, a line each; came_from: keys of others."""

    key: str
    title: str
    says: tuple[str, ...]
    came_from: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lineage:
    """things: newest first. findings: what does not hold, a sentence each."""

    things: tuple[Thing, ...] = ()
    findings: tuple[str, ...] = ()


def trace_clip(record: Record, clip_id: str) -> Lineage:
    """Walk a released clip back to its raw file; who holds the key and the file sees that it is the one.

    Digests are those of the revision that was approved, whatever the workspace holds today.
    Raises InputError for a clip that the release does not hold.
    """
    root, version, candidate = record.root, record.version, record.candidate()
    files = {file.path: f"sha256 {file.sha256}" for file in candidate.files}
    video, keypoints = f"videos/{clip_id}.mp4", f"keypoints/{clip_id}.parquet"
    if video not in files:
        raise InputError(f"{clip_id} is no clip of {version}")
    hmac = _published_hmac(record, clip_id)
    lock = _Lock(root, candidate)
    made = {
        "video": lock.says("data/deidentified", video),
        "keypoints": lock.says("data/keypoints/released", f"{clip_id}.parquet"),
        "original": lock.says("data/keypoints/original", f"{clip_id}.parquet"),
        "ingested": lock.says("data/ingested", video),
    }
    raw = _raw_state(root, clip_id, hmac)
    code = f"code {candidate.code_revision}"
    things = (
        Thing("keypoints", keypoints, (files[keypoints], *made["keypoints"]), ("video",)),
        Thing("video", video, (files[video], *made["video"]), ("deidentify",)),
        Thing("deidentify", "deidentify", (code,), ("params", "models", "original", "ingested")),
        Thing("params", "params.yaml", (files["params.yaml"],)),
        Thing("models", "models.json", (files["models.json"],)),
        Thing("original", "keypoints of the original", made["original"], ("ingested",)),
        Thing("ingested", "ingested clip", made["ingested"], ("raw",)),
        Thing("raw", "raw file", (f"hmac {hmac}", raw)),
    )
    altered = [thing.title for thing in things if ALTERED in thing.says]
    findings = [f"{clip_id}: {title} in this workspace is not what was released" for title in altered]
    return Lineage(things, (*findings, *lock.findings))


def _published_hmac(record: Record, clip_id: str) -> str:
    document = json.loads((record.files / "prov.json").read_bytes())
    return str(document["entity"][f"guise:raw/{clip_id}"]["guise:hmac_sha256"])


def _raw_state(root: Path, clip_id: str, hmac: str) -> str:
    try:
        sources = read_table(root / SOURCES_PATH, SOURCES).filter(clip_id=clip_id)
        key = known_key(root)
    except GuiseError:
        return ABSENT
    path = root / RAW_PATH / sources["file"][0] if sources.height else None
    if path is None or not path.is_file():
        return ABSENT
    return HERE if keyed_digest(key, "raw", sha256_file(path)) == hmac else ALTERED


class _Lock:
    """What dvc.lock of the approved revision says of single files, as far as DVC's cache is here."""

    def __init__(self, root: Path, candidate: Candidate) -> None:
        self.root = root
        content = git_bytes(root, f"{candidate.code_revision}:dvc.lock")
        belongs = sha256_bytes(content) == candidate.dvc_lock_sha256
        self.findings = [] if belongs else ["dvc.lock of the named revision is not the one that was approved"]
        # another state of the workspace may rightly hold other files
        self.is_current = sha256_file(root / "dvc.lock") == candidate.dvc_lock_sha256
        self.lock = Lock.of(root, candidate.code_revision)

    def says(self, folder: str, name: str) -> tuple[str, ...]:
        listing = self.lock.listing(folder)
        if listing is None:
            known = self.lock.outs[folder]
            return (f"{folder} is md5 {known} in dvc.lock; its listing is not in DVC's cache here",)
        if name not in listing:
            return (f"not in {folder} of dvc.lock", ALTERED)
        return (f"md5 {listing[name]} in dvc.lock", self._state(self.root / folder / name, listing[name]))

    def _state(self, path: Path, md5: str) -> str:
        if not self.is_current:
            return "this workspace holds other results by now"
        if not path.is_file():
            return ABSENT
        with path.open("rb") as stream:
            is_same = hashlib.file_digest(stream, "md5").hexdigest() == md5
        return HERE if is_same else ALTERED

"""Is what is stored what was approved, and where did it come from?"""

import json
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from flows.approval import read_approvals
from flows.candidate import read_candidate, release_folder
from flows.git import git
from flows.publication import read_publication
from schemas.clips import SOURCES
from schemas.release import Candidate, Latest, Manifest, Publication
from tasks.clips import keypoints_path, read_clips, video_path
from tasks.documents import read_table
from tasks.errors import GuiseError, InputError
from tasks.hashing import keyed_digest, sha256_bytes, sha256_file
from tasks.ingest import RAW_PATH, SOURCES_PATH
from tasks.ingest.pseudonyms import known_key
from tasks.publish import Bucket, open_bucket, read_manifest
from tasks.publish.plan import candidate_digest, release_prefix

ALTERED = "ALTERED"


@dataclass(frozen=True)
class Audit:
    """findings: what does not hold, a sentence each; empty where everything does."""

    version: str
    objects: int
    bytes: int
    findings: tuple[str, ...]


def audit_release(root: Path, version: str) -> Audit:
    """Read every object of a release back and compare it with manifest, approval and git."""
    publication = read_publication(root, version)
    if publication is None:
        raise InputError(f"{version} was not published from this workspace")
    bucket = open_bucket(publication.to)
    candidate = read_candidate(root, version)
    findings = [*_record_findings(root, candidate, publication)]
    manifest = None
    try:
        present = read_manifest(bucket, version)
    except ValueError:
        findings.append("manifest.json is not a manifest")
    else:
        if present is None:
            findings.append("manifest.json is missing")
        else:
            manifest, digest = present
            if digest != publication.manifest_sha256:
                findings.append("manifest.json was altered since it was published")
    findings += _latest_findings(bucket, publication)
    objects = bucket.keys(release_prefix(bucket.prefix, version))
    if manifest:
        findings += _object_findings(bucket, manifest, objects)
    return Audit(version, len(objects), sum(objects.values()), tuple(findings))


def _latest_findings(bucket: Bucket, publication: Publication) -> list[str]:
    present = bucket.read(f"{bucket.prefix}latest.json")
    if present is None:
        return ["latest.json is missing"]
    try:
        latest = Latest.model_validate_json(present[0])
    except ValueError:
        return ["latest.json was altered"]
    is_this = latest.version == publication.version
    if is_this and latest.manifest_sha256 != publication.manifest_sha256:
        return ["latest.json names another manifest of this version"]
    return []


def _object_findings(bucket: Bucket, manifest: Manifest, objects: dict[str, int]) -> list[str]:
    folder = release_prefix(bucket.prefix, manifest.version)
    findings = []
    for file in manifest.files:
        found = bucket.sha256(folder + file.path)
        if found is None:
            findings.append(f"{file.path} is missing")
        elif found != file.sha256:
            findings.append(f"{file.path} was altered")
    named = {folder + file.path for file in manifest.files} | {f"{folder}manifest.json"}
    findings += [
        f"{key.removeprefix(folder)} does not belong to the release" for key in sorted(set(objects) - named)
    ]
    return findings


def _record_findings(root: Path, candidate: Candidate, publication: Publication) -> list[str]:
    findings = []
    digest = candidate_digest(candidate)
    version = candidate.version
    if digest != publication.candidate_sha256:
        findings.append("the candidate in git is not the one that was published")
    if not any(record.digest == digest for record in read_approvals(root, version)):
        findings.append("no approval names the published candidate")
    try:
        tagged = git(root, "show", f"release/{version}:{release_folder(version)}/published.json")
        lock = git_bytes(root, f"{candidate.code_revision}:dvc.lock")
    except GuiseError:
        return [*findings, f"git does not hold the tag release/{version} or the revision it names"]
    if Publication.model_validate_json(tagged) != publication:
        findings.append(f"the tag release/{version} was moved to another publication")
    if sha256_bytes(lock) != candidate.dvc_lock_sha256:
        findings.append("dvc.lock of the named revision is not the one that was approved")
    return findings


def git_bytes(root: Path, name: str) -> bytes:
    # git() strips the last newline, a digest needs it
    return (git(root, "show", name) + "\n").encode()


@dataclass(frozen=True)
class Lineage:
    """steps: what a clip came from, newest first. findings: what does not hold, a sentence each."""

    steps: tuple[tuple[str, str], ...]
    findings: tuple[str, ...]


def trace_clip(root: Path, version: str, clip_id: str) -> Lineage:
    """Walk a released clip back to its raw file; the raw file is named by its HMAC.

    Raises InputError for a clip that the release or the workspace does not hold.
    """
    candidate = read_candidate(root, version)
    released = {file.path: file for file in candidate.files}.get(f"videos/{clip_id}.mp4")
    if released is None:
        raise InputError(f"{clip_id} is no clip of {version}")
    known = read_clips(root).filter(pl.col("clip_id") == clip_id, pl.col("status") == "admitted")
    if known.is_empty():
        revision = candidate.code_revision[:12]
        raise InputError(f"{clip_id} is no longer here: `git checkout {revision}`, then `dvc checkout`")
    clip = known.row(0, named=True)
    source = read_table(root / SOURCES_PATH, SOURCES).filter(clip_id=clip_id).row(0, named=True)
    hmac = keyed_digest(known_key(root), "raw", source["raw_sha256"])
    ingested, keypoints = video_path("original", clip_id), keypoints_path("original", clip_id)
    raw = root / RAW_PATH / source["file"]
    raw_state = _state(raw, source["raw_sha256"])
    lock = candidate.dvc_lock_sha256[:12]
    steps: tuple[tuple[str, str], ...] = (
        ("released video", f"videos/{clip_id}.mp4  sha256 {released.sha256}"),
        ("<- approved as", f"{version}  code {candidate.code_revision[:12]}  dvc.lock {lock}"),
        ("<- de-identified from", f"{ingested}  sha256 {clip['sha256']}"),
        ("   with keypoints", f"{keypoints}  sha256 {sha256_file(root / keypoints)}"),
        ("<- ingested for", f"{clip['subject']}  session {clip['session']}  task {clip['task']}"),
        ("<- raw file", f"hmac {hmac}  {raw_state}"),
    )
    findings = []
    if raw_state == ALTERED or _state(root / ingested, clip["sha256"]) == ALTERED:
        findings.append(f"{clip_id}: a file of its lineage was altered in this workspace")
    if sha256_file(root / "dvc.lock") != candidate.dvc_lock_sha256:
        steps += (
            ("note", f"this workspace holds other results than {version}: the digests above are its own"),
        )
    published = json.loads((root / release_folder(version) / "files/lineage.json").read_bytes())
    if published.get(clip_id, {}).get("raw_hmac_sha256") != hmac:
        findings.append(f"{clip_id}: the released lineage names another raw file")
    return Lineage(steps, tuple(findings))


def _state(path: Path, sha256: str) -> str:
    if not path.is_file():
        return "not in this workspace"
    return "here and unchanged" if sha256_file(path) == sha256 else ALTERED

"""Is what is stored what was approved?"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from flows.approval import read_approvals
from flows.candidate import read_candidate, release_folder
from flows.documents import SIGNERS
from flows.history import record_findings
from flows.publication import read_publication
from schemas.release import Candidate, Latest, Manifest, Publication, PublishedFile, Tombstone
from tasks.documents import read_params
from tasks.errors import DocumentError, InputError
from tasks.hashing import sha256_bytes
from tasks.ingest.pseudonyms import known_key
from tasks.publish import Bucket, open_bucket, read_manifest
from tasks.publish.create import in_parallel
from tasks.publish.plan import (
    COMPANIONS,
    MANIFEST_NAME,
    SIGNATURE_NAME,
    SUMS_NAME,
    TOMBSTONE_NAME,
    approval_hmac,
    candidate_digest,
    release_prefix,
)
from tasks.publish.signature import is_signed
from tasks.publish.withdraw import files_of


@dataclass(frozen=True)
class Audit:
    """findings: what does not hold, a sentence each; empty where everything does.

    notes: what is as it should be, and worth saying.
    """

    version: str
    objects: int
    bytes: int
    findings: tuple[str, ...]
    notes: tuple[str, ...] = ()


def published_versions(root: Path) -> list[str]:
    """Return every version that was published from this workspace."""
    return sorted(path.parent.name for path in (root / "data/releases").glob("*/published.json"))


def audit_release(root: Path, version: str) -> Audit:
    """Read every object of a release back and compare it with manifest, signature, approval and git."""
    publication = read_publication(root, version)
    if publication is None:
        raise InputError(f"{version} was not published from this workspace")
    bucket = open_bucket(publication.to, read_params(root).publish)
    objects = bucket.keys(release_prefix(bucket.prefix, version))
    candidate = read_candidate(root, version)
    findings = [*record_findings(root, candidate, publication)]
    notes: list[str] = []
    manifest, doubts = _read_signed(root, bucket, publication)
    findings += doubts
    findings += _latest_findings(bucket, publication)
    if manifest:
        findings += _approval_findings(root, manifest)
        findings += _content_findings(candidate, manifest, publication)
        findings += object_findings(bucket, manifest, objects)
        withdrawn, notes = _withdrawal(bucket, manifest, publication)
        findings += withdrawn
    return Audit(version, len(objects), sum(objects.values()), tuple(findings), tuple(notes))


def _read_signed(root: Path, bucket: Bucket, publication: Publication) -> tuple[Manifest | None, list[str]]:
    try:
        present = read_manifest(bucket, publication.version)
    except ValueError:
        return None, [f"{MANIFEST_NAME} was altered: it is no manifest any more"]
    if present is None:
        return None, [f"{MANIFEST_NAME} is missing"]
    manifest, content = present
    findings = []
    if sha256_bytes(content) != publication.manifest_sha256:
        findings.append(f"{MANIFEST_NAME} was altered since it was published")
    signature = bucket.read(release_prefix(bucket.prefix, publication.version) + SIGNATURE_NAME)
    signers = root / release_folder(publication.version) / "files" / SIGNERS
    if signature is None:
        findings.append(f"{SIGNATURE_NAME} is missing")
    elif not is_signed(content, signature[0], signers.read_bytes()):
        findings.append(f"{SIGNATURE_NAME} is no signature of {MANIFEST_NAME} by this workspace")
    return manifest, findings


def _approval_findings(root: Path, manifest: Manifest) -> Iterator[str]:
    key = known_key(root)
    try:
        records = read_approvals(root, manifest.version)
    except DocumentError as error:
        yield f"the approvals cannot be read: {error}"
        return
    kept = {approval_hmac(key, record) for record in records}
    if not any(record.digest == manifest.candidate_sha256 for record in records):
        yield "no approval names the published candidate"
    if not manifest.approvals_hmac_sha256 or not kept.issuperset(manifest.approvals_hmac_sha256):
        yield "an approval was rewritten: the one that the signed manifest speaks of is not on record"


def _content_findings(candidate: Candidate, manifest: Manifest, publication: Publication) -> Iterator[str]:
    """Yield where the manifest names something else than was approved, less what was withdrawn."""
    if manifest.candidate_sha256 != candidate_digest(candidate):
        yield f"the {MANIFEST_NAME} speaks of another candidate than git holds"
    approved = {file.path: file.sha256 for file in candidate.files}
    gone = {file.path: file.sha256 for file in manifest.withdrawn}
    named = {file.path: file.sha256 for file in manifest.files} | gone
    if gone:
        # the list of sums is without them, too
        approved.pop(SUMS_NAME)
        named.pop(SUMS_NAME, None)
    if named != approved:
        yield f"{MANIFEST_NAME} names other files than were approved"
    if not set(gone) <= files_of(publication.withdrawn_clips):
        yield f"{MANIFEST_NAME} says that files are gone whose people did not withdraw"


def _latest_findings(bucket: Bucket, publication: Publication) -> Iterator[str]:
    present = bucket.read(f"{bucket.prefix}latest.json")
    if present is None:
        yield "latest.json is missing"
        return
    try:
        latest = Latest.model_validate_json(present[0])
    except ValueError:
        yield "latest.json was altered"
        return
    is_this = latest.version == publication.version
    if is_this and latest.manifest_sha256 != publication.manifest_sha256:
        yield "latest.json names another manifest of this version"


def object_findings(bucket: Bucket, manifest: Manifest, objects: dict[str, int]) -> list[str]:
    """Read every object back; return which are missing, altered, or no part of the release."""
    folder = release_prefix(bucket.prefix, manifest.version)
    findings: dict[str, str] = {}

    def look(file: PublishedFile) -> None:
        found = bucket.sha256(folder + file.path)
        if found is None:
            findings[file.path] = f"{file.path} is missing"
        elif found != file.sha256:
            findings[file.path] = f"{file.path} was altered"

    with ThreadPoolExecutor() as pool:
        in_parallel(pool, manifest.files, look)
    named = {folder + file.path for file in manifest.files} | {folder + name for name in COMPANIONS}
    strangers = [
        f"{key.removeprefix(folder)} does not belong to the release" for key in sorted(set(objects) - named)
    ]
    return [findings[path] for path in sorted(findings)] + strangers


def _withdrawal(bucket: Bucket, manifest: Manifest, publication: Publication) -> tuple[list[str], list[str]]:
    """Return what does not hold of withdrawals, and what is gone by right."""
    present = bucket.read(release_prefix(bucket.prefix, manifest.version) + TOMBSTONE_NAME)
    expected = publication.withdrawn_clips
    if present is None:
        return ([f"{TOMBSTONE_NAME} is missing"] if expected else []), []
    try:
        told = Tombstone.model_validate_json(present[0]).clips
    except ValueError:
        return [f"{TOMBSTONE_NAME} was altered"], []
    if told != expected:
        return [f"{TOMBSTONE_NAME} names other clips than were withdrawn"], []
    gone = f", {len(manifest.withdrawn)} files of theirs are removed" if manifest.withdrawn else ""
    return [], [f"consent was withdrawn for {', '.join(told)}{gone}"]

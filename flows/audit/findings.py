"""Is what is stored what was approved?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from flows.audit.dvc_lock import Lock
from flows.audit.history import record_findings
from flows.audit.objects import FOREIGN, LATEST_NAME, object_findings, stranger_findings
from flows.release.documents import SIGNERS
from flows.release.record import Record, newest_publications, published
from schemas.params.publish import Publish
from schemas.release import Candidate, Latest, Manifest, Publication, Tombstone
from tasks.files.errors import DocumentError, GuiseError, InputError
from tasks.files.hashing import sha256_bytes, sha256_file
from tasks.files.pseudonyms import known_key
from tasks.publish import Bucket, open_bucket, read_manifest
from tasks.publish.plan import (
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

UNFINISHED = (
    "its publication to {publication.to} did not end: run `guise publish {publication.version}` again; if "
    "its results have changed since, remove releases/{publication.version}/ there and publish a new version"
)


NOTHING_LEFT = "it was begun and never completed"


@dataclass(frozen=True)
class Audit:
    """findings: what does not hold, a sentence each; empty where everything does.

    notes: what is as it should be, and worth saying. is_bucket: it is of what lies beside the releases.
    """

    version: str
    objects: int
    bytes: int
    findings: tuple[str, ...]
    notes: tuple[str, ...] = ()
    is_bucket: bool = False


def audit_all(root: Path, settings: Publish, tell: Callable[[int], None] = lambda _: None) -> Iterator[Audit]:
    """Audit every release, and look for what lies beside them; one that fails stops no other."""
    places: dict[str, set[str]] = {}
    for record in published(root):
        try:
            publication = record.publication()
            assert publication is not None
            places.setdefault(publication.to, set()).add(record.version)
            yield audit_release(record, settings, tell)
        except GuiseError as error:
            yield Audit(record.version, 0, 0, (f"it could not be audited: {error}",))
    for place, known in places.items():
        bucket = open_bucket(place, settings)
        yield Audit(place, 0, 0, tuple(stranger_findings(bucket, known)), is_bucket=True)


def audit_release(record: Record, settings: Publish, tell: Callable[[int], None] = lambda _: None) -> Audit:
    """Read every object of a release back and compare it with manifest, signature, approval and git.

    tell: is given the bytes that were read back, from several threads.
    """
    root, version, publication = record.root, record.version, record.publication()
    if publication is None:
        raise InputError(f"{version} was not published from this workspace")
    bucket = open_bucket(publication.to, settings)
    objects = bucket.keys(release_prefix(bucket.prefix, version))
    if not publication.complete:
        sentence = UNFINISHED.format(publication=publication)
        return Audit(
            version, len(objects), sum(objects.values()), (sentence,) if objects else (), (NOTHING_LEFT,)
        )
    candidate = record.candidate()
    findings = [*record_findings(record, candidate, publication)]
    made, misfits, notes = _made(root, candidate)
    findings += misfits
    manifest, doubts = _read_signed(record, bucket, publication)
    findings += doubts
    findings += _latest_findings(bucket, publication, record)
    if manifest:
        findings += _approval_findings(record, manifest)
        findings += _content_findings(record, candidate, manifest, publication)
        findings += object_findings(bucket, manifest, objects, made, tell)
        withdrawn, told = _withdrawal(bucket, manifest, publication)
        findings += withdrawn
        notes += told
    return Audit(version, len(objects), sum(objects.values()), tuple(findings), tuple(notes))


def _made(root: Path, candidate: Candidate) -> tuple[dict[str, str], list[str], list[str]]:
    """Return published path -> md5 of what a stage made, where stages do not fit, and what cannot be told."""
    try:
        lock = Lock.of(root, candidate.code_revision)
    except InputError:
        return {}, [], []  # that the revision is gone is said elsewhere
    misfits, unknown = lock.misfits()
    sources = {file.path: file.source for file in candidate.files if lock.folder_of(file.source)}
    known = {path: lock.md5_of(source) for path, source in sources.items()}
    unknown += sum(md5 is None for md5 in known.values())
    note = f"{unknown} hashes of dvc.lock cannot be compared: DVC's cache here does not hold their listings"
    return {path: md5 for path, md5 in known.items() if md5}, misfits, [note] if unknown else []


def _read_signed(
    record: Record, bucket: Bucket, publication: Publication
) -> tuple[Manifest | None, list[str]]:
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
    signers = record.files / SIGNERS
    if signature is None:
        findings.append(f"{SIGNATURE_NAME} is missing")
    elif not is_signed(content, signature[0], signers.read_bytes()):
        findings.append(f"{SIGNATURE_NAME} is no signature of {MANIFEST_NAME} by this workspace")
    return manifest, findings


def _approval_findings(record: Record, manifest: Manifest) -> Iterator[str]:
    key = known_key(record.root)
    try:
        approvals = record.approvals()
    except DocumentError as error:
        yield f"the approvals cannot be read: {error}"
        return
    # only whoever holds the pseudonym key can make one that names this very candidate
    kept = {approval_hmac(key, one) for one in approvals if one.digest == manifest.candidate_sha256}
    if not kept:
        yield "no approval names the published candidate"
    if not manifest.approvals_hmac_sha256 or not kept.issuperset(manifest.approvals_hmac_sha256):
        yield "an approval was rewritten: the one that the signed manifest speaks of is not on record"


def _content_findings(
    record: Record, candidate: Candidate, manifest: Manifest, publication: Publication
) -> Iterator[str]:
    """Yield where the manifest names something else than was approved, less what was withdrawn."""
    if manifest.candidate_sha256 != candidate_digest(candidate):
        yield f"the {MANIFEST_NAME} speaks of another candidate than git holds"
    approved = {file.path: file.sha256 for file in candidate.files}
    signers = record.files / SIGNERS
    if not signers.is_file() or sha256_file(signers) != approved.get(SIGNERS):
        yield f"{SIGNERS} of this workspace, who may sign, is not what was approved"
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


def _latest_findings(bucket: Bucket, publication: Publication, record: Record) -> Iterator[str]:
    newest = [one.version for one in newest_publications(record.root, publication.to)]
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
    if latest.version not in [one.version for one in published(record.root)]:
        yield f"latest.json names {latest.version}, which was not published from this workspace"
    elif newest and latest.version not in newest:
        yield f"latest.json names {latest.version}, although {newest[-1]} was published after it"
    found = bucket.digests(f"{bucket.prefix}latest.json")
    if found and found.foreign:
        yield FOREIGN.format(LATEST_NAME, ", ".join(found.foreign))


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

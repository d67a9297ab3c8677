"""Send an approved candidate to object storage and record where it went."""

from datetime import UTC, datetime
from pathlib import Path

from flows.release.approval import require_approvals
from flows.release.candidate import check_consent
from flows.release.decisions import decided
from flows.release.documents import SIGNERS
from flows.release.record import Record, newest_publications
from flows.workspace.git import git
from flows.workspace.graph import changed_nodes
from flows.workspace.inbox import read_withdrawals
from schemas.params.publish import Publish
from schemas.release import Approval, Candidate, Manifest, Publication
from tasks.files.documents import read_document
from tasks.files.errors import GateRefusedError
from tasks.files.hashing import sha256_bytes, sha256_file
from tasks.files.pseudonyms import known_key
from tasks.files.whole import write_bytes
from tasks.publish import Package, Tell, open_bucket, publish_release, require_faithful
from tasks.publish.plan import (
    MANIFEST_NAME,
    SIGNATURE_NAME,
    approval_hmac,
    candidate_digest,
    make_manifest,
    manifest_bytes,
)
from tasks.publish.signature import is_signed, sign


def publish(record: Record, settings: Publish, to: str | None, tell: Tell) -> Publication:
    """Publish an approved candidate; a version that is published already stays as it is.

    Raises GateRefusedError where a gate is closed, StorageError where the store fails.
    """
    candidate = record.candidate()
    approvals = require_approvals(record, candidate, settings.approvals)
    publication = record.publication()
    destination = to or (publication.to if publication else settings.to)
    if publication:
        _check_same(candidate, publication, destination)
    if not publication or not publication.complete:
        _check_gates(record.root, candidate)
        package = prepare(record, candidate, approvals)
        publication = _upload(record, package, destination, settings, tell)
    _name_revision(record)
    return publication


def _upload(record: Record, package: Package, to: str, settings: Publish, tell: Tell) -> Publication:
    bucket = open_bucket(to, settings)
    bucket.require()
    require_faithful(bucket)
    begun, root = _begin(record, package, to), record.root
    is_newest = all(one.begun_at <= begun.begun_at for one in newest_publications(root, begun.to))
    # on record before the first object: a withdrawal must know of what a killed run left behind
    record.keep_publication(begun)
    record.commit(f"Begin to publish {record.version}")
    publish_release(root, package, bucket, settings.parallel, tell, is_newest=is_newest)
    publication = begun.model_copy(update={"complete": True})
    record.keep_publication(publication)
    return publication


def _begin(record: Record, package: Package, to: str) -> Publication:
    earlier, candidate = record.publication(), record.candidate()
    return Publication(
        version=record.version,
        to=to,
        manifest_sha256=sha256_bytes(package.manifest),
        candidate_sha256=candidate_digest(candidate),
        code_revision=candidate.code_revision,
        complete=False,
        begun_at=earlier.begun_at if earlier else datetime.now(UTC).isoformat(),
    )


def prepare(record: Record, candidate: Candidate, approvals: list[Approval]) -> Package:
    """Make and sign the manifest of an approved candidate; one that an earlier try made is kept.

    Raises KeyMismatchError without a key, GateRefusedError where the candidate names other signers.
    """
    folder, root = record.folder, record.root
    signers = (record.files / SIGNERS).read_bytes()
    content = _earlier_manifest(folder / MANIFEST_NAME, candidate)
    if content is None:
        key = known_key(root)
        content = manifest_bytes(make_manifest(candidate, [approval_hmac(key, one) for one in approvals]))
        write_bytes(content, folder / MANIFEST_NAME)
    path = folder / SIGNATURE_NAME
    if not path.is_file() or not is_signed(content, path.read_bytes(), signers):
        write_bytes(sign(root, content), path)
    if not is_signed(content, path.read_bytes(), signers):
        raise GateRefusedError(
            "the signing key is none of those that the candidate names: run `guise workspace DIR` "
            "from outside it, then freeze and approve again"
        )
    return Package(candidate.version, candidate.files, content, path.read_bytes())


def _earlier_manifest(path: Path, candidate: Candidate) -> bytes | None:
    if not path.is_file():
        return None
    manifest = read_document(path, Manifest)
    # a killed publication may have put just these bytes into the bucket
    return path.read_bytes() if manifest.candidate_sha256 == candidate_digest(candidate) else None


def _name_revision(record: Record) -> None:
    # also after a run that was killed between the upload and this line
    record.commit(f"Publish {record.version}")
    tag = f"release/{record.version}"
    if not git(record.root, "tag", "--list", tag):
        git(record.root, "tag", tag, record.publishing_commit())


def _check_gates(root: Path, candidate: Candidate) -> None:
    changed = changed_nodes(root) or sha256_file(root / "dvc.lock") != candidate.dvc_lock_sha256
    if changed:
        raise GateRefusedError(
            "the results are not those that were frozen: run `guise run`, then freeze and approve again"
        )
    check_consent(root, [clip.clip_id for clip in candidate.clips])
    decisions = decided(root)
    gone = {clip_id for record in read_withdrawals(root) for clip_id in record.clips}
    for clip in candidate.clips:
        decision = decisions.get(clip.clip_id)
        if clip.clip_id in gone:
            raise GateRefusedError(
                f"consent was withdrawn for {clip.clip_id}: run `guise run`, then freeze again"
            )
        if decision.accepted if decision else clip.verdict == "pass":
            continue
        raise GateRefusedError(
            f"{clip.clip_id} was left out, or waits for a decision, since {candidate.version} was frozen: "
            "freeze and approve again"
        )


def _check_same(candidate: Candidate, earlier: Publication, destination: str) -> None:
    if candidate_digest(candidate) != earlier.candidate_sha256:
        raise GateRefusedError(f"{candidate.version} is published with other content: freeze a new version")
    if destination != earlier.to:
        raise GateRefusedError(
            f"{candidate.version} is published to {earlier.to} already: freeze a new version"
        )

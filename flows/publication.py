"""Send an approved candidate to object storage and record where it went."""

from datetime import UTC, datetime
from pathlib import Path

from flows.approval import require_approvals
from flows.candidate import check_consent
from flows.decisions import decided
from flows.documents import SIGNERS
from flows.git import commit, git
from flows.history import publishing_commit
from flows.inbox import read_withdrawals
from flows.record import newest_versions, publication_path, read_candidate, read_publication, release_folder
from flows.replay import changed_nodes
from schemas.release import Approval, Candidate, Manifest, Publication
from tasks.documents import read_document, read_params, write_bytes, write_json
from tasks.errors import GateRefusedError
from tasks.hashing import sha256_bytes, sha256_file
from tasks.ingest.pseudonyms import known_key
from tasks.publish import Package, Tell, open_bucket, publish_release
from tasks.publish.plan import (
    MANIFEST_NAME,
    SIGNATURE_NAME,
    approval_hmac,
    candidate_digest,
    make_manifest,
    manifest_bytes,
)
from tasks.publish.signature import is_signed, sign


def publish(root: Path, version: str, to: str | None, tell: Tell) -> Publication:
    """Publish an approved candidate; a version that is published already stays as it is.

    Raises GateRefusedError where a gate is closed, StorageError where the store fails.
    """
    candidate = read_candidate(root, version)
    approvals = require_approvals(root, candidate)
    publication = read_publication(root, version)
    destination = to or (publication.to if publication else read_params(root).publish.to)
    if publication:
        _check_same(candidate, publication, destination)
    if not publication or not publication.complete:
        _check_gates(root, candidate)
        publication = _upload(root, candidate, approvals, destination, tell)
    _record(root, version)
    return publication


def _upload(
    root: Path, candidate: Candidate, approvals: list[Approval], destination: str, tell: Tell
) -> Publication:
    package = prepare(root, candidate, approvals)
    settings = read_params(root).publish
    bucket = open_bucket(destination, settings)
    bucket.require()
    earlier = read_publication(root, candidate.version)
    begun = Publication(
        version=candidate.version,
        to=destination,
        manifest_sha256=sha256_bytes(package.manifest),
        candidate_sha256=candidate_digest(candidate),
        code_revision=candidate.code_revision,
        complete=False,
        begun_at=earlier.begun_at if earlier else datetime.now(UTC).isoformat(),
    )
    newest = [read_publication(root, version) for version in newest_versions(root, destination)]
    is_newest = all(one is None or one.begun_at <= begun.begun_at for one in newest)
    # on record before the first object: a withdrawal must know of what a killed run left behind
    _keep(root, begun)
    commit(root, f"Begin to publish {candidate.version}", [str(release_folder(candidate.version))])
    publish_release(root, package, bucket, settings.parallel, tell, is_newest=is_newest)
    publication = begun.model_copy(update={"complete": True})
    _keep(root, publication)
    return publication


def _keep(root: Path, publication: Publication) -> None:
    write_json(publication.model_dump(mode="json"), root / publication_path(publication.version))


def prepare(root: Path, candidate: Candidate, approvals: list[Approval]) -> Package:
    """Make and sign the manifest of an approved candidate; one that an earlier try made is kept.

    Raises KeyMismatchError without a key, GateRefusedError where the candidate names other signers.
    """
    folder = root / release_folder(candidate.version)
    signers = (folder / "files" / SIGNERS).read_bytes()
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


def _record(root: Path, version: str) -> None:
    # also after a run that was killed between the upload and this line
    commit(root, f"Publish {version}", [str(release_folder(version))])
    if not git(root, "tag", "--list", f"release/{version}"):
        git(root, "tag", f"release/{version}", publishing_commit(root, version))


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

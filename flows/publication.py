"""Send an approved candidate to object storage and record where it went."""

from collections.abc import Callable
from pathlib import Path

from flows.approval import require_approval
from flows.candidate import check_consent, publication_path, read_candidate, release_folder
from flows.git import commit, git
from flows.replay import changed_nodes
from schemas.release import Candidate, Publication
from tasks.documents import read_document, read_params, write_json
from tasks.errors import GateRefusedError
from tasks.hashing import sha256_bytes, sha256_file
from tasks.publish import manifest_bytes, open_bucket, publish_release
from tasks.publish.plan import Upload, candidate_digest

Tell = Callable[[Upload, bool], None]


def read_publication(root: Path, version: str) -> Publication | None:
    path = root / publication_path(version)
    return read_document(path, Publication) if path.is_file() else None


def publish(root: Path, version: str, to: str | None, tell: Tell) -> Publication:
    """Publish an approved candidate; a version that is published already stays as it is.

    Raises GateRefusedError where a gate is closed, StorageError where the store fails.
    """
    candidate = read_candidate(root, version)
    require_approval(root, candidate)
    publication = read_publication(root, version)
    destination = to or (publication.to if publication else read_params(root).publish.to)
    if publication:
        _check_same(candidate, publication, destination)
    else:
        _check_gates(root, candidate)
        publication = _upload(root, candidate, destination, tell)
    _record(root, version)
    return publication


def _upload(root: Path, candidate: Candidate, destination: str, tell: Tell) -> Publication:
    publication = Publication(
        version=candidate.version,
        to=destination,
        manifest_sha256=publish_release(root, candidate, open_bucket(destination), tell),
        candidate_sha256=candidate_digest(candidate),
        code_revision=candidate.code_revision,
    )
    write_json(publication.model_dump(mode="json"), root / publication_path(candidate.version))
    return publication


def _record(root: Path, version: str) -> None:
    # also after a run that was killed between the upload and this line
    commit(root, f"Publish {version}", [str(release_folder(version))])
    if not git(root, "tag", "--list", f"release/{version}"):
        git(root, "tag", f"release/{version}")


def _check_gates(root: Path, candidate: Candidate) -> None:
    changed = changed_nodes(root) or sha256_file(root / "dvc.lock") != candidate.dvc_lock_sha256
    if changed:
        raise GateRefusedError(
            "the results are not those that were frozen: run `guise run`, then freeze and approve again"
        )
    check_consent(root, [clip.clip_id for clip in candidate.clips])


def _check_same(candidate: Candidate, earlier: Publication, destination: str) -> None:
    if sha256_bytes(manifest_bytes(candidate)) != earlier.manifest_sha256:
        raise GateRefusedError(f"{candidate.version} is published with other content: freeze a new version")
    if destination != earlier.to:
        raise GateRefusedError(
            f"{candidate.version} is published to {earlier.to} already: freeze a new version"
        )

"""Send an approved candidate to object storage and record where it went."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl

from flows.approval import require_approval
from flows.candidate import read_candidate, release_folder
from flows.git import commit, git
from flows.replay import changed_nodes
from schemas.release import Candidate, Publication
from tasks.clips import read_clips
from tasks.documents import read_document, read_params, write_json
from tasks.errors import GateRefusedError
from tasks.hashing import sha256_bytes
from tasks.publish import manifest_bytes, open_bucket, publish_release
from tasks.publish.plan import Upload, candidate_digest

Tell = Callable[[Upload, bool], None]


def publication_path(version: str) -> Path:
    return release_folder(version) / "published.json"


def read_publication(root: Path, version: str) -> Publication | None:
    path = root / publication_path(version)
    return read_document(path, Publication) if path.is_file() else None


def publish(root: Path, version: str, to: str | None, tell: Tell) -> Publication:
    """Publish an approved candidate; a version that is published already stays as it is.

    Raises GateRefusedError where a gate is closed, StorageError where the store fails.
    """
    candidate = read_candidate(root, version)
    require_approval(root, candidate)
    earlier = read_publication(root, version)
    destination = to or (earlier.to if earlier else read_params(root).publish.to)
    if earlier:
        _check_same(candidate, earlier, destination)
        return earlier
    _check_gates(root, candidate)
    bucket = open_bucket(destination)
    manifest_sha256 = publish_release(root, candidate, bucket, tell)
    publication = Publication(
        version=version,
        to=destination,
        manifest_sha256=manifest_sha256,
        candidate_sha256=candidate_digest(candidate),
        code_revision=candidate.code_revision,
    )
    write_json(publication.model_dump(mode="json"), root / publication_path(version))
    commit(root, f"Publish {version}", [str(release_folder(version))])
    git(root, "tag", "--force", f"release/{version}")
    return publication


def _check_gates(root: Path, candidate: Candidate) -> None:
    if changed_nodes(root):
        raise GateRefusedError(
            "the results changed since the candidate was frozen: run `guise run`, then freeze again"
        )
    clip_ids = [clip.clip_id for clip in candidate.clips]
    expired = read_clips(root).filter(
        pl.col("clip_id").is_in(clip_ids) & (pl.col("consent_expires") < date.today().isoformat())
    )
    if expired.height:
        raise GateRefusedError(
            f"consent has expired for {expired['clip_id'][0]}: ingest again, then freeze again"
        )


def _check_same(candidate: Candidate, earlier: Publication, destination: str) -> None:
    if sha256_bytes(manifest_bytes(candidate)) != earlier.manifest_sha256:
        raise GateRefusedError(f"{candidate.version} is published with other content: freeze a new version")
    if destination != earlier.to:
        raise GateRefusedError(
            f"{candidate.version} is published to {earlier.to} already: freeze a new version"
        )

"""Objects first, each verified; then the manifest; then the pointer to the latest release."""

from collections.abc import Callable
from pathlib import Path

from schemas.release import Candidate, Latest, Manifest
from tasks.errors import GateRefusedError
from tasks.hashing import canonical_json, sha256_bytes, sha256_file
from tasks.publish.plan import Upload, manifest_bytes, plan_upload, release_prefix
from tasks.publish.store import Bucket


def publish_release(
    root: Path, candidate: Candidate, bucket: Bucket, tell: Callable[[Upload, bool], None]
) -> str:
    """Upload what is not there yet and return the manifest's SHA-256.

    A reader who trusts manifests sees the whole release or none. Raises GateRefusedError where a
    file of the workspace is no longer what was approved, StorageError where the store fails.
    """
    bucket.require()
    uploads = plan_upload(candidate, bucket.prefix)
    for upload in uploads:
        _check_source(root, upload)
    for upload in uploads:
        created = bucket.create(upload.key, root / upload.file.source, upload.file.sha256)
        tell(upload, created)
    manifest = manifest_bytes(candidate)
    digest = sha256_bytes(manifest)
    bucket.create(release_prefix(bucket.prefix, candidate.version) + "manifest.json", manifest, digest)
    _point_to(bucket, candidate.version, digest)
    return digest


def _check_source(root: Path, upload: Upload) -> None:
    source = root / upload.file.source
    if not source.is_file() or sha256_file(source) != upload.file.sha256:
        raise GateRefusedError(
            f"{upload.file.path} is not what was approved: freeze and approve the candidate again"
        )


def _point_to(bucket: Bucket, version: str, manifest_sha256: str) -> None:
    key = f"{bucket.prefix}latest.json"
    latest = Latest(version=version, manifest_sha256=manifest_sha256)
    document = canonical_json(latest.model_dump(mode="json")) + b"\n"
    present = bucket.read(key)
    if present is None or present[0] != document:
        bucket.replace(key, document, present[1] if present else None)


def read_manifest(bucket: Bucket, version: str) -> tuple[Manifest, str] | None:
    """Return a release's manifest and its SHA-256 as they are in the bucket, None if absent."""
    present = bucket.read(release_prefix(bucket.prefix, version) + "manifest.json")
    if present is None:
        return None
    return Manifest.model_validate_json(present[0]), sha256_bytes(present[0])

"""What goes where (pure)."""

from dataclasses import dataclass

from schemas.release import Approval, Candidate, Manifest, PublishedFile, ReleaseFile
from tasks.files.hashing import canonical_json, keyed_digest, sha256_document

MANIFEST_NAME = "manifest.json"
SIGNATURE_NAME = "manifest.json.sig"
TOMBSTONE_NAME = "tombstone.json"
SUMS_NAME = "SHA256SUMS"
# who signs and what for, as `ssh-keygen -Y verify -I -n` names them
SIGNER, NAMESPACE = "publisher", "guise-release"
# beside the files that a manifest names
COMPANIONS = (MANIFEST_NAME, SIGNATURE_NAME, TOMBSTONE_NAME)


@dataclass(frozen=True)
class Upload:
    """One object: its key, and the workspace file with the bytes."""

    key: str
    file: ReleaseFile


def candidate_digest(candidate: Candidate) -> str:
    """Return the digest that an approval names."""
    return sha256_document(candidate.model_dump(mode="json"))


def approval_hmac(key: bytes, approval: Approval) -> str:
    """Return what a manifest calls an approval: its words stay inside."""
    return keyed_digest(key, "approval", canonical_json(approval.model_dump(mode="json")).decode())


def release_prefix(prefix: str, version: str) -> str:
    return f"{prefix}releases/{version}/"


def plan_upload(version: str, files: list[ReleaseFile], prefix: str) -> list[Upload]:
    """Return every object that a manifest names; the list of sums comes first and claims the version."""
    folder = release_prefix(prefix, version)
    ordered = sorted(files, key=lambda file: (file.path != SUMS_NAME, file.path))
    return [Upload(folder + file.path, file) for file in ordered]


def make_manifest(candidate: Candidate, approvals_hmac_sha256: list[str]) -> Manifest:
    """Return the manifest of an approved candidate."""
    return Manifest(
        version=candidate.version,
        candidate_sha256=candidate_digest(candidate),
        code_revision=candidate.code_revision,
        dvc_lock_sha256=candidate.dvc_lock_sha256,
        approvals_hmac_sha256=approvals_hmac_sha256,
        files=[
            PublishedFile(path=file.path, sha256=file.sha256, bytes=file.bytes)
            for file in sorted(candidate.files, key=lambda file: file.path)
        ],
    )


def manifest_bytes(manifest: Manifest) -> bytes:
    """Return a manifest as it is published and signed; equal manifests give equal bytes."""
    return canonical_json(manifest.model_dump(mode="json")) + b"\n"

"""What goes where (pure)."""

from dataclasses import dataclass

from schemas.release import Candidate, Manifest, PublishedFile, ReleaseFile
from tasks.hashing import canonical_json, sha256_document


@dataclass(frozen=True)
class Upload:
    """One object: its key, and the workspace file with the bytes."""

    key: str
    file: ReleaseFile


def candidate_digest(candidate: Candidate) -> str:
    """Return the digest that an approval names."""
    return sha256_document(candidate.model_dump(mode="json"))


def release_prefix(prefix: str, version: str) -> str:
    return f"{prefix}releases/{version}/"


def plan_upload(candidate: Candidate, prefix: str) -> list[Upload]:
    """Return every object of a release but its manifest, ordered by key."""
    folder = release_prefix(prefix, candidate.version)
    return [Upload(folder + file.path, file) for file in sorted(candidate.files, key=lambda file: file.path)]


def manifest_bytes(candidate: Candidate) -> bytes:
    """Return the manifest of an approved candidate; equal candidates give equal bytes."""
    manifest = Manifest(
        version=candidate.version,
        candidate_sha256=candidate_digest(candidate),
        approved=True,
        files=[
            PublishedFile(path=file.path, sha256=file.sha256, bytes=file.bytes)
            for file in sorted(candidate.files, key=lambda file: file.path)
        ],
    )
    return canonical_json(manifest.model_dump(mode="json")) + b"\n"

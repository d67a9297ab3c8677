"""Objects first, each verified; then the manifest; then the pointer to the latest release."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from schemas.release import Latest, Manifest, ReleaseFile
from tasks.files.errors import GateRefusedError, StorageError
from tasks.files.hashing import canonical_json, sha256_bytes
from tasks.publish.create import (
    PART_BYTES,
    Source,
    check_present,
    create,
    create_in_parts,
    digest_parts,
    in_parallel,
)
from tasks.publish.ledger import Ledger
from tasks.publish.plan import (
    COMPANIONS,
    MANIFEST_NAME,
    SIGNATURE_NAME,
    Upload,
    plan_upload,
    release_prefix,
)
from tasks.publish.store import Bucket


@dataclass(frozen=True)
class Package:
    """A release that may be sent: its files, its manifest and the manifest's signature."""

    version: str
    files: list[ReleaseFile]
    manifest: bytes
    signature: bytes


@dataclass(frozen=True)
class Step:
    """What just happened: so many bytes of an object are in the bucket, or the object is there in full."""

    key: str
    bytes: int
    state: Literal["part", "created", "there"]


Tell = Callable[[Step], None]


def publish_release(
    root: Path, package: Package, bucket: Bucket, parallel: int, tell: Tell, *, is_newest: bool = True
) -> None:
    """Upload what is not there yet; what is there is verified, never written twice.

    A reader who trusts manifests sees the whole release or none. tell: is called from several threads.
    is_newest: whether latest.json should name it; not where an older release is completed after a newer one.
    Raises GateRefusedError where a file of the workspace is no longer what was approved, StorageError
    where the store fails or holds something else under this version.
    """
    bucket.require()
    uploads = plan_upload(package.version, package.files, bucket.prefix)
    folder = release_prefix(bucket.prefix, package.version)
    sources: dict[str, Source] = {}
    with ThreadPoolExecutor(parallel) as pool:
        in_parallel(pool, uploads, lambda upload: _check_source(root, upload, sources))
        sender = _Sender(sources, bucket, bucket.keys(folder), Ledger(root), tell)
        sender.check_strangers(folder, uploads)
        # the first one names all others: of two publishers, one creates it
        sender.send(uploads[0])
        large = [upload for upload in uploads[1:] if upload.file.bytes > PART_BYTES]
        small = [upload for upload in uploads[1:] if upload.file.bytes <= PART_BYTES]
        in_parallel(pool, small, sender.send)
        for upload in large:
            sender.send_in_parts(upload, pool)
    for name, content in ((SIGNATURE_NAME, package.signature), (MANIFEST_NAME, package.manifest)):
        create(bucket, folder + name, Source(content, sha256_bytes(content)), lock=True)
    if is_newest:
        _point_to(bucket, package.version, sha256_bytes(package.manifest))


def _check_source(root: Path, upload: Upload, sources: dict[str, Source]) -> None:
    path = root / upload.file.source
    digest, parts = digest_parts(path) if path.is_file() else ("", ())
    if digest != upload.file.sha256:
        raise GateRefusedError(
            f"{upload.file.path} is not what was approved: freeze and approve the candidate again"
        )
    sources[upload.key] = Source(path, digest, parts if upload.file.bytes > PART_BYTES else ())


@dataclass(frozen=True)
class _Sender:
    """sources: what was compared, by key. present: what the bucket held before, with its size in bytes."""

    sources: dict[str, Source]
    bucket: Bucket
    present: dict[str, int]
    ledger: Ledger
    tell: Tell

    def check_strangers(self, folder: str, uploads: list[Upload]) -> None:
        known = {upload.key for upload in uploads} | {folder + name for name in COMPANIONS}
        strangers = sorted(set(self.present) - known)
        if strangers:
            raise StorageError(f"{strangers[0]} is in the bucket already and is no part of this release")

    def send(self, upload: Upload) -> None:
        source, created = self.sources[upload.key], False
        if upload.key in self.present:
            check_present(self.bucket, upload.key, source)
        else:
            created = create(self.bucket, upload.key, source)
        self.tell(Step(upload.key, upload.file.bytes, "created" if created else "there"))

    def send_in_parts(self, upload: Upload, pool: ThreadPoolExecutor) -> None:
        if upload.key in self.present:
            self.send(upload)
            return
        source = self.sources[upload.key]
        created = create_in_parts(
            self.bucket,
            upload.key,
            source,
            self.ledger,
            pool=pool,
            tell=lambda count: self.tell(Step(upload.key, count, "part")),
        )
        self.tell(Step(upload.key, 0, "created" if created else "there"))


def _point_to(bucket: Bucket, version: str, manifest_sha256: str) -> None:
    key = f"{bucket.prefix}latest.json"
    latest = Latest(version=version, manifest_sha256=manifest_sha256)
    document = canonical_json(latest.model_dump(mode="json")) + b"\n"
    present = bucket.read(key)
    if present is None or present[0] != document:
        bucket.replace(key, document, present[1] if present else None)


def read_manifest(bucket: Bucket, version: str) -> tuple[Manifest, bytes] | None:
    """Return a release's manifest and its bytes as they are in the bucket, None if absent.

    Raises ValueError where the bytes are no manifest.
    """
    present = bucket.read(release_prefix(bucket.prefix, version) + MANIFEST_NAME)
    if present is None:
        return None
    return Manifest.model_validate_json(present[0]), present[0]

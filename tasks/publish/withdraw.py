"""Say in a published release that consent was withdrawn, and remove what may not stay."""

from schemas.release import Latest, Manifest, PublishedFile, Tombstone
from tasks.files.hashing import canonical_json, sha256_bytes
from tasks.publish.plan import (
    MANIFEST_NAME,
    SIGNATURE_NAME,
    SUMS_NAME,
    TOMBSTONE_NAME,
    release_prefix,
)
from tasks.publish.store import Bucket

FOLDERS = {"videos": ".mp4", "keypoints": ".parquet"}


def files_of(clips: list[str]) -> set[str]:
    """Return the paths in a release that are these clips."""
    return {f"{folder}/{clip}{suffix}" for clip in clips for folder, suffix in FOLDERS.items()}


def without_clips(manifest: Manifest, clips: list[str]) -> tuple[Manifest, bytes]:
    """Return the manifest that says what is gone, and the list of sums that goes with it."""
    gone = files_of(clips)
    withdrawn = [file for file in manifest.files if file.path in gone]
    kept = [file for file in manifest.files if file.path not in gone and file.path != SUMS_NAME]
    sums = "".join(f"{file.sha256}  {file.path}\n" for file in kept).encode()
    named = PublishedFile(path=SUMS_NAME, sha256=sha256_bytes(sums), bytes=len(sums))
    files = sorted([*kept, named], key=lambda file: file.path)
    gone_by_now = sorted([*manifest.withdrawn, *withdrawn], key=lambda file: file.path)
    return manifest.model_copy(update={"files": files, "withdrawn": gone_by_now}), sums


def put_tombstone(bucket: Bucket, version: str, clips: list[str]) -> None:
    """Write which clips of a release its readers should delete."""
    document = Tombstone(version=version, clips=clips).model_dump(mode="json")
    content = canonical_json(document) + b"\n"
    _put(bucket, release_prefix(bucket.prefix, version) + TOMBSTONE_NAME, content)


def remove_clips(bucket: Bucket, manifest: Manifest, sums: bytes, content: bytes, signature: bytes) -> int:
    """Remove what the manifest says is gone, then swap the manifest in; return how many objects went.

    content: the new manifest's bytes. May be repeated until it ends.
    """
    folder = release_prefix(bucket.prefix, manifest.version)
    gone = _erase(bucket, folder, {file.path for file in manifest.withdrawn})
    _put(bucket, folder + SUMS_NAME, sums)
    _put(bucket, folder + SIGNATURE_NAME, signature, lock=True)
    _put(bucket, folder + MANIFEST_NAME, content, lock=True)
    _repoint(bucket, manifest.version, sha256_bytes(content))
    return gone


def erase_clips(bucket: Bucket, version: str, clips: list[str]) -> int:
    """Remove clips of a release that was never completed; return how many objects went."""
    return _erase(bucket, release_prefix(bucket.prefix, version), files_of(clips))


def _erase(bucket: Bucket, folder: str, paths: set[str]) -> int:
    present = bucket.keys(folder)
    for path in sorted(paths):
        # also where only an older version of it is left
        bucket.erase(folder + path)
    return sum(folder + path in present for path in paths)


def _put(bucket: Bucket, key: str, content: bytes, *, lock: bool = False) -> None:
    present = bucket.read(key)
    if present is None or present[0] != content:
        bucket.replace(key, content, present[1] if present else None, lock=lock)


def _repoint(bucket: Bucket, version: str, manifest_sha256: str) -> None:
    key = f"{bucket.prefix}latest.json"
    present = bucket.read(key)
    if present and Latest.model_validate_json(present[0]).version == version:
        latest = Latest(version=version, manifest_sha256=manifest_sha256)
        _put(bucket, key, canonical_json(latest.model_dump(mode="json")) + b"\n")

"""Whether a store keeps its word: what exists is not overwritten."""

import hashlib
import uuid
from typing import Any

from tasks.files.errors import StorageError
from tasks.files.hashing import sha256_bytes
from tasks.publish.create import Source, create
from tasks.publish.store import AlreadyThereError, Bucket

FAITHLESS = (
    "the store overwrites what it was asked to leave alone ({asked}): nothing published would be safe "
    "there, choose a store that keeps to conditional writes"
)
FIRST, SECOND = b"the first word\n", b"another one\n"


def require_faithful(bucket: Bucket) -> None:
    """Raise StorageError where a store ignores that an object must not exist yet, or must be a certain one.

    A probe is written, and again, in one piece, in parts and as the successor of another; then it is removed.
    """
    key = f"{bucket.prefix}.probe-{uuid.uuid4().hex}"
    create(bucket, key, Source(FIRST, sha256_bytes(FIRST)))
    try:
        for asked, overwrite in (
            ("If-None-Match", _put),
            ("If-None-Match, in parts", _put_in_parts),
            ("If-Match", _succeed),
        ):
            if overwrite(bucket, key):
                raise StorageError(FAITHLESS.format(asked=asked))
    finally:
        bucket.erase(key)


def _put(bucket: Bucket, key: str) -> bool:
    """Return whether the store says that it took other bytes."""
    try:
        bucket.put(key, SECOND, sha256_bytes(SECOND))
    except AlreadyThereError:
        return False
    return True


def _put_in_parts(bucket: Bucket, key: str) -> bool:
    client = bucket.client
    place: dict[str, Any] = {"Bucket": bucket.name, "Key": key}
    with bucket.told():
        upload = client.create_multipart_upload(**place, **bucket.writes)["UploadId"]
        part = client.upload_part(**place, UploadId=upload, PartNumber=1, Body=SECOND)
    try:
        with bucket.told():
            client.complete_multipart_upload(
                **place,
                UploadId=upload,
                IfNoneMatch="*",
                MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
            )
    except AlreadyThereError:
        return False
    return True


def _succeed(bucket: Bucket, key: str) -> bool:
    """Return whether the store says that it replaced an object that is not the one that was named."""
    other = f'"{hashlib.md5(SECOND, usedforsecurity=False).hexdigest()}"'
    try:
        with bucket.told():
            bucket.client.put_object(Bucket=bucket.name, Key=key, Body=SECOND, IfMatch=other)
    except AlreadyThereError:
        return False
    return True

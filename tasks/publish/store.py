"""One bucket of any S3-compatible store: create-only writes and verified reads."""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ParamValidationError

from tasks.errors import StorageError
from tasks.hashing import CHUNK_BYTES

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ALREADY_THERE = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
NOT_THERE = ("NoSuchKey", "404", "NotFound")
SENTENCES = {
    "NoSuchBucket": "there is no bucket {bucket}: create it, or name another with --to",
    "InvalidAccessKeyId": "the store does not know this access key: check your S3 credentials",
    "SignatureDoesNotMatch": "the store refuses this secret key: check your S3 credentials",
    "403": "the store refuses access to bucket {bucket}: check your S3 credentials",
    "AccessDenied": "the store refuses access to bucket {bucket}: check your S3 credentials",
}


@dataclass(frozen=True)
class Bucket:
    """An S3 bucket and the prefix below which releases lie; the prefix is empty or ends in /."""

    client: "S3Client"
    name: str
    prefix: str

    def make(self) -> None:
        """Create the bucket if it is not there."""
        with self._told():
            names = [bucket.get("Name") for bucket in self.client.list_buckets().get("Buckets", ())]
            if self.name not in names:
                self.client.create_bucket(Bucket=self.name)

    def require(self) -> None:
        """Raise StorageError where the bucket is not there: some stores make one silently."""
        try:
            with self._told():
                self.client.head_bucket(Bucket=self.name)
        except _NotThereError:
            raise StorageError(SENTENCES["NoSuchBucket"].format(bucket=self.name)) from None

    def create(self, key: str, body: bytes | Path, sha256: str) -> bool:
        """Write an object that must not exist yet; return False if the same one is there.

        Raises StorageError where another content holds the key, or the store took other bytes.
        """
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        try:
            with self._told(), _opened(body) as stream:
                self.client.put_object(
                    Bucket=self.name, Key=key, Body=stream, IfNoneMatch="*", ChecksumSHA256=checksum
                )
            created = True
        except _AlreadyThereError:
            created = False
        if self.sha256(key) != sha256:
            raise StorageError(f"{key} holds other bytes than were approved: nothing was overwritten")
        return created

    def sha256(self, key: str) -> str | None:
        """Read an object back and return its digest, None if there is none."""
        digest = hashlib.sha256()
        try:
            with self._told():
                body = self.client.get_object(Bucket=self.name, Key=key)["Body"]
                for chunk in body.iter_chunks(CHUNK_BYTES):
                    digest.update(chunk)
        except _NotThereError:
            return None
        return digest.hexdigest()

    def read(self, key: str) -> tuple[bytes, str] | None:
        """Return a small object's bytes and its ETag, None if there is none."""
        try:
            with self._told():
                answer = self.client.get_object(Bucket=self.name, Key=key)
                return answer["Body"].read(), answer["ETag"]
        except _NotThereError:
            return None

    def replace(self, key: str, body: bytes, etag: str | None) -> None:
        """Swap a small object for a new one if nobody else did. Raises StorageError otherwise."""
        condition: dict[str, Any] = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        try:
            with self._told():
                self.client.put_object(Bucket=self.name, Key=key, Body=body, **condition)
        except _AlreadyThereError:
            raise StorageError(f"another publisher changed {key}: run the same command again") from None

    def keys(self, prefix: str) -> dict[str, int]:
        """Return every key below a prefix with its size in bytes."""
        with self._told():
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
            return {item["Key"]: item["Size"] for page in pages for item in page.get("Contents", ())}

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in ALREADY_THERE:
                raise _AlreadyThereError from None
            if code in NOT_THERE:
                raise _NotThereError from None
            sentence = SENTENCES.get(code, "the store refused: {code}")
            raise StorageError(sentence.format(bucket=self.name, code=code)) from None
        except NoCredentialsError:
            raise StorageError(
                "there are no S3 credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile"
            ) from None
        except ParamValidationError:
            raise StorageError(f"{self.name} is no name of a bucket: name another with --to") from None
        except BotoCoreError as error:
            raise StorageError(
                f"the store cannot be reached ({type(error).__name__}): run the same command again"
            ) from None


class _AlreadyThereError(Exception):
    pass


class _NotThereError(Exception):
    pass


@contextmanager
def _opened(body: bytes | Path) -> Iterator[Any]:
    if isinstance(body, bytes):
        yield body
    else:
        with body.open("rb") as stream:
            yield stream


def open_bucket(to: str) -> Bucket:
    """Open `s3://bucket/prefix`; endpoint and credentials come by boto3's own chain."""
    name, _, prefix = to.removeprefix("s3://").partition("/")
    if not to.startswith("s3://") or len(name) < 3:
        raise StorageError(f"{to} is no bucket address: write s3://BUCKET or s3://BUCKET/PREFIX")
    config = Config(
        retries={"max_attempts": 4, "mode": "standard"},
        connect_timeout=10,
        read_timeout=60,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path"},
    )
    try:
        client = boto3.Session().client("s3", config=config)
    except ValueError as error:
        raise StorageError(f"the S3 endpoint is no address: {error}") from None
    except BotoCoreError as error:
        raise StorageError(f"S3 is not configured ({type(error).__name__}): set AWS_DEFAULT_REGION") from None
    return Bucket(client, name, f"{prefix.strip('/')}/" if prefix.strip("/") else "")

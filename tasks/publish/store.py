"""One bucket of any S3-compatible store: create-only writes, each verified."""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import urlencode

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ParamValidationError
from botocore.loaders import Loader, create_loader
from botocore.session import Session

from schemas.params.publish import Publish
from tasks.files.errors import StorageError
from tasks.files.hashing import CHUNK_BYTES
from tasks.publish.attributes import content_type, foreign_attributes

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ALREADY_THERE = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
NOT_THERE = ("NoSuchKey", "404", "NotFound")
CONNECT_S, ANSWER_S = 10, 60
AGAIN = "run the same command again, what is there is kept"
SENTENCES = {
    "NoSuchBucket": "there is no bucket {bucket}: create it, or name another with --to",
    "InvalidAccessKeyId": "the store does not know this access key: check your S3 credentials",
    "SignatureDoesNotMatch": "the store refuses this secret key: check your S3 credentials",
    "403": "the store refuses access to bucket {bucket}: check your S3 credentials",
    "AccessDenied": "the store refuses access to bucket {bucket}: check your S3 credentials",
    "ExpiredToken": f"the S3 credentials have expired: renew them and {AGAIN}",
    "ExpiredTokenException": f"the S3 credentials have expired: renew them and {AGAIN}",
    "400": f"the store refuses these S3 credentials, perhaps expired ones: renew them and {AGAIN}",
    "BadDigest": f"other bytes reached the store than were sent: {AGAIN}",
    "XAmzContentChecksumMismatch": f"other bytes reached the store than were sent: {AGAIN}",
    "InvalidBucketState": "bucket {bucket} allows no Object Lock: set publish.lock_manifests_days to 0",
    "ObjectLockConfigurationNotFoundError": "bucket {bucket} allows no Object Lock: set "
    "publish.lock_manifests_days to 0",
    "NoSuchUpload": "another publisher ended the upload of the same object: run the same command again",
    "SlowDown": f"the store is too busy: {AGAIN}",
    "ServiceUnavailable": f"the store is too busy: {AGAIN}",
    "503": f"the store is too busy: {AGAIN}",
}


@dataclass(frozen=True)
class Stored:
    """What a store says of an object; sha256: base64, of parts followed by their number, or None."""

    bytes: int
    sha256: str | None


@dataclass(frozen=True)
class Read:
    """What was read back of an object, and the names of its attributes that Guise did not give it."""

    sha256: str
    md5: str | None
    foreign: list[str]


@dataclass(frozen=True)
class Bucket:
    """An S3 bucket and the prefix below which releases lie; the prefix is empty or ends in /.

    writes: arguments of every write, such as tags. lock: days for which manifests are locked.
    """

    client: "S3Client"
    name: str
    prefix: str
    writes: dict[str, Any] = field(default_factory=dict)
    lock_days: int = 0

    def make(self) -> None:
        """Create the bucket if it is not there."""
        with self.told():
            names = [bucket.get("Name") for bucket in self.client.list_buckets().get("Buckets", ())]
            if self.name not in names:
                self.client.create_bucket(Bucket=self.name)

    def require(self) -> None:
        """Raise StorageError where the bucket is not there: some stores make one silently."""
        try:
            with self.told():
                self.client.head_bucket(Bucket=self.name)
        except NotThereError:
            raise StorageError(SENTENCES["NoSuchBucket"].format(bucket=self.name)) from None

    def put(self, key: str, body: bytes | Path, sha256: str, *, lock: bool = False) -> str | None:
        """Write an object that must not exist yet; return the store's own digest of it, base64.

        Raises AlreadyThereError, StorageError.
        """
        with self.told(), _opened(body) as stream:
            answer = self.client.put_object(
                Bucket=self.name,
                Key=key,
                Body=stream,
                IfNoneMatch="*",
                ChecksumSHA256=as_base64(sha256),
                ContentType=content_type(key),
                **self.writes,
                **(self._lock() if lock else {}),
            )
        return answer.get("ChecksumSHA256")

    def stored(self, key: str) -> Stored | None:
        """Return what the store knows of an object, None if there is none."""
        try:
            with self.told():
                answer = self.client.head_object(Bucket=self.name, Key=key, ChecksumMode="ENABLED")
        except NotThereError:
            return None
        return Stored(answer["ContentLength"], answer.get("ChecksumSHA256"))

    def sha256(self, key: str) -> str | None:
        """Read an object back and return its digest, None if there is none."""
        found = self.digests(key)
        return found.sha256 if found else None

    def digests(self, key: str, also: Literal["md5"] | None = None) -> Read | None:
        """Read an object back and return its SHA-256 and, where asked for, its MD5; None if there is none."""
        first, second = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        try:
            with self.told():
                answer = self.client.get_object(Bucket=self.name, Key=key)
                for chunk in answer["Body"].iter_chunks(CHUNK_BYTES):
                    first.update(chunk)
                    if also:
                        second.update(chunk)
        except NotThereError:
            return None
        return Read(first.hexdigest(), second.hexdigest() if also else None, foreign_attributes(key, answer))

    def read(self, key: str) -> tuple[bytes, str] | None:
        """Return a small object's bytes and its ETag, None if there is none."""
        try:
            with self.told():
                answer = self.client.get_object(Bucket=self.name, Key=key)
                return answer["Body"].read(), answer["ETag"]
        except NotThereError:
            return None

    def replace(self, key: str, body: bytes, etag: str | None, *, lock: bool = False) -> None:
        """Swap a small object for a new one if nobody else did. Raises StorageError otherwise."""
        condition: dict[str, Any] = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        checksum = as_base64(hashlib.sha256(body).hexdigest())
        words = self.writes | condition | {"ContentType": content_type(key)} | (self._lock() if lock else {})
        try:
            with self.told():
                self.client.put_object(Bucket=self.name, Key=key, Body=body, ChecksumSHA256=checksum, **words)
        except AlreadyThereError:
            raise StorageError(f"another publisher changed {key}: run the same command again") from None

    def erase(self, key: str) -> None:
        """Remove an object in every version that the store keeps of it, and what is there of its parts."""
        with self.told():
            for name, number in self.unfinished(key):
                if name == key:
                    self.client.abort_multipart_upload(Bucket=self.name, Key=key, UploadId=number)
            pages = self.client.get_paginator("list_object_versions").paginate(Bucket=self.name, Prefix=key)
            kept = [
                item
                for page in pages
                for item in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
                if item["Key"] == key
            ]
            for item in kept:
                self.client.delete_object(Bucket=self.name, Key=key, VersionId=item["VersionId"])
            if not kept:
                self.client.delete_object(Bucket=self.name, Key=key)
        if self.stored(key):
            raise StorageError(f"the store still holds {key} after it was removed")

    def keys(self, prefix: str) -> dict[str, int]:
        """Return every key below a prefix with its size in bytes."""
        with self.told():
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
            return {item["Key"]: item["Size"] for page in pages for item in page.get("Contents", ())}

    def unfinished(self, prefix: str) -> list[tuple[str, str]]:
        """Return key and upload of all that was begun in parts below a prefix and not ended."""
        with self.told():
            pages = self.client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self.name, Prefix=prefix
            )
            return [(one["Key"], one["UploadId"]) for page in pages for one in page.get("Uploads", ())]

    def level(self, prefix: str) -> tuple[set[str], set[str]]:
        """Return the names of the folders and of the objects right below a prefix."""
        folders: set[str] = set()
        objects: set[str] = set()
        with self.told():
            lister = self.client.get_paginator("list_objects_v2")
            for page in lister.paginate(Bucket=self.name, Prefix=prefix, Delimiter="/"):
                folders |= {item["Prefix"].removeprefix(prefix) for item in page.get("CommonPrefixes", ())}
                objects |= {item["Key"].removeprefix(prefix) for item in page.get("Contents", ())}
        # some stores list the folder itself as an object
        return {name.rstrip("/") for name in folders}, objects - {""}

    def _lock(self) -> dict[str, Any]:
        if not self.lock_days:
            return {}
        until = datetime.now(UTC) + timedelta(days=self.lock_days)
        return {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": until}

    @contextmanager
    def told(self) -> Iterator[None]:
        """Turn what S3 says into AlreadyThereError, NotThereError or a StorageError of one sentence."""
        try:
            yield
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in ALREADY_THERE:
                raise AlreadyThereError from None
            if code in NOT_THERE:
                raise NotThereError from None
            sentence = SENTENCES.get(code, "the store refused: {code}")
            raise StorageError(sentence.format(bucket=self.name, code=code)) from None
        except NoCredentialsError:
            raise StorageError(
                "there are no S3 credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile"
            ) from None
        except ParamValidationError:
            raise StorageError(f"{self.name} is no name of a bucket: name another with --to") from None
        except BotoCoreError as error:
            raise StorageError(f"the store cannot be reached ({type(error).__name__}): {AGAIN}") from None


class AlreadyThereError(Exception):
    """An object exists that was to be created, or is not the one that was to be replaced."""


class NotThereError(Exception):
    """There is no such object."""


def as_base64(sha256: str) -> str:
    return base64.b64encode(bytes.fromhex(sha256)).decode()


@contextmanager
def _opened(body: bytes | Path) -> Iterator[Any]:
    if isinstance(body, bytes):
        yield body
    else:
        with body.open("rb") as stream:
            yield stream


def has_credentials() -> bool:
    """Return whether botocore's own chain finds S3 credentials."""
    return Session().get_credentials() is not None


def open_bucket(to: str, settings: Publish | None = None) -> Bucket:
    """Open `s3://bucket/prefix`; endpoint and credentials come by botocore's own chain."""
    name, _, prefix = to.removeprefix("s3://").partition("/")
    if not to.startswith("s3://") or len(name) < 3:
        raise StorageError(f"{to} is no bucket address: write s3://BUCKET or s3://BUCKET/PREFIX")
    config = Config(
        retries={"max_attempts": 4, "mode": "standard"},
        connect_timeout=CONNECT_S,
        read_timeout=ANSWER_S,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        max_pool_connections=(settings.parallel if settings else 8) + 2,
        s3={"addressing_style": "path"},
    )
    try:
        session = Session()
        session.register_component("data_loader", _loader(session.get_config_variable("data_path")))
        client = cast("S3Client", session.create_client("s3", config=config))
    except ValueError as error:
        raise StorageError(f"the S3 endpoint is no address: {error}") from None
    except BotoCoreError as error:
        raise StorageError(f"S3 is not configured ({type(error).__name__}): set AWS_DEFAULT_REGION") from None
    place = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
    days = settings.lock_manifests_days if settings else 0
    return Bucket(client, name, place, _writes(settings) if settings else {}, days)


@cache
def _loader(data_path: str | None) -> Loader:
    """Return what reads the descriptions of S3, megabytes of JSON, once."""
    return create_loader(data_path)


def _writes(settings: Publish) -> dict[str, Any]:
    words: dict[str, Any] = {}
    if settings.encryption != "none":
        words["ServerSideEncryption"] = settings.encryption
    if settings.kms_key:
        words["SSEKMSKeyId"] = settings.kms_key
    if settings.tags:
        words["Tagging"] = urlencode(settings.tags)
    return words

"""Create one object and verify it: at once, or in parts that a later run carries on with."""

import base64
import hashlib
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from tasks.files.errors import GateRefusedError, StorageError
from tasks.publish.attributes import content_type
from tasks.publish.ledger import Ledger
from tasks.publish.store import AlreadyThereError, Bucket, as_base64

PART_BYTES = 16 << 20
MOST_PARTS = 10_000
CONFLICTS, CONFLICT_S = 4, 0.5
CONFLICT = "the store keeps saying that somebody else writes {key}: run the same command again"
OTHER_BYTES = "the store says that it holds other bytes of {key} than were sent"
Job = TypeVar("Job")


@dataclass(frozen=True)
class Source:
    """The bytes of an object and the digest that was approved.

    part_sha256: of each part, in base64, found while the whole was compared with that digest.
    """

    body: bytes | Path
    sha256: str
    part_sha256: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        return len(self.body) if isinstance(self.body, bytes) else self.body.stat().st_size


def create(bucket: Bucket, key: str, source: Source, *, lock: bool = False) -> bool:
    """Write an object in one piece that must not exist yet; return False if the same one is there.

    Raises StorageError where another content holds the key, or the store took other bytes.
    """
    for _ in range(CONFLICTS):
        try:
            told = bucket.put(key, source.body, source.sha256, lock=lock)
            break
        except AlreadyThereError:
            # a store may say so of a write that is still under way, and may yet fail
            if bucket.stored(key):
                check_present(bucket, key, source)
                return False
            time.sleep(CONFLICT_S)
    else:
        raise StorageError(CONFLICT.format(key=key))
    if told != as_base64(source.sha256) and (told or bucket.sha256(key) != source.sha256):
        raise StorageError(OTHER_BYTES.format(key=key))
    return True


def check_present(bucket: Bucket, key: str, source: Source) -> None:
    """Raise StorageError unless an object holds just these bytes; read it back where no digest says so."""
    stored = bucket.stored(key)
    expected = as_base64(source.sha256)
    if stored and stored.bytes == source.bytes and stored.sha256 == expected:
        return
    if stored and stored.bytes == source.bytes and bucket.sha256(key) == source.sha256:
        return
    raise StorageError(
        f"{key} holds other bytes than were approved: nothing was overwritten, freeze a new version"
    )


@dataclass(frozen=True)
class _Part:
    """number: from 1; start: in bytes."""

    number: int
    start: int
    bytes: int


def split(size: int) -> list[_Part]:
    """Return the parts in which so many bytes are sent."""
    step = max(PART_BYTES, -(-size // MOST_PARTS))
    return [_Part(n, start, min(step, size - start)) for n, start in enumerate(range(0, size, step), 1)]


def digest_parts(path: Path) -> tuple[str, tuple[str, ...]]:
    """Return a file's SHA-256 and, in base64, those of its parts, all of one reading."""
    whole, parts = hashlib.sha256(), []
    with path.open("rb") as stream:
        for part in split(path.stat().st_size):
            body = stream.read(part.bytes)
            whole.update(body)
            parts.append(base64.b64encode(hashlib.sha256(body).digest()).decode())
    return whole.hexdigest(), tuple(parts)


def create_in_parts(
    bucket: Bucket, key: str, source: Source, ledger: Ledger, *, pool: Executor, tell: Callable[[int], None]
) -> bool:
    """Write a large file that must not exist yet, its parts side by side; return False if it is there.

    Carries on with the parts that an earlier run of this workspace left, as the ledger knows; an upload that
    somebody else began is left alone. tell: is given the bytes of each part.
    Raises StorageError where the store took other bytes.
    """
    for _ in range(CONFLICTS):
        created = _send_parts(_MultipartUpload(bucket, key, source, ledger), pool, tell)
        if created is not None:
            return created
        time.sleep(CONFLICT_S)
    raise StorageError(CONFLICT.format(key=key))


def _send_parts(upload: "_MultipartUpload", pool: Executor, tell: Callable[[int], None]) -> bool | None:
    digests: dict[int, _Digest] = {}

    def send(part: _Part) -> None:
        digests[part.number] = upload.send(part)
        tell(part.bytes)

    in_parallel(pool, split(upload.source.bytes), send)
    return upload.complete([digests[number] for number in sorted(digests)])


@dataclass(frozen=True)
class _Digest:
    """A part as the store calls it, and its SHA-256 in base64."""

    etag: str
    sha256: str


class _MultipartUpload:
    """An upload in parts: the one that an earlier run left, or a new one."""

    def __init__(self, bucket: Bucket, key: str, source: Source, ledger: Ledger) -> None:
        self.bucket = bucket
        self.source = source
        self.ledger = ledger
        self.place: dict[str, Any] = {"Bucket": bucket.name, "Key": key}
        with bucket.told():
            self.upload_id = self._open()
            self.kept = self._list_parts()

    def send(self, part: _Part) -> _Digest:
        """Upload a part unless the same one is there."""
        assert isinstance(self.source.body, Path)
        with self.source.body.open("rb") as stream:
            stream.seek(part.start)
            body = stream.read(part.bytes)
        checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
        if checksum != self.source.part_sha256[part.number - 1]:
            raise GateRefusedError(
                f"{self.place['Key']} is not what was approved: it changed while it was sent"
            )
        md5 = hashlib.md5(body, usedforsecurity=False).hexdigest() if part.number in self.kept else ""
        if self.kept.get(part.number) == (md5, len(body)):
            return _Digest(f'"{md5}"', checksum)
        with self.bucket.told():
            answer = self.bucket.client.upload_part(
                **self.place,
                UploadId=self.upload_id,
                PartNumber=part.number,
                Body=body,
                ChecksumSHA256=checksum,
            )
        if answer.get("ChecksumSHA256", checksum) != checksum:
            raise StorageError(
                f"the store says that it holds other bytes of {self.place['Key']} than were sent"
            )
        return _Digest(answer["ETag"], checksum)

    def complete(self, digests: list[_Digest]) -> bool | None:
        """Make the object of its parts; return False if the same one is there, None to begin again."""
        joined = hashlib.sha256(b"".join(base64.b64decode(digest.sha256) for digest in digests)).digest()
        parts: list[Any] = [
            {"PartNumber": number, "ETag": digest.etag, "ChecksumSHA256": digest.sha256}
            for number, digest in enumerate(digests, 1)
        ]
        client, place = self.bucket.client, self.place | {"UploadId": self.upload_id}
        try:
            with self.bucket.told():
                answer = client.complete_multipart_upload(
                    **place, IfNoneMatch="*", MultipartUpload={"Parts": parts}
                )
        except AlreadyThereError:
            with self.bucket.told():
                client.abort_multipart_upload(**place)
            self.ledger.note(self._name, None)
            if not self.bucket.stored(self.place["Key"]):
                return None
            check_present(self.bucket, self.place["Key"], self.source)
            return False
        self.ledger.note(self._name, None)
        if answer.get("ChecksumSHA256") != f"{base64.b64encode(joined).decode()}-{len(digests)}":
            check_present(self.bucket, self.place["Key"], self.source)
        return True

    def _open(self) -> str:
        key, own = self.place["Key"], self.ledger.upload_of(self._name)
        if own and (key, own) in self.bucket.unfinished(key):
            return own
        words = self.place | {"ChecksumAlgorithm": "SHA256", "ContentType": content_type(key)}
        begun = self.bucket.client.create_multipart_upload(**words, **self.bucket.writes)["UploadId"]
        self.ledger.note(self._name, begun)
        return begun

    @property
    def _name(self) -> str:
        return f"{self.bucket.name}/{self.place['Key']}"

    def _list_parts(self) -> dict[int, tuple[str, int]]:
        """Return number -> MD5 and size of every part that is there."""
        lister = self.bucket.client.get_paginator("list_parts")
        return {
            part["PartNumber"]: (part["ETag"].strip('"'), part["Size"])
            for page in lister.paginate(**self.place, UploadId=self.upload_id)
            for part in page.get("Parts", ())
        }


def in_parallel(pool: Executor, jobs: Iterable[Job], work: Callable[[Job], None], ahead: int = 32) -> None:
    """Do the jobs in the pool, no more than so many waiting; the first failure ends the rest."""
    waiting = iter(jobs)
    pending: set[Future[None]] = {pool.submit(work, job) for job in islice(waiting, ahead)}
    try:
        while pending:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
            pending |= {pool.submit(work, job) for job in islice(waiting, len(done))}
    finally:
        for future in pending:
            future.cancel()

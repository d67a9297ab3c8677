"""Publishing on a real S3 server."""

import json
import os
from dataclasses import replace

import pytest
from s3_support import make_package, publish, what_a_reader_sees

import tasks.publish.create as create_module
from schemas.params.publish import Publish
from tasks.files.errors import GateRefusedError, StorageError
from tasks.files.hashing import sha256_bytes
from tasks.publish import open_bucket, read_manifest
from tasks.publish.create import PART_BYTES, Source, create
from tasks.publish.ledger import Ledger
from tasks.publish.upload import publish_release

FOLDER = "some/prefix/releases/v1/"
NAMES = ["SHA256SUMS", "datasheet.md", "manifest.json", "manifest.json.sig", "videos/a.mp4", "videos/b.mp4"]


def test_a_release_is_whole_and_the_manifest_names_it(tmp_path, bucket):
    package = make_package(tmp_path)
    steps = publish(tmp_path, package, bucket)
    assert {state for _, state in steps} == {"created"}
    assert steps[0][0] == "releases/v1/SHA256SUMS"
    assert sorted(bucket.keys("")) == ["some/prefix/latest.json", *(FOLDER + name for name in NAMES)]
    _, content = read_manifest(bucket, "v1")
    assert content == package.manifest
    latest = json.loads(bucket.read("some/prefix/latest.json")[0])
    assert latest == {"version": "v1", "manifest_sha256": sha256_bytes(package.manifest)}


def test_running_again_uploads_nothing(tmp_path, bucket):
    package = make_package(tmp_path)
    publish(tmp_path, package, bucket)
    assert {state for _, state in publish(tmp_path, package, bucket)} == {"there"}


def test_what_was_begun_is_carried_on(tmp_path, bucket):
    package = make_package(tmp_path)
    file = next(file for file in package.files if file.path == "videos/a.mp4")
    create(bucket, FOLDER + file.path, Source(tmp_path / file.source, file.sha256))
    assert read_manifest(bucket, "v1") is None
    steps = dict(publish(tmp_path, package, bucket))
    assert [key for key, state in steps.items() if state == "there"] == ["releases/v1/videos/a.mp4"]


def test_nothing_is_ever_overwritten(tmp_path, bucket):
    publish(tmp_path / "one", make_package(tmp_path / "one"), bucket)
    other = make_package(tmp_path / "two", contents={"datasheet.md": b"other words\n", "videos/a.mp4": b"v",
                                                     "videos/b.mp4": b"w"})  # fmt: skip
    with pytest.raises(StorageError, match="nothing was overwritten"):
        publish(tmp_path / "two", other, bucket)
    assert bucket.read(f"{FOLDER}datasheet.md")[0] == b"read me\n"


def test_a_stranger_in_the_folder_stops_the_release(tmp_path, bucket):
    bucket.client.put_object(Bucket=bucket.name, Key=f"{FOLDER}more.txt", Body=b"")
    with pytest.raises(StorageError, match=r"more\.txt is in the bucket already"):
        publish(tmp_path, make_package(tmp_path), bucket)
    assert list(bucket.keys("")) == [f"{FOLDER}more.txt"]


def test_a_file_that_changed_after_approval_is_refused_before_the_first_upload(tmp_path, bucket):
    package = make_package(tmp_path)
    (tmp_path / "datasheet.md").write_bytes(b"changed\n")
    with pytest.raises(GateRefusedError, match="not what was approved"):
        publish(tmp_path, package, bucket)
    assert bucket.keys("") == {}


def test_the_store_refuses_bytes_that_are_not_the_declared_ones(bucket):
    with pytest.raises(StorageError):
        create(bucket, "some/prefix/x", Source(b"bytes", sha256_bytes(b"other bytes")))
    assert bucket.keys("") == {}


@pytest.fixture
def large(tmp_path):
    """A file of two parts and a bit, and one of its parts in the bucket already."""
    content = os.urandom(2 * PART_BYTES + 12345)
    return make_package(tmp_path, contents={"videos/large.mp4": content}), content


def test_a_large_file_goes_up_in_parts_that_are_not_sent_twice(tmp_path, bucket, large, monkeypatch):
    package, content = large
    sent = []
    bucket.client.meta.events.register("before-call.s3.UploadPart", lambda **_: sent.append(1))

    def stop(*_):
        raise InterruptedError

    with monkeypatch.context() as patched:
        patched.setattr(create_module._MultipartUpload, "complete", stop)
        with pytest.raises(InterruptedError):
            publish(tmp_path, package, bucket)
    assert len(sent) == 3
    assert publish(tmp_path, package, bucket)[-1] == ("releases/v1/videos/large.mp4", "created")
    assert len(sent) == 3
    assert bucket.sha256(f"{FOLDER}videos/large.mp4") == sha256_bytes(content)
    assert publish(tmp_path, package, bucket)[-1] == ("releases/v1/videos/large.mp4", "there")
    assert not bucket.client.list_multipart_uploads(Bucket=bucket.name).get("Uploads")


def test_a_part_of_other_content_is_sent_again(tmp_path, bucket, large, monkeypatch):
    package, content = large
    key = f"{FOLDER}videos/large.mp4"
    upload = bucket.client.create_multipart_upload(Bucket=bucket.name, Key=key, ChecksumAlgorithm="SHA256")
    for number in (1, 2, 3, 4):
        bucket.client.upload_part(
            Bucket=bucket.name, Key=key, UploadId=upload["UploadId"], PartNumber=number,
            Body=content[:PART_BYTES] if number == 1 else b"x" * (5 << 20),
        )  # fmt: skip
    # as an earlier run of this workspace left it
    Ledger(tmp_path).note(f"{bucket.name}/{key}", upload["UploadId"])
    publish(tmp_path, package, bucket)
    assert bucket.sha256(key) == sha256_bytes(content)
    assert not bucket.unfinished("")


def test_an_upload_that_somebody_else_began_is_not_carried_on(tmp_path, bucket, large):
    """It would give the object whatever it was begun with, as a type that a browser runs."""
    package, content = large
    key = f"{FOLDER}videos/large.mp4"
    theirs = bucket.client.create_multipart_upload(
        Bucket=bucket.name, Key=key, ChecksumAlgorithm="SHA256", ContentType="text/html",
        Metadata={"patient": "somebody"}, ContentDisposition="inline",
    )  # fmt: skip
    publish(tmp_path, package, bucket)
    assert bucket.sha256(key) == sha256_bytes(content)
    stored = bucket.client.head_object(Bucket=bucket.name, Key=key)
    assert (stored["Metadata"], stored["ContentType"]) == ({}, "video/mp4")
    assert bucket.digests(key).foreign == []
    assert bucket.unfinished(FOLDER) == [(key, theirs["UploadId"])]


def test_an_older_release_that_is_completed_later_does_not_become_the_latest(tmp_path, bucket):
    publish(tmp_path / "new", make_package(tmp_path / "new", "v2"), bucket)
    old = make_package(tmp_path / "old", "v1")
    publish_release(tmp_path / "old", old, bucket, 3, lambda _: None, is_newest=False)
    assert what_a_reader_sees(bucket) == "v2"
    assert bucket.stored(f"{FOLDER}manifest.json")


@pytest.mark.usefixtures("large")
def test_an_object_of_other_bytes_is_not_overwritten_in_parts(tmp_path, bucket):
    key = f"{FOLDER}videos/large.mp4"
    path = tmp_path / "videos/large.mp4"
    source = Source(path, *create_module.digest_parts(path))
    upload = create_module._MultipartUpload(bucket, key, source, Ledger(tmp_path))
    digests = [upload.send(part) for part in create_module.split(source.bytes)]
    bucket.client.put_object(Bucket=bucket.name, Key=key, Body=b"another")
    with pytest.raises(StorageError, match="nothing was overwritten"):
        upload.complete(digests)
    assert bucket.read(key)[0] == b"another"


def test_a_file_that_changes_while_it_is_sent_is_no_release(tmp_path, bucket, large):
    package, content = large
    path = tmp_path / "videos/large.mp4"

    def alter(step):
        if step.state == "part":
            path.write_bytes(content[:-1] + b"!")

    with pytest.raises(GateRefusedError, match="changed while it was sent"):
        publish_release(tmp_path, package, bucket, 1, alter)
    assert bucket.stored(f"{FOLDER}videos/large.mp4") is None
    assert bucket.stored(f"{FOLDER}manifest.json") is None


def test_tags_and_the_lock_of_manifests_reach_the_store(tmp_path, store, monkeypatch):
    for name, value in store.environment().items():
        monkeypatch.setenv(name, value)
    settings = Publish(
        to="s3://locked-manifests", licence="", tags={"project": "gait"}, lock_manifests_days=2
    )
    bucket = open_bucket(settings.to, settings)
    bucket.client.create_bucket(Bucket=bucket.name, ObjectLockEnabledForBucket=True)
    publish(tmp_path, make_package(tmp_path), bucket)
    tags = bucket.client.get_object_tagging(Bucket=bucket.name, Key="releases/v1/videos/a.mp4")["TagSet"]
    assert tags == [{"Key": "project", "Value": "gait"}]
    held = bucket.client.get_object_retention(Bucket=bucket.name, Key="releases/v1/manifest.json")
    assert held["Retention"]["Mode"] == "GOVERNANCE"
    version = bucket.client.head_object(Bucket=bucket.name, Key="releases/v1/manifest.json")["VersionId"]
    with pytest.raises(bucket.client.exceptions.ClientError):
        bucket.client.delete_object(Bucket=bucket.name, Key="releases/v1/manifest.json", VersionId=version)
    # a video is never locked, and goes in every version
    bucket.erase("releases/v1/videos/a.mp4")
    left = bucket.client.list_object_versions(Bucket=bucket.name, Prefix="releases/v1/videos/a.mp4")
    assert not left.get("Versions")
    assert not left.get("DeleteMarkers")


def test_encryption_is_asked_of_the_store(bucket):
    settings = Publish(to="s3://abc", licence="", encryption="aws:kms", kms_key="our-key")
    encrypting = replace(open_bucket(settings.to, settings), client=bucket.client, name=bucket.name)
    asked = {}

    def note(params, **_):
        asked.update(params["headers"])

    bucket.client.meta.events.register("before-call.s3.PutObject", note)
    with pytest.raises(StorageError):  # this server has no keys of its own
        encrypting.put("x", b"x", sha256_bytes(b"x"))
    assert asked["x-amz-server-side-encryption"] == "aws:kms"
    assert asked["x-amz-server-side-encryption-aws-kms-key-id"] == "our-key"


def test_two_publishers_do_not_swap_latest_unseen(bucket):
    bucket.replace("latest.json", b"one", None)
    _, etag = bucket.read("latest.json")
    bucket.replace("latest.json", b"two", etag)
    with pytest.raises(StorageError, match="another publisher"):
        bucket.replace("latest.json", b"three", etag)
    with pytest.raises(StorageError, match="another publisher"):
        bucket.replace("latest.json", b"three", None)
    assert bucket.read("latest.json")[0] == b"two"


def test_many_objects_are_listed_page_by_page(bucket):
    for number in range(1005):
        bucket.client.put_object(Bucket=bucket.name, Key=f"many/{number:04}", Body=b"")
    assert len(bucket.keys("many/")) == 1005


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("AWS_SECRET_ACCESS_KEY", "wrong", "secret key"),
        ("AWS_ACCESS_KEY_ID", "wrong", "access key"),
    ],
)
def test_wrong_credentials_are_one_sentence(store, monkeypatch, variable, value, said):
    for name, right in store.environment().items():
        monkeypatch.setenv(name, right)
    monkeypatch.setenv(variable, value)
    with pytest.raises(StorageError, match=said):
        open_bucket("s3://some-bucket").read("x")


def test_no_credentials_are_one_sentence(store, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", store.endpoint)
    with pytest.raises(StorageError, match="no S3 credentials"):
        open_bucket("s3://some-bucket").read("x")


def test_a_missing_bucket_is_named(store, monkeypatch, tmp_path):
    for name, value in store.environment().items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StorageError, match="no bucket not-there"):
        publish(tmp_path, make_package(tmp_path), open_bucket("s3://not-there"))


def test_an_endpoint_that_is_no_address_is_one_sentence(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "localhost:9000")
    with pytest.raises(StorageError, match="no address"):
        open_bucket("s3://some-bucket")


def test_a_server_that_is_down_is_one_sentence(monkeypatch):
    for name, value in {
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StorageError, match="cannot be reached"):
        open_bucket("s3://some-bucket").read("x")


@pytest.mark.parametrize("address", ["bucket", "s3://", "s3://ab", "https://bucket"])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(StorageError, match="no bucket address"):
        open_bucket(address)

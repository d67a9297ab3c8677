"""Publishing on a real S3 server."""

import json

import pytest

from schemas.release import Candidate, ReleaseClip, ReleaseFile
from tasks.errors import GateRefusedError, StorageError
from tasks.hashing import sha256_bytes
from tasks.publish import open_bucket, publish_release, read_manifest
from tasks.publish.plan import candidate_digest, manifest_bytes, plan_upload


@pytest.fixture
def bucket(store, monkeypatch, request):
    for name, value in store.environment().items():
        monkeypatch.setenv(name, value)
    name = request.node.name.replace("_", "-").lower()[:60].strip("-")
    bucket = open_bucket(f"s3://{name}/some/prefix")
    bucket.make()
    return bucket


def _candidate(root, version="v1", contents=None):
    contents = contents or {"videos/a.mp4": b"video" * 1000, "README.md": b"read me\n"}
    files = []
    for path, content in contents.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
        files.append(ReleaseFile(path=path, source=path, sha256=sha256_bytes(content), bytes=len(content)))
    return Candidate(
        version=version,
        purpose="research",
        code_revision="0" * 40,
        dvc_lock_sha256="0" * 64,
        clips=[ReleaseClip(clip_id="a", verdict="pass", broken_rules=[])],
        left_out=[],
        files=files,
    )


def _publish(root, candidate, bucket):
    created = []
    digest = publish_release(root, candidate, bucket, lambda upload, new: created.append(new))
    return digest, created


def test_a_release_is_whole_and_the_manifest_names_it(tmp_path, bucket):
    candidate = _candidate(tmp_path)
    digest, created = _publish(tmp_path, candidate, bucket)
    assert created == [True, True]
    assert sorted(bucket.keys("")) == [
        "some/prefix/latest.json",
        "some/prefix/releases/v1/README.md",
        "some/prefix/releases/v1/manifest.json",
        "some/prefix/releases/v1/videos/a.mp4",
    ]
    manifest, found = read_manifest(bucket, "v1")
    assert found == digest == sha256_bytes(manifest_bytes(candidate))
    assert manifest.candidate_sha256 == candidate_digest(candidate)
    latest = json.loads(bucket.read("some/prefix/latest.json")[0])
    assert latest == {"version": "v1", "manifest_sha256": digest}


def test_running_again_uploads_nothing(tmp_path, bucket):
    candidate = _candidate(tmp_path)
    first = _publish(tmp_path, candidate, bucket)
    assert _publish(tmp_path, candidate, bucket) == (first[0], [False, False])


def test_what_was_begun_is_carried_on(tmp_path, bucket):
    candidate = _candidate(tmp_path)
    upload = plan_upload(candidate, bucket.prefix)[0]
    bucket.create(upload.key, tmp_path / upload.file.source, upload.file.sha256)
    assert read_manifest(bucket, "v1") is None
    assert _publish(tmp_path, candidate, bucket)[1] == [False, True]


def test_nothing_is_ever_overwritten(tmp_path, bucket):
    _publish(tmp_path, _candidate(tmp_path), bucket)
    other = _candidate(tmp_path, contents={"README.md": b"other words\n"})
    with pytest.raises(StorageError, match="nothing was overwritten"):
        _publish(tmp_path, other, bucket)
    assert bucket.read("some/prefix/releases/v1/README.md")[0] == b"read me\n"


def test_a_file_that_changed_after_approval_is_refused_before_the_first_upload(tmp_path, bucket):
    candidate = _candidate(tmp_path)
    (tmp_path / "README.md").write_bytes(b"changed\n")
    with pytest.raises(GateRefusedError, match="not what was approved"):
        _publish(tmp_path, candidate, bucket)
    assert bucket.keys("") == {}


def test_the_store_refuses_bytes_that_are_not_the_declared_ones(bucket):
    with pytest.raises(StorageError):
        bucket.create("some/prefix/x", b"bytes", sha256_bytes(b"other bytes"))
    assert bucket.keys("") == {}


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
        _publish(tmp_path, _candidate(tmp_path), open_bucket("s3://not-there"))


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

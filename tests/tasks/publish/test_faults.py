"""What may go wrong between a publisher and a real S3 server: readers see one release or the other."""

import psutil
import pytest
from s3_support import FaultyRoad, Publisher, make_package, publish, what_a_reader_sees

from flows.demo.object_store import object_store
from flows.release import publication
from flows.release.record import Record
from flows.workspace import doctor
from flows.workspace.make import HERE
from tasks.files.documents import read_params
from tasks.files.errors import StorageError
from tasks.files.hashing import sha256_bytes
from tasks.publish import open_bucket, require_faithful


def _parts_there(bucket):
    """Return the numbers of the parts that an unfinished upload left."""
    client, found = bucket.client, []
    listed = client.list_multipart_uploads(Bucket=bucket.name, Prefix=bucket.prefix)
    for upload in listed.get("Uploads", ()):
        place = {"Bucket": bucket.name, "Key": upload["Key"], "UploadId": upload["UploadId"]}
        found += [str(part["PartNumber"]) for part in client.list_parts(**place).get("Parts", ())]
    return found


@pytest.mark.slow
def test_killed_after_every_single_call(tmp_path, to):
    """Step through all calls of a publication; after each a reader sees the old release or the new one."""
    old = make_package(tmp_path / "v1", "v1")
    new = {"videos/a.mp4": b"new" * 900, "datasheet.md": b"new\n", "videos/large.mp4": b"large" * 2_500_000}
    make_package(tmp_path / "v2", "v2", new)
    seen, kept_parts, calls = [], set(), 0
    while True:
        calls += 1
        place = f"{to}/{calls}"
        bucket = open_bucket(place)
        publish(tmp_path / "v1", old, bucket)
        code, said = Publisher(tmp_path / "v2", place, calls).wait()
        seen.append(what_a_reader_sees(bucket))
        there = {
            key for key in bucket.keys(f"{bucket.prefix}releases/v2/") if not key.endswith("latest.json")
        }
        parts = _parts_there(bucket)
        kept_parts.add(len(parts))
        again, told = Publisher(tmp_path / "v2", place).wait()
        assert again == 0, told
        assert what_a_reader_sees(bucket) == "v2"
        # nothing that was there went up again, not even as a part
        wrote = [line.split()[1:] for line in told.splitlines() if line.startswith("wrote")]
        companions = (".json", ".sig")
        assert not [key for key, *_ in wrote if key in there and not key.endswith(companions)]
        assert not [part for _, *part in wrote if part and part[0] in parts]
        if code == 0:
            break
        assert code == -9, said
    assert len(seen) > 14
    assert kept_parts >= {0, 1, 2, 3}
    assert set(seen) == {"v1", "v2"}
    assert seen == sorted(seen)


def test_two_publishers_of_one_version_at_once(tmp_path, to):
    """One wins, the other says so; the release is the winner's alone."""
    for name in ("a", "b"):
        make_package(
            tmp_path / name / "v1",
            contents={"datasheet.md": name.encode(), "videos/x.mp4": name.encode() * 9000},
        )
    both = [Publisher(tmp_path / name / "v1", to) for name in ("a", "b")]
    codes, told = zip(*(one.wait() for one in both), strict=True)
    assert sorted(codes) == [0, 1], told
    assert "holds other bytes than were approved" in told[codes.index(1)]
    bucket = open_bucket(to)
    assert what_a_reader_sees(bucket) == "v1"
    winner = "ab"[codes.index(0)].encode()
    assert bucket.read(f"{bucket.prefix}releases/v1/datasheet.md")[0] == winner
    assert bucket.read(f"{bucket.prefix}releases/v1/videos/x.mp4")[0] == winner * 9000


@pytest.fixture
def road(store, to, monkeypatch):
    """The way to the store, over which every test here goes."""
    with FaultyRoad(store.endpoint).open() as road:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", road.url)
        yield road


def test_busy_answers_are_waited_out(tmp_path, to, road):
    road.fault = lambda method, path, number: "503" if number % 3 == 0 else None
    bucket = open_bucket(to)
    publish(tmp_path, make_package(tmp_path), bucket)
    road.fault = lambda *_: None
    assert what_a_reader_sees(bucket) == "v1"


@pytest.mark.slow
def test_a_store_that_stays_busy_is_one_sentence(tmp_path, to, road):
    road.fault = lambda method, path, number: "503" if method == "PUT" else None
    with pytest.raises(StorageError, match="too busy: run the same command again"):
        publish(tmp_path, make_package(tmp_path), open_bucket(to))


@pytest.mark.slow
def test_slow_answers_are_waited_for(tmp_path, to, road):
    road.fault = lambda *_: "slow"
    bucket = open_bucket(to)
    publish(tmp_path, make_package(tmp_path), bucket)
    assert what_a_reader_sees(bucket) == "v1"


def test_answers_that_take_too_long_are_asked_for_again(tmp_path, to, road, monkeypatch):
    monkeypatch.setattr("tasks.publish.store.ANSWER_S", 1)
    hangs = iter([True, True, False])
    road.fault = lambda method, path, number: "hang" if "b.mp4" in path and next(hangs, False) else None
    bucket = open_bucket(to)
    publish(tmp_path, make_package(tmp_path), bucket)
    assert what_a_reader_sees(bucket) == "v1"


@pytest.mark.slow
def test_a_store_that_never_answers_is_one_sentence(tmp_path, to, road, monkeypatch):
    monkeypatch.setattr("tasks.publish.store.ANSWER_S", 1)
    road.fault = lambda method, path, number: "hang" if method == "PUT" else None
    with pytest.raises(StorageError, match=r"cannot be reached \(ReadTimeoutError\): run the same command"):
        publish(tmp_path, make_package(tmp_path), open_bucket(to))


def test_a_conflict_that_passes_is_tried_again(tmp_path, to, road):
    conflicts = iter([True, True, False])
    is_write = {"PUT", "POST"}
    road.fault = lambda method, path, number: (
        "conflict" if method in is_write and "a.mp4" in path and next(conflicts, False) else None
    )
    bucket = open_bucket(to)
    states = dict(publish(tmp_path, make_package(tmp_path), bucket))
    assert states["releases/v1/videos/a.mp4"] == "created"
    assert what_a_reader_sees(bucket) == "v1"


def test_a_large_object_whose_completion_conflicts_is_begun_again(tmp_path, to, road, monkeypatch):
    for module in ("create", "upload"):
        monkeypatch.setattr(f"tasks.publish.{module}.PART_BYTES", 5 << 20)
    conflicts = iter([True, False])
    road.fault = lambda method, path, number: (
        "conflict" if method == "POST" and "uploadId" in path and next(conflicts, False) else None
    )
    bucket = open_bucket(to)
    publish(tmp_path, make_package(tmp_path, contents={"videos/large.mp4": b"large" * 2_500_000}), bucket)
    assert what_a_reader_sees(bucket) == "v1"
    assert not bucket.client.list_multipart_uploads(Bucket=bucket.name).get("Uploads")


def test_a_wrong_checksum_of_a_part_is_no_release(tmp_path, to, road, monkeypatch):
    for module in ("create", "upload"):
        monkeypatch.setattr(f"tasks.publish.{module}.PART_BYTES", 5 << 20)
    road.fault = lambda method, path, number: "lie" if "partNumber=2" in path else None
    bucket = open_bucket(to)
    package = make_package(tmp_path, contents={"videos/large.mp4": b"large" * 2_500_000})
    with pytest.raises(StorageError, match=r"holds other bytes of .* than were sent"):
        publish(tmp_path, package, bucket)
    assert what_a_reader_sees(bucket) is None
    assert bucket.stored(f"{bucket.prefix}releases/v1/videos/large.mp4") is None


def test_a_wrong_checksum_from_the_store_is_no_release(tmp_path, to, road):
    road.fault = lambda method, path, number: "lie" if path.endswith("a.mp4") else None
    bucket = open_bucket(to)
    with pytest.raises(StorageError, match=r"holds other bytes of .* than were sent"):
        publish(tmp_path, make_package(tmp_path), bucket)
    assert what_a_reader_sees(bucket) is None


def test_credentials_that_expire_half_way_are_one_sentence_and_then_carried_on(tmp_path, to, road):
    road.fault = lambda method, path, number: "expired" if "videos" in path else None
    bucket, package = open_bucket(to), make_package(tmp_path)
    with pytest.raises(StorageError, match="credentials have expired: renew them"):
        publish(tmp_path, package, bucket)
    road.fault = lambda *_: None
    assert what_a_reader_sees(bucket) is None
    states = {state for _, state in publish(tmp_path, package, bucket)}
    assert states == {"there", "created"}
    assert what_a_reader_sees(bucket) == "v1"


def test_answers_that_never_come_are_asked_for_again(tmp_path, to, road):
    """A write that arrived and whose answer got lost is found to be there, and right."""
    cut = iter([True, False, False])
    road.fault = lambda method, path, number: "cut" if path.endswith("b.mp4") and next(cut, False) else None
    bucket = open_bucket(to)
    publish(tmp_path, make_package(tmp_path), bucket)
    assert what_a_reader_sees(bucket) == "v1"


@pytest.mark.slow
def test_a_server_that_dies_half_way_and_comes_back(tmp_path, monkeypatch):
    package = make_package(tmp_path / "v1")
    with object_store(tmp_path / "s3") as first:
        for name, value in first.environment().items():
            monkeypatch.setenv(name, value)
        bucket = open_bucket("s3://release")
        bucket.make()
        (server,) = [
            process
            for process in psutil.Process().children(recursive=True)
            if f"-dir={tmp_path / 's3'}" in process.cmdline()
        ]
        calls = []

        def kill(**_):
            calls.append(True)
            if len(calls) == 5:
                server.kill()

        bucket.client.meta.events.register("after-call.s3", kill)
        with pytest.raises(StorageError, match=r"cannot be reached .*: run the same command again"):
            publish(tmp_path / "v1", package, bucket)
        assert len(calls) >= 5
    with object_store(tmp_path / "s3") as second:
        for name, value in second.environment().items():
            monkeypatch.setenv(name, value)
        bucket = open_bucket("s3://release")
        assert what_a_reader_sees(bucket) is None
        assert "there" in {state for _, state in publish(tmp_path / "v1", package, bucket)}
        assert what_a_reader_sees(bucket) == "v1"


def _forgetful(bucket, *headers):
    """Make a client that asks nothing of these: what it talks to is a store that ignores them."""

    def forget(request, **_):
        for name in headers:
            del request.headers[name]

    bucket.client.meta.events.register("before-sign.s3", forget)
    return bucket


@pytest.mark.parametrize(
    ("ignored", "told"),
    [
        (["If-None-Match"], "If-None-Match"),
        (["If-Match"], "If-Match"),
        (["If-None-Match", "If-Match"], "If-None-Match"),
    ],
)
def test_a_faithless_store(bucket, ignored, told):
    bucket.put(f"{bucket.prefix}there", b"kept", sha256_bytes(b"kept"))
    with pytest.raises(StorageError, match=rf"overwrites what it was asked to leave alone \({told}"):
        require_faithful(_forgetful(bucket, *ignored))
    assert list(bucket.keys("")) == [f"{bucket.prefix}there"]


def test_nothing_is_published_to_a_faithless_store(bucket, tmp_path, monkeypatch):
    """Nor is it on record that it began."""
    monkeypatch.setattr(publication, "open_bucket", lambda *_: _forgetful(bucket, "If-None-Match"))
    record = Record(tmp_path, "v1")
    settings = read_params(HERE).publish
    with pytest.raises(StorageError, match="overwrites what it was asked to leave alone"):
        publication._upload(record, make_package(tmp_path), "s3://anywhere", settings, print)
    assert not record.is_published
    assert not bucket.keys("")


def test_doctor_finds_a_faithless_store(bucket, monkeypatch):
    monkeypatch.setattr(doctor, "has_credentials", lambda: True)
    monkeypatch.setattr(doctor, "open_bucket", lambda *_: bucket)
    faithful = doctor._attempt("store", lambda: doctor._ask_store(HERE))
    assert faithful.good
    assert faithful.advice.endswith("overwrites nothing")
    _forgetful(bucket, "If-None-Match")
    faithless = doctor._attempt("store", lambda: doctor._ask_store(HERE))
    assert not faithless.good
    assert "overwrites what it was asked to leave alone" in faithless.advice


def test_a_store_faithless_in_parts(bucket):
    def forget(request, **_):
        del request.headers["If-None-Match"]

    bucket.client.meta.events.register("before-sign.s3.CompleteMultipartUpload", forget)
    with pytest.raises(StorageError, match="in parts"):
        require_faithful(bucket)
    assert not bucket.keys("")
    assert not bucket.unfinished("")


def test_a_faithful_store_keeps_nothing(bucket):
    require_faithful(bucket)
    require_faithful(bucket)
    assert not bucket.keys("")
    assert not bucket.unfinished("")

"""Canaries in every field of the inbox and of the containers: none of them comes out."""

import hashlib
import json
import re
import shutil
import sqlite3
import subprocess

import av
import numpy as np
import polars as pl
import pytest
from tests_support import BITSTREAM, CANARIES, CANARY_DAY, CANARY_NOTE, CHAPTER

from flows.demo.object_store import object_store
from flows.demo.sample import CLIPS
from schemas.clips import SOURCES
from tasks.files.clips import read_admitted
from tasks.files.documents import read_params, read_table
from tasks.files.hashing import sha256_file
from tasks.ingest import SOURCES_PATH
from tasks.publish import open_bucket
from tasks.validate.identity.judges import make_judges
from tasks.validate.identity.probes import embed_arm, make_probe
from tasks.vision.sessions import shared_weights

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def private(demo):
    """Every string of the private side, and the places where each was planted for sure."""
    root = demo[0]
    inbox = root / "data/inbox"
    raw = [path for path in inbox.iterdir() if path.suffix == ".mp4"]
    planted = (inbox / "cap12.mp4").read_bytes()
    texts = [text for tag, text in CANARIES.items() if tag != "location"]
    in_streams = ("Handler-Canary", "Voice-Canary", CHAPTER, BITSTREAM)
    for text in (*texts, *in_streams, "loci"):  # a place is kept in binary, in a box of that name
        assert text.encode() in planted, text
    manifest = (inbox / "manifest.csv").read_text()
    assert CANARY_NOTE in manifest
    assert CANARY_DAY in manifest
    sources = read_table(root / SOURCES_PATH, SOURCES)
    digests = [digest for digest in sources["raw_sha256"] if digest]
    assert len(digests) > 3
    texts += [CANARIES["location"], *in_streams, "2019-02-13T04:05:06", CANARY_NOTE, CANARY_DAY]
    texts += [text for clip in CLIPS for text in (clip.subject_id, clip.file)] + [path.name for path in raw]
    texts += digests + [sha256_file(path) for path in raw]
    texts += [hashlib.md5(path.read_bytes()).hexdigest() for path in raw]
    texts += [(root / ".secrets/pseudonym.key").read_text().strip()]
    texts += [(root / ".secrets/signing.key").read_text().splitlines()[2]]
    return sorted(set(texts))


def _check(content, private, where):
    for text in private:
        assert text.encode() not in content, f"{text} in {where}"


def test_nothing_that_was_published_tells(demo, private, monkeypatch, tmp_path):
    copy = shutil.copytree(demo[0] / ".guise/s3", tmp_path / "s3")
    with object_store(copy) as store:
        for name, value in store.environment().items():
            monkeypatch.setenv(name, value)
        bucket = open_bucket("s3://guise-demo")
        contents = {key: bucket.read(key)[0] for key in bucket.keys("")}
        for key in contents:
            place = {"Bucket": bucket.name, "Key": key}
            told = {**bucket.client.head_object(**place)["Metadata"]}
            told["tags"] = str(bucket.client.get_object_tagging(**place)["TagSet"])
            _check(json.dumps(told).encode(), private, key)
    assert len(contents) > 20
    for key, content in contents.items():
        _check(key.encode() + content, private, key)
        path = tmp_path / key.rpartition("/")[2]
        path.write_bytes(content)
        if key.endswith(".parquet"):  # compressed: its bytes say nothing of its words
            texts = pl.read_parquet(path).select(pl.col(pl.String)).write_csv().encode()
            _check(texts, private, key)
        if key.endswith(".mp4"):
            assert b"loci" not in content
            with av.open(str(path)) as video:
                told = {**video.metadata, **video.streams.video[0].metadata}
            assert set(told) <= {"major_brand", "minor_version", "compatible_brands", "handler_name",
                                 "vendor_id", "language", "encoder"}, told  # fmt: skip


def test_the_git_history_tells_nothing(demo, private):
    def git(*words, **options):
        return subprocess.run(["git", *words], cwd=demo[0], capture_output=True, check=True, **options).stdout

    log = git("log", "--all", "--stat", "--format=%an %ae %B")
    assert b"candidate.json" in log
    _check(log, private, "git")
    # every object that any revision ever held, but for the code: it names the sample clips
    code = ("flows", "tasks", "schemas")
    listed = [line.split(" ", 1) for line in git("rev-list", "--all", "--objects").decode().splitlines()]
    names = [oid for oid, *path in listed if not path or not path[0].startswith(code)]
    assert len(names) > 40
    contents = git("cat-file", "--batch", input="\n".join(names).encode())
    assert b"rank_mean" in contents
    _check(contents, private, "git")


def test_prefect_and_the_logs_tell_nothing(demo, private):
    root = demo[0]
    databases = list((root / ".guise/prefect").rglob("prefect.db"))
    assert databases
    for path in databases:
        with sqlite3.connect(path) as database:
            dump = "\n".join(database.iterdump()).encode()
        assert b"extract" in dump
        _check(dump, private, path)
    files = [path for path in (root / ".guise").rglob("*") if path.is_file()]
    files = [path for path in files if not {"s3", "private-remote"} & set(path.relative_to(root).parts)]
    assert files
    for path in files:
        _check(path.read_bytes(), private, path)


def _holds_any(content, runs):
    """Return whether one of the runs of bytes stands in the content, at whatever place."""
    first = np.frombuffer(b"".join(sorted(runs)), np.uint32).reshape(len(runs), -1)[:, 0]
    for offset in range(4):
        whole = content[offset : offset + (len(content) - offset) // 4 * 4]
        near = np.flatnonzero(np.isin(np.frombuffer(whole, np.uint32), first)) * 4
        if any(whole[at : at + 16] in runs for at in near):
            return True
    return False


def _printed(content):
    """Return every number of five decimals that stands in the content, as it is printed."""
    return {found.decode() for found in re.findall(rb"(?=(-?\d\.\d{5}))", content)}


@pytest.mark.parametrize("before", range(6))
def test_what_looks_for_embeddings_finds_them_wherever_they_stand(before):
    vector = np.random.default_rng(before).normal(size=64).astype(np.float32)
    runs = {vector[at : at + 4].tobytes() for at in range(0, 60, 4)}
    planted = b"x" * before + vector[8:12].tobytes() + b"y" * 3
    assert _holds_any(planted, runs)
    assert not _holds_any(planted.replace(vector[8:12].tobytes(), vector[9:13].tobytes()), runs)
    assert not _holds_any(b"x" * before, runs)
    assert _printed(b'{"a": -0.123456, "b": 10.654321}') == {"-0.12345", "0.12345", "0.65432"}


def test_no_embedding_is_written_down(demo):
    """Embeddings are computed anew, to the bit, and looked for in every file of the workspace."""
    root = demo[0]
    weights = shared_weights(root)
    recognisers = make_judges(weights, read_params(root).extract)
    clip_id, subject = read_admitted(root).select("clip_id", "subject").row(0)
    probe = make_probe(root, clip_id, subject, read_params(root).validate_.identity_frames)
    sightings = [embed_arm(root, arm, probe, recognisers) for arm in ("original", "released")]
    faces = [one.embeddings[name] for one in sightings for name in recognisers]
    vectors = np.concatenate([face.ravel() for face in faces]).astype(np.float32)
    # four neighbours as they lie in memory, and as somebody might print them
    runs = {vectors[at : at + 4].tobytes() for at in range(0, len(vectors) - 4, 4)}
    words = {f"{value:.6f}"[:-1] for value in vectors[::8] if abs(value) > 0.01}
    files = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    files = [path for path in files if path.suffix != ".mp4" and not {"models", "s3"} & set(path.parts)]
    assert len(files) > 100
    for path in files:
        content = path.read_bytes()
        assert not _holds_any(content, runs), path
        if path.suffix in (".json", ".csv", ".txt", ".log", ".yaml", ".db") or "storage" in path.parts:
            # by chance some numbers begin alike
            assert len(words & _printed(content)) < len(words) / 4, path
        if path.suffix == ".parquet":
            table = pl.read_parquet(path).select(pl.col(pl.Float64, pl.Float32))
            known = set(np.concatenate([[0.0], *(table[name].drop_nulls() for name in table.columns)]))
            assert len(known & set(vectors.astype(np.float64))) < 8, path
            shapes = [dtype.shape for dtype in pl.read_parquet_schema(path).values() if dtype == pl.Array]
            assert not {128, 192, 512} & {side for shape in shapes for side in shape}, path

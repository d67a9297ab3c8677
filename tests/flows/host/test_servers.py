"""Servers end without a trace outside of their folder."""

import json
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import boto3
import pytest

from flows.demo.object_store import object_store
from flows.host.lifetime import LAUNCH
from flows.host.prefect_database import ELSEWHERE, keep_database, lend_database
from flows.host.servers import prefect_server, starting_aside
from tasks.files.errors import InputError


def _own_sockets(command):
    """Return where SeaweedFS puts the sockets of its own protocol, whatever TMPDIR says."""
    ports = dict(word.removeprefix("-").split("=") for word in command if ".port.grpc=" in word)
    assert len(ports) == 4
    return [Path(f"/tmp/seaweedfs-{name.split('.')[0]}-grpc-{port}.sock") for name, port in ports.items()]


@pytest.mark.slow
def test_the_object_store_leaves_nothing_in_the_temp_folder_and_shows_nothing_to_others(
    tmp_path, monkeypatch
):
    before = {path.name for path in Path(tempfile.gettempdir()).iterdir()}
    started = []
    popen = __import__("subprocess").Popen

    def remember(command, *words, **options):
        process = popen(command, *words, **options)
        started.append((process.pid, command))
        return process

    monkeypatch.setattr("flows.host.servers.subprocess.Popen", remember)
    with object_store(tmp_path / "s3") as store:
        for name, value in store.environment().items():
            monkeypatch.setenv(name, value)
        client = boto3.client("s3")
        client.create_bucket(Bucket="somebody")
        client.put_object(Bucket="somebody", Key="patient-object.mp4", Body=b"x")
        client.close()
        assert stat.S_IMODE((tmp_path / "s3").stat().st_mode) == 0o700
        ((pid, command),) = started
        assert all(path.is_socket() for path in _own_sockets(command))
        # a port serves in turn, and what somebody else's killed server left there is not ours
        elsewhere = Path(f"/tmp/seaweedfs-s3-grpc-{store.endpoint.rpartition(':')[2]}.sock")
        elsewhere.touch()
    left = [path for path in _own_sockets(command) if path.exists()]
    stays = elsewhere.exists()
    elsewhere.unlink(missing_ok=True)
    assert left == []
    assert stays
    # its logs would carry its process id
    after = {path.name for path in Path(tempfile.gettempdir()).iterdir()} - before
    assert not [name for name in after if name.startswith("weed") and str(pid) in name]
    assert (tmp_path / "s3/weed.log").stat().st_size > 0


@pytest.mark.slow
def test_what_starts_aside_is_there_when_asked_for_and_says_why_it_is_not(tmp_path):
    with starting_aside(object_store(tmp_path / "s3")) as started:
        store = started()
        assert store.endpoint.startswith("http://127.0.0.1:")
    (tmp_path / "file").write_text("")
    # a folder that is copied holds no sockets
    assert not any(path.is_socket() for path in (tmp_path / "s3").iterdir())
    with starting_aside(object_store(tmp_path / "file/s3")) as started, pytest.raises((InputError, OSError)):
        started()


def _tables(path):
    with closing(sqlite3.connect(path)) as database:
        names = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        return {name: database.execute(f"select count(*) from {name}").fetchone()[0] for name in names}


@pytest.mark.slow
def test_an_empty_database_is_made_once_and_lent_to_every_workspace(tmp_path, monkeypatch):
    for name in ("PREFECT_API_URL", *ELSEWHERE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GUISE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "first"))
    with prefect_server(tmp_path) as api:
        # what is written from now on is the workspace's own
        content = json.dumps({"name": "patient"}).encode()
        request = urllib.request.Request(f"{api}/flows/", content, {"Content-Type": "application/json"})
        urllib.request.urlopen(request).close()
    (kept,) = (tmp_path / "cache").iterdir()
    assert _tables(tmp_path / "first/prefect.db")["flow"] == 1
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "second"))
    assert lend_database()
    lent = tmp_path / "second/prefect.db"
    assert lent.read_bytes() == kept.read_bytes()
    assert stat.S_IMODE(lent.stat().st_mode) == 0o600
    known = _tables(lent)
    assert len(known) > 20
    assert not any(known[name] for name in ("flow", "flow_run", "task_run", "log", "events", "variable"))
    with prefect_server(tmp_path):
        assert _tables(lent).keys() == known.keys()
    assert not lend_database()  # it has its own


def test_a_database_that_is_not_whole_or_of_another_version_is_not_lent(tmp_path, monkeypatch):
    for name in ELSEWHERE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GUISE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    (tmp_path / "cache").mkdir()
    other = tmp_path / f"cache/prefect-1.0-{'0' * 64}.db"
    broken = tmp_path / f"cache/prefect-{version('prefect')}-{'0' * 64}.db"
    for path in (other, broken):
        path.write_bytes(b"SQLite format 3")
    assert lend_database()
    assert not (tmp_path / "home/prefect.db").exists()
    # what cannot be kept stops nobody
    (tmp_path / "home").mkdir()
    (tmp_path / "home/prefect.db").write_bytes(b"no database at all" * 99)
    keep_database()
    monkeypatch.setenv(ELSEWHERE[0], "postgresql+asyncpg://localhost/prefect")
    assert not lend_database()


@pytest.mark.parametrize(("parent", "runs"), [(os.getpid, True), (lambda: 1, False)])
def test_what_is_started_by_somebody_who_has_ended_does_not_run(parent, runs):
    """It could not be told of that end any more."""
    command = [sys.executable, "-c", LAUNCH, str(parent()), "echo", "runs"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout == "runs\n") == runs

"""Servers end without a trace outside of their folder."""

import stat
import tempfile
from pathlib import Path

import boto3
import pytest

from flows.demo.object_store import object_store
from flows.host.servers import starting_aside
from tasks.files.errors import InputError


def _temp_files(endpoint_ports):
    names = [path.name for path in Path(tempfile.gettempdir()).iterdir()]
    return [name for name in names if any(str(port) in name for port in endpoint_ports)]


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
    ports = [word.partition("=")[2] for word in command if ".port" in word and word.partition("=")[2] != "0"]
    assert len(ports) == 8
    assert _temp_files(ports) == []
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

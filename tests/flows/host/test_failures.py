"""Whatever is killed, the same command carries on, and its results are those of an undisturbed run."""

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from tests_support import command_environment, copy_unprocessed, digests_of

from flows.host.servers import HOST, Server, free_ports, serve, serve_on_free_ports

pytestmark = pytest.mark.slow
FOLDERS = ("data/control", "data/keypoints/control", "data/keypoints/original")
POSTGRES = "/usr/lib/postgresql"


@pytest.fixture
def workspace(demo, tmp_path):
    """A copy of the demo that has done nothing yet but admit its clips."""
    return copy_unprocessed(demo[0], tmp_path / "d", FOLDERS)


def _run(root, environment, upto):
    command = [sys.executable, "-m", "flows.cli", "run", upto]
    environment = command_environment() | environment
    return subprocess.Popen(command, cwd=root, env=environment, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)  # fmt: skip


def _await(is_so, process, seconds=200):
    deadline = time.monotonic() + seconds
    while not is_so():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _finish(root, environment):
    for upto in ("extract", "control"):
        run = _run(root, environment, upto)
        said, trouble = run.communicate(timeout=500)
        assert run.returncode == 0, said + trouble


@contextmanager
def _prefect(home, port):
    """A Prefect server of our own, on a port that it keeps over its restarts."""
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)]
    url = f"http://{HOST}:{port}/api"
    kept = os.environ.get("PREFECT_HOME")
    os.environ["PREFECT_HOME"] = str(home)
    try:
        with serve(command, lambda: _answers(url), home / "server.txt", "Prefect server") as process:
            yield url, process
    finally:
        os.environ.pop("PREFECT_HOME")
        if kept:
            os.environ["PREFECT_HOME"] = kept


def _answers(url):
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2):
            return True
    except OSError:
        return False


def test_a_killed_prefect_server_loses_nothing(demo, tmp_path):
    folders = ("data/keypoints/original",)
    workspace = copy_unprocessed(demo[0], tmp_path / "d", folders)
    (port,) = free_ports(1)
    with _prefect(tmp_path / "prefect", port) as (url, server):
        # a client that asks a few times less gives up sooner
        run = _run(workspace, {"PREFECT_API_URL": url, "PREFECT_CLIENT_MAX_RETRIES": "2"}, "extract")
        _await(lambda: list((workspace / "data/keypoints/original").glob(".*")), run)
        tree = [server, *psutil.Process(server.pid).children(recursive=True)]
        for process in tree:
            process.send_signal(signal.SIGKILL)
        said, trouble = run.communicate(timeout=400)
    assert "Traceback" not in said + trouble
    assert run.returncode in (0, 2), said + trouble
    if run.returncode == 2:
        assert trouble.count("\n") == 1, trouble
    with _prefect(tmp_path / "prefect", port) as (url, _):
        _finish(workspace, {"PREFECT_API_URL": url})
    assert digests_of(workspace, folders) == digests_of(demo[0], folders)


def test_killed_and_out_of_disk_in_the_middle_of_a_render_changes_no_byte(demo, tmp_path, api):
    folders = ("data/deidentified",)
    root = copy_unprocessed(demo[0], tmp_path / "d", folders)
    folder = root / folders[0]
    folder.mkdir()
    needed = sum(path.stat().st_size for path in (demo[0] / folders[0]).rglob("*") if path.is_file())
    mount = ["mount", "-t", "tmpfs", "-o", f"size={needed // 2}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not allow to mount a small disk")
    try:
        run = _run(root, api, "deidentify")
        _await(lambda: list(folder.rglob(".*.part")), run)
        (stage,) = _at_work(root)
        stage.kill()
        said, trouble = run.communicate(timeout=100)
        assert run.returncode == 2, said + trouble
        assert "did not end" in trouble
        run = _run(root, api, "deidentify")
        said, trouble = run.communicate(timeout=300)
        assert run.returncode == 2, said + trouble
        assert "the disk is full" in trouble
        assert trouble.count("\n") == 1, trouble
        subprocess.run(["mount", "-o", "remount,size=1g", str(folder)], check=True)
        run = _run(root, api, "deidentify")
        said, trouble = run.communicate(timeout=300)
        assert run.returncode == 0, said + trouble
        assert digests_of(root, folders) == digests_of(demo[0], folders)
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_killed_between_two_stages_it_carries_on(demo, workspace, api):
    run = _run(workspace, api, "targets")
    # what `models` leaves behind is there, what comes next is not
    _await((workspace / ".guise/reports/extract-original.json").is_file, run, 300)
    run.kill()
    run.communicate()
    deadline = time.monotonic() + 30
    while _at_work(workspace):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    _finish(workspace, api)
    assert digests_of(workspace, FOLDERS) == digests_of(demo[0], FOLDERS)


@pytest.mark.parametrize(("left", "words"), [("", ["run", "ingest"]), ('{"data/', ["ingest"])])
def test_a_kill_while_dvc_writes_its_own_lock_stops_nobody(workspace, guise, api, left, words):
    path = workspace / ".dvc/tmp/rwlock"
    path.parent.mkdir(exist_ok=True)
    path.write_text(left)
    # something that DVC has to take in
    manifest = workspace / "data/inbox/manifest.csv"
    manifest.write_text(manifest.read_text().replace(",talking,", ",speaking,"))
    done = guise(workspace, *words, env=api)
    assert done.returncode == 0, done.stderr


def _at_work(root):
    return [
        one for one in psutil.process_iter(["cwd", "cmdline"])
        if one.info["cwd"] == str(root) and "flows.stage" in (one.info["cmdline"] or [])
    ]  # fmt: skip


@contextmanager
def _postgres(folder):
    """A PostgreSQL server on loopback; it refuses to run as root."""
    programs = sorted(Path(POSTGRES).iterdir())[-1] / "bin"
    folder.mkdir()
    as_owner = []
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
        for parent in folder.parents:
            if str(parent).startswith("/tmp/"):
                parent.chmod(parent.stat().st_mode | 0o011)
        as_owner = ["runuser", "-u", "postgres", "--"]
    data = str(folder / "data")
    subprocess.run([*as_owner, f"{programs}/initdb", "-D", data, "-A", "trust", "-U", "guise"], check=True,
                   capture_output=True)  # fmt: skip
    server = Server(
        "PostgreSQL",
        folder.parent / "postgres.txt",
        lambda ports: [*as_owner, f"{programs}/postgres", "-D", data, "-k", "", "-h", HOST,
                       "-p", str(ports[0])],
        lambda ports: subprocess.run([f"{programs}/pg_isready", "-h", HOST, "-p", str(ports[0])],
                                     capture_output=True, check=False).returncode == 0,
    )  # fmt: skip
    with serve_on_free_ports(server, 1) as (port,):
        yield f"{HOST}:{port}", f"{programs}/psql"


def test_prefect_keeps_its_runs_in_postgresql_by_one_setting(workspace, tmp_path, guise):
    with _postgres(tmp_path / "postgres") as (place, psql):
        address = f"postgresql+asyncpg://guise@{place}/postgres"
        setting = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": address}
        done = guise(workspace, "run", "control", env=setting)
        assert done.returncode == 0, done.stderr
        host, port = place.split(":")
        asked = [psql, "-h", host, "-p", port, "-U", "guise", "-d", "postgres", "-tAc",
                 "select name from flow_run order by name"]  # fmt: skip
        names = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split("\n")
    assert {"run", "control"} <= {name.strip() for name in names}
    assert not list((workspace / ".guise").rglob("prefect.db"))

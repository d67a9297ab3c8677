"""Clips on dask workers: the same bytes as in threads, also when a worker is killed in the middle."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack

import pytest
from distributed import Client
from tests_support import command_environment, copy_unprocessed, digests_of

from flows.host.servers import HOST, free_ports, serve
from flows.service.__main__ import gpu_worker_command, main
from flows.stage.runners import clip_runner
from tasks.files.documents import read_params
from tasks.files.errors import InputError
from tasks.vision.providers import require_provider

pytestmark = pytest.mark.slow
FOLDERS = ("data/control", "data/keypoints/original")


@pytest.fixture
def workspace(demo, tmp_path):
    """A copy of the demo that has done nothing yet but admit its clips."""
    return copy_unprocessed(demo[0], tmp_path / "d", FOLDERS)


class Cluster:
    """A scheduler and workers that stand in a workspace, each on a core of its own."""

    def __init__(self, root, stack):
        self.root, self.stack, self.workers = root, stack, []
        port, page = free_ports(2)
        self.address = f"tcp://{HOST}:{port}"
        self.scheduler = self._start(
            "scheduler", "--host", HOST, "--port", str(port), "--dashboard-address", f"{HOST}:{page}"
        )

    def _start(self, *words):
        environment = command_environment() | {"PYTHONPATH": str(self.root)}
        log = self.stack.enter_context((self.root / f"{words[0]}-{len(self.workers)}.txt").open("wb"))
        command = [sys.executable, "-m", "dask", *words]
        process = subprocess.Popen(command, cwd=self.root, env=environment, stdout=log, stderr=log)
        self.stack.callback(self._end, process)
        return process

    def _end(self, process):
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def join(self, *words):
        """Let one more worker join; it has no nanny, so that a killed one stays dead."""
        place = ("--host", HOST, "--no-nanny", "--no-dashboard", "--nthreads", "1")
        self.workers.append(self._start("worker", self.address, *place, *words))

    def await_workers(self, count):
        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=60)

    def environment(self, **more):
        return {"GUISE_RUNNER": "dask", "GUISE_DASK_SCHEDULER": self.address, **more}


@pytest.fixture
def cluster(workspace):
    with ExitStack() as stack:
        yield Cluster(workspace, stack)


def _run(root, environment, upto="extract"):
    command = [sys.executable, "-m", "flows.cli", "--json", "run", upto]
    environment = command_environment() | environment
    return subprocess.Popen(command, cwd=root, env=environment, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)  # fmt: skip


def _await_clip(run, workspace):
    """Wait until the run is in the middle of a clip: one is being written, none is done."""
    started = time.monotonic()
    while not list((workspace / "data/keypoints/original").glob(".*")):
        assert run.poll() is None, run.communicate()
        assert time.monotonic() - started < 200
        time.sleep(0.05)


def test_a_killed_worker_loses_no_clip_and_changes_no_byte(demo, workspace, cluster, api):
    for _ in range(2):
        cluster.join()
    run = _run(workspace, cluster.environment() | api)
    _await_clip(run, workspace)
    cluster.workers[0].send_signal(signal.SIGKILL)
    said, trouble = run.communicate(timeout=500)
    assert run.returncode == 0, trouble
    reports = [report for node in json.loads(said)["nodes"].values() for report in node]
    assert {report["stage"] for report in reports} >= {"extract"}
    assert not [note for report in reports for note in report["notes"] if note.startswith("refused")]
    assert digests_of(workspace, FOLDERS[1:]) == digests_of(demo[0], FOLDERS[1:])
    assert cluster.workers[1].poll() is None


def test_workers_share_a_long_clip_and_give_the_bytes_that_one_gives(workspace, cluster, api, tmp_path):
    """Every clip of the demo is in parts here; one of two workers is killed in the middle."""
    settings = workspace / "params.yaml"
    settings.write_text(re.sub(r"part_s: \d+", "part_s: 1", settings.read_text()))
    assert {read_params(workspace).extract.part_s, read_params(workspace).encoding.part_s} == {1.0}
    alone = tmp_path / "alone"
    shutil.copytree(workspace, alone, symlinks=True)
    run = _run(alone, {"GUISE_WORKERS": "1"} | api, "control")
    said, trouble = run.communicate(timeout=500)
    assert run.returncode == 0, said + trouble
    for _ in range(2):
        cluster.join()
    run = _run(workspace, cluster.environment() | api, "control")
    _await_clip(run, workspace)
    cluster.workers[0].send_signal(signal.SIGKILL)
    said, trouble = run.communicate(timeout=500)
    assert run.returncode == 0, said + trouble
    assert digests_of(workspace, FOLDERS) == digests_of(alone, FOLDERS)
    assert not [path for folder in FOLDERS for path in (workspace / folder).rglob("parts/*")]


def test_a_killed_scheduler_is_one_sentence_and_the_same_command_carries_on(demo, workspace, cluster, api):
    cluster.join()
    run = _run(workspace, cluster.environment() | api)
    _await_clip(run, workspace)
    cluster.scheduler.send_signal(signal.SIGKILL)
    said, trouble = run.communicate(timeout=300)
    assert run.returncode == 2, said + trouble
    assert "the dask scheduler is gone" in trouble
    assert trouble.count("\n") == 1, trouble
    with ExitStack() as stack:
        another = Cluster(workspace, stack)
        another.join()
        run = _run(workspace, another.environment() | api)
        said, trouble = run.communicate(timeout=500)
        assert run.returncode == 0, trouble
    assert digests_of(workspace, FOLDERS[1:]) == digests_of(demo[0], FOLDERS[1:])


@pytest.mark.parametrize(("kind", "said"), [
    ("spark", "GUISE_RUNNER is spark: it must be threads or dask"), ("dask", "set GUISE_DASK_SCHEDULER"),
])  # fmt: skip
def test_a_runner_that_cannot_be_is_one_sentence(kind, said, monkeypatch):
    monkeypatch.setenv("GUISE_RUNNER", kind)
    monkeypatch.delenv("GUISE_DASK_SCHEDULER", raising=False)
    with pytest.raises(InputError, match=said):
        clip_runner()


def test_what_is_missing_is_one_sentence(workspace, cluster, guise, api):
    for environment, said in (
        ({"GUISE_RUNNER": "dask", "GUISE_DASK_SCHEDULER": "tcp://127.0.0.1:9"}, "no dask scheduler answers"),
        (cluster.environment(), "no dask worker has joined"),
    ):
        done = guise(workspace, "run", "control", env=environment | api)
        assert done.returncode == 2
        assert said in done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
    cluster.join()
    wanting = cluster.environment(GUISE_DASK_RESOURCES="GPU=1")
    done = guise(workspace, "run", "control", env=wanting | api)
    assert "no dask worker with GPU=1 has joined" in done.stderr
    cluster.join("--resources", "GPU=1")
    cluster.await_workers(2)
    done = guise(workspace, "run", "control", env=wanting | api)
    assert done.returncode == 0, done.stderr


def test_a_worker_with_other_code_does_nothing(workspace, cluster, guise, api, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(workspace, other, symlinks=True)
    module = other / "tasks/control/__init__.py"
    module.write_text(module.read_text() + "\nOTHER = 1\n")
    cluster.root = other
    cluster.join()
    cluster.await_workers(1)
    done = guise(workspace, "run", "control", env=cluster.environment() | api)
    assert done.returncode == 2
    assert "the worker runs other code than this workspace" in done.stderr


def test_a_gpu_worker_without_its_provider_refuses(workspace, monkeypatch):
    with pytest.raises(
        InputError, match=r"provider tensorrt is not here \(installed: .*CPUExecutionProvider"
    ):
        require_provider("tensorrt")
    with pytest.raises(InputError, match="install onnxruntime-gpu"):
        gpu_worker_command(workspace, "tcp://127.0.0.1:8786", "cuda", 1)
    # also where it is there: the settings ask for another one
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CUDAExecutionProvider"])
    with pytest.raises(InputError, match=r"inference\.provider in params\.yaml is cpu"):
        gpu_worker_command(workspace, "tcp://127.0.0.1:8786", "cuda", 1)
    monkeypatch.chdir(workspace)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with pytest.raises(InputError, match="set PREFECT_API_URL"):
        main(["worker", "clips"])
    monkeypatch.chdir(workspace.parent)
    with pytest.raises(InputError, match="is no workspace"):
        main(["server"])


def test_a_cpu_worker_joins_by_the_same_command(workspace, cluster, guise, api, tmp_path):
    command = [sys.executable, "-m", "flows.service", "gpu-worker", cluster.address, "--provider", "cpu"]
    with serve(["sh", "-c", f"cd {workspace} && exec env PYTHONPATH={workspace} {' '.join(command)}"],
               lambda: True, tmp_path / "worker.txt", "worker"):  # fmt: skip
        cluster.await_workers(1)
        done = guise(workspace, "run", "control", env=cluster.environment() | api)
    assert done.returncode == 0, done.stderr

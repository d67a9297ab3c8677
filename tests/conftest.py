"""Real clips, real weights, real servers: fetched once into the cache, verified, shared by the tests."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import hypothesis
import pytest
from tests_support import (
    DEMO_S,
    REPO,
    accept_everything,
    command_environment,
    loopback_only,
    made_once,
    plant_canaries,
)

import tasks.models as models
from flows.demo.object_store import ObjectStore, object_store
from flows.demo.sample import CLIPS, SampleClip, prepare_demo
from flows.host.servers import prefect_server
from schemas.params import Params
from tasks.files.documents import read_params
from tasks.models.fetch import fetch_member
from tasks.video import copy_streams
from tasks.vision.sessions import Weights, shared_weights

# a slow machine is no wrong answer
hypothesis.settings.register_profile("guise", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("guise")


IDLE_SERVICES = (
    "SCHEDULER", "LATE_RUNS", "CANCELLATION_CLEANUP", "FOREMAN", "PAUSE_EXPIRATIONS", "TRIGGERS",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what rests on the demo or whole commands as slow, and what needs optional packages as neural."""
    for item in items:
        if {"demo", "release", "guise", "api"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
        if isinstance(item, pytest.Function) and hasattr(item.module, "with_models"):
            item.add_marker(pytest.mark.neural)
    # where files run side by side the long ones come first, and those that share the demo after the others
    needs_demo = {item.path for item in items if {"demo", "release"} & set(getattr(item, "fixturenames", ()))}
    is_long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path not in is_long, item.path in needs_demo))


@pytest.fixture(scope="session")
def params() -> Params:
    return read_params(REPO)


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory, params: Params) -> Path:
    """A workspace folder that holds every verified weight."""
    root = tmp_path_factory.mktemp("weights")
    for job in models.plan(root, params, ""):
        models.process(root, job)
    models.collect(root, params, "", [])
    return root


@pytest.fixture(scope="session")
def weights(root: Path) -> Weights:
    return shared_weights(root)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that cuts an excerpt of a sample clip without re-encoding."""
    folder = tmp_path_factory.mktemp("clips")

    def cut(name: str, seconds: float = 1.0) -> Path:
        clip: SampleClip = next(clip for clip in CLIPS if clip.file == f"{name}.mp4")
        target = folder / f"{name}-{seconds:g}.mp4"
        if not target.exists():
            whole = fetch_member(clip.source, clip.member, clip.sha256)
            copy_streams(whole, target, keep_audio=False, stop_s=seconds)
        return target

    return cut


@pytest.fixture(scope="session")
def guise() -> "Run":
    """Return a function that runs the command as a user would, in a folder."""

    def run(
        folder: Path, *words: str, env: dict[str, str] | None = None, prefix: list[str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*(prefix or ()), sys.executable, "-m", "flows.cli", *words],
            cwd=folder,
            env=command_environment() | (env or {}),
            capture_output=True,
            text=True,
            check=False,
            timeout=580,
        )

    return run


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A real Prefect server that several commands share; yields what names it."""
    home = tmp_path_factory.mktemp("prefect")
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            # servers of other test processes keep their runs elsewhere: one database for all was a queue
            patch.setenv("PREFECT_HOME", str(home))
            # nothing is scheduled here, and what looks for that all the time takes a core's part
            for service in IDLE_SERVICES:
                patch.setenv(f"PREFECT_SERVER_SERVICES_{service}_ENABLED", "false")
            url = stack.enter_context(prefect_server(home))
        yield {"PREFECT_API_URL": url}


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """A real S3 server."""
    with object_store(tmp_path_factory.mktemp("s3")) as server:
        yield server


Run = Callable[..., subprocess.CompletedProcess[str]]
Release = tuple[Path, subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def demo(shared_folder: Path, guise: Run, root: Path) -> Release:
    """The demo's folder and what it printed, on short excerpts that tell who is in them.

    With the weights fetched (root), it runs where only loopback can be reached, if this machine allows it.
    All processes of a test run share it: a test that changes anything copies it first.
    """

    def make(folder: Path) -> subprocess.CompletedProcess[str]:
        assert (root / "data/models").is_dir()
        prepare_demo(folder / "d", DEMO_S)
        plant_canaries(folder / "d/data/inbox")
        return guise(folder, "demo", "--dir", "d", "--seconds", str(DEMO_S), prefix=loopback_only())

    done = made_once(shared_folder / "demo", make)
    assert done.returncode == 0, done.stdout + done.stderr
    return shared_folder / "demo/d", done


@pytest.fixture(scope="session")
def release(shared_folder: Path, guise: Run, demo: Release) -> Release:
    """The demo's results, all clips of which a person accepted, approved and published as demo-1."""
    made = shared_folder / "demo/d"
    done = made_once(shared_folder / "release", lambda folder: accept_everything(made, folder / "d", guise))
    assert done.returncode == 0, done.stdout + done.stderr
    return shared_folder / "release/d", done


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that all processes of this test run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

"""One process does the stages of a run: as a process of its own would, and no longer than it is wanted."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from contextlib import nullcontext

import psutil
import pytest
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings
from tests_support import REPO, admit_clips, command_environment, write_video

from flows.host.servers import prefect_server
from flows.stage.standing import PLACE, standing_process
from tasks.files.clips import video_path

REPORT = ".guise/reports/control.json"


@pytest.fixture
def workspace(tmp_path, monkeypatch, api):
    """A folder with one tiny clip, for `control` to copy."""
    root = tmp_path / ("long " * 40) / "w"
    root.mkdir(parents=True)
    for name in ("flows", "tasks", "schemas", "params", "params.yaml"):
        (root / name).symlink_to(REPO / name)
    clip_id = f"clip-{0:016x}"
    (root / video_path("original", clip_id)).parent.mkdir(parents=True)
    write_video(root / video_path("original", clip_id), 3)
    admit_clips(root, {clip_id: f"subject-{0:016x}"})
    monkeypatch.chdir(root)
    monkeypatch.setenv("PYTHONPATH", str(root))
    for name, value in api.items():
        monkeypatch.setenv(name, value)
    return root


def _ask(*words, **environment):
    command = [sys.executable, "-m", "flows.stage", *words]
    return subprocess.Popen(command, env=os.environ | environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip


def _finish(process):
    said, trouble = process.communicate(timeout=120)
    return process.returncode, said, trouble


def _standing(root):
    here = [one for one in psutil.process_iter(["cwd", "cmdline"]) if one.info["cwd"] == str(root)]
    return [one for one in here if "flows.stage.server" in (one.info["cmdline"] or [])]


def test_many_stages_are_done_by_one_process_which_ends_with_the_block(workspace):
    with standing_process(workspace):
        place = workspace / PLACE
        assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
        (process,) = _standing(workspace)
        for number in range(12):  # whoever asks may be gone before the answer is noted
            code, said, trouble = _finish(_ask("control", GUISE_RELEASE=f"v{number}"))
            assert (code, said, trouble) == (0, "", "")
            assert json.loads((workspace / REPORT).read_text())["failure"] is None
            assert _standing(workspace) == [process]
    assert _standing(workspace) == []
    assert not place.exists()
    assert "GUISE_STANDING" not in os.environ


def _runs(address):
    with temporary_settings({PREFECT_API_URL: address}), get_client(sync_client=True) as client:
        return {run.name for run in client.read_flow_runs()}


def test_each_stage_is_noted_by_the_server_that_is_named_for_it(workspace, tmp_path_factory, monkeypatch):
    addresses = [os.environ["PREFECT_API_URL"]]
    with standing_process(workspace):
        assert _finish(_ask("control", GUISE_RELEASE="one"))[0] == 0
        other = tmp_path_factory.mktemp("other")
        monkeypatch.setenv("PREFECT_HOME", str(other))
        monkeypatch.delenv("PREFECT_API_URL")
        with prefect_server(other) as address:
            addresses.append(address)
            assert _finish(_ask("control", GUISE_RELEASE="two"))[0] == 0
            runs = [_runs(address) for address in addresses]
    noted = [[name for name in ("one", "two") if f"release {name} - control" in here] for here in runs]
    assert noted == [["one"], ["two"]]


def test_a_failure_has_its_exit_code_and_its_report(workspace):
    (workspace / "params.yaml").unlink()
    with standing_process(workspace):
        code, said, trouble = _finish(_ask("control"))
        assert (code, said, trouble) == (2, "", "")
        assert "params.yaml is missing" in json.loads((workspace / REPORT).read_text())["failure"]
        (workspace / "params.yaml").symlink_to(REPO / "params.yaml")
        # and the next one is done
        assert _finish(_ask("control"))[0] == 0


def test_without_a_standing_process_a_command_does_its_stage_itself(workspace):
    code, _, trouble = _finish(_ask("control"))
    assert (code, trouble) == (0, "")
    assert (workspace / REPORT).is_file()
    # one that is named but gone is no reason to say that it was done
    (workspace / REPORT).unlink()
    assert _finish(_ask("control", GUISE_STANDING=".guise/nobody.sock"))[0] == 2
    assert not (workspace / REPORT).exists()


@pytest.mark.parametrize(("words", "said"), [
    ([], "name a stage"), (["extract", "original"], "there is no stage extract: write extract:original"),
    (["control:original"], "write control"), (["deidentify:original"], "write deidentify:released"),
])  # fmt: skip
def test_a_stage_without_its_arm_does_nothing(workspace, words, said):
    kept = workspace / "data/keypoints/released/kept.parquet"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"")
    code, _, trouble = _finish(_ask(*words))
    assert (code, trouble.count("\n")) == (2, 1)
    assert said in trouble
    assert kept.is_file()


@pytest.mark.parametrize("is_standing", [True, False])
def test_the_first_stage_that_fails_ends_the_command(workspace, is_standing):
    reports = [workspace / f".guise/reports/{name}.json" for name in ("control", "models", "ingest")]
    with standing_process(workspace) if is_standing else nullcontext():
        assert _finish(_ask("control", "nonsense", "models"))[0] == 2
        assert [path.is_file() for path in reports] == [True, False, False]
        assert _finish(_ask("control", "control"))[0] == 0


def test_it_ends_with_whoever_asked(workspace):
    with standing_process(workspace):
        (process,) = _standing(workspace)
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(str(PLACE))
            link.sendall(json.dumps({"name": "models", "arm": "", "environment": {}}).encode() + b"\n")
        process.wait(30)


def test_it_ends_when_the_run_is_killed(workspace):
    code = (
        "import time\nfrom pathlib import Path\nfrom flows.stage.standing import standing_process\n"
        "with standing_process(Path.cwd()):\n    print('up', flush=True)\n    time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True,
                          env=command_environment() | {"PYTHONPATH": str(workspace)}) as run:  # fmt: skip
        assert run.stdout.readline() == "up\n"
        (process,) = _standing(workspace)
        run.send_signal(signal.SIGKILL)
        process.wait(30)


@pytest.mark.parametrize("before", [1, 3])
def test_in_a_bare_shell_a_command_of_several_stages_ends_when_one_fails(
    workspace, root, monkeypatch, before
):
    """Prefect had something left to tell to the server of a stage before, and told it for ever."""
    monkeypatch.delenv("PREFECT_API_URL")
    monkeypatch.setenv("PREFECT_HOME", str(workspace / ".guise/prefect"))
    (workspace / "data/models").symlink_to(root / "data/models")
    (workspace / "tasks").unlink()
    shutil.copytree(REPO / "tasks", workspace / "tasks", ignore=shutil.ignore_patterns("__pycache__"))
    with (workspace / "tasks/extract/__init__.py").open("a") as code:
        code.write("\n\ndef process(root, job):\n    raise KeyError('unforeseen')\n")
    code, said, trouble = _finish(_ask("control", "extract:original"))
    assert (code, said) == (2, "")
    assert "failed unexpectedly (KeyError)" in trouble


def test_the_door_opens_without_what_stages_import():
    ask = "import sys, flows.stage.__main__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", ask], cwd=REPO, check=True, capture_output=True, text=True)
    assert not {"prefect", "polars", "pandera", "numpy"} & set(done.stdout.split())

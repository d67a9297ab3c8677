"""A data manager's workspace, with everything in the inbox that must be refused, and canaries."""

import csv
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import polars as pl
import psutil
import pytest
import yaml
from tests_support import REPO, command_environment, with_metadata, write_video

from flows.demo.sample import COLUMNS
from flows.host.failures import describe_failure
from flows.workspace.graph import changed_nodes
from tasks.files.documents import read_params, write_params

CANARY = "Jane-Doe-19610704"
GOOD = [f"{CANARY} first.mp4", f"visit/{CANARY} second.mp4"]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory, sample, guise):
    """A workspace whose inbox was ingested; the outcome lies beside it as JSON."""
    root = tmp_path_factory.mktemp("hospital") / "release"
    made = guise(root.parent, "workspace", str(root))
    assert made.returncode == 0, made.stderr
    _fill(root / "data/inbox", sample)
    done = guise(root, "--json", "ingest")
    assert done.returncode == 0, done.stderr
    (root.parent / "outcome.json").write_text(done.stdout)
    return root


def _fill(inbox: Path, sample) -> None:
    (inbox / "visit").mkdir(parents=True, exist_ok=True)
    with_metadata(sample("cap12"), inbox / GOOD[0], CANARY)
    shutil.copy(sample("carphone"), inbox / GOOD[1])
    shutil.copy(inbox / GOOD[0], inbox / "again.mp4")
    shutil.copy(sample("franck"), inbox / "denied.mp4")
    whole = sample("franck", 2.0).read_bytes()
    (inbox / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (inbox / "text.mp4").write_bytes(b"no video at all" * 99)
    write_video(inbox / "empty.mkv", 0)
    write_video(inbox / "odd.avi", 3, codec="ffvhuff")
    write_video(inbox / "late.mkv", 3)
    (inbox / "link.mp4").symlink_to(inbox.parent / "elsewhere.mp4")
    (inbox / f"{CANARY} unnamed.mp4").write_bytes(b"x")
    rows = [
        [name, CANARY, "s1", "gait", "yes", "2099-12-31", "", CANARY]
        for name in (*GOOD, "again.mp4", "cut.mp4", "text.mp4", "empty.mkv", "odd.avi", "gone.mp4",
                     "../secret.mp4", "link.mp4")
    ]  # fmt: skip
    rows.append(["denied.mp4", CANARY, "s1", "gait", "no", "", "", ""])
    rows.append(["late.mkv", CANARY, "s1", "gait", "yes", "2020-01-01", "", ""])
    with (inbox / "manifest.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([COLUMNS, *rows])


def test_every_refusal_is_told_with_its_reason_and_stops_nobody(workspace):
    outcome = json.loads((workspace.parent / "outcome.json").read_text())
    assert {entry["file"]: entry["reason"] for entry in outcome["refused"]} == {
        "again.mp4": "duplicate content",
        "cut.mp4": "truncated video",
        "text.mp4": "unreadable video",
        "empty.mkv": "zero frames",
        "odd.avi": "unsupported codec",
        "gone.mp4": "file missing",
        "../secret.mp4": "path outside the inbox",
        "link.mp4": "path outside the inbox",
        "denied.mp4": "no consent to release",
        "late.mkv": "consent expired",
        f"{CANARY} unnamed.mp4": "not named in the manifest",
    }
    clips = pl.read_parquet(workspace / "data/ingested/clips.parquet")
    assert clips.filter(status="admitted").height == len(GOOD)
    assert len(list((workspace / "data/ingested/videos").iterdir())) == len(GOOD)


def test_no_private_string_reaches_the_clips_git_or_prefect(workspace):
    for path in [*(workspace / "data/ingested").rglob("*.mp4"), workspace / "data/ingested/clips.parquet"]:
        assert CANARY.encode() not in path.read_bytes()
    history = subprocess.run(
        ["git", "log", "--all", "-p"], cwd=workspace, capture_output=True, check=True
    ).stdout
    assert CANARY.encode() not in history
    prefect = workspace / ".guise/prefect"
    assert (prefect / "prefect.db").is_file()
    logs = workspace / ".guise/logs"
    for path in (*prefect.rglob("*"), *logs.rglob("*"), *(workspace / ".guise/reports").rglob("*")):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("manifest", [",".join(COLUMNS), ",".join(COLUMNS) + "\na.mkv,P-1,s1,gait,no,,,"])
def test_an_inbox_of_which_nothing_is_admitted_ends_red(tmp_path, guise, api, manifest):
    """It ended as if all were well, and the cohort of before was gone."""
    root = tmp_path / "release"
    assert guise(tmp_path, "workspace", str(root)).returncode == 0
    write_video(root / "data/inbox/a.mkv", 3)
    (root / "data/inbox/manifest.csv").write_text(manifest + "\n")
    done = guise(root, "ingest", env=api)
    assert done.returncode == 2
    assert "no clip is admitted, so that nothing can be released" in done.stderr
    assert "a.mkv" in done.stdout
    assert "0 clips of the inbox are admitted" in done.stdout


def test_nothing_can_be_reviewed_before_anything_was_measured(workspace, guise, api):
    done = guise(workspace, "review", env=api)
    assert done.returncode == 1
    assert done.stderr.strip() == "guise: nothing was measured yet: use `guise run` first"


def test_the_key_is_outside_git_and_only_the_owner_reads_it(workspace):
    key = workspace / ".secrets/pseudonym.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert subprocess.run(["git", "check-ignore", str(key)], cwd=workspace, check=False).returncode == 0


def test_raw_goes_to_the_private_remote(workspace):
    assert "remote: private" in (workspace / "data/raw.dvc").read_text()


def test_another_key_is_an_error(workspace, guise, api):
    other = {"GUISE_PSEUDONYM_KEY": "another key that is long enough to be one"}
    _touch_manifest(workspace)
    done = guise(workspace, "ingest", env=other | api)
    assert done.returncode == 2
    assert "not the one this workspace was made with" in done.stderr
    assert "Traceback" not in done.stderr
    assert guise(workspace, "ingest", env=api).returncode == 0


def _touch_manifest(workspace: Path) -> None:
    manifest = workspace / "data/inbox/manifest.csv"
    manifest.write_text(manifest.read_text().replace("gait", "gaits"))


def test_a_table_that_does_not_fit_on_the_disk_is_told_as_that():
    table = pl.DataFrame({"a": range(100_000)})
    with pytest.raises(pl.exceptions.PolarsError) as caught:
        table.write_parquet("/dev/full")
    assert "the disk is full" in str(describe_failure(caught.value, "ingest"))


def test_a_misspelt_parameter_stops_the_run_with_its_name(workspace, guise, api):
    params = workspace / "params.yaml"
    kept = params.read_text()
    params.write_text(kept.replace("max_gap_s:", "max_gpa_s:"))
    done = guise(workspace, "run", "control", env=api)
    params.write_text(kept)
    assert done.returncode == 2
    assert "deidentify.max_gpa_s: no such key (is it misspelt?)" in done.stderr


def test_an_altered_output_is_done_again_and_the_rest_is_cached(workspace, guise, api):
    first = json.loads(guise(workspace, "--json", "run", "control", env=api).stdout)
    assert first["nodes"]["control"][0]["jobs"] == len(GOOD)
    videos = sorted((workspace / "data/control").glob("*.mp4"))
    right = videos[0].read_bytes()
    videos[0].write_bytes(b"altered")
    (workspace / "data/control/stale.mp4").write_bytes(b"left by an earlier run")
    again = json.loads(guise(workspace, "--json", "run", "control", env=api).stdout)["nodes"]["control"][0]
    assert (again["jobs"], again["cached"]) == (len(GOOD), len(GOOD) - 1)
    assert videos[0].read_bytes() == right
    assert sorted((workspace / "data/control").glob("*.mp4")) == videos
    assert json.loads(guise(workspace, "--json", "run", "control", env=api).stdout)["nodes"]["control"] == []


def test_other_versions_of_libraries_are_noted_and_nothing_stands(workspace, guise, api):
    """As after an upgrade: a bare command refuses, `guise run` notes them and the graph depends on them."""
    guise(workspace, "run", "control", env=api)
    noted = workspace / "data/libraries.json"
    right = json.loads(noted.read_text())
    assert right["versions"]["av"] == version("av")
    noted.write_text(json.dumps({"versions": right["versions"] | {"av": "0.1"}}))
    bare = subprocess.run(
        [sys.executable, "-m", "flows.stage", "control"], cwd=workspace, env=command_environment() | api,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (bare.returncode, bare.stderr.count("\n")) == (2, 1)
    assert f"av is {version('av')} here, and 0.1 in data/libraries.json" in bare.stderr
    assert changed_nodes(workspace)
    done = guise(workspace, "run", "control", env=api)
    assert done.returncode == 0, done.stderr
    assert json.loads(noted.read_text()) == right
    lock = yaml.safe_load((workspace / "dvc.lock").read_text())["stages"].values()
    assert all("data/libraries.json" in [dep["path"] for dep in stage["deps"]] for stage in lock)


def test_a_run_that_has_nothing_to_do_needs_no_server(workspace, guise, api):
    guise(workspace, "run", "control", env=api)
    nowhere = {"PREFECT_API_URL": "http://127.0.0.1:9/api"}
    done = guise(workspace, "--json", "run", "control", env=nowhere)
    assert done.returncode == 0, done.stderr
    assert {tuple(reports) for reports in json.loads(done.stdout)["nodes"].values()} == {()}
    video = next((workspace / "data/control").glob("*.mp4"))
    whole = video.read_bytes()
    for done_to_it in (video.unlink, lambda: video.write_bytes(whole[:-1])):
        done_to_it()
        refused = guise(workspace, "run", "control", env=nowhere)
        assert refused.returncode == 2, refused.stdout
        assert "does not answer" in refused.stderr
    assert guise(workspace, "run", "control", env=api).returncode == 0
    assert video.read_bytes() == whole


def _results_since(storage: Path, moment_s: float) -> list[Path]:
    """Return the complete results that Prefect stored after a moment."""
    found = [path for path in storage.iterdir() if path.stat().st_mtime >= moment_s]
    return [path for path in found if path.read_text().endswith("}")]


@pytest.mark.slow
def test_a_killed_stage_is_one_sentence_and_the_next_run_carries_on(workspace, guise, api):
    results, folder = workspace / ".guise/prefect/storage", workspace / "data/keypoints/control"
    shutil.rmtree(folder, ignore_errors=True)
    command = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "run", "control"],
        cwd=workspace, env=command_environment() | api | {"GUISE_WORKERS": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 240
    while not list(folder.glob("*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.05)
    # a clip is done once Prefect holds its result, a moment after its table is written
    written = min(path.stat().st_mtime for path in folder.glob("*.parquet"))
    while not _results_since(results, written) and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in psutil.Process(command.pid).children(recursive=True):
        words = process.cmdline()
        if "flows.stage" in words and "sh" not in words[0]:
            os.kill(process.pid, signal.SIGKILL)
    out, err = command.communicate(timeout=240)
    assert command.returncode == 2, out + err
    assert "run the same command again" in err
    assert "Traceback" not in err
    carried_on = json.loads(guise(workspace, "--json", "run", "control", env=api).stdout)
    report = carried_on["nodes"]["control"][1]
    assert report["cached"] >= 1
    assert report["failure"] is None
    assert len(list(folder.glob("*.parquet"))) == len(GOOD)


@pytest.mark.slow
def test_a_killed_command_leaves_nothing_running_and_the_next_run_carries_on(workspace, guise, api):
    params = workspace / "params.yaml"  # whatever ran before, there is something to do
    params.write_text(params.read_text().replace("hand_score: 0.5", "hand_score: 0.51"))
    command = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "run", "extract"],
        cwd=workspace, env=command_environment() | api, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not _stages_in(workspace) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _stages_in(workspace)
    command.kill()
    command.wait()
    deadline = time.monotonic() + 20
    while _stages_in(workspace) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _stages_in(workspace) == []
    done = guise(workspace, "--json", "run", "extract", env=api)
    assert done.returncode == 0, done.stderr
    assert len(list((workspace / "data/keypoints/original").glob("*.parquet"))) == len(GOOD)


def _stages_in(workspace: Path) -> list[list[str]]:
    return [
        process.info["cmdline"]
        for process in psutil.process_iter(["cmdline", "cwd"])
        if "flows.stage" in (process.info["cmdline"] or []) and process.info["cwd"] == str(workspace)
    ]


@pytest.mark.slow
def test_a_full_disk_is_one_sentence_and_the_next_run_carries_on(workspace, guise, api):
    folder = workspace / "data/control"
    shutil.rmtree(folder)
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not allow to mount a small disk")
    try:
        params = workspace / "params.yaml"
        params.write_text(params.read_text().replace("crf: 23", "crf: 22"))
        done = guise(workspace, "run", "control", env=api)
        assert done.returncode == 2
        assert "the disk is full" in done.stderr
        assert "Traceback" not in done.stderr
    finally:
        subprocess.run(["umount", str(folder)], check=True)
    done = guise(workspace, "run", "control", env=api)
    assert done.returncode == 0, done.stderr


def test_gates_are_closed_before_there_is_anything_to_release(workspace, guise):
    candidate = guise(workspace, "candidate", "v1")
    assert candidate.returncode == 1
    assert "run `guise run` first" in candidate.stderr
    for words in (
        ["approve", "v1", "--digest", "0" * 64, "--by", "A", "--reason", "B"],
        ["publish", "v1"],
        ["audit", "v1"],
    ):
        done = guise(workspace, *words)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "nonsense"], "there is no stage nonsense"),
        (["candidate", "../../x"], "is no name of a version"),
        (["ingest", "--inbox", "nowhere"], "there is no inbox"),
    ],
)
def test_wrong_use_is_exit_code_2_and_a_sentence(workspace, guise, api, words, said):
    done = guise(workspace, *words, env=api)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_prefect_server_that_is_down_is_one_sentence(workspace, guise):
    done = guise(workspace, "run", env={"PREFECT_API_URL": "http://127.0.0.1:9/api"})
    assert done.returncode == 2
    assert "Prefect" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_folder_that_is_no_workspace_is_told(guise, tmp_path):
    done = guise(tmp_path, "run")
    assert done.returncode == 2
    assert "guise workspace" in done.stderr
    (tmp_path / "something.txt").write_text("mine")
    assert guise(tmp_path, "workspace", ".").returncode == 2
    assert guise(REPO, "workspace", ".").returncode == 2


def test_a_workspace_can_be_named_from_elsewhere(workspace, guise, tmp_path):
    done = guise(tmp_path, "--workspace", str(workspace), "doctor")
    assert "pseudonym key: fingerprint" in done.stdout
    assert "signing key: ssh-ed25519 " in done.stdout
    assert done.returncode == 0, done.stdout
    listed = guise(tmp_path, "--workspace", str(workspace), "models")
    assert listed.returncode == 0, listed.stdout
    assert "research and commercial" in listed.stdout


def test_nothing_of_ours_is_left_running(workspace):
    left = [
        process.cmdline()
        for process in psutil.process_iter()
        if any(str(workspace) in word for word in _words(process))
    ]
    assert left == []


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_nobody_else_may_look_into_a_workspace(tmp_path, guise):
    root = tmp_path / "w"
    assert guise(tmp_path, "workspace", str(root)).returncode == 0
    root.chmod(0o755)
    assert guise(tmp_path, "workspace", str(root)).returncode == 0
    for folder in (root, root / ".guise", root / ".secrets"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder


def test_a_workspace_whose_params_held_everything_is_brought_over(tmp_path, guise, params):
    root = tmp_path / "w"
    assert guise(tmp_path, "workspace", str(root)).returncode == 0
    shutil.rmtree(root / "params")
    changed = params.model_copy(update={"purpose": "commercial"})
    write_params(changed, root)
    done = guise(tmp_path, "workspace", str(root))
    assert done.returncode == 0, done.stderr
    assert read_params(root) == changed
    assert "face_detector" not in (root / "params.yaml").read_text()
    # what a person sets is kept when the code is taken anew
    models = root / "params/models.yaml"
    models.write_text(models.read_text().replace("find people", "find everybody"))
    assert guise(tmp_path, "workspace", str(root)).returncode == 0
    assert read_params(root).models["pose_detector"].purpose == "find everybody"


def test_a_workspace_of_before_is_told_of_the_weights_that_are_new(tmp_path, guise):
    root = tmp_path / "w"
    assert guise(tmp_path, "workspace", str(root)).returncode == 0
    path, new = root / "params/models.yaml", ("text_detector", "text_reader")
    models = yaml.safe_load(path.read_text())["models"]
    # one of their own stays, and what nothing needs is not brought back
    kept = {name: row for name, row in models.items() if name not in (*new, "astronaut")}
    kept["arcface"] = models["centerface"] | {"source": "file:/brought", "member": "own.onnx"}
    path.write_text(yaml.safe_dump({"models": kept}, sort_keys=False))
    done = guise(tmp_path, "workspace", str(root))
    assert done.returncode == 0, done.stderr
    assert "params/models.yaml names what is new: text_detector, text_reader" in " ".join(done.stdout.split())
    assert yaml.safe_load(path.read_text())["models"] == kept | {name: models[name] for name in new}
    assert "what is new" not in guise(tmp_path, "workspace", str(root)).stdout


def test_nodes_that_the_graph_has_no_more_leave_the_lock(tmp_path, guise):
    root = tmp_path / "w"
    assert guise(tmp_path, "workspace", str(root)).returncode == 0
    names = ("ingest", "extract@original", "extract@released", "extract", "compare", "former")
    stages = {
        name: {"cmd": f"do {name}", "outs": [{"path": f"data/{name}", "md5": "0" * 32}]} for name in names
    }
    lock = root / "dvc.lock"
    lock.write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}, sort_keys=False))
    assert guise(tmp_path, "workspace", str(root)).returncode == 0
    kept = yaml.safe_load(lock.read_text())
    assert kept == {
        "schema": "2.0",
        "stages": {name: stages[name] for name in ("ingest", "extract", "compare")},
    }

"""A clip that cannot be processed is refused with a reason; the others go on, and nothing else is lost."""

import errno
import os
import shutil
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import numpy as np
import polars as pl
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.sorting import FlowRunSort
from prefect.filesystems import LocalFileSystem
from prefect.settings import PREFECT_API_URL, PREFECT_LOCAL_STORAGE_PATH, temporary_settings
from tests_support import REPO, STAGES, admit_clips, digests_of, run_stage, write_video

import flows.stage.job as job
import flows.stage.run as stage_module
import tasks.control as control
import tasks.deidentify as deidentify
from flows.host.environment import JOB_RESULTS
from flows.stage.load import arms_of
from flows.workspace.replay import forget_refusals
from schemas.refusals import REFUSALS
from tasks.files.clips import REFUSED, read_refusals, refusals_path, video_path
from tasks.files.documents import read_params, read_table, write_params
from tasks.files.errors import DiskError, DocumentError, FaultError, StageError, VideoError
from tasks.files.hashing import sha256_file
from tasks.validate.cohort import cohort_means
from tasks.video import frame_times

BUSY, BROKEN, GOOD = (f"clip-{number:016x}" for number in range(3))


@pytest.fixture
def workspace(tmp_path, root, monkeypatch, api):
    """Three short clips of nobody, in a folder that the stage runs in."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/models").symlink_to(root / "data/models")
    for name in ("flows", "tasks", "schemas", "params", "params.yaml"):
        (tmp_path / name).symlink_to(REPO / name)
    for number, clip_id in enumerate((BUSY, BROKEN, GOOD)):
        path = tmp_path / video_path("original", clip_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_video(path, 4 + number)
    admit_clips(
        tmp_path, {clip: f"subject-{number:016x}" for number, clip in enumerate((BUSY, BROKEN, GOOD))}
    )
    monkeypatch.chdir(tmp_path)
    quick = stage_module.process_job.with_options(retry_delay_seconds=[0.1, 0.2], refresh_cache=True)
    monkeypatch.setattr(stage_module, "process_job", quick)
    with temporary_settings({PREFECT_API_URL: api["PREFECT_API_URL"]}):
        yield tmp_path


def _failing(monkeypatch, failures):
    """Let clips fail: clip_id -> the errors of its tries, in order. Return how often each was tried."""
    tries: dict[str, int] = {}
    process = control.process

    def fail(root, job):
        tries[job.key] = tries.get(job.key, 0) + 1
        errors = failures.get(job.key, [])
        if len(errors) >= tries[job.key]:
            raise errors[tries[job.key] - 1]
        return process(root, job)

    monkeypatch.setattr(control, "process", fail)
    return tries


@pytest.fixture(params=["the environment", "the server"])
def elsewhere(request, workspace, tmp_path_factory, monkeypatch, api):
    """A folder in which somebody wants Prefect to keep results, and how they said so."""
    folder = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.setenv("PREFECT_API_URL", api["PREFECT_API_URL"])
    if request.param == "the environment":
        with temporary_settings({PREFECT_LOCAL_STORAGE_PATH: str(folder)}):
            yield folder
        return
    with get_client(sync_client=True) as client:
        named = LocalFileSystem(basepath=str(folder)).save("elsewhere", overwrite=True)
        client.update_server_default_result_storage(named)
        yield folder
        client.clear_server_default_result_storage()


def test_what_is_kept_of_clips_stays_in_the_workspace_whatever_is_set_for_others(workspace, elsewhere):
    """Rows speak of a patient's movements, and withdrawal looks for them in one place."""
    assert stage_module.run_and_report("control", "") == 0
    assert len(list((workspace / JOB_RESULTS).iterdir())) == 3
    assert list(elsewhere.iterdir()) == []


def test_what_may_heal_is_tried_three_times_and_what_cannot_once(workspace, monkeypatch):
    gone = OSError(errno.EIO, "Input/output error")
    tries = _failing(monkeypatch, {BUSY: [gone] * 9, BROKEN: [VideoError("it is broken")] * 9})
    report = stage_module.run_stage("control", "")
    assert tries == {BUSY: 3, BROKEN: 1, GOOD: 1}
    refused = read_refusals(workspace, control.folder(""))
    assert set(refused) == {BUSY, BROKEN}
    assert refused[BROKEN] == f"control {BROKEN}: it is broken"
    assert f"control-{BUSY}.txt" in refused[BUSY]
    assert len([note for note in report.notes if note.startswith("refused: ")]) == 2
    assert [path.stem for path in (workspace / "data/control").glob("*.mp4")] == [GOOD]


def test_what_heals_leaves_no_trace(workspace, monkeypatch):
    gone = OSError(errno.EIO, "Input/output error")
    tries = _failing(monkeypatch, {BUSY: [gone, gone]})
    assert stage_module.run_stage("control", "").notes == ()
    assert tries[BUSY] == 3
    assert not (workspace / refusals_path(control.folder(""))).exists()
    # nor does a clip that was refused before
    _failing(monkeypatch, {BROKEN: [VideoError("it is broken")]})
    stage_module.run_stage("control", "")
    assert read_refusals(workspace, control.folder("")) != {}
    monkeypatch.undo()


def test_a_stage_in_which_every_clip_fails_has_failed(workspace, monkeypatch):
    _failing(monkeypatch, {clip: [VideoError("it is broken")] for clip in (BUSY, BROKEN, GOOD)})
    with pytest.raises(StageError, match=r"3 failed: .*it is broken"):
        stage_module.run_stage("control", "")


def test_a_full_disk_refuses_nobody(workspace, monkeypatch):
    _failing(monkeypatch, {BUSY: [OSError(errno.ENOSPC, "No space left on device")] * 9})
    with pytest.raises(DiskError, match="the disk is full"):
        stage_module.run_stage("control", "")
    assert not (workspace / refusals_path(control.folder(""))).exists()


def test_a_table_of_guise_that_is_refused_keeps_what_was_computed(workspace, monkeypatch):
    params = read_params(workspace)
    for name, arm in (*STAGES, ("deidentify", "mask"), ("extract", "mask")):
        run_stage(workspace, params, name, arm)
    monkeypatch.undo()
    monkeypatch.chdir(workspace)
    beyond = float(np.nextafter(1, 2))

    def wrong(invariance, subjects):
        rows = cohort_means(invariance, subjects)
        return [row | ({"high": beyond} if row["metric"] == "ap" else {}) for row in rows]

    with pytest.MonkeyPatch.context() as patch, pytest.raises(FaultError) as caught:
        patch.setattr("tasks.validate.evidence.cohort_means", wrong)
        stage_module.run_stage("validate", "")
    for said in ("cohort.parquet", "column high row ", str(beyond), "arm control", "metric ap",
                 "a fault of Guise, not of your data"):  # fmt: skip
        assert said in str(caught.value), said
    assert not (workspace / "data/evidence/verdicts.parquet").exists()
    # everything that was computed is there, and only the table is made again
    report = stage_module.run_stage("validate", "")
    assert (report.jobs, report.cached) == (4, 4)
    assert (workspace / "data/evidence/verdicts.parquet").is_file()


def test_a_clip_whose_table_is_refused_is_refused_and_the_others_go_on(workspace, monkeypatch):
    _failing(monkeypatch, {BROKEN: [FaultError("its table breaks its schema")]})
    report = stage_module.run_stage("control", "")
    assert read_refusals(workspace, control.folder("")) == {
        BROKEN: f"control {BROKEN}: its table breaks its schema"
    }
    assert report.jobs == 3


def test_a_refused_clip_leaves_the_graph_and_the_evidence_says_why(workspace, monkeypatch):
    params = read_params(workspace)
    run_stage(workspace, params, *STAGES[1])
    _failing(monkeypatch, {BROKEN: [VideoError("it is broken")]})
    stage_module.run_stage("control", "")
    for name, arm in (*STAGES[2:], ("deidentify", "mask"), ("extract", "mask")):
        rows = run_stage(workspace, params, name, arm)
        assert rows
        assert not (name == "extract" and arm == "control" and len(rows) != 2)
    run_stage(workspace, params, "validate", "")
    refusals = read_table(workspace / REFUSED, REFUSALS)
    assert refusals.rows() == [(BROKEN, "control", f"control {BROKEN}: it is broken")]
    verdicts = pl.read_parquet(workspace / "data/evidence/verdicts.parquet")
    assert set(verdicts["clip_id"]) == {BUSY, GOOD}
    # when the cause has gone, a person lets the stage try again
    forget_refusals(workspace)
    assert not list((workspace / "data").rglob("refused.parquet"))
    # a clip that is gone for no reason is no refusal
    with pytest.raises(DocumentError, match="is incomplete and no stage says why"):
        run_stage(workspace, params, "validate", "")


@pytest.mark.parametrize("part", ["plan", "collect"])
@pytest.mark.parametrize(
    "words",
    ["[Errno 5] Input/output error: '/mnt/ward/Mueller Hanna 1961.mp4'", "Mueller-Hanna-1961.mp4 is gone",
     'cannot open "Mueller Hanna 1961"', "C:\\\\ward\\\\Mueller-1961"],
)  # fmt: skip
def test_no_name_of_a_file_reaches_prefect_or_logs_when_a_stage_fails(workspace, monkeypatch, part, words):
    """The network folder with the raw videos is gone: what the system says of it names a patient."""

    def fail(*_):
        raise OSError(words)

    monkeypatch.setattr(control, part, fail)
    before = datetime.now(UTC)
    with pytest.raises(StageError) as told:
        stage_module.run_stage("control", "")
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=200)
    # the server may know of other days
    kept = [run.state.message for run in runs if run.created > before and run.state and run.state.message]
    assert any("failed unexpectedly (OSError)" in message for message in kept)
    logs = "".join(path.read_text() for path in workspace.rglob(".guise/logs/*.txt"))
    assert "OSError" in logs
    for said in (str(told.value), logs, *kept):
        assert "Mueller" not in said
        assert "1961" not in said


@pytest.fixture
def own_code(workspace):
    """The workspace with a copy of the code of its own."""
    for name in ("flows", "tasks", "schemas"):
        (workspace / name).unlink()
        shutil.copytree(REPO / name, workspace / name, ignore=shutil.ignore_patterns("__pycache__"))
    job.code_here.cache_clear()
    yield workspace
    job.code_here.cache_clear()


@pytest.mark.parametrize("file", ["tasks/control/__init__.py", "tasks/video/writer.py", "schemas/jobs.py"])
def test_code_that_changed_under_a_running_process_is_not_taken_for_what_runs(own_code, file):
    """A worker with old modules in memory read the new files: old results stood under the new key."""
    job.code_here("control")
    job.code_here.cache_clear()
    path = own_code / file
    path.write_text(path.read_text() + "\nOTHER = 1\n")
    with pytest.raises(StageError, match="changed while this process ran"):
        job.code_here("control")
    long_ago = job.STARTED_S - 60
    os.utime(path, (long_ago, long_ago))
    assert job.code_here("control")


def test_another_version_of_a_library_is_other_code(own_code, monkeypatch):
    known = job.code_here("control")
    job.code_here.cache_clear()
    assert job.code_here("control") == known
    upgraded = job.installed() | {"av": "0.1"}
    monkeypatch.setattr(job, "installed", lambda: upgraded)
    job.code_here.cache_clear()
    assert job.code_here("control") != known


LONG_FRAMES = 60


@pytest.fixture
def shared_clip(workspace, monkeypatch):
    """A clip that is long enough for parts; what was done is known the next time. Return who did what."""
    write_video(workspace / video_path("original", GOOD), LONG_FRAMES)
    admit_clips(workspace, {clip: f"subject-{n:016x}" for n, clip in enumerate((BUSY, BROKEN, GOOD))})
    (workspace / "params.yaml").unlink()
    params = read_params(REPO)
    encoding = params.encoding.model_copy(update={"part_s": 1.0})
    write_params(params.model_copy(update={"encoding": encoding}), workspace)
    (workspace / "params").unlink()
    monkeypatch.setattr(stage_module, "process_job", job.process_job)
    done, process = [], control.process

    def note(root, one):
        done.append(one.name)
        return process(root, one)

    monkeypatch.setattr(control, "process", note)
    return done


def _names(count):
    return [f"{GOOD}, part {number} of {count}" for number in range(1, count + 1)]


def _video(workspace):
    return workspace / video_path("control", GOOD)


def test_parts_of_a_long_clip_are_jobs_of_their_own(workspace, shared_clip):
    count = round(LONG_FRAMES / 25)
    assert stage_module.run_stage("control", "").jobs == 3
    # who joins them finds all of them done
    assert sorted(shared_clip) == sorted([BUSY, BROKEN, GOOD, *_names(count)])
    assert shared_clip.index(GOOD) > max(shared_clip.index(name) for name in _names(count))
    assert frame_times(_video(workspace)) == frame_times(workspace / video_path("original", GOOD))
    assert not list((workspace / "data/control").rglob("parts/*"))
    # what is done is done, and its parts need not be
    shared_clip.clear()
    assert stage_module.run_stage("control", "").cached == 3
    assert shared_clip == []
    written = _video(workspace).read_bytes()
    _video(workspace).unlink()
    assert stage_module.run_stage("control", "").cached == 2
    assert sorted(shared_clip) == sorted([GOOD, *_names(count)])
    assert _video(workspace).read_bytes() == written


def test_a_clip_of_which_a_part_fails_is_refused_by_it(workspace, shared_clip, monkeypatch):
    process = control.process

    def fail(root, one):
        if one.part == 1:
            raise VideoError("it is broken")
        return process(root, one)

    monkeypatch.setattr(control, "process", fail)
    stage_module.run_stage("control", "")
    refused = read_refusals(workspace, control.folder(""))
    assert refused == {GOOD: f"control {GOOD}, part 2 of 2: it is broken"}
    assert not _video(workspace).exists()
    # the other part is kept for the next time
    monkeypatch.setattr(control, "process", process)
    shared_clip.clear()
    stage_module.run_stage("control", "")
    assert _names(2)[1] in shared_clip
    assert _video(workspace).is_file()


@pytest.fixture
def in_turn(workspace, shared_clip, monkeypatch):
    """The long clip's job in six parts, each resting on the one before. Return when each began and ended."""
    plan, said, key = control.plan, [], uuid4().hex

    def planned(root, params, arm):
        # nothing that another run of this test left is known
        jobs = [replace(one, inputs={**one.inputs, "run": key}) for one in plan(root, params, arm)]
        spans = tuple((first, first + 10) for first in range(0, LONG_FRAMES, 10))
        return [replace(one, parts=spans, in_turn=True) if one.parts else one for one in jobs]

    def note(root, one):
        said.append(("begins", one.part))
        time.sleep(0.05)
        if one.part is not None and one.part == note.fails:
            raise VideoError("it is broken")
        said.append(("ends", one.part))
        path = Path("data/control") / f"{one.key}.{one.part}.done"
        (root / path.parent).mkdir(exist_ok=True)
        (root / path).write_text(str(one.part))
        return {"outputs": {str(path): sha256_file(root / path)}}

    note.fails = None
    monkeypatch.setattr(control, "plan", planned)
    monkeypatch.setattr(control, "process", note)
    return said, note


def test_parts_that_rest_on_one_another_are_done_in_turn(in_turn):
    said, _ = in_turn
    stage_module.run_stage("control", "")
    own = [(what, part) for what, part in said if part is not None]
    assert own == [(what, part) for part in range(6) for what in ("begins", "ends")]


@pytest.mark.parametrize("fails", [0, 2, 5])
def test_behind_a_part_that_fails_none_that_rests_on_it_begins(workspace, in_turn, fails):
    said, note = in_turn
    note.fails = fails
    stage_module.run_stage("control", "")
    assert max(part for _, part in said if part is not None) == fails
    refused = read_refusals(workspace, control.folder(""))
    assert refused == {GOOD: f"control {GOOD}, part {fails + 1} of 6: it is broken"}
    # the next time it goes on there
    said.clear()
    note.fails = None
    stage_module.run_stage("control", "")
    assert [part for what, part in said if what == "begins" and part is not None] == [*range(fails, 6)]


def test_compared_methods_are_done_side_by_side_and_keep_apart(workspace, monkeypatch):
    """One command does three arms: each has its files and refusals, and nothing that is no longer its own."""
    params = read_params(workspace)
    for name, arm in STAGES[:4]:
        run_stage(workspace, params, name, arm)
    arms = ("blur", "pixelate", "mask")
    stale = [workspace / video_path(arm, GOOD) for arm in arms]
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"of another run")
    process, done = deidentify.process, []

    def fail_in_one_arm(root, job):
        done.append((job.arm, job.key))
        if (job.arm, job.key) == ("mask", BROKEN):
            raise VideoError("it is broken")
        return process(root, job)

    excerpts = {clip: range(3) for clip in (BUSY, BROKEN)}
    monkeypatch.setattr(deidentify, "choose_excerpts", lambda *_: excerpts)
    monkeypatch.setattr(deidentify, "process", fail_in_one_arm)
    report = stage_module.run_stage("deidentify", "compared")
    assert (report.name, report.jobs, report.cached) == ("deidentify compared", 6, 0)
    assert sorted(done) == sorted((arm, clip) for arm in arms for clip in (BUSY, BROKEN))
    assert report.notes == (f"refused: deidentify {BROKEN}: it is broken",)
    assert not any(path.exists() for path in stale)
    for arm in arms:
        there = {BUSY} if arm == "mask" else {BUSY, BROKEN}
        assert {path.stem for path in (workspace / video_path(arm, "")).parent.glob("*.mp4")} == there
        assert set(read_refusals(workspace, deidentify.folder(arm))) == {BUSY, BROKEN} - there
    together = digests_of(workspace, [f"data/compare/{arm}" for arm in arms])
    monkeypatch.setattr(deidentify, "process", process)
    for arm in arms:
        shutil.rmtree(workspace / deidentify.folder(arm))
        stage_module.run_stage("deidentify", arm)
    alone = digests_of(workspace, [f"data/compare/{arm}" for arm in arms])
    assert {path: alone[path] for path in together if "refused" not in path} == {
        path: digest for path, digest in together.items() if "refused" not in path
    }
    assert stage_module.run_stage("extract", "compared").jobs == 6


@pytest.mark.parametrize("name", ["control", "validate", "extract:nobody", "deidentify:original"])
def test_an_arm_that_a_stage_has_not_is_a_sentence(name):
    stage, _, arm = name.partition(":")
    with pytest.raises(StageError, match=f"there is no stage {stage}:.*: write {stage}"):
        arms_of(stage, arm or "compared")


@pytest.mark.parametrize("name", ["extract", "deidentify"])
def test_a_group_is_its_arms_and_is_told_with_them(name):
    assert arms_of(name, "compared") == ("blur", "pixelate", "mask")
    assert arms_of(name, "mask") == ("mask",)
    with pytest.raises(StageError, match=f"{name}:mask.*{name}:compared"):
        arms_of(name, "")

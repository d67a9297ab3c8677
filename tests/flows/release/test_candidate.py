"""Gates before a candidate: decisions by name, consent, licences, and a disk that fills up."""

import shutil
import subprocess
from datetime import date, timedelta

import polars as pl
import pytest
import yaml
from tests_support import DEMO_S

from flows.demo.sample import cohort
from flows.release.candidate import freeze
from flows.release.decisions import (
    decide,
    decided,
    judged_clips,
    read_decisions,
    take_back,
    waiting_clips,
    waiting_digest,
)
from flows.release.record import Record
from flows.workspace.git import git
from schemas.clips import CLIPS
from schemas.evidence import VERDICTS
from tasks.files.clips import CLIPS_PATH, video_path
from tasks.files.documents import read_params, read_table, write_table
from tasks.files.errors import GateRefusedError, InputError
from tasks.publish.plan import candidate_digest

SAMPLE = cohort(DEMO_S)
VERDICTS_PATH = "data/evidence/verdicts.parquet"


@pytest.fixture(scope="module")
def copy(release, tmp_path_factory):
    root = tmp_path_factory.mktemp("candidate") / "d"
    shutil.copytree(release[0], root, symlinks=True, ignore=shutil.ignore_patterns("s3", "prefect"))
    return root


@pytest.fixture
def workspace(undecided):
    """The same, in which every clip asks for a person."""
    _let_all_ask(undecided)
    return undecided


@pytest.fixture
def undecided(copy, monkeypatch):
    """A copy of the demo on whose clips nobody has decided; what a test changes is undone."""
    head = git(copy, "rev-parse", "HEAD")
    kept = {path: (copy / path).read_bytes() for path in (VERDICTS_PATH, str(CLIPS_PATH))}
    (copy / "data/decisions.yaml").unlink()
    git(copy, "commit", "--quiet", "--all", "--message", "Nobody has decided")
    # what a test changes is not the graph's doing
    monkeypatch.setattr("flows.release.candidate.changed_nodes", lambda _: [])
    yield copy
    git(copy, "reset", "--quiet", "--hard", head)
    for path, content in kept.items():
        (copy / path).unlink()
        (copy / path).write_bytes(content)


def _let_all_ask(root):
    """Let every clip move a little too much, whichever of them pass."""
    verdicts, moves = read_table(root / VERDICTS_PATH, VERDICTS), pl.col("rule") == "face_motion"
    changed = verdicts.with_columns(
        verdict=pl.lit("review"),
        value=pl.when(moves).then(1.7).otherwise("value"),
        passed=pl.col("passed") & ~moves,
    )
    (root / VERDICTS_PATH).unlink()
    write_table(changed, VERDICTS, root / VERDICTS_PATH)


def _let_fail(root, clip_id):
    verdicts = read_table(root / VERDICTS_PATH, VERDICTS)
    here = pl.col("clip_id") == clip_id
    changed = verdicts.with_columns(verdict=pl.when(here).then(pl.lit("fail")).otherwise("verdict"))
    (root / VERDICTS_PATH).unlink()
    write_table(changed, VERDICTS, root / VERDICTS_PATH)


def test_a_clip_that_asks_for_a_person_stops_the_candidate_until_one_decides(workspace):
    waiting = [clip.clip_id for clip in waiting_clips(workspace)]
    assert len(waiting) == len(SAMPLE)
    more = len(SAMPLE) - 1
    told = f"{waiting[0]} asks for a person's decision .* {more} more clips wait"
    with pytest.raises(GateRefusedError, match=told):
        freeze(workspace, "gate", read_params(workspace))
    decide(workspace, waiting[:1], accepted=False, by="Dr. A", reason="a tattoo")
    decide(workspace, [], accepted=True, by="Dr. B", reason="seen")
    frozen = freeze(workspace, "gate", read_params(workspace))
    assert [clip.clip_id for clip in frozen.clips] == waiting[1:]
    assert [(left.clip_id, left.reason) for left in frozen.left_out] == [(waiting[0], "rejected: a tattoo")]
    records = yaml.safe_load((workspace / "data/decisions.yaml").read_text())["decisions"]
    assert [record["by"] for record in records] == ["Dr. A", *["Dr. B"] * more]
    assert git(workspace, "status", "--porcelain", "data/decisions.yaml") == ""


def test_a_clip_that_fails_can_only_be_left_out(workspace):
    clip_id = waiting_clips(workspace)[-1].clip_id
    _let_fail(workspace, clip_id)
    with pytest.raises(GateRefusedError, match=f"{clip_id} fails"):
        decide(workspace, [clip_id], accepted=True, by="A", reason="B")
    decide(workspace, [], accepted=True, by="A", reason="B")
    assert [clip.clip_id for clip in waiting_clips(workspace)] == [clip_id]
    # it said that no clip waits
    with pytest.raises(GateRefusedError, match=f"{clip_id} fails .* left out with --reject"):
        decide(workspace, [], accepted=True, by="A", reason="B")
    with pytest.raises(GateRefusedError, match=f"{clip_id} fails"):
        freeze(workspace, "gate", read_params(workspace))
    decide(workspace, [], accepted=False, by="A", reason="no use")
    (left,) = freeze(workspace, "gate", read_params(workspace)).left_out
    assert left.reason.startswith("failed: ")


def test_a_decision_is_void_when_the_video_or_what_it_breaks_changes(workspace):
    clips = [clip.clip_id for clip in judged_clips(workspace)]
    decide(workspace, [], accepted=True, by="A", reason="B")
    assert set(decided(workspace)) == set(clips)
    video = workspace / video_path("released", clips[0])
    content = video.read_bytes()
    video.unlink()
    video.write_bytes(content + b"0")
    assert set(decided(workspace)) == set(clips[1:])
    video.unlink()
    video.write_bytes(content)
    verdicts = read_table(workspace / VERDICTS_PATH, VERDICTS)
    here = pl.col("clip_id") == clips[1]
    (workspace / VERDICTS_PATH).unlink()
    broken = verdicts.with_columns(passed=pl.when(here).then(pl.lit(value=False)).otherwise("passed"))
    write_table(broken, VERDICTS, workspace / VERDICTS_PATH)
    assert set(decided(workspace)) == {clips[0], *clips[2:]}


@pytest.mark.parametrize(
    ("times", "stands"), [(20.0, False), (1.01, False), (1 + 1e-9, True), (0.5, True), (None, False)]
)
def test_a_decision_is_void_when_what_was_accepted_is_broken_further(workspace, times, stands):
    (clip_id, *_) = [clip.clip_id for clip in judged_clips(workspace)]
    decide(workspace, [], accepted=True, by="A", reason="B")
    verdicts = read_table(workspace / VERDICTS_PATH, VERDICTS)
    here = (pl.col("clip_id") == clip_id) & ~pl.col("passed") & (pl.col("comparison") == "<=")
    assert verdicts.filter(here, pl.col("value") > 0).height
    value = pl.lit(None, pl.Float64) if times is None else pl.col("value") * times
    changed = verdicts.with_columns(value=pl.when(here).then(value).otherwise("value"))
    waiting = waiting_digest(workspace)
    (workspace / VERDICTS_PATH).unlink()
    write_table(changed, VERDICTS, workspace / VERDICTS_PATH)
    assert (clip_id in decided(workspace)) == stands
    assert (waiting_digest(workspace) == waiting) == stands


def test_a_decision_of_a_former_version_holds_by_the_names_of_its_rules(workspace):
    decide(workspace, [], accepted=True, by="A", reason="B")
    path = workspace / "data/decisions.yaml"
    document = yaml.safe_load(path.read_text())
    for record in document["decisions"]:
        assert record.pop("values")
    path.write_text(yaml.safe_dump(document))
    assert len(decided(workspace)) == len(SAMPLE)


def test_wrong_decisions_are_refused(workspace):
    for by, reason in ((" ", "B"), ("\u200b", "B"), ("A", "\u2060\u00ad \n"), ("A", "B" * 2001)):
        with pytest.raises(InputError, match="a name and a reason"):
            decide(workspace, [], accepted=True, by=by, reason=reason)
    for by, reason in (
        ("A\x1b[2J", "B"),
        ("A", "B\x00"),
        ("A\u202eB", "C"),
        ("A\nB", "C"),
        ("A", "B\u2066C"),
    ):
        with pytest.raises(InputError, match="steer a screen"):
            decide(workspace, [], accepted=True, by=by, reason=reason)
    with pytest.raises(InputError, match="no admitted clip"):
        decide(workspace, ["clip-0000000000000000"], accepted=True, by="A", reason="B")
    for reason in ("seen with Patient Two", "patient-two is fine", "PATIENTTHREE"):
        with pytest.raises(InputError, match="without naming a patient"):
            decide(workspace, [], accepted=True, by="A", reason=reason)
    decide(workspace, [], accepted=True, by="A", reason="B")
    with pytest.raises(InputError, match="no clip waits"):
        decide(workspace, [], accepted=True, by="A", reason="B")


def test_a_word_that_git_does_not_take_is_not_on_record(workspace):
    path, lock = workspace / "data/decisions.yaml", workspace / ".git/index.lock"
    lock.touch()
    with pytest.raises(InputError, match="git add failed"):
        decide(workspace, [], accepted=False, by="A", reason="B")
    assert not path.exists()
    lock.unlink()
    decide(workspace, [], accepted=False, by="A", reason="B\r\nC")
    kept = path.read_bytes()
    lock.touch()
    with pytest.raises(InputError, match="git add failed"):
        take_back(workspace, [read_decisions(workspace)[0].clip_id])
    lock.unlink()
    assert path.read_bytes() == kept
    assert {record.reason for record in read_decisions(workspace)} == {"B\nC"}


def test_a_word_after_the_freeze_is_taken_back_and_the_one_before_stays(workspace):
    clips = [clip.clip_id for clip in waiting_clips(workspace)]
    decide(workspace, clips[:1], accepted=False, by="A", reason="a tattoo")
    decide(workspace, clips[1:], accepted=True, by="A", reason="fine")
    freeze(workspace, "word", read_params(workspace))
    for clip_id, before in ((clips[0], "a tattoo"), (clips[1], "fine")):
        decide(workspace, [clip_id], accepted=False, by="B", reason="by mistake")
        (taken,) = take_back(workspace, [clip_id])
        assert taken.reason == "by mistake"
        assert decided(workspace)[clip_id].reason == before
        with pytest.raises(GateRefusedError, match="was frozen with the word on"):
            take_back(workspace, [clip_id])
    shutil.rmtree(workspace / "data/releases/word")


def test_an_expired_consent_stops_the_candidate(workspace):
    decide(workspace, [], accepted=True, by="A", reason="B")
    clips = read_table(workspace / CLIPS_PATH, CLIPS)
    yesterday = (date.today() - timedelta(days=1)).isoformat()
    (workspace / CLIPS_PATH).unlink()
    write_table(clips.with_columns(consent_expires=pl.lit(yesterday)), CLIPS, workspace / CLIPS_PATH)
    with pytest.raises(GateRefusedError, match="consent has expired"):
        freeze(workspace, "gate", read_params(workspace))


def test_a_licence_that_forbids_the_purpose_stops_the_candidate(workspace):
    decide(workspace, [], accepted=True, by="A", reason="B")
    params = workspace / "params.yaml"
    params.write_text(params.read_text().replace("purpose: research ", "purpose: commercial ", 1))
    assert freeze(workspace, "gate", read_params(workspace)).purpose == "commercial"
    registry = workspace / "data/models/registry.json"
    kept = registry.read_text()
    registry.unlink()
    registry.write_text(kept.replace('"permissive"', '"research-only"', 1))
    try:
        with pytest.raises(GateRefusedError, match="is for research only"):
            freeze(workspace, "gate", read_params(workspace))
    finally:
        registry.write_text(kept)


def test_a_disk_that_fills_up_while_freezing_leaves_the_last_candidate(undecided, guise):
    decide(undecided, [], accepted=True, by="A", reason="B")
    before = candidate_digest(freeze(undecided, "full", read_params(undecided)))
    folder = undecided / "data/releases/full"
    kept = undecided / "kept"
    folder.rename(kept)
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not allow to mount a small disk")
    try:
        shutil.copy(kept / "candidate.json", folder)
        (folder / "files").mkdir()
        shutil.copy(kept / "files/datasheet.md", folder / "files")
        done = guise(undecided, "candidate", "full")
        assert done.returncode == 2
        assert "the disk is full" in done.stderr
        assert "Traceback" not in done.stderr
        assert candidate_digest(Record(undecided, "full").candidate()) == before
        assert sorted(path.name for path in folder.iterdir()) == ["candidate.json", "files"]
        assert [path.name for path in (folder / "files").iterdir()] == ["datasheet.md"]
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()
        kept.rename(folder)
    done = guise(undecided, "candidate", "full")
    assert done.returncode == 0, done.stderr
    assert candidate_digest(Record(undecided, "full").candidate()) == before

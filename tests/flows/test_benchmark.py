"""A benchmark measures every job on a real clip, and says what it cannot do."""

import re
import subprocess
import sys
from io import BytesIO

import av
import polars as pl
import pytest
from tests_support import REPO, command_environment

from flows.benchmark import Options, benchmark
from schemas.reports import StageReport
from tasks.files.clips import keypoints_path, read_admitted, video_path
from tasks.files.documents import write_params
from tasks.files.errors import InputError
from tools.benchmark import many
from tools.benchmark.release import Cost, Size, fit_costs, stage_seconds


@pytest.mark.slow
def test_every_job_and_the_peer_are_measured_on_the_same_frames(sample, root, params):
    # which target is chosen matters little here
    few = params.deidentify.targets.model_copy(update={"frames": 1, "others": 0})
    rule = params.deidentify.model_copy(update={"targets": few})
    write_params(params.model_copy(update={"deidentify": rule}), root)
    options = Options(frames=8, peer="cp {input} {output}")
    measures = {one.job: one for one in benchmark(root, [sample("carphone")], options)}
    assert list(measures) == ["codec", "extract", "targets", "render", "extract + render", "peer"]
    assert {one.frames for one in measures.values()} == {8}
    assert all(one.peak_mb > 0 and one.frames_per_s > 0 for one in measures.values())
    assert measures["render"].ratio < 1
    with pytest.raises(InputError, match="peer failed"):
        benchmark(root, [sample("carphone")], Options(frames=2, peer="true"))


def test_without_models_the_next_step_is_said(tmp_path, sample):
    with pytest.raises(InputError, match="guise run models"):
        benchmark(tmp_path, [sample("carphone")], Options())


def _figures(*words):
    """Return the numbers of a benchmark's only row."""
    rows = [line for line in _printed(*words).splitlines() if re.match(r"^│ *\d", line)]
    return [[float(value) for value in re.findall(r"[\d.]+", row)] for row in rows]


def _printed(*words):
    command = [sys.executable, "-m", *words]
    done = subprocess.run(
        command, cwd=REPO, env=command_environment(), text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_orchestration_is_measured_beside_the_work():
    ((clips, stage, work, each),) = _figures("tools.benchmark.graph", "overhead", "--clips", "4")
    assert clips == 4
    assert 0 < work < stage
    assert each == pytest.approx((stage - work) / 4, abs=0.1)


@pytest.mark.slow
@pytest.mark.neural
def test_what_surrounds_a_neural_swap_is_measured_beside_the_codec():
    said = _printed("tools.benchmark.neural", "--height", "360", "--frames", "20")
    (render,) = [line for line in said.splitlines() if line.startswith("│ render")]
    _, frames_per_s, _, ratio = (float(value) for value in re.findall(r"[\d.]+", render))
    assert frames_per_s > 0
    assert 0 < ratio < 1.5


def test_a_cost_curve_finds_what_a_run_a_clip_and_a_frame_cost():
    sizes = [Size(clips, seconds, 0) for clips in (1, 4, 16) for seconds in (10, 60, 600)]
    costs = [Cost(size, 8 + 2 * size.clips + 0.11 * size.frames, 1.0, {}) for size in sizes]
    assert fit_costs(costs) == pytest.approx((8, 2, 0.11))
    # a cost of less than nothing there is none
    falling = [Cost(size, 100 - size.clips, 1.0, {}) for size in sizes]
    assert min(fit_costs(falling)) >= 0


def test_compared_methods_are_one_stage_and_extraction_is_told_by_arm():
    reports = [
        StageReport(stage=stage, arm=arm, seconds=seconds)
        for stage, arm, seconds in (
            ("extract", "original", 5), ("extract", "control", 3), ("extract", "compared", 1),
            ("deidentify", "compared", 2), ("deidentify", "released", 7), ("validate", "", 4),
        )
    ]  # fmt: skip
    told = stage_seconds(reports)
    assert (told["extract"], told["extract original"], told["compare"]) == (8, 5, 3)
    assert (told["deidentify"], told["validate"], told["targets"]) == (7, 4, 0)


@pytest.mark.slow
def test_a_release_is_measured_end_to_end():
    size = ("--clips", "1", "--seconds", "0.4", "--height", "144")
    said = _printed("tools.benchmark.release", *size, "--workers", "0")
    whole = next(line for line in said.splitlines() if line.startswith("│ - "))
    clips, each_s, frames, run_s, frames_per_s, peak_gb = map(float, re.findall(r"[\d.]+", whole))
    shares = {
        name: float(value) for name, value in re.findall(r"([a-z, ]+?) ([\d.]+)(?:;|$)", _in_words(said))
    }
    assert (clips, each_s, frames) == (1, 0.4, 10)
    assert frames_per_s == pytest.approx(frames / run_s, rel=0.05)
    assert 0.3 < peak_gb < 5
    stages = ("control", "extract", "targets", "deidentify", "compare", "validate")
    assert 0 < sum(shares[name] for name in stages) < run_s
    for name in ("compare", "validate", "targets"):
        share = shares[f"{name} of extraction"]
        assert share == pytest.approx(shares[name] / shares["extract"], rel=0.2, abs=0.02)


def _in_words(said):
    """Return what is told of stages, in a line: the table is wider than a plain page."""
    return " ".join(said.split("Seconds of each stage")[1].split("On paper")[0].split()).replace("; ", ";")


@pytest.mark.slow
def test_what_is_done_with_many_clips_together_is_measured_step_by_step(demo):
    """Every step of a release is done with clips that nobody worked on, up to a sound audit."""
    started = {name: path.stat().st_mtime_ns for name, path in _evidence(demo[0])}
    costs = many.measure(demo[0], 11)
    assert [*costs][:2] == ["plan ingest", "plan extract:original"]
    assert [*costs][-3:] == ["approve", "publish", "audit"]
    assert all(cost["seconds"] > 0 and 0.05 < cost["gb"] < 4 for cost in costs.values())
    assert started == {name: path.stat().st_mtime_ns for name, path in _evidence(demo[0])}


def _evidence(root):
    return [(path.name, path) for path in (root / "data/evidence").rglob("*.parquet")]


@pytest.mark.parametrize("number", [0, 255, 99_999])
def test_a_copy_that_is_unlike_says_the_same(demo, number):
    clip_id = read_admitted(demo[0])["clip_id"][0]
    table, video = demo[0] / keypoints_path("released", clip_id), demo[0] / video_path("released", clip_id)
    other = many.unlike(table.read_bytes(), ".parquet", number)
    assert other != many.unlike(table.read_bytes(), ".parquet", number + 1) != table.read_bytes()
    assert pl.read_parquet(BytesIO(other)).equals(pl.read_parquet(table))
    longer = many.unlike(video.read_bytes(), ".mp4", number)
    assert longer != video.read_bytes()
    with av.open(BytesIO(longer)) as there, av.open(str(video)) as here:
        assert [packet.size for packet in there.demux()] == [packet.size for packet in here.demux()]

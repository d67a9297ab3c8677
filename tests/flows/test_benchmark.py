"""A benchmark measures every job on a real clip, and says what it cannot do."""

import re
import subprocess
import sys

import pytest
from tests_support import REPO, command_environment

from flows.benchmark import Options, benchmark
from tasks.files.documents import write_params
from tasks.files.errors import InputError


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

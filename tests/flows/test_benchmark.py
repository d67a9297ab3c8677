"""A benchmark measures every job on a real clip, and says what it cannot do."""

import shutil

import pytest
from tests_support import REPO

from flows.benchmark import Options, benchmark
from tasks.errors import InputError


@pytest.mark.slow
def test_every_job_and_the_peer_are_measured_on_the_same_frames(sample, root):
    shutil.copyfile(REPO / "params.yaml", root / "params.yaml")
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

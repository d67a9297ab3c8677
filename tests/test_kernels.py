"""Other processors round otherwise: targets, verdicts and what they rest on stay the same."""

import json
import os
import subprocess
import sys

import polars as pl
import pytest
from numpy._core import _multiarray_umath as numpy_kernels
from tests_support import REPO, command_environment

pytestmark = pytest.mark.slow
HERE = [name for name in numpy_kernels.__cpu_dispatch__ if numpy_kernels.__cpu_features__[name]]
# an old processor with one thread, and a newer one with two
KERNELS = {
    "nehalem": {
        "OPENBLAS_CORETYPE": "Nehalem", "NPY_DISABLE_CPU_FEATURES": ",".join(HERE),
        "OPENCV_CPU_DISABLE": "AVX2,FMA3", "OPENBLAS_NUM_THREADS": "1",
    },
    "haswell": {"OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_NUM_THREADS": "2"},
}  # fmt: skip
# whose faces are drawn anew by each: a place of 26 more or less
DRAWN_ANEW, A_PLACE = ("hidden_from_parrot", "hidden_from_trained"), 1.0
SAME_DIGITS = 2e-3  # of values that thresholds are compared with: 2.0 of a ratio, 0.6 of a distance


@pytest.fixture(scope="module")
def outcomes(demo):
    return {name: _judge(demo[0], told) for name, told in KERNELS.items()}


def _judge(workspace, told):
    unset = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "NPY_DISABLE_CPU_FEATURES")
    environment = {name: value for name, value in command_environment().items() if name not in unset}
    path = os.pathsep.join((str(REPO), str(REPO / "tests")))
    command = [sys.executable, "tests/kernel_support.py", str(workspace)]
    done = subprocess.run(command, cwd=REPO, env=environment | told | {"PYTHONPATH": path}, check=False,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", KERNELS)
def test_whoever_has_a_target_keeps_it(demo, outcomes, name):
    """The demo gave it as this processor computes."""
    given = pl.read_parquet(demo[0] / "data/targets/targets.parquet").sort("clip_id", "track")
    assert outcomes[name]["targets"] == [list(row) for row in given["clip_id", "track", "target"].rows()]
    assert len(given) == 4


def test_the_same_verdicts_are_given_for_the_same_reasons(outcomes):
    one, other = (outcomes[name] for name in KERNELS)
    told = zip(one["verdicts"], other["verdicts"], one["values"], other["values"], strict=True)
    for (*first, passes), (*second, passes_too), value, same in told:
        rule = first[1]
        assert first == second
        # the threshold may lie between two places that are nearer than one
        assert passes == passes_too or (rule in DRAWN_ANEW and value != same), (rule, value, same)
        # what only whoever is in several clips is asked, neither answers of who is in one
        assert (value is None) == (same is None), rule
        most = A_PLACE if rule in DRAWN_ANEW else SAME_DIGITS
        assert value is None or abs(value - same) <= most, rule


def test_the_kernels_really_differ():
    ask = (
        "import cv2; from numpy._core import _multiarray_umath as kernels; "
        "print([name for name in kernels.__cpu_features__ if kernels.__cpu_features__[name]], "
        "cv2.checkHardwareSupport(cv2.CPU_AVX2 if hasattr(cv2, 'CPU_AVX2') else 11))"
    )
    told = {
        name: subprocess.run([sys.executable, "-c", ask], env=command_environment() | KERNELS[name],
                             capture_output=True, text=True, check=True).stdout
        for name in KERNELS
    }  # fmt: skip
    if not HERE:
        pytest.skip("this processor has no newer kernels than the oldest")
    assert told["nehalem"] != told["haswell"]

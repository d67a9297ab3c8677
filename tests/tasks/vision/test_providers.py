"""A provider is the one that was asked for; batches are padded, bound, and never larger than memory."""

import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
from device_support import doubling, has_device
from tests_support import REPO

from schemas.params.inference import Inference
from tasks.files.errors import InputError, ModelError
from tasks.vision.providers import PROVIDERS, Batches, open_session, require_provider, session_settings

CPU = Inference(provider="cpu", memory_mb=1024)


def test_a_provider_that_is_not_here_is_one_sentence_with_what_is():
    for provider, package in (("cuda", "onnxruntime-gpu"), ("tensorrt", "TensorRT")):
        if PROVIDERS[provider][0] in onnxruntime.get_available_providers():
            pytest.skip("this machine has the provider")
        with pytest.raises(
            InputError, match=rf"provider {provider} is not here \(installed: .*CPU.*{package}"
        ):
            open_session("made", doubling(), Inference(provider=provider, memory_mb=64))


def test_the_session_is_asked_what_it_runs_on(monkeypatch):
    # the runtime offers a device whose libraries are not there, and takes the CPU without a word
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr("onnxruntime.preload_dlls", lambda: None)
    require_provider("cuda")
    if has_device("cuda"):
        pytest.skip("this machine has the device and its libraries")
    with pytest.raises(ModelError, match=r"instead of CUDAExecutionProvider|cannot be opened on cuda"):
        open_session("made", doubling(), Inference(provider="cuda", memory_mb=64))


@pytest.mark.parametrize("exact", [True, False])
def test_a_cuda_session_is_asked_for_full_floats_and_no_ways_by_chance(monkeypatch, exact):
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr("onnxruntime.preload_dlls", lambda: None)
    [(_, options)] = session_settings(Inference(provider="cuda", memory_mb=64), exact=exact)["providers"]
    assert (options["use_tf32"], options["cudnn_conv_algo_search"]) == (0 if exact else 1, "HEURISTIC")
    assert options["gpu_mem_limit"] == 64 << 20


def test_what_is_no_graph_is_one_sentence():
    with pytest.raises(ModelError, match="model made cannot be opened on cpu"):
        open_session("made", b"nothing", CPU)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 9])
def test_batches_are_padded_and_give_what_single_rows_give(count):
    rows = np.random.default_rng(0).normal(size=(count, 4)).astype(np.float32)
    batches = Batches("made", open_session("made", doubling(), CPU), CPU, 4)
    found = batches(rows)
    assert len(found) == count
    # what an earlier, longer batch left behind is not seen
    if count:
        np.testing.assert_array_equal(found, 2 * rows)
        np.testing.assert_array_equal(batches(rows[:1]), 2 * rows[:1])


def test_a_graph_that_fails_is_one_sentence():
    batches = Batches("made", open_session("made", doubling(batch=2), CPU), CPU, 3)
    with pytest.raises(ModelError, match="model made failed"):
        batches(np.zeros((3, 4), np.float32))


# each row takes 100 MB, of which the process may have a few
LARGE = """
import resource, sys
import numpy as np
import onnxruntime  # its libraries are mapped before memory is bounded
from schemas.params.inference import Inference
from tasks.vision.providers import Batches, open_session
from tasks.files.errors import ModelError
from tests.tasks.large import graph
cpu = Inference(provider="cpu", memory_mb=64)
batches = Batches("made", open_session("made", graph(), cpu), cpu, 16)
with open("/proc/self/statm") as stream:
    used = int(stream.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[1]) * (1 << 20),) * 2)
try:
    found = batches(np.ones((16, 4), np.float32))
    print(batches.size, float(found.sum()))
except ModelError as error:
    print(error)
"""


def _bounded(megabytes):
    source = LARGE.replace("from tests.tasks.large import graph", GRAPH)
    done = subprocess.run([sys.executable, "-c", source, str(megabytes)], cwd=REPO, text=True,
                          capture_output=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


GRAPH = """
from onnx import TensorProto, helper, numpy_helper
def graph():
    wide = 25 * (1 << 20)
    values = [numpy_helper.from_array(np.ones((4, 1), np.float32), "down"),
              numpy_helper.from_array(np.array([1, wide], np.int64), "wide")]
    nodes = [helper.make_node("MatMul", ["x", "down"], ["one"]),
             helper.make_node("Expand", ["one", "wide"], ["much"]),
             helper.make_node("ReduceMax", ["much"], ["most"], axes=[1], keepdims=1),
             helper.make_node("Add", ["x", "most"], ["y"])]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 4]) for name in ("x", "y")]
    made = helper.make_graph(nodes, "made", ends[:1], ends[1:], values)
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(made, opset_imports=opset, ir_version=8).SerializeToString()
"""


def test_a_batch_that_memory_does_not_hold_is_made_smaller():
    size, total = _bounded(700).split()
    assert int(size) < 16
    assert float(total) == 16 * 4 * 5


def test_a_row_that_memory_does_not_hold_is_one_sentence():
    assert _bounded(50) == (
        "model made does not fit the device's memory, even for one face: raise inference.memory_mb, "
        "or use a larger device"
    )


def test_a_batch_that_a_device_does_not_hold_is_made_smaller():
    if not has_device("cuda"):
        pytest.skip("no device for the provider cuda is here")
    exec(GRAPH, made := {"np": np})
    cuda = Inference(provider="cuda", memory_mb=700)
    batches = Batches("made", open_session("made", made["graph"](), cuda), cuda, 16)
    assert float(batches(np.ones((16, 4), np.float32)).sum()) == 16 * 4 * 5
    assert batches.size < 16

"""Which sessions run on the provider that was asked for, and which on the CPU with every provider."""

import json
import resource
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from device_support import has_device

from tasks.files.errors import InputError, ModelError
from tasks.vision.sessions import REGISTRY_PATH, Weights

BOTH = ("CUDAExecutionProvider", "CPUExecutionProvider")
GRAPHS_OF_ANY_SIZE = {
    "centerface": lambda weights: weights.centerface("centerface"),
    "text detector": lambda weights: weights.free_onnx("text_detector"),
    "text reader": lambda weights: weights.free_onnx("text_reader"),
}


@pytest.fixture
def asked_for_a_device(root, tmp_path):
    registry = json.loads((root / REGISTRY_PATH).read_text())
    registry["inference"]["provider"] = "cuda"
    (tmp_path / "data").mkdir()
    (tmp_path / "data/models").mkdir()
    for path in (root / "data/models").iterdir():
        (tmp_path / "data/models" / path.name).symlink_to(path.resolve())
    (tmp_path / REGISTRY_PATH).unlink()
    (tmp_path / REGISTRY_PATH).write_text(json.dumps(registry))
    return Weights(tmp_path)


@pytest.mark.parametrize("name", GRAPHS_OF_ANY_SIZE)
def test_what_looks_at_pictures_of_any_size_runs_on_the_cpu(name, asked_for_a_device, monkeypatch):
    """The runtime offers a device whose libraries are not here: what is opened there fails."""
    if has_device("cuda"):
        pytest.skip("this machine has the device, where nothing would fail")
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: list(BOTH))
    monkeypatch.setattr("onnxruntime.preload_dlls", lambda: None)
    session = GRAPHS_OF_ANY_SIZE[name](asked_for_a_device)
    size = (48, 64) if name == "text reader" else (64, 96)
    assert session(np.zeros((1, 3, *size), np.float32))[0].size
    with pytest.raises(ModelError, match=r"cuda|CUDA"):
        asked_for_a_device.dlib("dlib_recogniser")


@pytest.mark.parametrize("name", [*GRAPHS_OF_ANY_SIZE, "dlib"])
def test_a_device_that_is_asked_for_and_is_not_here_is_said_whatever_runs_there(name, asked_for_a_device):
    if has_device("cuda"):
        pytest.skip("this machine has the device")
    opened = GRAPHS_OF_ANY_SIZE | {"dlib": lambda weights: weights.dlib("dlib_recogniser")}
    with pytest.raises((InputError, ModelError), match="cuda"):
        opened[name](asked_for_a_device)


def test_what_all_threads_share_is_built_once_and_keeps_nobody_else_waiting(root):
    """While one thread builds, who asks for the same waits, who asks for something else does not."""
    weights, begun, may_end, built = Weights(root), threading.Event(), threading.Event(), []

    def build():
        begun.set()
        assert may_end.wait(30)
        built.append("slow")
        return weights.shared("inside of another", object)

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(weights.shared, "slow", build)
        assert begun.wait(30)
        others = [pool.submit(weights.shared, "slow", build) for _ in range(2)]
        assert pool.submit(weights.shared, "quick", lambda: 7).result(30) == 7
        assert not any(one.done() for one in (first, *others))
        may_end.set()
        assert len({id(one.result(30)) for one in (first, *others)}) == 1
    assert built == ["slow"]


def test_what_could_not_be_built_is_tried_anew_by_the_next_one(root):
    weights, tries = Weights(root), iter([ModelError("altered"), None])

    def build():
        if error := next(tries):
            raise error
        return "whole"

    with pytest.raises(ModelError, match="altered"):
        weights.shared("weight", build)
    assert weights.shared("weight", build) == "whole"


def _memory_mb():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def _look(session, height, width):
    """Return how often the system had to be asked for memory meanwhile."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    session(np.zeros((1, 3, height, width), np.float32))
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.parametrize(("height", "width"), [(736, 960), (960, 544), (960, 960)])
def test_a_second_search_of_a_whole_picture_keeps_the_first_ones_memory(height, width, root):
    """A third of a search was the system's work; picture and result alone are new."""
    session = Weights(root).centerface("centerface")
    first = _look(session, height, width)
    assert _look(session, height, width) < first / 5


def test_pictures_of_all_sizes_take_no_more_memory_than_the_largest(root):
    session, random = Weights(root).centerface("centerface"), np.random.default_rng(3)
    _look(session, 960, 960)
    largest = _memory_mb()
    for height, width in random.integers(2, 31, (40, 2)) * 32:
        _look(session, height, width)
    assert _memory_mb() < largest + 100

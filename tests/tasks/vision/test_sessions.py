"""Which sessions run on the provider that was asked for, and which on the CPU with every provider."""

import json

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

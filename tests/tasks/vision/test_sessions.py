"""Which sessions run on the provider that was asked for, and which on the CPU with every provider."""

import json

import pytest
from device_support import has_device

from tasks.files.errors import InputError, ModelError
from tasks.vision.sessions import REGISTRY_PATH, Weights

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
def test_what_looks_at_pictures_of_any_size_runs_on_the_cpu(name, asked_for_a_device):
    assert callable(GRAPHS_OF_ANY_SIZE[name](asked_for_a_device))


def test_a_graph_of_one_size_runs_on_the_device_or_not_at_all(asked_for_a_device):
    if has_device("cuda"):
        pytest.skip("this machine has the device")
    with pytest.raises((InputError, ModelError), match="cuda"):
        asked_for_a_device.dlib("dlib_recogniser")

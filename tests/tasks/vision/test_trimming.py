"""A LiteRT model of which less is read gives the same bits, whichever it is and however much is read."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from tasks.files.errors import ModelError
from tasks.vision.sessions import Weights
from tasks.vision.trimming import trimmed

# name -> outputs of its file
MODELS = {
    "face_detector": 2, "face_landmarks": 2, "hand_landmarks": 4, "iris_landmarks": 2, "mobilefacenet": 1,
    "palm_detector": 2, "pose_detector": 2, "pose_landmarks": 5,
}  # fmt: skip
FEWER = [(name, outputs) for name, count in MODELS.items() for outputs in range(1, count)]


def _interpreter(content):
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    return interpreter


def _outputs(interpreter, picture):
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture)
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]


def _steps(interpreter):
    return len(interpreter._get_ops_details())


def _pictures(interpreter, count=3):
    shape = interpreter.get_input_details()[0]["shape"]
    random = np.random.default_rng(len(shape))
    flat = np.full(shape, 0.5, np.float32)
    return [flat, *(random.random(shape, np.float32) * 2 - scale for scale in range(count - 1))]


@pytest.mark.parametrize(("name", "outputs"), FEWER)
def test_what_is_still_read_stays_the_same_to_the_last_bit(name, outputs, weights):
    content = weights.path(name).read_bytes()
    whole, less = _interpreter(content), _interpreter(trimmed(content, outputs))
    assert len(less.get_output_details()) == outputs
    for picture in _pictures(whole):
        wanted = _outputs(whole, picture)[:outputs]
        assert all(map(np.array_equal, wanted, _outputs(less, picture)))


@pytest.mark.parametrize("name", MODELS)
def test_a_model_all_of_which_is_read_loses_no_step(name, weights):
    content = weights.path(name).read_bytes()
    whole, same = _interpreter(content), _interpreter(trimmed(content, MODELS[name]))
    assert _steps(same) == _steps(whole)
    for picture in _pictures(whole):
        assert all(map(np.array_equal, _outputs(whole, picture), _outputs(same, picture)))


def test_a_body_is_read_without_its_mask(weights):
    """A third of the steps belong to a mask and heat maps that nobody reads."""
    content = weights.path("pose_landmarks").read_bytes()
    assert _steps(_interpreter(trimmed(content, 2))) < 0.8 * _steps(_interpreter(content))


def test_a_session_gives_as_many_outputs_as_are_read_and_does_not_mix_them_up(root):
    weights = Weights(root)
    picture = np.full((1, 256, 256, 3), 0.5, np.float32)
    two, five = weights.tflite("pose_landmarks", outputs=2), weights.tflite("pose_landmarks")
    assert [len(two(picture)), len(five(picture))] == [2, 5]
    assert all(map(np.array_equal, two(picture), five(picture)))


def test_an_altered_weight_is_not_trimmed_either(root, tmp_path):
    (tmp_path / "data/models").mkdir(parents=True)
    registry = "data/models/registry.json"
    (tmp_path / registry).write_bytes((root / registry).read_bytes())
    (tmp_path / "data/models/pose_landmarks.tflite").write_bytes(b"altered")
    with pytest.raises(ModelError, match="missing or altered"):
        Weights(tmp_path).tflite("pose_landmarks", outputs=2)

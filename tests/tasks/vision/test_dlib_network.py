"""dlib's recogniser as a graph: what dlib itself says, and no other network."""

import cv2
import dlib
import numpy as np
import pytest

from tasks.files.errors import ModelError
from tasks.video import read_frames
from tasks.vision.alignment import upright
from tasks.vision.detectors import View
from tasks.vision.dlib_network import CHIP_PX, onnx_from_dlib
from tasks.vision.faces import face_region, locate_mesh, search_faces
from tasks.vision.recognisers import make_recognisers
from tasks.vision.regions import bounding_box


@pytest.fixture(scope="module")
def dlib_itself(weights):
    network = dlib.face_recognition_model_v1(str(weights.path("dlib_recogniser")))
    return lambda chip: np.array(network.compute_face_descriptor(np.ascontiguousarray(chip)))


def _chips(sample):
    """Return parts of real pictures, and what no camera gives."""
    noise = np.random.default_rng(0)
    for name in ("cap12", "carphone", "franck"):
        rgb = next(iter(read_frames(sample(name)))).rgb
        yield cv2.resize(rgb, (CHIP_PX, CHIP_PX))
        yield cv2.resize(rgb[: rgb.shape[0] // 2, rgb.shape[1] // 3 :], (CHIP_PX, CHIP_PX))
    for level in (0, 255):
        yield np.full((CHIP_PX, CHIP_PX, 3), level, np.uint8)
    yield noise.integers(0, 256, (CHIP_PX, CHIP_PX, 3), np.uint8)


def test_it_says_what_dlib_says(weights, sample, dlib_itself):
    embed = weights.dlib("dlib_recogniser")
    chips = list(_chips(sample))
    expected = np.stack([dlib_itself(chip) for chip in chips])
    alone = np.concatenate([embed(chip[None].astype(np.float32))[0] for chip in chips])
    together = embed(np.stack(chips).astype(np.float32))[0]
    for found in (alone, together):
        np.testing.assert_allclose(found, expected, atol=2e-5)
    # far more than they may differ lies between any two of them
    apart = np.linalg.norm(expected[:, None] - expected, axis=2) + np.eye(len(chips))
    assert apart.min() > 0.01


@pytest.mark.parametrize("quarter_turns", [0, 1, 2])
@pytest.mark.parametrize(("name", "frame"), [("cap12", 0), ("cap13", 20), ("carphone", 11), ("franck", 24)])
def test_a_face_is_cut_as_dlib_cuts_it(weights, sample, params, name, frame, quarter_turns):
    rgb = next(one.rgb for one in read_frames(sample(name)) if one.index == frame)
    found = search_faces(View.of(rgb, 960), weights, params.extract)[0]
    mesh = locate_mesh(rgb, face_region(found), weights, 0.5).xy
    for _ in range(quarter_turns):
        rgb, mesh = (
            np.ascontiguousarray(np.rot90(rgb)),
            np.stack([mesh[:, 1], rgb.shape[1] - 1 - mesh[:, 0]], 1),
        )
    level, level_xy = upright(rgb, mesh)
    box = dlib.rectangle(*(round(float(value)) for value in bounding_box(level_xy)))
    landmarks = dlib.shape_predictor(str(weights.path("dlib_landmarks")))(level, box)
    network = dlib.face_recognition_model_v1(str(weights.path("dlib_recogniser")))
    expected = np.array(network.compute_face_descriptor(level, landmarks))
    np.testing.assert_allclose(make_recognisers(weights)["dlib"](rgb, mesh), expected, atol=2e-5)


@pytest.mark.parametrize("kept", [0, 1, 100, 20_000, 5_000_000, 22_400_000])
def test_a_part_of_it_is_refused(weights, kept):
    content = weights.path("dlib_recogniser").read_bytes()
    with pytest.raises(ModelError, match="another network"):
        onnx_from_dlib(content[:kept])


def test_another_file_of_dlibs_is_refused(weights):
    with pytest.raises(ModelError, match="another network"):
        onnx_from_dlib(weights.path("dlib_landmarks").read_bytes())

"""Four methods behind one signature, on a real face."""

import numpy as np
import pytest

from tasks.deidentify.clip import _locator, load_target
from tasks.deidentify.coverage import FaceRegion, Observation, cover
from tasks.deidentify.mesh_swap import INNER_LIPS, mesh_swap
from tasks.deidentify.patches import patch_of
from tasks.deidentify.render import make_methods, render
from tasks.errors import GuiseError, ModelError
from tasks.faces import detect_faces, face_region, locate_mesh
from tasks.video import read_frames

METHODS = ("mesh_swap", "blur", "pixelate", "mask")


@pytest.fixture(scope="module")
def methods(weights, params):
    target = load_target(weights, params.deidentify.mesh_swap.target, params.extract)
    return make_methods(params.deidentify, target, _locator(weights, params.extract))


@pytest.fixture(scope="module")
def face(sample, weights, params):
    """A frame and the region of its face."""
    rgb = next(read_frames(sample("franck"))).rgb
    found = detect_faces(rgb, weights, params.extract)[0]
    mesh = locate_mesh(rgb, face_region(found), weights, 0.5)
    for _ in range(3):  # as in a video, where each look starts from the last one
        mesh = locate_mesh(rgb, mesh.next_region, weights, 0.5)
    size_wh = (rgb.shape[1], rgb.shape[0])
    (region,) = cover([Observation(0, 0, mesh.box_xyxy, mesh.xy)], 1, size_wh, params.deidentify)
    return rgb, region


@pytest.mark.parametrize("name", METHODS)
def test_a_method_changes_the_face_and_nothing_else(name, methods, face):
    rgb, region = face
    covered = rgb.copy()
    methods[name](covered, region)
    outside = np.ones(rgb.shape[:2], bool)
    patch_of(outside[..., None].view(), region.box_xyxy)[:] = False
    assert (covered[outside] == rgb[outside]).all()
    x0, y0 = region.mesh_xy.min(0).astype(int)
    x1, y1 = region.mesh_xy.max(0).astype(int)
    middle = np.s_[(y0 * 3 + y1) // 4 : (y0 + y1 * 3) // 4, (x0 * 3 + x1) // 4 : (x0 + x1 * 3) // 4]
    moved = np.abs(covered[middle].astype(int) - rgb[middle]).max(axis=2)
    assert (moved > 0).mean() > 0.95
    assert moved.mean() > 5


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("box", [(-20, -20, 15, 15), (350, 280, 400, 400), (100, 100, 100.2, 100.2)])
def test_a_face_at_the_edge_of_the_picture_is_covered(name, box, methods):
    rgb = np.random.default_rng(0).integers(0, 255, (288, 360, 3)).astype(np.uint8)
    mesh = np.random.default_rng(1).random((468, 2)).astype(np.float32)
    corners = np.array(box, np.float32).reshape(2, 2)
    region = FaceRegion(0, 0, "detected", corners.reshape(4), name, mesh * np.ptp(corners, 0) + corners[0])
    before = rgb.copy()
    methods[name](rgb, region)
    assert rgb.shape == before.shape


def test_mesh_swap_keeps_the_keypoints_and_the_open_mouth(methods, face, weights, params):
    rgb, region = face
    swapped = rgb.copy()
    methods["mesh_swap"](swapped, region)
    seen = _locator(weights, params.extract)(swapped, region.mesh_xy)
    eyes = np.linalg.norm(region.mesh_xy[33] - region.mesh_xy[263])
    assert np.linalg.norm(seen - region.mesh_xy, axis=1).mean() / eyes < 0.015
    assert np.ptp(region.mesh_xy[INNER_LIPS], axis=0).min() >= 0


def test_corrections_bring_the_keypoints_nearer(face, weights, params):
    rgb, region = face
    target = load_target(weights, params.deidentify.mesh_swap.target, params.extract)
    locate = _locator(weights, params.extract)
    errors = []
    for corrections in (0, 2):
        settings = params.deidentify.mesh_swap.model_copy(update={"corrections": corrections})
        swapped = rgb.copy()
        mesh_swap(swapped, region, settings, target, locate)
        seen = locate(swapped, region.mesh_xy)
        errors.append(np.linalg.norm(seen - region.mesh_xy, axis=1).mean())
    assert errors[1] < 0.7 * errors[0]


def test_a_mesh_that_is_found_elsewhere_does_not_pull_the_cover_away(face, weights, params):
    rgb, region = face
    target = load_target(weights, params.deidentify.mesh_swap.target, params.extract)
    covered, astray = rgb.copy(), rgb.copy()
    settings = params.deidentify.mesh_swap
    mesh_swap(covered, region, settings.model_copy(update={"corrections": 0}), target, lambda *_: None)
    mesh_swap(astray, region, settings, target, lambda picture, near: near + 200)
    np.testing.assert_array_equal(astray, covered)


def test_mesh_swap_without_a_mesh_is_an_error_not_a_pass(methods, face):
    rgb, region = face
    blind = FaceRegion(0, 0, "extended", region.box_xyxy, "mesh_swap", None, flagged=True)
    with pytest.raises(GuiseError, match="mesh is not known"):
        methods["mesh_swap"](rgb.copy(), blind)


def test_a_frame_without_a_region_is_an_error_not_a_pass(methods, sample, params):
    frames = list(read_frames(sample("carphone")))[:3]
    regions = cover([], 2, (176, 144), params.deidentify)
    with pytest.raises(GuiseError, match="frame 2 has no face region"):
        list(render(frames, regions, methods))


def test_a_target_without_a_face_is_refused(weights, params, tmp_path, monkeypatch):
    import cv2

    cv2.imwrite(str(tmp_path / "blank.png"), np.full((64, 64, 3), 200, np.uint8))
    monkeypatch.setattr(type(weights), "path", _path_to(tmp_path / "blank.png", type(weights).path))
    with pytest.raises(ModelError, match="shows no face"):
        load_target(weights, "average_face", params.extract)


def _path_to(picture, path):
    return lambda self, name: picture if name == "average_face" else path(self, name)

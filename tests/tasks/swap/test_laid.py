"""Another face on eyes, nose and box alone: turned as they say, as large as the box, nothing left below."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from tasks.swap.laid import LARGEST, SMALLEST, PointSwapper, Turns, _front
from tasks.swap.pool import load_pool
from tasks.tracks.placing import Placed
from tasks.validate.pixels.survival import surviving_share
from tasks.vision.regions import bounding_box, eyes_nose_of


@pytest.fixture(scope="module")
def pool(weights, params):
    return load_pool(weights, params.deidentify, params.extract)


@pytest.fixture(scope="module")
def turns(pool):
    return Turns.of(pool["average"].shape)


def _face(shape, turned_deg, tilted_deg, rolled_deg, size=40.0, middle=(200, 150)):
    """Return the mesh of a face as a camera far away sees it, and what a detector says of it."""
    way = Rotation.from_euler("yxz", [turned_deg, tilted_deg, rolled_deg], degrees=True).as_matrix()
    mesh = (shape @ way.T)[:, :2]
    mesh = (mesh * (size / np.ptp(mesh, axis=0).max())).astype(np.float32)
    box = bounding_box(mesh)
    mesh += np.float32(middle) - (box[:2] + box[2:]) / 2
    return mesh, Placed(eyes_nose_of(mesh), bounding_box(mesh))


@pytest.mark.parametrize("turned", [-60, -45, -20, 0, 20, 45, 60])
@pytest.mark.parametrize(
    ("tilted", "rolled"), [(0, 0), (15, 0), (-15, 10), (0, -30), (0, 45), (10, 90), (0, 180)]
)
@pytest.mark.parametrize("name", ["average", "long_man"])
def test_a_face_is_laid_as_it_is_turned(pool, turned, tilted, rolled, name):
    mesh, placed = _face(pool[name].shape, turned, tilted, rolled)
    laid = Turns.of(pool[name].shape).lay(placed)
    # of a face of 40 pixels; what is drawn as if nobody turned is 6 pixels astray at 45 degrees
    assert float(np.linalg.norm(laid - mesh, axis=1).mean()) < 3.0


@given(
    eyes_nose=st.lists(st.tuples(st.floats(-50, 90), st.floats(-50, 90)), min_size=3, max_size=3),
    width=st.floats(8, 80),
    height=st.floats(8, 80),
)
def test_whatever_a_detector_says_the_face_is_about_as_large_as_its_box(turns, eyes_nose, width, height):
    laid = turns.lay(Placed(np.float32(eyes_nose), np.float32([0, 0, width, height])))
    assert np.isfinite(laid).all()
    box, size = bounding_box(laid), max(width, height)
    # a turned square holds the same face in a longer box
    assert SMALLEST * size / 1.5 <= float((box[2:] - box[:2]).max()) <= LARGEST * size * 1.5


def _pattern():
    coarse = np.random.default_rng(3).integers(0, 255, (60, 80, 3), np.uint8)
    return cv2.resize(coarse, (320, 240), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("at", [(100, 80), (12, 10), (300, 228)])
@pytest.mark.parametrize("turned", [0, 50])
def test_nothing_is_left_of_a_face_and_nothing_is_touched_outside_of_its_region(pool, params, at, turned):
    before = _pattern()
    _, placed = _face(pool["average"].shape, turned, 0, 0, middle=at)
    box = placed.box_xyxy
    region = np.concatenate([box[:2] - 12, box[2:] + 12]).clip(0, [320, 240, 320, 240]).astype(np.float32)
    after = before.copy()
    PointSwapper(params.deidentify.mesh_swap)(after, region, placed, pool["average"])
    grey = [cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) for rgb in (before, after)]
    inside = np.concatenate([box[:2].clip(0), np.minimum(box[2:], [320, 240])]).astype(np.float32)
    assert surviving_share(grey[0], grey[0], inside) == 1.0
    assert surviving_share(*grey, inside) <= 0.1
    x0, y0, x1, y1 = np.array([*np.floor(region[:2]), *np.ceil(region[2:])]).astype(int)
    after[y0:y1, x0:x1] = before[y0:y1, x0:x1]
    assert (after == before).all()


@pytest.mark.parametrize("beside", ["left", "right", "above", "below"])
def test_what_of_a_face_is_beside_what_is_drawn_is_smoothed(pool, params, beside):
    """Eyes and nose were told at one end of the face's box: what is drawn does not reach the other one."""
    before = _pattern()
    _, placed = _face(pool["average"].shape, 0, 0, 0)
    box, more = placed.box_xyxy.copy(), np.ptp(placed.box_xyxy.reshape(2, 2), axis=0) * 0.7
    side = {"left": (0, -more[0]), "above": (1, -more[1]), "right": (2, more[0]), "below": (3, more[1])}[
        beside
    ]
    box[side[0]] += side[1]
    region = np.concatenate([box[:2] - 20, box[2:] + 20]).astype(np.float32)
    after = before.copy()
    PointSwapper(params.deidentify.mesh_swap)(
        after, region, Placed(placed.eyes_nose_xy, box), pool["average"]
    )
    grey = [cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) for rgb in (before, after)]
    assert surviving_share(*grey, box) <= 0.1


@pytest.mark.parametrize(("turned", "least", "most"), [(0, 0, 0.05), (-60, 0.05, 0.5), (60, 0.05, 0.5)])
def test_what_a_turned_face_hides_is_not_drawn_over_it(pool, turned, least, most):
    target = pool["average"]
    mesh, _ = _face(target.shape, turned, 0, 0)
    seen = {tuple(corners) for corners in _front(target, mesh).triangles}
    hidden = [corners for corners in target.triangles if tuple(corners) not in seen]
    assert least <= len(hidden) / len(target.triangles) <= most
    if turned:
        middle = target.mesh_xy[:468].mean(axis=0)[0]
        far = [target.mesh_xy[corners].mean(axis=0)[0] < middle for corners in hidden]
        assert np.mean(far) > 0.8 if turned > 0 else np.mean(far) < 0.2

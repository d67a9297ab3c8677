"""When a mesh may carry another face, where a head is, and meshes that do not shake."""

import numpy as np
import pytest

from tasks.swap.hands import hand_weights
from tasks.tracks.sightings import (
    CHIN,
    FOREHEAD,
    LEFT_CHEEK,
    NOSE_TIP,
    RIGHT_CHEEK,
    faces_in,
    heads_in,
    is_trusted,
)
from tasks.tracks.steadying import runs, steady
from tasks.vision.keypoints import Part, Sighting, stack_xy, to_table


def _mesh(nose=(50, 50), size=100.0):
    mesh = np.full((468, 2), 50, np.float32)
    mesh[RIGHT_CHEEK], mesh[LEFT_CHEEK] = (0, 50), (100, 50)
    mesh[FOREHEAD], mesh[CHIN] = (50, 0), (50, 100)
    mesh[NOSE_TIP] = nose
    return mesh * size / 100


@pytest.mark.parametrize(
    ("nose", "size", "trusted"),
    [
        ((50, 55), 100, True),
        ((96, 50), 100, False),  # in profile
        ((50, 95), 100, False),  # turned down
        ((50, 55), 12, False),  # tiny
        ((96, 50), 79, True),  # in profile, and so small that it does no harm
        ((50, 95), 30, True),
        ((96, 50), 12, False),
    ],
)
def test_a_profile_a_turned_down_and_a_tiny_mesh_are_not_trusted(params, nose, size, trusted):
    assert is_trusted(_mesh(nose, size)[None], params.deidentify.trust)[0] == trusted


@pytest.mark.parametrize(
    ("size", "points", "known"),
    [(40, True, True), (40, False, False), (19, True, False), (81, True, False), (79, True, True)],
)
def test_eyes_and_nose_of_a_small_face_are_kept_from_the_detector(params, size, points, known):
    box = np.array([100, 50, 100 + size, 50 + size], np.float32)
    eyes_nose = box[:2] + np.float32([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6]]) * size if points else None
    nowhere = np.full((468, 2), np.nan, np.float32)
    part = Part(nowhere, np.zeros(468, np.float32), 0.8, box, eyes_nose)
    (face,) = faces_in(to_table([Sighting(0, 0, 0.0, 4, {"face": part})]), params.deidentify.trust)
    assert not face.has_mesh
    assert (face.eyes_nose_xy is not None) == known
    if known:
        assert face.eyes_nose_xy == pytest.approx(eyes_nose, abs=1e-3)


def test_eyes_and_nose_of_a_small_mesh_are_its_own(params):
    mesh = _mesh((50, 55), 40) + 100
    part = Part(mesh, np.ones(468, np.float32), 0.9, np.array([100, 100, 140, 140], np.float32))
    (face,) = faces_in(to_table([Sighting(0, 0, 0.0, 4, {"face": part})]), params.deidentify.trust)
    assert face.has_mesh
    assert face.eyes_nose_xy[2] == pytest.approx(mesh[NOSE_TIP])


def _body(visible=0.9, mirrored=False):
    xy = np.zeros((33, 2), np.float32)
    xy[:11] = [[100 + i, 60 + i % 3] for i in range(11)]
    xy[11], xy[12] = ((70, 120), (140, 120)) if mirrored else ((140, 120), (70, 120))
    xy[23], xy[24] = (125, 220), (85, 220)
    visibility = np.full(33, 0.9, np.float32)
    visibility[:11] = visible
    part = Part(xy, visibility, 0.9, np.array([0, 0, 200, 200], np.float32))
    return to_table([Sighting(0, 0, 0.0, 4, {"body": part})])


def test_a_head_lies_around_eyes_ears_and_mouth_and_is_as_wide_as_half_the_shoulders():
    (head,) = heads_in(_body())
    assert (head.frame, head.track) == (0, 4)
    x0, y0, x1, y1 = head.box_xyxy
    assert x0 < 100 < 110 < x1
    assert y0 < 60 < 62 < y1
    assert x1 - x0 == pytest.approx(0.55 * 70, rel=0.01)


def test_a_hidden_face_of_a_lying_patient_is_no_back():
    table = _body(visible=0.1)
    turned = stack_xy(table, "body")[0] @ np.array([[0, 1], [-1, 0]])
    part = Part(turned.astype(np.float32), np.full(33, 0.9, np.float32), 0.9, np.zeros(4, np.float32))
    part.visibility[:11] = 0.1
    assert heads_in(to_table([Sighting(0, 0, 0.0, 4, {"body": part})])) == []


def test_a_back_has_no_face_and_a_hidden_head_is_not_known():
    (back,) = heads_in(_body(visible=0.1, mirrored=True))
    assert back.box_xyxy is None
    assert heads_in(_body(visible=0.1)) == []


def test_steadying_takes_out_the_shaking_and_leaves_the_movement_in_its_place():
    frames = np.arange(60)
    face = np.array([[0, 0], [100, 0], [0, 100], [100, 100], [50, 50]])
    path = 40 * np.sin(frames / 8)[:, None, None] + face
    shaken = path + np.random.default_rng(0).normal(0, 1, path.shape)
    smooth = steady(shaken.astype(np.float32), max_gap=3, window=7)
    shaking = [np.abs(np.diff(xy - path, n=3, axis=0)).mean() for xy in (shaken, smooth)]
    assert shaking[1] < 0.6 * shaking[0]
    lags = [np.abs(np.roll(smooth, lag, axis=0) - path)[5:-5].mean() for lag in (-2, -1, 0, 1, 2)]
    assert int(np.argmin(lags)) == 2


def test_a_leap_is_not_drawn_in_between():
    xy = np.random.default_rng(0).random((1, 5, 2)).repeat(20, axis=0).astype(np.float32) * 10
    xy[10:] += 30
    np.testing.assert_allclose(steady(xy, max_gap=3, window=7), xy, atol=1e-3)


def test_short_gaps_are_filled_and_long_ones_stay_open():
    xy = np.arange(12, dtype=np.float32)[:, None, None] * np.ones((1, 3, 2), np.float32)
    xy[[2, 3, 7, 8, 9]] = np.nan
    filled = steady(xy, max_gap=2, window=7)
    np.testing.assert_allclose(filled[2:4, 0, 0], [2, 3])
    assert np.isnan(filled[7:10]).all()
    assert runs(np.array([True, False, True, True])) == [(0, 1), (2, 4)]


def test_a_hand_is_palm_and_fingers_and_not_what_lies_between():
    hand = np.zeros((21, 2), np.float32)
    hand[0] = (100, 180)
    for finger in range(5):
        for joint in range(4):
            hand[1 + 4 * finger + joint] = (40 + 30 * finger + 10 * (finger - 2) * joint, 120 - 30 * joint)
    face = np.full((468, 2), -500, np.float32)  # its eyes are elsewhere
    weights = hand_weights([hand], face, 200)
    assert weights[30, 40] > 0.9  # on a fingertip
    assert weights[30, 70] < 0.1  # between two fingers
    assert hand_weights([hand + 500], face, 200) is None
    assert hand_weights([hand], face + 500 + hand[8], 200)[30, 40] == 0  # never over an eye

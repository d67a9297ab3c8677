"""The outline of a face turned to the side is smoothed before another face is drawn over it."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from schemas.skeletons import FACE_OVAL, NOSE_TIP
from tasks.swap.mesh_swap import turned_away
from tasks.swap.pool import load_pool


@pytest.fixture(scope="module")
def shape(weights, params):
    return load_pool(weights, params.deidentify, params.extract)["average"].shape


def _aim(shape, yaw_deg, roll_deg=0):
    turned = shape @ Rotation.from_euler("yz", [yaw_deg, roll_deg], degrees=True).as_matrix().T
    xy = turned[:, :2] - turned[:, :2].mean(axis=0)
    return (xy / np.ptp(xy, axis=0).max() * 128 + 96).astype(np.float32)


@pytest.mark.parametrize("roll", [0, 20, -35])
@pytest.mark.parametrize("yaw", [0, 15, -20])
def test_a_face_that_looks_this_way_is_left_alone(yaw, roll, shape):
    assert turned_away(_aim(shape, yaw, roll), None) is None


@pytest.mark.parametrize("yaw", [60, -60, 75, -75])
def test_nose_and_chin_of_a_profile_are_smoothed_with_what_is_beside_them(yaw, shape):
    aim = _aim(shape, yaw)
    weights = turned_away(aim, None)
    for point in aim[[NOSE_TIP, *FACE_OVAL]]:
        x, y = np.round(point).astype(int)
        assert weights[y, x] > 0.9
        beside = np.round(point + (point - aim.mean(axis=0)) / np.linalg.norm(point - aim.mean(axis=0)) * 5)
        assert weights[int(beside[1]), int(beside[0])] > 0.7
    assert weights[5, 5] == 0


def test_it_begins_little_by_little_and_hands_stay(shape):
    strengths = [
        0.0 if weights is None else float(weights.max())
        for weights in (turned_away(_aim(shape, yaw), None) for yaw in range(20, 70, 2))
    ]
    assert np.diff(strengths).min() >= -1e-3
    assert np.diff(strengths).max() < 0.5
    assert (strengths[0], round(strengths[-1], 2)) == (0, 1)
    hand = np.zeros((192, 192), np.float32)
    hand[90:110, 90:110] = 1
    assert turned_away(_aim(shape, 70), hand)[100, 100] == 0

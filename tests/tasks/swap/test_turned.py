"""A face turned to the side: what is nearer is drawn over the rest, and its outline is smoothed first."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from schemas.skeletons import FACE_OVAL, NOSE_TIP
from tasks.swap.mesh_swap import turned_away
from tasks.swap.pool import load_pool
from tasks.swap.target import with_rim
from tasks.swap.warping import draw_triangles


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


@pytest.mark.parametrize("yaw", [-50, -30, 0, 25, 40])
@pytest.mark.parametrize("pitch", [-25, 0, 20])
@pytest.mark.parametrize("name", ["average", "long_man", "round_woman"])
def test_a_nose_is_drawn_over_the_cheek_behind_it(name, pitch, yaw, weights, params):
    """Drawn in any order, a nose's edge was a jagged line of its nostrils' colour."""
    target = load_pool(weights, params.deidentify, params.extract)[name]
    solid = target.shape @ Rotation.from_euler("xy", [pitch, yaw], degrees=True).as_matrix().T
    aim = solid[:, :2] - solid[:, :2].mean(axis=0)
    mesh = with_rim((aim / np.ptp(aim, axis=0).max() * 128 + 96).astype(np.float32), target.rim)
    drawn, depth = draw_triangles(mesh, target.triangles, 192), np.append(solid[:, 2], solid[FACE_OVAL, 2])
    inner = np.flatnonzero((target.triangles < 468).all(axis=1))
    middles = mesh[target.triangles[inner]].mean(axis=1)
    wrong = 0
    for number, (x, y) in zip(inner, np.round(middles).astype(int), strict=True):
        shown = drawn[y, x]
        if shown < 0:  # a sliver at the edge
            continue
        behind = depth[target.triangles[number]].max() < depth[target.triangles[shown]].min() - 0.03
        wrong += behind and _faces_us(mesh[target.triangles[number]])
        turned_away = not _faces_us(mesh[target.triangles[shown]])
        wrong += turned_away and _faces_us(mesh[target.triangles[number]])
    assert wrong <= 0.01 * len(inner)


def _faces_us(corners):
    first, second = corners[1] - corners[0], corners[2] - corners[0]
    return first[0] * second[1] > first[1] * second[0] + 0.5

"""A picture gives way where the shape of a face in it changes."""

import numpy as np
import pytest

from tasks.swap.moving import move_picture
from tasks.swap.pool import load_pool
from tasks.vision.regions import bounding_box


@pytest.fixture(scope="module")
def target(weights, params):
    return load_pool(weights, params.deidentify, params.extract)["average"]


def _mesh(target, scale=0.5, shift=(60, 40)):
    return (target.mesh_xy[:468] * scale + shift).astype(np.float32)


def _box(mesh):
    low, high = bounding_box(mesh).reshape(2, 2)
    reach = (high - low) * 0.35
    return np.concatenate([low - reach, high + reach]).astype(np.float32)


def _picture(mesh):
    """A dark picture with a bright dot on every tenth keypoint, which a move carries along."""
    rgb = np.full((320, 320, 3), 40, np.uint8)
    for x, y in np.round(mesh[::10]).astype(int):
        rgb[y - 1 : y + 2, x - 1 : x + 2] = 240
    return rgb


@pytest.mark.parametrize("wider", [0.92, 1.0, 1.08])
def test_what_was_at_a_keypoint_is_where_it_goes(wider, target):
    mesh = _mesh(target)
    middle = mesh.mean(axis=0)
    goal = ((mesh - middle) * [wider, 1] + middle).astype(np.float32)
    rgb = _picture(mesh)
    move_picture(rgb, _box(mesh), mesh, goal)
    for x, y in np.round(goal[::10]).astype(int):
        assert rgb[y - 1 : y + 2, x - 1 : x + 2].max() > 110


def test_nothing_moves_outside_the_box_nor_without_a_change(target):
    mesh = _mesh(target)
    middle = mesh.mean(axis=0)
    goal = ((mesh - middle) * 1.1 + middle).astype(np.float32)
    noise = np.random.default_rng(0).integers(0, 255, (320, 320, 3)).astype(np.uint8)
    moved, still = noise.copy(), noise.copy()
    move_picture(moved, _box(mesh), mesh, goal)
    x0, y0, x1, y1 = np.round(_box(mesh)).astype(int)
    outside = np.ones((320, 320), bool)
    outside[max(0, y0 - 1) : y1 + 2, max(0, x0 - 1) : x1 + 2] = False
    np.testing.assert_array_equal(moved[outside], noise[outside])
    assert (moved != noise).mean() > 0.1
    move_picture(still, _box(mesh), mesh, mesh)
    assert np.abs(still.astype(int) - noise).max() <= 1


@pytest.mark.parametrize("shift", [(-120, -60), (200, 150), (600, 600)])
def test_a_face_at_the_pictures_edge_or_beyond_breaks_nothing(shift, target):
    mesh = _mesh(target, shift=shift)
    rgb = np.full((320, 320, 3), 90, np.uint8)
    move_picture(rgb, _box(mesh), mesh, mesh + np.float32(3))
    assert (rgb == 90).all()

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.vision.regions import (
    Region,
    bounding_region,
    crop_region,
    line_angle,
    overlap,
    share_inside,
    suppress,
    to_picture,
)

regions = st.builds(
    Region,
    st.tuples(st.floats(20, 80), st.floats(20, 80)),
    st.floats(10, 200),
    st.floats(-np.pi, np.pi),
)


@given(regions)
def test_the_middle_of_a_crop_is_the_middle_of_its_region(region):
    middle = to_picture(np.array([[96, 96]], np.float32), region, 192)[0]
    np.testing.assert_allclose(middle, region.center_xy, atol=1e-3)


@given(regions)
def test_a_crop_has_the_region_s_size_and_turn(region):
    corners = to_picture(np.array([[0, 0], [192, 0]], np.float32), region, 192)
    assert np.isclose(np.linalg.norm(corners[1] - corners[0]), region.side, rtol=1e-4)
    turned = line_angle(corners[0], corners[1]) - region.angle_rad
    assert np.isclose(np.cos(turned), 1, atol=1e-4)


def test_a_bright_pixel_is_found_where_the_map_says():
    rgb = np.zeros((100, 100, 3), np.uint8)
    rgb[30:33, 60:63] = 255
    region = Region((61.0, 31.0), 20.0, np.pi / 3)
    crop = crop_region(rgb, region, 64)
    row, column = np.argwhere(crop[..., 0] > 128).mean(axis=0)
    np.testing.assert_allclose([column, row], [32, 32], atol=2)


@given(st.floats(-3, 3), st.floats(0.5, 3))
def test_a_bounding_region_holds_its_points(angle_rad, scale):
    points = np.array([[10, 10], [50, 12], [48, 40], [12, 44]], np.float32)
    region = bounding_region(points, angle_rad, max(scale, 1.0) + 1e-3)
    matrix = region.matrix(100)
    inside = (points - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    assert (inside > -1).all()
    assert (inside < 101).all()


def test_overlap_and_suppression():
    boxes = np.array([[0, 0, 10, 10], [1, 1, 11, 11], [50, 50, 60, 60]], np.float32)
    assert overlap(boxes[0], boxes[0]) == 1
    assert overlap(boxes[0], boxes[2]) == 0
    assert suppress(boxes, np.array([0.5, 0.9, 0.3], np.float32), 0.3) == [1, 2]


def test_the_share_of_a_box_inside_points():
    square = np.array([[0, 0], [10, 0], [10, 10], [0, 10]], np.float32)
    assert share_inside(np.array([2, 2, 6, 6], np.float32), square) == pytest.approx(1)
    assert share_inside(np.array([5, 0, 15, 10], np.float32), square) == pytest.approx(0.5)
    assert share_inside(np.array([20, 20, 30, 30], np.float32), square) == 0
    assert share_inside(np.array([2, 2, 6, 6], np.float32), square * np.nan) == 0

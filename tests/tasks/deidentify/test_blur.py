"""A blur covers its whole region, to the picture's own edge, and leaves no more than a mosaic would."""

import numpy as np
import pytest

from tasks.deidentify.blur import CELLS, blur
from tasks.deidentify.face_regions import FaceRegion

PICTURE_WH = 160, 128


def _picture(seed=3):
    return np.random.default_rng(seed).integers(0, 255, (*PICTURE_WH[::-1], 3)).astype(np.uint8)


def _blurred(rgb, box, params):
    found = rgb.copy()
    region = FaceRegion(0, 0, "detected", np.array(box, np.float32), "blur")
    blur(found, region, params.deidentify.blur)
    return found


def _least_change(before, after, box):
    x0, y0, x1, y1 = box
    apart = np.abs(before[y0:y1, x0:x1].astype(int) - after[y0:y1, x0:x1]).max(axis=2)
    return np.mean(apart > 8)


@pytest.mark.parametrize("box", [
    (40, 30, 104, 94), (0, 0, 64, 64), (96, 64, 160, 128), (0, 30, 30, 110), (40, 100, 140, 128),
    (60, 60, 72, 70), (0, 0, 160, 128),
])  # fmt: skip
def test_corners_are_covered_and_so_is_what_lies_at_the_pictures_edge(box, params):
    rgb = _picture()
    found = _blurred(rgb, box, params)
    x0, y0, x1, y1 = box
    outside = np.ones(rgb.shape[:2], bool)
    outside[y0:y1, x0:x1] = False
    assert (found[outside] == rgb[outside]).all()
    # what lies within the margin of 0.35, and whatever the picture itself cuts off
    reach = np.array([x1 - x0, y1 - y0]) * 0.2
    low = [at if at == 0 else round(at + by) for at, by in zip((x0, y0), reach, strict=True)]
    high = [
        at if at == whole else round(at - by)
        for at, by, whole in zip((x1, y1), reach, PICTURE_WH, strict=True)
    ]
    corners = [(x, y) for x in (low[0], high[0] - 3) for y in (low[1], high[1] - 3)]
    for x, y in corners:
        assert _least_change(rgb, found, (x, y, x + 3, y + 3)) > 0.7, (x, y)
    inner = found[low[1] : high[1], low[0] : high[0]].astype(int)
    assert np.abs(np.diff(inner, axis=1)).mean() < 12 < np.abs(np.diff(rgb.astype(int), axis=1)).mean() / 4


def test_two_faces_of_one_mosaic_are_one_blur(params):
    """What is finer than a cell is nowhere in it."""
    box, cell = (32, 32, 32 + 8 * CELLS, 32 + 8 * CELLS), np.ones((8, 8, 1))
    coarse = np.kron(np.random.default_rng(1).integers(60, 190, (CELLS, CELLS, 3)), cell)
    fine = np.where(np.indices((8 * CELLS, 8 * CELLS)).sum(axis=0) % 2, 40, -40)[..., None]
    pictures = [_picture(), _picture()]
    for rgb, patch in zip(pictures, (coarse, coarse + fine), strict=True):
        rgb[32 : box[3], 32 : box[2]] = patch.astype(np.uint8)
    one, two = (_blurred(rgb, box, params)[45:-45, 45:83] for rgb in pictures)
    assert np.abs(one.astype(int) - two).max() <= 1

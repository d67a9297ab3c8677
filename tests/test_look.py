"""How a released face is held beside the original: the step of colour across its outline."""

import cv2
import numpy as np
import pytest

from schemas.skeletons import FACE_OVAL
from tasks.files.clips import read_admitted
from tools.benchmark.look import step_across, turn_apart


def _mesh():
    """A mesh whose outline is a circle of 100 pixels around (150, 150)."""
    angles = np.linspace(-np.pi / 2, 1.5 * np.pi, len(FACE_OVAL), endpoint=False)
    mesh = np.full((468, 2), 150, np.float32)
    mesh[FACE_OVAL] += 100 * np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    return mesh


def _picture(inside, outside, soft=1.0):
    rgb = np.full((300, 300, 3), outside, np.uint8)
    cv2.circle(rgb, (150, 150), 100, inside, -1)
    return cv2.GaussianBlur(rgb, (0, 0), soft)


@pytest.mark.parametrize(("inside", "outside", "least", "most"),
                         [((120, 120, 120), (120, 120, 120), 0, 0.5), ((255, 255, 255), (0, 0, 0), 85, 101),
                          ((200, 150, 130), (205, 155, 135), 1, 4)])  # fmt: skip
def test_a_step_is_as_large_as_the_colours_are_apart(inside, outside, least, most):
    assert least <= step_across(_picture(inside, outside), _mesh()) <= most


def test_a_soft_rim_is_a_smaller_step_than_a_hard_one_and_the_edge_of_the_picture_breaks_nothing():
    hard, soft = (step_across(_picture((220, 170, 150), (90, 60, 40), px), _mesh()) for px in (1, 25))
    assert soft < 0.6 * hard
    assert np.isfinite(step_across(_picture((220, 170, 150), (90, 60, 40)), _mesh() - np.float32(140)))


def test_a_heads_turn_is_compared_frame_by_frame(demo):
    """Of every clip whose face is read in all arms; some degrees, where another shape is read otherwise."""
    root = demo[0]
    found = [turn_apart(root, clip_id) for clip_id in read_admitted(root)["clip_id"]]
    known = [one for one in found if one is not None]
    assert known
    assert all(-1 < one < 10 for one in known)

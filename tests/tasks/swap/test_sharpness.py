"""A drawn face is no sharper and no cleaner than its picture."""

import cv2
import numpy as np
import pytest

from tasks.swap.sharpness import LEAST_GRAIN, graded, grained, softened

SIDE = 160
ALL = np.ones((SIDE, SIDE), np.float32)


def _face(seed, contrast=1.0):
    """Return skin with features and pores, other ones for each seed."""
    noise = np.random.default_rng(seed)
    light = np.full((SIDE, SIDE), 150, np.float32)
    for _ in range(25):
        x, y = (int(value) for value in noise.integers(20, 140, 2))
        cv2.ellipse(
            light, (x, y), (int(noise.integers(3, 14)), 2), 0, 0, 360, float(noise.integers(40, 120)), -1
        )
    light = 150 + (light - 150) * contrast
    return np.dstack([light, light * 0.8, light * 0.7]).astype(np.uint8)


def _detail(rgb):
    light = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(np.square(light - cv2.GaussianBlur(light, (0, 0), 1.5)).mean())


@pytest.mark.parametrize("scene_px", [0.6, 0.8, 1.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_face_in_a_soft_picture_is_as_soft(scene_px, seed):
    scene, drawn = softened(_face(0), scene_px), _face(seed)
    soft_px, _ = graded(scene, drawn, ALL)
    assert abs(soft_px - scene_px) <= 0.3
    assert _detail(softened(drawn, soft_px)) <= 1.2 * _detail(scene)


@pytest.mark.parametrize(
    ("scene", "drawn"), [(_face(0), _face(1)), (_face(0), softened(_face(0), 0.8)), (_face(0), _face(1, 0.5))]
)
def test_a_face_that_is_no_sharper_than_its_picture_is_left_as_it_is(scene, drawn):
    soft_px, grain = graded(scene, drawn, ALL)
    assert soft_px <= 0.5
    assert grain == 0
    assert softened(drawn, 0.0) is drawn


def test_a_face_is_never_softened_until_it_says_nothing():
    assert graded(softened(_face(0), 6), _face(1), ALL)[0] <= 1.0


@pytest.mark.parametrize("noise", [2.0, 4.0, 8.0])
def test_a_grainy_picture_gives_its_grain_and_is_not_taken_for_a_sharp_one(noise):
    soft = softened(_face(0), 1.0)
    scene, drawn = grained(soft, noise, seed=5), _face(1)
    soft_px, grain = graded(scene, drawn, ALL)
    assert soft_px >= 0.5
    assert grain == pytest.approx(noise, rel=0.25)
    whole = grained(softened(drawn, soft_px), grain, seed=9)
    assert graded(scene, whole, ALL)[1] < noise / 2


def test_grain_is_the_same_of_a_seed_and_another_of_another():
    face = _face(0)
    assert (grained(face, 3, 7) == grained(face, 3, 7)).all()
    assert (grained(face, 3, 7) != grained(face, 3, 8)).any()
    assert np.abs(grained(face, 3, 7).astype(float) - face).mean() > LEAST_GRAIN


def test_what_is_beside_a_face_says_nothing_of_it():
    weights = np.zeros((SIDE, SIDE), np.float32)
    weights[40:120, 40:120] = 1
    scene, drawn = _face(0), softened(_face(0), 0.0)
    scene[:, :40] = np.random.default_rng(0).integers(0, 255, scene[:, :40].shape)
    assert graded(scene, drawn, weights) == (0.0, 0.0)
    assert graded(scene, drawn, np.zeros_like(weights)) == (0.0, 0.0)

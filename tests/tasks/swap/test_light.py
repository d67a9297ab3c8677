"""A drawn face stands in the light of the scene."""

import cv2
import numpy as np
import pytest

from tasks.swap.light import light_of, lit

SIDE = 192
MASK = np.zeros((SIDE, SIDE), np.float32)
cv2.ellipse(MASK, (96, 96), (56, 72), 0, 0, 360, 1, -1)


def _target():
    """A brown face with features, in Lab."""
    rgb = np.full((SIDE, SIDE, 3), (170, 110, 80), np.uint8)
    for x in (70, 122):
        cv2.circle(rgb, (x, 80), 8, (240, 240, 240), -1)
        cv2.circle(rgb, (x, 80), 4, (20, 20, 20), -1)
    cv2.ellipse(rgb, (96, 130), (22, 7), 0, 0, 360, (160, 50, 50), -1)
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)


def _lit(scene):
    light = light_of(scene, _target(), MASK)
    return lit(light.tone(_target()), light.offset_on(SIDE))


def _scene(left, right):
    share = np.linspace(0, 1, SIDE)[None, :, None]
    row = np.array(left) * (1 - share) + np.array(right) * share
    return np.broadcast_to(row, (SIDE, SIDE, 3)).astype(np.uint8)


@pytest.mark.parametrize("skin", [(235, 200, 185), (90, 60, 45), (150, 100, 160), (40, 26, 20)])
def test_the_skin_has_the_scenes_colour(skin):
    face = _lit(_scene(skin, skin))
    cheek = face[100:112, 48:56].reshape(-1, 3).mean(axis=0)
    np.testing.assert_allclose(cheek, skin, atol=12)


def test_a_grey_film_stays_grey():
    face = _lit(_scene((60, 60, 60), (200, 200, 200)))[MASK > 0].astype(int)
    assert (face.max(axis=1) - face.min(axis=1)).max() <= 6


def test_a_shadow_on_one_side_stays_there():
    face = _lit(_scene((60, 40, 30), (220, 160, 130))).astype(int)
    assert face[100, 140].sum() - face[100, 52].sum() > 100


def test_a_dark_room_stays_dark_and_eyes_do_not_glow():
    face = _lit(_scene((24, 16, 12), (24, 16, 12)))[MASK > 0]
    assert np.percentile(face, 99) < 150
    assert face.mean() < 40


def test_the_white_of_an_eye_is_no_lighter_than_the_scene_allows():
    white, lid = np.s_[80, 64], np.s_[100, 52]
    for skin in ((235, 205, 190), (60, 40, 30)):
        face = _lit(_scene(skin, skin)).astype(int)
        assert face[lid].mean() + 10 < face[white].mean() < (face[lid].mean() + 255) / 2 + 10


def test_features_are_still_there():
    face = _lit(_scene((220, 170, 150), (220, 170, 150))).astype(int)
    assert face[80, 70].sum() < face[100, 52].sum() - 150  # a pupil
    assert face[130, 96, 0] - face[130, 96, 1] > 40  # lips are red


def test_no_face_is_no_error():
    light = light_of(_scene((9, 9, 9), (9, 9, 9)), _target(), np.zeros((SIDE, SIDE), np.float32))
    assert np.isfinite(light.offset).all()


@pytest.mark.parametrize("across", [True, False])
def test_the_shading_of_the_patients_own_features_is_not_taken_for_light(across):
    """Sockets, cheeks and jaw are shaded at the size of half a face, and identify; a lamp is wider."""
    waves = np.cos(np.arange(SIDE) * 2 * np.pi / (SIDE / 2))
    shading = np.tile(waves, (SIDE, 1)) if across else np.tile(waves[:, None], (1, SIDE))
    skin = np.array((150, 110, 90))
    scene = np.clip(skin * (1 + 0.3 * shading[..., None]), 0, 255).astype(np.uint8)
    own, released = (
        cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)[..., 0].astype(np.float64)
        for rgb in (scene, _lit(scene).astype(np.uint8))
    )
    plain = cv2.cvtColor(_lit(np.broadcast_to(skin, (SIDE, SIDE, 3)).astype(np.uint8)), cv2.COLOR_RGB2LAB)
    inside = cv2.erode(MASK, np.ones((25, 25))) > 0
    own_part = (own - own[inside].mean())[inside]
    left = (released - plain[..., 0])[inside]
    assert abs((left * own_part).sum() / (own_part**2).sum()) < 0.25


@pytest.mark.parametrize("weights", [MASK * 0, MASK - 0.02, np.eye(SIDE, dtype=np.float32) * (MASK > 0)])
def test_a_face_of_which_little_or_nothing_is_drawn_breaks_nothing(weights):
    """What stays in front of it takes its place, and may weigh a little less than nothing."""
    light = light_of(_scene((60, 40, 30), (220, 160, 130)), _target(), weights.astype(np.float32))
    assert np.isfinite(light.offset).all()


@pytest.mark.parametrize("skin", [(205, 165, 145), (110, 75, 58), (70, 45, 35)])
@pytest.mark.parametrize("tint", [(1.2, 0.92, 0.92), (0.93, 1.0, 1.06)])
@pytest.mark.parametrize("middle", [(56, 112), (136, 110), (96, 45)])
def test_a_flush_or_a_pallor_of_the_size_of_a_cheek_is_the_patients(middle, tint, skin):
    """A finding, and not who somebody is: the colour of a patch stays, where its shading would not."""
    patch = np.zeros((SIDE, SIDE), np.float32)
    cv2.circle(patch, middle, 20, 1, -1)
    patch = cv2.GaussianBlur(patch, (0, 0), 6)[..., None]
    plain = np.broadcast_to(np.array(skin, np.float32), (SIDE, SIDE, 3))
    tinted = np.clip(plain * (1 + patch * (np.array(tint) - 1)), 0, 255)
    own, released = (
        _colour(after, middle) - _colour(before, middle)
        for before, after in ((plain, tinted), (_lit(plain.astype(np.uint8)), _lit(tinted.astype(np.uint8))))
    )
    assert float(released @ own) / float(own @ own) > 0.45


def _colour(rgb, middle):
    lab = cv2.cvtColor(np.asarray(rgb, np.uint8), cv2.COLOR_RGB2LAB).astype(np.float64)
    x, y = middle
    return lab[y - 8 : y + 8, x - 8 : x + 8, 1:].mean(axis=(0, 1))


def _round(skin, spot=None):
    """Return a scene whose face grows dark towards its outline, with a spot on the cheek if asked for."""
    rows, columns = np.indices((SIDE, SIDE))
    depth = np.clip(1 - ((columns - 96) / 60) ** 2 - ((rows - 96) / 76) ** 2, 0, 1) ** 0.5
    rgb = np.array(skin) * (0.35 + 0.65 * depth)[..., None]
    if spot is not None:
        cv2.circle(rgb, (70, 104), 5, spot, -1)
    return rgb.astype(np.uint8)


@pytest.mark.parametrize("skin", [(235, 200, 185), (150, 110, 90), (90, 60, 45), (140, 140, 140)])
def test_at_its_rim_a_face_is_as_light_as_the_scene(skin):
    scene = _round(skin)
    face = _lit(scene).astype(int)
    inside = cv2.distanceTransform((MASK > 0).astype(np.uint8), cv2.DIST_L2, 3)
    rim = (inside > 1) & (inside < 6)
    apart = np.abs(face - scene)[rim].mean()
    assert apart < 0.11 * skin[0]
    middle = inside > 30
    assert np.abs(face - scene)[middle].mean() > apart


@pytest.mark.parametrize("skin", [(235, 200, 185), (90, 60, 45)])
def test_what_is_small_inside_a_face_is_not_the_scenes(skin):
    """A mole on a cheek goes, at the rim as elsewhere."""
    plain, spotted = (_lit(_round(skin, spot)).astype(int) for spot in (None, (20, 10, 10)))
    assert np.abs(plain - spotted)[MASK > 0].max() < 40
    assert np.abs(_round(skin).astype(int) - _round(skin, (20, 10, 10)).astype(int)).max() > 60

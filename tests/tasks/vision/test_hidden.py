"""Keypoints behind masks, tubes and hands are known to be guessed; in no light are those of bare faces."""

import cv2
import numpy as np
import pytest
from tests_support import with_mask

from schemas.skeletons import BROWS, CHIN, EYES, LIPS
from tasks.extract.backends.face_mediapipe import make_model
from tasks.video import read_frames
from tasks.vision.detectors import View
from tasks.vision.faces import face_region, locate_mesh, search_faces
from tasks.vision.hidden import behind_hands, hidden_keypoints
from tasks.vision.regions import mesh_region

NAMES = ("franck", "cap12", "carphone")
COLOURS = {"blue": (150, 190, 215), "green": (140, 190, 170), "navy": (40, 50, 90), "white": (225, 225, 222)}
LAMPS = {"warm": (1.0, 0.75, 0.5), "cold": (0.6, 0.8, 1.0), "dark": (0.3, 0.3, 0.3), "red": (1.0, 0.4, 0.4)}


@pytest.fixture(scope="module")
def faces(sample, weights, params):
    """Name -> every fourth frame of a second and its face's mesh."""
    found = {}
    for name in NAMES:
        for frame in list(read_frames(sample(name)))[::4]:
            seen = search_faces(View.of(frame.rgb, 960), weights, params.extract)[0]
            mesh = locate_mesh(frame.rgb, face_region(seen), weights, 0.5)
            found.setdefault(name, []).append((frame.rgb, mesh.xy))
    return found


# white cloth beside skin that is almost grey has its tint, and is painted over, too
@pytest.mark.parametrize(
    ("name", "colour"),
    [(name, colour) for name in NAMES for colour in COLOURS if (name, colour) != ("carphone", "white")],
)
def test_what_a_mask_hides_is_not_visible_and_eyes_are(name, colour, faces):
    for rgb, mesh in faces[name]:
        hidden = hidden_keypoints(with_mask(rgb, mesh, COLOURS[colour]), mesh)
        assert hidden[[*LIPS, CHIN]].mean() > 0.9
        assert not hidden[[*np.ravel(EYES), *np.ravel(BROWS[0]), *np.ravel(BROWS[1])]].any()
        assert 0.15 < hidden.mean() < 0.7


@pytest.mark.parametrize("lamp", [None, *LAMPS])
@pytest.mark.parametrize("name", NAMES)
def test_a_bare_face_hides_nothing_whatever_the_light(name, lamp, faces):
    for rgb, mesh in faces[name]:
        lit = rgb if lamp is None else (rgb * np.array(LAMPS[lamp])).astype(np.uint8)
        assert not hidden_keypoints(lit, mesh).any()


@pytest.mark.parametrize("name", NAMES)
def test_a_hand_or_a_cup_before_the_mouth_is_no_mask(name, faces):
    """Of several colours, or over a part only."""
    for rgb, mesh in faces[name]:
        size = float(np.ptp(mesh, axis=0).max())
        cup = rgb.copy()
        corner = tuple(int(value) for value in mesh[13] - [0.1 * size, 0.02 * size])
        opposite = corner[0] + round(0.2 * size), corner[1] + round(0.3 * size)
        cv2.rectangle(cup, corner, opposite, (240, 240, 240), -1)
        assert not hidden_keypoints(cup, mesh).any()


@pytest.mark.parametrize("name", NAMES)
def test_the_extractor_says_so_in_its_table(name, faces, weights, params):
    rgb, mesh = faces[name][0]
    model = make_model(weights, params.extract)
    bare, worn = (
        model.follow(picture, mesh_region(mesh)).part.visibility
        for picture in (rgb, with_mask(rgb, mesh, COLOURS["blue"]))
    )
    assert bare.min() > 0.5
    assert worn[LIPS].max() == 0
    assert worn[np.ravel(EYES)].min() > 0.5


CYAN = (120, 185, 205)
# from the nose over a cheek to the ear, and a plaster on the other cheek
TUBE, PLASTER = [2, 97, 206, 147, 177], [346, 352, 411, 425, 330]


def _attached(rgb, mesh, colour):
    """Paint a tube and a plaster on a face, and return where they are."""
    drawn, shape = rgb.copy(), np.zeros(rgb.shape[:2], np.uint8)
    size = float(np.ptp(mesh, axis=0).max())
    for picture, paint in ((drawn, colour), (shape, 255)):
        cv2.polylines(
            picture, [np.round(mesh[TUBE]).astype(np.int32)], False, paint, max(2, round(0.05 * size))
        )
        cv2.fillConvexPoly(picture, cv2.convexHull(np.round(mesh[PLASTER]).astype(np.int32)), paint)
    return drawn, shape > 0


@pytest.mark.parametrize("name", NAMES)
def test_what_a_tube_and_a_plaster_hide_is_not_visible(name, faces):
    for rgb, mesh in faces[name]:
        drawn, is_thing = _attached(rgb, mesh, CYAN)
        hidden = hidden_keypoints(drawn, mesh)
        x, y = np.round(mesh).astype(int).T
        behind = is_thing[y.clip(0, len(rgb) - 1), x.clip(0, rgb.shape[1] - 1)]
        assert hidden[behind].mean() > 0.6
        assert hidden[~behind].mean() < 0.02


@pytest.mark.parametrize("name", NAMES)
def test_a_coloured_light_on_a_part_hides_nothing(name, faces):
    rng = np.random.default_rng(0)
    for rgb, mesh in faces[name]:
        rows, columns = np.mgrid[: rgb.shape[0], : rgb.shape[1]]
        for _ in range(8):
            angle, offset = rng.uniform(0, 2 * np.pi), rng.uniform(-0.25, 0.25)
            gain, soft = np.exp(rng.uniform(-1.6, 1.4, 3)), rng.choice([0.005, 0.03, 0.1])
            x, y = mesh.mean(axis=0)
            way = (np.cos(angle) * (columns - x) + np.sin(angle) * (rows - y)) / np.ptp(mesh, axis=0).max()
            share = 1 / (1 + np.exp(np.clip((offset - way) / soft, -60, 60)))[..., None]
            lit = np.clip(((rgb / 255) ** 2.2 * (1 + (gain - 1) * share)), 0, 1) ** (1 / 2.2) * 255
            assert not hidden_keypoints(lit.astype(np.uint8), mesh).any()


def _hand_at(center, width, turn_deg):
    """Return an open hand of 21 keypoints, fingers up: wrist, then thumb to little finger."""
    fingers = [(x, y) for x in (-0.6, -0.3, 0.0, 0.3, 0.6) for y in (0.0, -0.35, -0.6, -0.8)]
    shape = np.array([(0.0, 0.9), *fingers]) * width
    angle = np.deg2rad(turn_deg)
    turned = shape @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return (turned + center).astype(np.float32)


@pytest.mark.parametrize("turn_deg", [0, 70, 180, -120])
@pytest.mark.parametrize("name", NAMES)
def test_what_palms_and_fingers_cover_is_hidden_and_no_more(name, turn_deg, faces):
    for _, mesh in faces[name]:
        size = float(np.ptp(mesh, axis=0).max())
        for at in (CHIN, 13, 234, 10):
            hand = _hand_at(mesh[at], size * 0.4, turn_deg)
            hidden = behind_hands(mesh, [hand])
            assert hidden[np.linalg.norm(mesh - hand[9], axis=1) < 0.05 * size].all()
            apart = np.linalg.norm(mesh[:, None] - hand[None], axis=-1).min(axis=1)
            assert not hidden[apart > 0.45 * size].any()
        assert behind_hands(mesh, [_hand_at(mesh[13], size * 0.4, 0)] * 2).sum() > 20
        assert not behind_hands(mesh, [_hand_at(mesh[13] + 3 * size, size * 0.4, turn_deg)]).any()
        assert not behind_hands(mesh, []).any()

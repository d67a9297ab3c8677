"""Keypoints behind a mask are known to be guessed; those of bare faces, whatever the light, are not."""

import cv2
import numpy as np
import pytest
from tests_support import with_mask

from schemas.skeletons import BROWS, CHIN, EYES, LIPS
from tasks.extract.backends.face_mediapipe import make_model
from tasks.video import read_frames
from tasks.vision.detectors import View
from tasks.vision.faces import face_region, locate_mesh, search_faces
from tasks.vision.regions import mesh_region
from tasks.vision.skin import hidden_by_mask

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
        hidden = hidden_by_mask(with_mask(rgb, mesh, COLOURS[colour]), mesh)
        assert hidden[[*LIPS, CHIN]].mean() > 0.9
        assert not hidden[[*np.ravel(EYES), *np.ravel(BROWS[0]), *np.ravel(BROWS[1])]].any()
        assert 0.15 < hidden.mean() < 0.7


@pytest.mark.parametrize("lamp", [None, *LAMPS])
@pytest.mark.parametrize("name", NAMES)
def test_a_bare_face_hides_nothing_whatever_the_light(name, lamp, faces):
    for rgb, mesh in faces[name]:
        lit = rgb if lamp is None else (rgb * np.array(LAMPS[lamp])).astype(np.uint8)
        assert not hidden_by_mask(lit, mesh).any()


@pytest.mark.parametrize("name", NAMES)
def test_a_hand_or_a_cup_before_the_mouth_is_no_mask(name, faces):
    """Of several colours, or over a part only."""
    for rgb, mesh in faces[name]:
        size = float(np.ptp(mesh, axis=0).max())
        cup = rgb.copy()
        corner = tuple(int(value) for value in mesh[13] - [0.1 * size, 0.02 * size])
        opposite = corner[0] + round(0.2 * size), corner[1] + round(0.3 * size)
        cv2.rectangle(cup, corner, opposite, (240, 240, 240), -1)
        assert not hidden_by_mask(cup, mesh).any()


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

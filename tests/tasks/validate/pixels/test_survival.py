"""A swap keeps the scene's light: noses in the same light are not the same nose."""

from itertools import permutations

import cv2
import numpy as np
import pytest

from schemas.skeletons import OUTER_EYES
from tasks.validate.pixels.survival import LANDMARKS, surviving_shares
from tasks.video import read_frames
from tasks.vision.detectors import View
from tasks.vision.faces import face_region, locate_mesh, search_faces

PEOPLE = ("cap12", "franck", "carphone")


@pytest.fixture(scope="module")
def faces(sample, weights, params):
    """Name -> a grey picture, and the mesh of the face in it."""
    found = {}
    for name in PEOPLE:
        rgb = next(iter(read_frames(sample(name)))).rgb
        face = search_faces(View.of(rgb, 960), weights, params.extract)[0]
        found[name] = (
            cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY),
            locate_mesh(rgb, face_region(face), weights, 0.5).xy,
        )
    return found


def _in_light(grey, mesh_xy, levels):
    """Return a face, softly lit, with light from one side that breaks along the nose."""
    first, last = mesh_xy[list(OUTER_EYES)]
    apart = np.linalg.norm(last - first)
    y, x = np.mgrid[: grey.shape[0], : grey.shape[1]].astype(np.float32)
    across = ((x - mesh_xy[4, 0]) * (last - first)[0] + (y - mesh_xy[4, 1]) * (last - first)[1]) / apart**2
    return np.clip(grey * 0.5 + 64 + levels * np.tanh(across / 0.12), 0, 255).astype(np.uint8)


LIGHTS = pytest.mark.parametrize("levels", [30, 60, -60])


@LIGHTS
@pytest.mark.parametrize(("who", "other"), [*permutations(PEOPLE, 2)])
def test_noses_in_the_same_light_are_not_the_same(who, other, levels, faces, params):
    (grey, mesh_xy), (others, others_xy) = faces[who], faces[other]
    move, _ = cv2.estimateAffinePartial2D(others_xy[LANDMARKS], mesh_xy[LANDMARKS], method=cv2.LMEDS)
    swapped = cv2.warpAffine(others, move, grey.shape[::-1])
    pair = [_in_light(one, mesh_xy, levels) for one in (grey, swapped)]
    shares = surviving_shares(*pair, mesh_xy[LANDMARKS])
    limits = params.validate_.doubtful.model_dump()
    assert all(shares[part] < limits[part] for part in limits), shares


@LIGHTS
@pytest.mark.parametrize("who", PEOPLE)
def test_the_same_face_in_the_same_light_is_found_behind_a_codec(who, levels, faces, params):
    grey, mesh_xy = faces[who]
    lit = _in_light(grey, mesh_xy, levels)
    _, coded = cv2.imencode(".jpg", lit, [cv2.IMWRITE_JPEG_QUALITY, 60])
    released = cv2.convertScaleAbs(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), alpha=0.9, beta=12)
    shares = surviving_shares(lit, released, mesh_xy[LANDMARKS])
    limits = params.validate_.surviving.model_dump()
    # lips that are shut are told by little
    assert all(shares[part] > limits[part] for part in ("face", "eyes", "nose")), shares

"""A face that jumps between two frames, as at a cut within a scene, is read as one that stands still."""

import numpy as np
import pytest

from tasks.extract.backends.face_mediapipe import make_model
from tasks.video import read_frames
from tasks.vision.detectors import View
from tasks.vision.faces import face_region, locate_mesh, search_faces
from tasks.vision.regions import mesh_region

WAYS = [(0, -0.3), (0, 0.3), (0.3, 0), (-0.25, -0.2), (0.1, 0.05)]


@pytest.fixture(scope="module", params=["franck", "cap12", "carphone"])
def still(request, sample, weights, params):
    """A frame, its face's mesh as it is read when one looks long enough, and its size."""
    rgb = next(read_frames(sample(request.param))).rgb
    region = face_region(search_faces(View.of(rgb, 960), weights, params.extract)[0])
    for _ in range(6):
        mesh = locate_mesh(rgb, region, weights, 0.5)
        region = mesh.next_region
    return rgb, mesh.xy, float(np.ptp(mesh.xy, axis=0).max())


@pytest.mark.parametrize("way", WAYS)
def test_a_face_is_read_alike_wherever_it_was_before(way, still, weights, params):
    rgb, mesh_xy, size = still
    before = mesh_region(mesh_xy + np.array(way, np.float32) * size)
    seen = make_model(weights, params.extract).follow(rgb, before)
    astray = np.linalg.norm(seen.part.xy - mesh_xy, axis=1)
    assert astray.mean() < 0.02 * size


def test_a_face_that_hardly_moves_is_read_once(still, weights, params):
    """What stands still is read as it was before: in one look around the last frame's mesh."""
    rgb, mesh_xy, size = still
    before = mesh_region(mesh_xy + np.float32(0.02 * size))
    seen = make_model(weights, params.extract).follow(rgb, before)
    np.testing.assert_array_equal(seen.part.xy, locate_mesh(rgb, before, weights, 0.5).xy)

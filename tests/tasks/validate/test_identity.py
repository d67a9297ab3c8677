"""Recognisers on real faces, and what their figures mean."""

import numpy as np
import pytest

from tasks.detectors import View
from tasks.faces import face_region, locate_mesh, search_faces
from tasks.recognisers import ARCFACE_XY, make_recognisers, similarity
from tasks.validate.identity import distances, make_gallery, rank1
from tasks.video import read_frames


@pytest.fixture(scope="module")
def embeddings(sample, weights, params):
    """Recogniser -> clip -> embeddings of five frames."""
    recognisers = make_recognisers(weights)
    found = {name: {} for name in recognisers}
    for clip in ("carphone", "franck", "cap12", "cap13"):
        for frame in list(read_frames(sample(clip)))[::5][:5]:
            face = search_faces(View.of(frame.rgb, 960), weights, params.extract)[0]
            mesh = locate_mesh(frame.rgb, face_region(face), weights, 0.5)
            for name, embed in recognisers.items():
                found[name].setdefault(clip, []).append(embed(frame.rgb, mesh.xy))
    return {name: {clip: np.stack(rows) for clip, rows in clips.items()} for name, clips in found.items()}


@pytest.mark.parametrize("name", ["dlib", "mobilefacenet"])
def test_the_same_person_is_nearer_than_another(name, embeddings):
    vectors = embeddings[name]
    same = distances(vectors["cap12"], vectors["cap13"])
    other = distances(vectors["cap12"], vectors["franck"])
    assert same.max() < other.min()
    if name == "dlib":
        assert same.max() < 0.6 < other.min()


@pytest.mark.parametrize("name", ["dlib", "mobilefacenet"])
def test_untouched_faces_are_recognised_every_time(name, embeddings):
    vectors = embeddings[name]
    gallery = make_gallery({"A": [vectors["carphone"]], "B": [vectors["franck"]], "C": [vectors["cap12"]]})
    assert rank1(vectors["cap13"], "C", gallery) == 1.0
    assert rank1(vectors["cap13"], "A", gallery) == 0.0


def test_alignment_puts_the_five_points_where_arcface_wants_them():
    turn = np.array([[0.8, -0.6], [0.6, 0.8]]) * 2.5
    source = (ARCFACE_XY - 20) @ turn.T + [300, 200]
    matrix = similarity(source.astype(np.float32), ARCFACE_XY)
    np.testing.assert_allclose(source @ matrix[:, :2].T + matrix[:, 2], ARCFACE_XY, atol=1e-3)

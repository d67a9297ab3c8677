"""Recognisers on real faces, and what their figures mean."""

import numpy as np
import polars as pl
import pytest

from tasks.detectors import View
from tasks.faces import face_region, locate_mesh, search_faces
from tasks.recognisers import ARCFACE_XY, make_recognisers, similarity
from tasks.validate.attack import Attacks, Look, Probe
from tasks.validate.identity import Attack, attack, distances, make_gallery, match_rates, true_match_rate
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
    assert attack(vectors["cap13"], "C", gallery) == Attack(1.0, 1.0, best_frame=True, template=True)
    assert attack(vectors["cap13"], "A", gallery) == Attack(0.0, 1.0, best_frame=False, template=False)


def test_alignment_puts_the_five_points_where_arcface_wants_them():
    turn = np.array([[0.8, -0.6], [0.6, 0.8]]) * 2.5
    source = (ARCFACE_XY - 20) @ turn.T + [300, 200]
    matrix = similarity(source.astype(np.float32), ARCFACE_XY)
    np.testing.assert_allclose(source @ matrix[:, :2].T + matrix[:, 2], ARCFACE_XY, atol=1e-3)


def test_one_frame_that_gives_the_person_away_is_enough():
    gallery = {name: np.eye(4, dtype=np.float32)[number] for number, name in enumerate("ABCD")}
    hidden, bare = np.array([0.3, 0.5, 0, 0.1]), np.array([0.99, 0.1, 0, 0])
    found = attack(np.stack([hidden] * 9 + [bare]).astype(np.float32), "A", gallery)
    assert (found.rank1, found.rank5, found.best_frame, found.template) == (0.1, 1.0, True, False)


def test_match_rates_by_hand():
    genuine, impostor = np.array([0.9, 0.8, 0.4], np.float32), np.array([0.1, 0.2, 0.3, 0.5], np.float32)
    rates = match_rates(genuine, impostor)
    assert rates[0] == (0, pytest.approx(1 / 3))
    assert rates[-1] == (1, 1)
    assert true_match_rate(rates, 0.01) == pytest.approx(2 / 3)
    assert true_match_rate(rates, 0.25) == 1
    hundred = np.arange(100, dtype=np.float32)
    assert true_match_rate(match_rates(np.array([98.5], np.float32), hundred), 0.01) == 1
    assert [false for false, _ in rates] == sorted(false for false, _ in rates)


class _Known:
    """Attacks on made embeddings of twelve subjects with two clips each."""

    def __init__(self, noise):
        rng = np.random.default_rng(7)
        faces = rng.normal(0, 1, (12, 32))
        self.attacks = Attacks("mobilefacenet", {"dlib": 0.6})
        gallery = make_gallery({f"s{n}": [face[None].astype(np.float32)] for n, face in enumerate(faces)})
        for number, face in enumerate(np.repeat(faces, 2, axis=0)):
            probe = Probe(f"clip-{number:016x}", f"s{number // 2}", [(0, None)] * 5)
            seen = (face + rng.normal(0, noise, (5, 32))).astype(np.float32)
            original = np.repeat(face[None], 5, axis=0).astype(np.float32)
            self.attacks.add(Look(probe, "released", "dlib", missed=1), original, seen, gallery)


def test_a_cohort_is_linked_and_its_rates_are_told():
    attacks = _Known(noise=0.2).attacks
    linkage = pl.DataFrame(attacks.linkage())
    assert linkage.height == 24 * 23 / 2
    assert linkage.filter("same_subject").height == 12
    assert (
        linkage.filter("same_subject")["distance"].max()
        < linkage.filter(~pl.col("same_subject"))["distance"].min()
    )
    rates = {row["false_match_rate"]: row["true_match_rate"] for row in attacks.recognition(12)}
    assert rates == {0.01: 1.0, 0.001: None}  # 132 pairs of subjects cannot tell one in a thousand
    assert {row["true_match_rate"] for row in attacks.recognition(5)} == {None}
    curve = attacks.roc()
    assert len(curve) <= 60
    assert (curve[-1]["false_match_rate"], curve[-1]["true_match_rate"]) == (1, 1)
    assert attacks.identity[0]["independent"]
    assert attacks.identity[0]["frames_no_face"] == 1


def test_nobody_is_found_among_strangers():
    rates = {
        row["false_match_rate"]: row["true_match_rate"] for row in _Known(noise=30).attacks.recognition(12)
    }
    assert rates[0.01] < 0.2

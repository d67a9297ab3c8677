"""Recognisers on real faces, and what their figures mean."""

import cv2
import numpy as np
import onnx
import polars as pl
import pytest
from onnx import TensorProto, helper

from schemas.registry import Registry
from tasks.files.documents import read_document, write_json
from tasks.files.errors import ModelError
from tasks.files.hashing import sha256_file
from tasks.validate.identity.attack import Attacks, Probe, Sighting
from tasks.validate.identity.blank import blank_face
from tasks.validate.identity.distances import (
    Attack,
    attack,
    distances,
    make_gallery,
    match_rates,
    true_match_rate,
)
from tasks.validate.identity.judges import make_judges
from tasks.validate.identity.strangers import read_strangers
from tasks.video import read_frames
from tasks.vision.alignment import ARCFACE_XY, align_arcface, similarity
from tasks.vision.detectors import View
from tasks.vision.faces import face_region, locate_mesh, search_faces
from tasks.vision.recognisers import Face, make_recognisers
from tasks.vision.regions import Region, bounding_region, crop_region, to_crop
from tasks.vision.sessions import REGISTRY_PATH, Weights


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
    assert attack(vectors["cap13"], "C", gallery) == Attack(1.0, 1.0, 1.0, best_frame=True, template=True)
    other = attack(vectors["cap13"], "A", gallery)
    assert (other.rank1, other.rank5, other.best_frame, other.template) == (0.0, 1.0, False, False)
    assert 2 <= other.rank_mean <= 3


@pytest.fixture(scope="module")
def turned(sample, weights, params):
    """Recogniser -> clip -> angle -> embedding of one face in a picture that was turned so far."""
    recognisers = make_recognisers(weights)
    found = {name: {} for name in recognisers}
    for clip in ("carphone", "franck", "cap12"):
        rgb = next(iter(read_frames(sample(clip)))).rgb
        face = search_faces(View.of(rgb, 960), weights, params.extract)[0]
        mesh = locate_mesh(rgb, face_region(face), weights, 0.5).xy
        for angle in (0, 10, 30, 60, 90, 180, 270):
            around = bounding_region(mesh, 0.0, 3.0)
            region = Region(around.center_xy, around.side, np.radians(angle))
            picture, xy = crop_region(rgb, region, 320), to_crop(mesh, region, 320)
            for name, embed in recognisers.items():
                found[name].setdefault(clip, {})[angle] = embed(picture, xy)
    return found


@pytest.mark.parametrize("angle", [10, 30, 60, 90, 180, 270])
@pytest.mark.parametrize("name", ["dlib", "mobilefacenet"])
def test_a_turned_picture_gets_the_same_answers(name, angle, turned):
    people = turned[name]
    for clip, vectors in people.items():
        same = float(np.linalg.norm(vectors[0] - vectors[angle]))
        others = [
            float(np.linalg.norm(vectors[0] - other[angle])) for who, other in people.items() if who != clip
        ]
        assert same < min(others), (clip, same, others)
        if name == "dlib":
            assert same < 0.35
            turned_alike = [
                np.linalg.norm(vectors[angle] - other[angle]) for who, other in people.items() if who != clip
            ]
            assert min(turned_alike) > 0.6


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
    assert found.rank_mean == pytest.approx((9 * 2 + 1) / 10)


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


def test_the_floor_of_every_arm_is_what_a_flat_face_gives():
    gallery = {name: np.eye(4, dtype=np.float32)[number] for number, name in enumerate("ABCD")}
    attacks = Attacks("mobilefacenet", {"dlib": 0.6}, {"dlib": gallery})
    probe = Probe("clip-0", "A", [(0, None)] * 2, np.ones(2, bool))
    found = np.ones(2, bool)
    own, blank, released = (
        Sighting({"dlib": np.array([row] * 2, np.float32)}, found)
        for row in ([1, 0, 0, 0], [0.1, 0.5, 0.4, 0.3], [0.5, 0.6, 0, 0])
    )
    for arm, seen in (("blank", blank), ("control", own), ("released", released)):
        attacks.add(probe, arm, own, seen)
    ranks = {row["arm"]: (row["rank_mean"], row["rank_floor"]) for row in attacks.identity}
    assert ranks == {"blank": (4, 4), "control": (1, 4), "released": (2, 4)}


@pytest.mark.parametrize("clip", ["cap12", "cap13"])
def test_a_person_is_known_by_shape_in_another_session_and_whatever_way_they_look(
    clip, shapes_seen, weights, params
):
    """Of three people and those in pictures; the original's own frames all show them looking elsewhere."""
    gallery = {"cap": [shapes_seen["cap13" if clip == "cap12" else "cap12"]]}
    gallery |= {other: [shapes_seen[other]] for other in ("carphone", "franck")}
    judges = {"shape": make_judges(weights, params.extract)["shape"]}
    strangers = read_strangers(weights, params.validate_.strangers, params.extract, judges)
    gallery |= {f"stranger {number}": [face["shape"]] for number, face in enumerate(strangers)}
    found = attack(shapes_seen[clip], "cap", make_gallery(gallery))
    assert found.rank_mean < len(gallery) / 4, found


@pytest.fixture(scope="module")
def shapes_seen(sample, weights, params):
    """Clip -> the embedded shape of five frames."""
    judge, found = make_judges(weights, params.extract)["shape"], {}
    for clip in ("carphone", "franck", "cap12", "cap13"):
        for frame in list(read_frames(sample(clip)))[::5][:5]:
            face = search_faces(View.of(frame.rgb, 960), weights, params.extract)[0]
            mesh = locate_mesh(frame.rgb, face_region(face), weights, 0.5)
            found.setdefault(clip, []).append(judge(frame.rgb, mesh.xy))
    return {clip: np.stack(rows) for clip, rows in found.items()}


def test_by_shape_only_faces_that_were_found_again_are_looked_for():
    gallery = {name: np.eye(4, dtype=np.float32)[number] for number, name in enumerate("ABCD")}
    attacks = Attacks("mobilefacenet", {}, {"shape": gallery})
    probe = Probe("clip-0", "A", [(frame, None) for frame in range(3)], np.array([True, True, False]))
    seen = np.array([[0.9, 0.1, 0, 0], [np.nan] * 4, [0, 1, 0, 0]], np.float32)
    own, other = (
        Sighting({"shape": rows}, np.array([True, False, True])) for rows in (np.eye(4)[[0, 0, 1]], seen)
    )
    blank = Sighting({"shape": np.full((3, 4), np.nan)}, np.ones(3, bool))
    attacks.add(probe, "blank", own, blank)
    attacks.add(probe, "released", own, other)
    (row,) = attacks.identity
    assert (row["subject_frames"], row["frames"], row["rank_mean"], row["rank_floor"]) == (1, 2, 1.0, 2.5)
    assert [face["face"] for face in attacks.identity_frames] == [0, 2]


@pytest.mark.parametrize(
    ("likeness", "floor"),
    [
        # three others come first, third and last
        ({"A": 0.5, "B": 0.9, "C": 0.4, "D": -0.3}, 2.0),
        # the subject before all others who were filmed, and after them
        ({"A": 0.95, "B": 0.9, "C": 0.8, "D": 0.7}, 2.5),
        ({"A": -0.9, "B": 0.9, "C": 0.8, "D": 0.7}, 1.5),
        # nobody else was filmed, or one: nothing is left but to guess among 20
        ({"A": 0.5}, 10.5),
        ({"A": 0.5, "B": 0.9}, 10.5),
        # made faces are nearer than who was filmed
        ({"A": 0.5, "B": -0.8, "C": -0.9}, 10.5),
    ],
)
def test_by_shape_a_subject_may_come_as_early_as_a_quarter_of_all_who_were_filmed(likeness, floor):
    made = {f"stranger {number}": 0.1 - 0.01 * number for number in range(20 - len(likeness))}
    gallery = {
        who: np.array([share, np.sqrt(1 - share**2)], np.float32) for who, share in (likeness | made).items()
    }
    attacks = Attacks("mobilefacenet", {}, {"shape": gallery}, filmed=set(likeness))
    probe = Probe("clip-0", "A", [(0, None), (1, None)], np.ones(2, bool))
    seen = Sighting({"shape": np.array([[1, 0]] * 2, np.float32)}, np.ones(2, bool))
    attacks.add(probe, "released", seen, seen)
    assert attacks.identity[0]["rank_floor"] == pytest.approx(floor)


@pytest.mark.parametrize("clip", ["carphone", "franck", "cap12"])
def test_a_flat_face_has_one_colour_within_the_mesh_and_the_rest_is_as_it_was(clip, sample, weights, params):
    rgb = next(iter(read_frames(sample(clip)))).rgb
    face = search_faces(View.of(rgb, 960), weights, params.extract)[0]
    mesh = locate_mesh(rgb, face_region(face), weights, 0.5).xy
    blank = blank_face(rgb, mesh)
    inside = np.zeros(rgb.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(np.round(mesh).astype(np.int32)), 1)
    kernel = np.ones((5, 5), np.uint8)
    assert len(np.unique(blank[cv2.erode(inside, kernel) > 0], axis=0)) == 1
    outside = cv2.dilate(inside, kernel) == 0
    np.testing.assert_array_equal(blank[outside], rgb[outside])
    judge = make_recognisers(weights)["dlib"]
    assert np.linalg.norm(judge(blank, mesh, rgb) - judge(rgb, mesh)) > 0.5


def test_strangers_are_read_and_a_picture_without_anybody_is_refused(weights, params, tmp_path, monkeypatch):
    faces = read_strangers(
        weights, ["astronaut", "mona_lisa", "young_asian_male"], params.extract, make_recognisers(weights)
    )
    assert len(faces) == 3
    vectors = np.concatenate([face["dlib"] for face in faces])
    apart = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)[np.triu_indices(3, 1)]
    assert apart.min() > 0.6
    cv2.imwrite(str(tmp_path / "wall.png"), np.full((64, 64, 3), 200, np.uint8))
    monkeypatch.setattr(type(weights), "path", lambda self, name: tmp_path / "wall.png")
    with pytest.raises(ModelError, match="shows no face"):
        read_strangers(weights, ["astronaut"], params.extract, {})


class _Known:
    """Attacks on made embeddings of twelve subjects with two clips each."""

    def __init__(self, noise):
        rng = np.random.default_rng(7)
        faces = rng.normal(0, 1, (12, 32))
        gallery = make_gallery({f"s{n}": [face[None].astype(np.float32)] for n, face in enumerate(faces)})
        self.attacks = Attacks("mobilefacenet", {"dlib": 0.6}, {"dlib": gallery})
        for number, face in enumerate(np.repeat(faces, 2, axis=0)):
            probe = Probe(f"clip-{number:016x}", f"s{number // 2}", [(0, None)] * 5, np.ones(5, bool))
            seen = (face + rng.normal(0, noise, (5, 32))).astype(np.float32)
            original = np.repeat(face[None], 5, axis=0).astype(np.float32)
            found = np.arange(5) > 0
            self.attacks.add(
                probe, "released", Sighting({"dlib": original}, found), Sighting({"dlib": seen}, found)
            )


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


def _made_arcface(path, side_px=112, scales=False):
    """Write a graph with the inputs and outputs of insightface's recognisers: a coarse grid of colours."""
    picture = helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [None, 3, side_px, side_px])
    vector = helper.make_tensor_value_info("683", TensorProto.FLOAT, [1, 147])
    first = "scaled" if scales else "input.1"
    scale = [
        helper.make_node("Sub", ["input.1", "half"], ["shifted"]),
        helper.make_node("Mul", ["shifted", "half"], ["scaled"]),
    ]
    half = helper.make_tensor("half", TensorProto.FLOAT, [1], [0.5])
    pool = helper.make_node("AveragePool", [first], ["coarse"], kernel_shape=[16, 16], strides=[16, 16])
    flat = helper.make_node("Flatten", ["coarse"], ["683"])
    graph = helper.make_graph([*(scale if scales else []), pool, flat], "made", [picture], [vector], [half])
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))


def _with_arcface(tmp_path, root, **made):
    """A workspace with a third recogniser beside the two that are always there."""
    here = tmp_path / "data/models"
    here.mkdir(parents=True)
    for path in (root / "data/models").iterdir():
        (here / path.name).symlink_to(path)
    registry = read_document(root / REGISTRY_PATH, Registry).model_dump(mode="json")
    _made_arcface(here / "arcface.onnx", **made)
    entry = registry["models"]["mobilefacenet"]
    digest = sha256_file(here / "arcface.onnx")
    registry["models"]["arcface"] = entry | {"path": "data/models/arcface.onnx", "sha256": digest}
    (tmp_path / REGISTRY_PATH).unlink()
    write_json(registry, tmp_path / REGISTRY_PATH)
    return Weights(tmp_path)


def test_a_third_recogniser_judges_where_its_weight_is_brought(tmp_path, root, sample, weights, params):
    assert set(make_recognisers(weights)) == {"dlib", "mobilefacenet"}
    judges = make_recognisers(_with_arcface(tmp_path, root))
    frame = next(iter(read_frames(sample("cap12"))))
    face = search_faces(View.of(frame.rgb, 960), weights, params.extract)[0]
    mesh = locate_mesh(frame.rgb, face_region(face), weights, 0.5).xy
    seen = align_arcface(frame.rgb, mesh).astype(np.float32) / 127.5 - 1
    coarse = seen.reshape(7, 16, 7, 16, 3).mean(axis=(1, 3)).transpose(2, 0, 1).ravel()
    np.testing.assert_allclose(
        judges["arcface"](frame.rgb, mesh), coarse / np.linalg.norm(coarse), rtol=1e-3, atol=1e-5
    )


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ({"side_px": 128}, "not one picture of 3 x 112 x 112"),
        ({"scales": True}, "scales its pictures by itself"),
    ],
)
def test_a_third_recogniser_of_another_kind_is_refused(tmp_path, root, made, says):
    with pytest.raises(ModelError, match=says):
        make_recognisers(_with_arcface(tmp_path, root, **made))


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_many_faces_are_embedded_as_each_alone(tmp_path, root, sample, weights, params, count):
    faces = []
    for name in ("cap12", "franck", "carphone"):
        frame = next(iter(read_frames(sample(name))))
        found = search_faces(View.of(frame.rgb, 960), weights, params.extract)[0]
        faces.append(Face(frame.rgb, locate_mesh(frame.rgb, face_region(found), weights, 0.5).xy))
    faces = (faces * 2)[:count]
    for judge in make_recognisers(_with_arcface(tmp_path, root)).values():
        alone = np.stack([judge(*face) for face in faces])
        np.testing.assert_allclose(judge.many(faces), alone, atol=1e-6)
        assert count < 2 or np.linalg.norm(alone[0] - alone[1]) > 0.1

"""What somebody finds who has Guise, photographs of people, and a release."""

import cv2
import numpy as np
import pytest

from tasks.files.errors import InputError
from tasks.swap.pool import load_pool
from tasks.validate.identity.alone import face_alone
from tasks.validate.identity.parrot import swapped
from tasks.video import read_frames
from tasks.vision.recognisers import Face, make_recognisers
from tools.benchmark import kin
from tools.benchmark.parrot import LOOKS, measure, places, read_photographs, trained_places

PEOPLE = ("cap13", "franck", "carphone")


def test_places_are_told_without_the_photograph_that_is_looked_for():
    own = np.array([[1, 0, 0], [0, 1, 0]], np.float32)  # whose two photographs have nothing in common
    near = np.array([[1, 0.1, 0], [1, 0, 0.1]], np.float32)
    assert list(places({"own": own, "near": near})) == [2, 2, 1, 1]


def test_who_learns_leaves_out_the_photograph_that_is_looked_for():
    noise = np.random.default_rng(0)
    people = {
        name: (axis + noise.normal(0, 0.05, (3, 8))).astype(np.float32)
        for name, axis in zip("abcd", np.eye(8), strict=False)
    }
    assert list(trained_places(people)) == [1] * 12
    people["a"][0] = people["b"][0]
    assert trained_places(people)[0] > 1


def test_alone_a_face_has_nothing_around_it():
    mesh = np.random.default_rng(0).uniform(30, 70, (468, 2)).astype(np.float32)
    noise = np.random.default_rng(1).integers(0, 255, (100, 100, 3)).astype(np.uint8)
    alone = face_alone(Face(noise, mesh)).rgb
    assert (alone[:28] == 128).all()
    assert (alone[45:55, 45:55] == noise[45:55, 45:55]).all()


@pytest.fixture(scope="module")
def photographs(sample, tmp_path_factory):
    folder = tmp_path_factory.mktemp("photographs")
    for name in PEOPLE:
        frames = [frame.rgb for frame in read_frames(sample(name))]
        for number, rgb in ((1, frames[0]), (2, frames[-1])):
            assert cv2.imwrite(str(folder / f"{name}_{number}.png"), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    return folder


def test_each_attack_is_told_and_an_original_is_always_found(photographs):
    found = {(one.attack, one.recogniser): one for one in measure(photographs, ["average"])}
    attacks = {
        f"{attack}{look}{by}"
        for attack in ("original", "flat", "parrot")
        for look in LOOKS
        for by in ("", ", trained")
    }
    assert {attack for attack, _ in found} == attacks
    assert all(found[attack, judge].rank1 == 1 for attack, judge in found if attack.startswith("original"))
    assert all(1 <= one.rank_mean <= len(PEOPLE) for one in found.values())


def test_what_is_compared_has_another_face(photographs, weights, params):
    target = load_pool(weights, params.deidentify, params.extract)["average"]
    judge = make_recognisers(weights)["dlib"]
    for faces in read_photographs(photographs, weights, params).values():
        own, given = (
            judge.many(faces),
            judge.many(swapped(faces, target, weights, params.deidentify, params.extract)),
        )
        assert np.linalg.norm(own[0] - own[1]) < 0.4 < np.linalg.norm(own - given, axis=1).min()


def test_whoever_is_mixed_of_others_and_they_are_told(photographs, tmp_path):
    picture = tmp_path / "seen.png"
    found = {(one.looked_at, one.recogniser): one for one in kin.measure(photographs, 6, picture)}
    assert {label for label, _ in found} >= {"6 people in the mixed face", "the patient released with it"}
    assert {judge for _, judge in found} == {"dlib", "mobilefacenet"}
    assert all(1 <= one.place <= one.among for one in found.values())
    assert all(one.among == len(PEOPLE) + 22 for one in found.values())
    # who is mixed in one of six is not found first, each and every one
    assert all(one.rank1 < 0.5 for (label, _), one in found.items() if label.startswith("6 people"))
    assert cv2.imread(str(picture)).shape == (3 * kin.SHOWN_PX, 4 * kin.SHOWN_PX, 3)


def test_what_cannot_be_compared_is_one_sentence(photographs, weights, params, tmp_path):
    (tmp_path / "somebody_1.png").write_bytes((photographs / "franck_1.png").read_bytes())
    with pytest.raises(InputError, match="needs two photographs"):
        read_photographs(tmp_path, weights, params)
    cv2.imwrite(str(tmp_path / "somebody_2.png"), np.full((64, 64, 3), 128, np.uint8))
    with pytest.raises(InputError, match="shows no face"):
        read_photographs(tmp_path, weights, params)
    (tmp_path / "nothing_2.png").write_text("no picture")
    with pytest.raises(InputError, match="is no picture"):
        read_photographs(tmp_path, weights, params)

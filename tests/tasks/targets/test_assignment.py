"""Who is who in a clip, and which target hides them best."""

from dataclasses import replace

import numpy as np

from tasks.targets.assignment import Person, Trial, choose, who_is_who
from tasks.targets.likeness import features_alike

FACES = np.eye(4, dtype=np.float32)


def _person(clip, track, face, area=1.0):
    return Person(clip, track, area, np.stack([FACES[face], FACES[face] + 0.1]))


def test_one_face_in_two_clips_and_two_scenes_is_one_person():
    people = [_person("a", 0, 0), _person("a", 3, 0), _person("b", 0, 0), _person("b", 1, 1)]
    groups = who_is_who(people, alike=0.5)
    assert [{(one.clip_id, one.track) for one in group} for group in groups] == [
        {("a", 0), ("a", 3), ("b", 0)},
        {("b", 1)},
    ]


def test_the_subject_is_in_most_clips_even_where_another_face_is_larger():
    people = [_person("a", 0, 0), _person("b", 0, 0), _person("b", 1, 1, area=9.0)]
    assert who_is_who(people, alike=0.5)[0][0].track == 0
    assert {one.clip_id for one in who_is_who(people, alike=0.5)[0]} == {"a", "b"}


def test_the_least_alike_target_within_tolerance_is_chosen():
    trials = [
        Trial("near", 1.0, 0.4, 0.5, 0.7, 0.01),
        Trial("far", 1.0, -0.2, 0.5, 0.7, 0.014),
        Trial("torn", 1.0, -0.9, 0.5, 0.7, 0.05),
    ]
    assert choose(trials, tolerance=1.5).target == "far"
    assert choose(trials, tolerance=1.0).target == "near"
    assert choose(trials, tolerance=9.0).target == "torn"


def test_a_target_with_which_somebody_else_is_nearer_goes_first():
    trials = [Trial("found", 1.0, 0.1, 0.0, 0.7, 0.01), Trial("hidden", 1.0, 0.2, 0.3, 0.7, 0.01)]
    assert choose(trials, tolerance=1.0).target == "hidden"
    assert choose(trials[:1], tolerance=1.0).target == "found"


def test_of_two_alike_to_a_recogniser_the_one_that_looks_less_alike_is_chosen():
    trials = [Trial("alike", 1.0, 0.10, 0.5, 0.9, 0.01), Trial("unlike", 1.0, 0.12, 0.5, 0.6, 0.01)]
    assert choose(trials, tolerance=1.0).target == "unlike"


def test_of_two_the_one_whose_shape_is_nearer_to_somebody_elses_is_chosen():
    trials = [
        Trial("built alike", 1.0, 0.10, 0.5, 0.6, 0.01, apart=0.4),
        Trial("built otherwise", 1.0, 0.15, 0.5, 0.6, 0.01, apart=1.3),
        Trial("no further", 1.0, 0.20, 0.5, 0.6, 0.01, apart=9.0),
    ]
    assert choose(trials, tolerance=1.0).target == "built otherwise"
    # however much more alike to a recogniser, but not if that finds them, or the keypoints are astray
    far = Trial("built otherwise", 1.0, 0.45, 0.5, 0.9, 0.01, apart=1.0)
    assert choose([trials[0], far], tolerance=1.0) == far
    assert choose([trials[0], replace(far, own=0.5)], tolerance=1.0) == trials[0]
    assert choose([trials[0], replace(far, error=0.012)], tolerance=1.1) == trials[0]


def test_features_are_alike_whatever_the_light_and_unlike_in_another_face():
    rng = np.random.default_rng(0)
    face, other = (np.kron(rng.integers(40, 200, (8, 8, 3)), np.ones((12, 12, 1))) for _ in range(2))
    mesh = np.array([[4, 4], [92, 4], [92, 92], [4, 92]], np.float32)
    lit = np.clip(face * 0.8 + 20, 0, 255)
    one, two, three = (picture.astype(np.uint8) for picture in (face, lit, other))
    assert features_alike(one, two, mesh) > 0.95
    assert abs(features_alike(one, three, mesh)) < 0.5
    assert features_alike(one, np.full_like(one, 90), mesh) == 1.0

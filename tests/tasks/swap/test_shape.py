"""A face's own shape is found whatever its pose, and moved without touching how it moves."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from schemas.skeletons import FACE_OVAL, LID_MIDDLES, LIP_MIDDLES, MIRRORED, NOSE_TIP
from tasks.swap.pool import load_pool
from tasks.swap.shape import Reshaping, as_grown, reshape, shape_of
from tasks.vision.alignment import laid_over

FACES = ("average", "long_man", "round_woman", "dark_man", "young_man")
POSES_DEG = [(0, 0, 0), (10, -25, 5), (-15, 30, -20), (5, 10, 90), (0, 40, 0)]


@pytest.fixture(scope="module")
def shapes(weights, params):
    pool = load_pool(weights, params.deidentify, params.extract)
    return {name: pool[name].shape for name in FACES}


def _seen(shape, pose_deg, scale=80.0, shift=(200, 150)):
    turned = shape @ Rotation.from_euler("xyz", pose_deg, degrees=True).as_matrix().T
    return (turned[:, :2] * scale + shift).astype(np.float32)


def test_the_mirror_is_its_own_and_keeps_the_middle():
    assert sorted(MIRRORED) == list(range(468))
    assert [MIRRORED[other] for other in MIRRORED] == list(range(468))
    assert MIRRORED[NOSE_TIP] == NOSE_TIP
    assert {MIRRORED[point] for point in FACE_OVAL} == set(FACE_OVAL)


def test_a_mirrored_face_lies_over_itself(shapes):
    flipped = (shapes["average"] * [-1, 1, 1])[MIRRORED]
    laid = laid_over(flipped, shapes["average"].astype(np.float64))
    assert np.linalg.norm(laid - shapes["average"], axis=1).mean() < 0.03


@pytest.mark.parametrize("name", ["average", "long_man", "round_woman"])
def test_a_shape_is_found_whatever_the_pose_and_in_spite_of_expressions(name, shapes):
    shape, noise = shapes[name].astype(np.float64), np.random.default_rng(0)
    readings = []
    for pose in POSES_DEG * 3:
        turn = Rotation.from_euler("xyz", pose, degrees=True).as_matrix().T
        reading = (shape @ turn) * noise.uniform(40, 90) + noise.normal(0, 100, 3)
        readings.append((reading + noise.normal(0, 0.5, reading.shape)).astype(np.float32))
    readings[4][LIP_MIDDLES[1]] += [0, 40, 0]  # one mouth is open
    found = laid_over(shape_of(readings).astype(np.float64), shape)
    assert np.linalg.norm(found - shape, axis=1).max() < 0.02


@pytest.mark.parametrize("pose_deg", POSES_DEG)
def test_a_change_is_carried_by_the_heads_pose(pose_deg, shapes):
    own, target = shapes["average"], shapes["long_man"]
    change = reshape(own, target, 1.0, keep_asymmetry=False)
    moved = change.moved(_seen(own, pose_deg))
    np.testing.assert_allclose(moved, _seen(own + change.by, pose_deg), atol=0.6)
    # and it is a change: the face is nearer to the target's than to the person's
    apart = [np.linalg.norm(moved - _seen(shape, pose_deg), axis=1).mean() for shape in (own, target)]
    assert apart[0] > 1.5


def test_motion_is_not_touched(shapes):
    own = shapes["round_woman"]
    change = reshape(own, shapes["long_man"], 1.2, keep_asymmetry=True)
    rest, smile = _seen(own, (0, 15, 0)), _seen(own, (0, 15, 0))
    smile[[61, 291]] += [[-4, -3], [4, -3]]
    smile[list(LID_MIDDLES[0])] += [[0, 2], [0, -2]]
    motion = (change.moved(smile) - change.moved(rest)) - (smile - rest)
    assert np.abs(motion).max() < 0.2  # pixels, of faces of 130


def test_lids_and_lips_keep_their_opening(shapes):
    for own in shapes.values():
        for target in shapes.values():
            by = reshape(own, target, 1.2, keep_asymmetry=True).by
            for upper, lower in (*LID_MIDDLES, LIP_MIDDLES):
                assert abs(by[upper, 1] - by[lower, 1]) < 0.05


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize(("first", "second", "target", "most"), [
    ("average", "young_man", "long_man", 0.4), ("dark_man", "young_man", "long_man", 0.4),
    ("dark_man", "round_woman", "average", 0.28),
])  # fmt: skip
def test_two_people_who_are_given_one_face_are_built_alike(first, second, target, most, keep, shapes):
    """Whoever has Guise gives their photographs the same face: what is left of each must be little."""
    people = shapes[first], shapes[second]
    moved = [own + reshape(own, shapes[target], 1.0, keep_asymmetry=keep).by for own in people]
    before, after = (
        np.linalg.norm(laid_over(one.astype(np.float64), other) - other, axis=1).mean()
        for one, other in (people, moved)
    )
    assert after < most * before


def test_what_meets_when_it_shuts_still_meets(shapes):
    for own in shapes.values():
        for target in shapes.values():
            by = reshape(own, target, 1.2, keep_asymmetry=True).by
            pairs = [(13, 14), (159, 145), (386, 374), (82, 87), (312, 317), (160, 144), (387, 373)]
            for upper, lower in pairs:
                np.testing.assert_allclose(by[upper], by[lower], atol=1e-6)


def test_a_palsy_stays_where_it_is_asked_to(shapes):
    own, target = shapes["average"].copy(), shapes["long_man"]
    drooping = [61, 146, 91, 181, 185, 40, 39, 57, 43, 106, 182, 202, 204, 194, 212, 216, 186, 92, 165]
    own[drooping] += [0, 0.08, 0]
    kept = reshape(own, target, 1.0, keep_asymmetry=True).by
    gone = reshape(own, target, 1.0, keep_asymmetry=False).by
    droop = [by[61, 1] - by[291, 1] for by in (kept, gone)]
    assert abs(droop[0]) < 0.25 * abs(droop[1])
    assert droop[1] < -0.02


def test_no_share_is_no_change(shapes):
    change = reshape(shapes["average"], shapes["long_man"], 0.0, keep_asymmetry=True)
    mesh = _seen(shapes["average"], (0, 20, 0))
    np.testing.assert_array_equal(change.moved(mesh), mesh)


def test_a_flat_mesh_breaks_nothing(shapes):
    change = Reshaping(shapes["average"], np.full((468, 3), 0.1, np.float32))
    assert np.isfinite(change.moved(np.full((468, 2), 7, np.float32))).all()


def _grown(shape, strain):
    """Return a face that grew so much more, or less: below the top of a head more than above."""
    middle = (shape[33] + shape[263]) / 2 + [0, 0, 0.6]
    away = shape - middle
    grown = shape + strain * away * (1 + away[:, 1:2] / np.linalg.norm(away, axis=1, keepdims=True))
    return (grown / np.linalg.norm(grown[33] - grown[263])).astype(np.float32)


def _length(shape):
    return float(np.linalg.norm(shape[152] - shape[168]) / np.linalg.norm(shape[33] - shape[263]))


@pytest.mark.parametrize("strain", [-0.2, -0.25, -0.3])
@pytest.mark.parametrize("pose_deg", [(0, 0, 0), (10, -25, 5)])
@pytest.mark.parametrize(
    ("own", "target"), [("average", "dark_man"), ("young_man", "long_man"), ("dark_man", "average")]
)
def test_a_child_stays_a_child(own, target, pose_deg, strain, shapes):
    child = _grown(shapes[own], strain)
    turned = (child @ Rotation.from_euler("xyz", pose_deg, degrees=True).as_matrix().T).astype(np.float32)
    released = turned + reshape(turned, shapes[target], 1.0, keep_asymmetry=True).by
    adult = _length(shapes[target])
    assert _length(child) < 0.93 * adult
    assert abs(_length(released) - _length(child)) < 0.3 * abs(_length(child) - adult)
    # and it is another child: all that is no growth is the target's
    assert np.linalg.norm(reshape(turned, shapes[target], 1.0, keep_asymmetry=True).by, axis=1).mean() > 0.005


@pytest.mark.parametrize("own", FACES)
@pytest.mark.parametrize("target", FACES)
@pytest.mark.parametrize("strain", [0, 0.1])
def test_no_grown_up_is_taken_for_a_child(own, target, strain, shapes):
    """Also who has grown more than others: an old man's long face is no reason to keep it."""
    mine, other = _grown(shapes[own], strain).astype(np.float64), shapes[target].astype(np.float64)
    if (own, target) != ("round_woman", "long_man"):  # the farthest apart
        np.testing.assert_array_equal(as_grown(other, mine), other)

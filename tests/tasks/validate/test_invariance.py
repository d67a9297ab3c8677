"""Known movements give known figures."""

import numpy as np
import pytest

from schemas.keypoints import PARTS
from tasks.validate.invariance import COCO_SIGMAS, measure, oks
from tasks.validate.people import align_people, to_tracks

FRAMES = 10
LIMITS = [0.02, 0.05, 0.1]


def _tracks(people=1, shift=0.0):
    rng = np.random.default_rng(3)
    tracks = {}
    for part, count in PARTS.items():
        one = rng.random((1, 1, count, 2)).astype(np.float32) * 100
        tracks[part] = np.repeat(np.repeat(one, FRAMES, axis=1), people, axis=0)
        tracks[part] += (np.arange(people) * 500.0)[:, None, None, None].astype(np.float32)
    tracks["face"][:, :, 33], tracks["face"][:, :, 263] = 0, [50, 0]
    tracks["face"] += (np.arange(people) * 500.0)[:, None, None, None].astype(np.float32) * 0
    tracks["body"][:, :, 11, :] = [0, 0]
    tracks["body"][:, :, 12, :] = [200, 0]
    if people > 1:
        tracks["face"][1] += 500
        tracks["body"][1] += 500
    moved = {part: values + np.float32(shift) for part, values in tracks.items()}
    return moved | {"head": moved["body"][:, :, :11]}


def test_the_same_keypoints_give_no_error():
    same = _tracks()
    figures = measure(same, same, same, "face", LIMITS)
    assert figures["nme_mean"] == (0.0, FRAMES)
    assert figures["oks_mean"][0] == 1.0
    assert figures["pck@0.02"][0] == 1.0
    assert figures["found_again"] == (1.0, FRAMES)
    assert figures["lost"][0] == figures["gained"][0] == 0


def test_nme_is_distance_over_the_eyes():
    original, moved = _tracks(), _tracks()
    moved["face"] = original["face"] + np.array([3, 4], np.float32)
    figures = measure(original, original, moved, "face", LIMITS)
    assert figures["nme_mean"][0] == pytest.approx(5 / 50, rel=1e-4)
    assert figures["nme_max"][0] == pytest.approx(5 / 50, rel=1e-4)
    assert figures["pck@0.05"][0] == 0.0


def test_head_error_is_distance_over_the_shoulders():
    original, moved = _tracks(), _tracks()
    moved["head"] = original["head"] + np.array([0, 10], np.float32)
    assert measure(original, original, moved, "head", LIMITS)["nme_mean"][0] == pytest.approx(
        10 / 200, rel=1e-4
    )


def test_oks_by_hand():
    distances = np.full((1, 17), 6.0)
    expected = np.exp(-36 / (2 * 4000.0 * (2 * COCO_SIGMAS) ** 2)).mean()
    assert oks(distances, np.array([4000.0]), COCO_SIGMAS)[0] == pytest.approx(expected)


def test_lost_gained_and_found_again_count_detections():
    original, control, other = _tracks(), _tracks(), _tracks()
    other["face"][0, :4] = np.nan
    original["face"][0, 9] = np.nan
    control["face"][0, 0] = np.nan
    figures = measure(original, control, other, "face", LIMITS)
    assert figures["lost"] == (4.0, 9)
    assert figures["gained"] == (1.0, 6)
    assert figures["found_again"] == (pytest.approx(6 / 9), 9)
    assert figures["nme_mean"][1] == 5


def test_an_arm_without_any_face_has_no_error_figure():
    original, other = _tracks(), _tracks()
    other["face"][:] = np.nan
    figures = measure(original, original, other, "face", LIMITS)
    assert figures["nme_mean"] == (None, 0)
    assert figures["oks_mean"] == (None, 0)
    assert figures["found_again"][0] == 0.0


def test_people_are_matched_whatever_their_order():
    original = _tracks(people=2)
    swapped = {part: values[::-1].copy() for part, values in original.items()}
    aligned = align_people(original, swapped)
    for part, values in original.items():
        np.testing.assert_array_equal(aligned[part], values)


def test_a_person_who_is_missing_is_missing_not_another_one():
    original = _tracks(people=2)
    alone = {part: values[1:].copy() for part, values in original.items()}
    aligned = align_people(original, alone)
    assert np.isnan(aligned["face"][0]).all()
    np.testing.assert_array_equal(aligned["face"][1], original["face"][1])


def test_nobody_anywhere_is_no_crash():
    from tasks.keypoints import to_table

    nobody = to_tracks(to_table([]), FRAMES)
    figures = measure(nobody, nobody, align_people(nobody, nobody), "face", LIMITS)
    assert figures["found_again"] == (None, 0)

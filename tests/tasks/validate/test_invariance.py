"""Known movements give known figures."""

import numpy as np
import pytest

from schemas.keypoints import PARTS
from tasks.validate.invariance import COCO_SIGMAS, measure, oks, person_areas
from tasks.validate.people import Tracks, align_people, to_tracks

FRAMES = 10
LIMITS = [0.02, 0.05, 0.1]


def _tracks(people=1):
    rng = np.random.default_rng(3)
    xy = {}
    for part, count in PARTS.items():
        one = rng.random((count, 2)).astype(np.float32) * 100
        if part == "face":
            one[33], one[263] = [0, 0], [50, 0]
        if part == "body":
            one[11], one[12] = [0, 0], [200, 0]
        xy[part] = np.stack([np.stack([one + 500 * person] * FRAMES) for person in range(people)])
    xy["head"] = xy["body"][:, :, :11].copy()
    visibility = {part: np.ones(values.shape[:3], np.float32) for part, values in xy.items()}
    return Tracks(xy, visibility)


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
    moved.xy["face"] = original.xy["face"] + np.array([3, 4], np.float32)
    figures = measure(original, original, moved, "face", LIMITS)
    assert figures["nme_mean"][0] == pytest.approx(5 / 50, rel=1e-4)
    assert figures["nme_max"][0] == pytest.approx(5 / 50, rel=1e-4)
    assert figures["pck@0.05"][0] == 0.0


def test_head_error_is_distance_over_the_shoulders():
    original, moved = _tracks(), _tracks()
    moved.xy["head"] = original.xy["head"] + np.array([0, 10], np.float32)
    assert measure(original, original, moved, "head", LIMITS)["nme_mean"][0] == pytest.approx(
        10 / 200, rel=1e-4
    )


def test_oks_by_hand():
    distances = np.full((1, 17), 6.0)
    expected = np.exp(-36 / (2 * 4000.0 * (2 * COCO_SIGMAS) ** 2)).mean()
    assert oks(distances, np.array([4000.0]), COCO_SIGMAS)[0] == pytest.approx(expected)


def test_lost_gained_and_found_again_count_detections():
    original, control, other = _tracks(), _tracks(), _tracks()
    other.xy["face"][0, :4] = np.nan
    original.xy["face"][0, 9] = np.nan
    control.xy["face"][0, 0] = np.nan
    figures = measure(original, control, other, "face", LIMITS)
    assert figures["lost"] == (4.0, 9)
    assert figures["gained"] == (1.0, 6)
    assert figures["found_again"] == (pytest.approx(6 / 9), 9)
    assert figures["nme_mean"][1] == 5


def test_an_arm_without_any_face_has_no_error_figure():
    original, other = _tracks(), _tracks()
    other.xy["face"][:] = np.nan
    figures = measure(original, original, other, "face", LIMITS)
    assert figures["nme_mean"] == (None, 0)
    assert figures["oks_mean"] == (None, 0)
    assert figures["found_again"][0] == 0.0


def _pick(tracks, people):
    return Tracks(
        {part: values[people] for part, values in tracks.xy.items()},
        {part: values[people] for part, values in tracks.visibility.items()},
    )


def test_people_are_matched_whatever_their_order():
    original = _tracks(people=2)
    aligned = align_people(original, _pick(original, [1, 0]))
    for part, values in original.xy.items():
        np.testing.assert_array_equal(aligned.xy[part], values)


def test_a_person_who_is_missing_is_missing_not_another_one():
    original = _tracks(people=2)
    aligned = align_people(original, _pick(original, [1]))
    assert np.isnan(aligned.xy["face"][0]).all()
    np.testing.assert_array_equal(aligned.xy["face"][1], original.xy["face"][1])


def test_people_whom_the_original_does_not_have_are_gained():
    both = _tracks(people=2)
    original = _pick(both, [0])
    aligned = align_people(original, both)
    assert measure(original, original, aligned, "face", LIMITS)["gained"] == (FRAMES, 2 * FRAMES)


def test_keypoints_that_the_original_does_not_show_do_not_count():
    original, moved = _tracks(), _tracks()
    original.visibility["body"][:, :, 20:] = 0.1
    moved.xy["body"][:, :, 20:] += 1000
    figures = measure(original, original, moved, "body", LIMITS)
    assert figures["nme_mean"][0] == 0
    assert figures["oks_mean"][0] == 1
    shown = original.xy["body"][0, 0, :20]
    assert person_areas(original, "body")[0, 0] == pytest.approx(np.ptp(shown, axis=0).prod(), rel=1e-4)


def test_nobody_anywhere_is_no_crash():
    from tasks.keypoints import to_table

    nobody = to_tracks(to_table([]), FRAMES)
    figures = measure(nobody, nobody, align_people(nobody, nobody), "face", LIMITS)
    assert figures["found_again"] == (None, 0)

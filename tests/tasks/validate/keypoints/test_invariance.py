"""Known movements give known figures."""

import numpy as np
import pytest

from schemas.keypoints import PARTS
from tasks.validate.intervals import mean_interval, stretches
from tasks.validate.keypoints.invariance import Figure, person_areas
from tasks.validate.keypoints.invariance import measure as measure_part
from tasks.validate.keypoints.movement import movement_difference, temporal_correlation
from tasks.validate.keypoints.people import Tracks, align_people, to_tracks

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
    return Tracks(xy, visibility, {part: values[:, :, 0] for part, values in visibility.items()})


def measure(original, control, other, part, limits):
    time_s = np.arange(original.xy[part].shape[1]) / 25
    return measure_part(original, control.seen(part), other, part, pck_thresholds=limits, time_s=time_s)


def _said(figure):
    return figure.value, figure.n


def test_the_same_keypoints_give_no_error():
    same = _tracks()
    figures = measure(same, same, same, "face", LIMITS)
    assert _said(figures["nme_mean"]) == (0.0, FRAMES)
    assert figures["oks_mean"].value == 1.0
    assert figures["pck@0.02"].value == 1.0
    assert _said(figures["found_again"]) == (1.0, FRAMES)
    assert figures["lost"].value == figures["gained"].value == 0


def test_nme_is_distance_over_the_eyes():
    original, moved = _tracks(), _tracks()
    moved.xy["face"] = original.xy["face"] + np.array([3, 4], np.float32)
    figures = measure(original, original, moved, "face", LIMITS)
    assert figures["nme_mean"].value == pytest.approx(5 / 50, rel=1e-4)
    assert figures["nme_max"].value == pytest.approx(5 / 50, rel=1e-4)
    assert figures["pck@0.05"].value == 0.0


def test_head_error_is_distance_over_the_shoulders():
    original, moved = _tracks(), _tracks()
    moved.xy["head"] = original.xy["head"] + np.array([0, 10], np.float32)
    assert measure(original, original, moved, "head", LIMITS)["nme_mean"].value == pytest.approx(
        10 / 200, rel=1e-4
    )


def test_lost_gained_and_found_again_count_detections():
    original, control, other = _tracks(), _tracks(), _tracks()
    other.xy["face"][0, :4] = np.nan
    original.xy["face"][0, 9] = np.nan
    control.xy["face"][0, 0] = np.nan
    figures = measure(original, control, other, "face", LIMITS)
    assert _said(figures["lost"]) == (4.0, 9)
    assert _said(figures["gained"]) == (1.0, 6)
    assert _said(figures["found_again"]) == (pytest.approx(6 / 9), 9)
    assert figures["nme_mean"].n == 5


def test_an_arm_without_any_face_has_no_error_figure():
    original, other = _tracks(), _tracks()
    other.xy["face"][:] = np.nan
    figures = measure(original, original, other, "face", LIMITS)
    assert _said(figures["nme_mean"]) == (None, 0)
    assert _said(figures["oks_mean"]) == (None, 0)
    assert figures["found_again"].value == 0.0


def _pick(tracks, people):
    return Tracks(
        {part: values[people] for part, values in tracks.xy.items()},
        {part: values[people] for part, values in tracks.visibility.items()},
        {part: values[people] for part, values in tracks.score.items()},
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
    assert measure(original, original, aligned, "face", LIMITS)["gained"] == Figure(FRAMES, 2 * FRAMES)


def test_keypoints_that_the_original_does_not_show_do_not_count():
    original, moved = _tracks(), _tracks()
    original.visibility["body"][:, :, 20:] = 0.1
    moved.xy["body"][:, :, 20:] += 1000
    figures = measure(original, original, moved, "body", LIMITS)
    assert figures["nme_mean"].value == 0
    assert figures["oks_mean"].value == 1
    shown = original.xy["body"][0, 0, :20]
    assert person_areas(original, "body")[0, 0] == pytest.approx(np.ptp(shown, axis=0).prod(), rel=1e-4)


def test_nobody_anywhere_is_no_crash():
    from tasks.vision.keypoints import to_table

    nobody = to_tracks(to_table([]), FRAMES)
    figures = measure(nobody, nobody, align_people(nobody, nobody), "face", LIMITS)
    assert _said(figures["found_again"]) == (None, 0)


def _swaying(frames=200, hertz=1.0, rate=25.0):
    time_s = np.arange(frames) / rate
    sway = np.sin(2 * np.pi * hertz * time_s)[:, None, None]
    return (np.zeros((frames, 3, 2)) + 100 * sway).astype(np.float32), time_s


def test_movement_that_is_kept_correlates_and_one_that_is_not_does_not():
    xy, _ = _swaying()
    assert temporal_correlation(xy, xy * 0.5 + 40) == pytest.approx(1, abs=1e-5)
    assert temporal_correlation(xy, -xy) == pytest.approx(-1, abs=1e-5)
    assert temporal_correlation(xy, np.zeros_like(xy)) == 0
    assert temporal_correlation(np.zeros_like(xy), xy) is None
    assert temporal_correlation(xy[:5], xy[:5]) is None


def test_speed_and_jerk_are_told_in_lengths_per_second():
    xy, time_s = _swaying()
    still, length = np.zeros_like(xy), 50.0
    speed = movement_difference(xy, still, time_s, length, 1)
    # the mean of |cos| is 2 / pi, over two axes
    assert speed.mean() == pytest.approx(2 * np.pi * 2 * np.sqrt(2) * 2 / np.pi, rel=0.01)
    jerk = movement_difference(xy, still, time_s, length, 3)
    assert jerk.mean() == pytest.approx((2 * np.pi) ** 3 * 2 * np.sqrt(2) * 2 / np.pi, rel=0.03)
    broken = np.delete(np.arange(200), range(60, 90))
    assert len(movement_difference(xy[broken], still[broken], time_s[broken], length, 1)) == 168
    assert not len(movement_difference(xy[:1], still[:1], time_s[:1], length, 1))


def test_an_interval_holds_the_mean_and_grows_with_what_goes_together():
    values = np.random.default_rng(5).normal(10, 2, 400)
    alone, seconds = stretches(400, 1), stretches(400, 25)
    low, high = mean_interval(values, alone)
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * 2 / 20, rel=0.15)
    slow = np.repeat(values[::25], 25)
    assert np.subtract(*mean_interval(slow, seconds)) < 2 * np.subtract(*mean_interval(slow, alone)) < 0
    assert mean_interval(values, alone) == (low, high)
    assert mean_interval(values[:7], alone[:7]) is None
    assert mean_interval(values[:175], seconds[:175]) is None
    first_is_odd = np.array([50.0] + [1.0] * 399)
    low, high = mean_interval(first_is_odd, seconds)
    assert low < first_is_odd.mean() < high


@pytest.mark.parametrize("hidden_in", [FRAMES, FRAMES // 2 - 1])
@pytest.mark.parametrize("arm", ["original", "released"])
def test_what_a_mask_hides_is_no_motion(arm, hidden_in):
    """Keypoints that the original only guesses in most frames; what the release hides of itself counts."""
    original, released = _tracks(), _tracks()
    behind = [13, 14, 17, 61, 291]
    noise = np.random.default_rng(1).normal(0, 5, (1, FRAMES, len(behind), 2)).astype(np.float32)
    released.xy["face"][:, :, behind] += noise
    told = {"original": original, "released": released}[arm]
    told.visibility["face"][:, :hidden_in, behind] = 0
    motion = measure(original, original, released, "face", LIMITS)["motion"]
    assert motion.n == FRAMES
    assert (motion.value < 1e-6) == (hidden_in == FRAMES and arm == "original")
    told.visibility["face"][:, :, [33, 263]] = 0
    blind = measure(original, original, released, "face", LIMITS)["motion"].value
    assert (blind is None) == (arm == "original")

"""Made movements with known answers."""

import cv2
import numpy as np
import pytest

from schemas.skeletons import POSE_POINTS
from tasks.validate.signals.agreement import compare_series, compare_values, events_in_both
from tasks.validate.signals.face import (  # fmt: skip
    HEAD_MM,
    expression,
    eyelid_opening,
    head_pose_deg,
    mouth_opening,
)
from tasks.validate.signals.rhythm import blink_times, evenly, irregularity, rhythm, tap_times

RATE, FRAMES = 30.0, 300
TIME_S = np.arange(FRAMES) / RATE


def _face(frames=FRAMES):
    one = np.random.default_rng(2).uniform(100, 300, (468, 2))
    one[[33, 133, 362, 263]] = [[120, 150], [160, 150], [200, 150], [240, 150]]
    one[[61, 291]] = [[150, 250], [210, 250]]
    one[[159, 145, 386, 374]] = [[140, 145], [140, 155], [220, 145], [220, 155]]
    one[[13, 14]] = [[180, 250], [180, 250]]
    return np.repeat(one[None], frames, axis=0).astype(np.float32)


def test_openings_are_shares_of_the_width():
    face = _face(3)
    face[1, [159, 386], 1] = 155  # closed
    face[2, 14, 1] = 280
    np.testing.assert_allclose(eyelid_opening(face), [0.25, 0, 0.25], atol=1e-6)
    np.testing.assert_allclose(mouth_opening(face), [0, 0, 0.5], atol=1e-6)
    face[0] = np.nan
    assert np.isnan(eyelid_opening(face)[0])


@pytest.mark.parametrize("asked", [(0, 0, 0), (12, 0, 0), (0, 25, 0), (0, 0, -30), (-8, 15, 10)])
def test_the_head_turns_by_what_it_was_turned(asked):
    pitch, yaw, roll = np.radians(asked)
    turns = [cv2.Rodrigues(np.array(axis))[0] for axis in ((pitch, 0, 0), (0, -yaw, 0), (0, 0, roll))]
    turned = HEAD_MM @ (turns[1] @ turns[0] @ turns[2]).T + [10, 5, 600]
    face = _face(1)
    face[0, POSE_POINTS] = turned[:, :2] / turned[:, 2:] * 640 + [320, 240]
    np.testing.assert_allclose(head_pose_deg(face, (640, 480))[0], asked, atol=0.1)
    # the nose has gone to the right for a positive yaw
    if asked == (0, 25, 0):
        assert face[0, 1, 0] > face[0, [33, 263], 0].mean()


def test_a_face_that_only_moves_and_grows_has_no_expression():
    face, angle = _face(), 0.3 * np.sin(TIME_S)
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], 1).reshape(-1, 2, 2)
    moved = np.einsum("fij,fkj->fki", turn, face) * (1 + 0.1 * np.cos(TIME_S))[:, None, None] + 20
    np.testing.assert_allclose(expression(moved.astype(np.float32), TIME_S), 0, atol=1e-3)
    face[:, :234, 1] += (6 * np.sin(2 * np.pi * TIME_S))[:, None]
    reach, speed = expression(face, TIME_S)
    # half of the keypoints sway by 6 of 120 pixels against the other half
    assert reach == pytest.approx(6 / 120, rel=0.05)
    assert speed == pytest.approx(6 / 120 / 2 * 2 * np.pi * 2 / np.pi, rel=0.05)
    assert np.isnan(expression(face[:1], TIME_S[:1])).all()


@pytest.mark.parametrize("hertz", [0.8, 4.5, 9.0])
def test_a_tremor_has_its_frequency_and_amplitude(hertz):
    noise = np.random.default_rng(1).normal(0, 0.05, (FRAMES, 2))
    xy = (
        np.stack([3 * np.sin(2 * np.pi * hertz * TIME_S), np.zeros(FRAMES)], 1)
        + noise
        + 0.2 * TIME_S[:, None]
    )
    found = rhythm(xy, TIME_S)
    assert found.hertz == pytest.approx(hertz, abs=0.1)
    assert found.amplitude == pytest.approx(3, rel=0.03)


def test_a_gap_ends_a_stretch_and_an_uneven_rate_is_evened():
    xy = np.sin(2 * np.pi * 3 * TIME_S)[:, None]
    xy[40:60] = np.nan
    first, second = evenly(xy, TIME_S)
    assert (len(first.values), len(second.values)) == (40, 240)
    assert (first.start_s, second.start_s, second.rate) == (0, 2, pytest.approx(RATE))
    jitter = TIME_S + np.random.default_rng(0).uniform(-0.01, 0.01, FRAMES)
    assert rhythm(np.sin(2 * np.pi * 3 * jitter)[:, None], jitter).hertz == pytest.approx(3, abs=0.1)
    assert rhythm(xy[:30], TIME_S[:30]) is None
    assert rhythm(np.zeros((FRAMES, 1)), TIME_S) is None


def test_blinks_are_found_and_a_long_closure_is_none():
    opening = np.full(FRAMES, 0.3) + np.random.default_rng(3).normal(0, 0.005, FRAMES)
    for at in (1.0, 4.0, 7.5):
        opening -= 0.25 * np.exp(-((TIME_S - at) ** 2) / (2 * 0.05**2))
    np.testing.assert_allclose(blink_times(opening, TIME_S), [1.0, 4.0, 7.5], atol=0.05)
    opening[150:200] = 0.02  # eyes shut
    np.testing.assert_allclose(blink_times(opening, TIME_S), [1.0, 4.0, 7.5], atol=0.05)
    opening[60:75] = np.nan  # a gap moves no blink
    np.testing.assert_allclose(blink_times(opening, TIME_S), [1.0, 4.0, 7.5], atol=0.05)
    assert blink_times(np.full(FRAMES, np.nan), TIME_S) is None


def test_taps_are_counted_and_their_regularity_told():
    regular = 1 + np.cos(2 * np.pi * 2 * TIME_S)
    times = tap_times(regular, TIME_S)
    assert len(times) == 20
    assert irregularity(times) < 0.05
    wobbly = 1 + np.cos(2 * np.pi * (2 * TIME_S + 0.4 * np.sin(2 * np.pi * 0.3 * TIME_S)))
    assert irregularity(tap_times(wobbly, TIME_S)) > 0.2
    assert irregularity(np.array([1.0, 2.0])) is None


def test_agreement_by_hand():
    first = np.arange(100, dtype=float)
    found = compare_series(first, 2 * first + 1)
    assert (found.original, found.value, found.n) == (49.5, 100.0, 100)
    assert found.difference == pytest.approx(50.5)
    assert found.correlation == pytest.approx(1)
    noisy = first + np.random.default_rng(0).normal(2, 1, 100)
    found = compare_series(first, noisy)
    assert (found.limit_low, found.limit_high) == (pytest.approx(0.04, abs=0.5), pytest.approx(3.96, abs=0.5))
    assert compare_series(first, np.full(100, np.nan)).n == 0
    assert compare_series(first, np.zeros(100)).correlation is None
    assert compare_values(3.0, 5.0, 9).difference == 2.0
    assert compare_values(3.0, float("nan"), 9).difference is None


def test_a_head_upside_down_does_not_jump():
    """Between 179 and -179 degrees lie two, and shaking around them is a small movement."""
    shaking = 180 + 4 * np.sin(np.arange(200) / 9)
    first = (shaking + 180) % 360 - 180
    second = (shaking + 2 + 180) % 360 - 180
    found = compare_series(first, second, 360.0)
    assert found.difference == pytest.approx(2)
    assert found.correlation == pytest.approx(1)
    assert compare_series(first, second).difference > 20


def test_one_misread_frame_does_not_make_noise_agree():
    noise = np.random.default_rng(1).normal(0, 5, (2, 200))
    noise[:, 90], noise[:, 91] = 170, -100
    found = compare_series(*noise, 360.0)
    assert found.correlation == pytest.approx(np.corrcoef(*noise)[0, 1], abs=1e-6)
    assert abs(found.original) < 5


def test_an_angle_that_an_arm_never_shows_agrees_in_no_frame():
    found = compare_series(np.zeros(100), np.full(100, np.nan), 360.0)
    assert (found.n, found.difference) == (0, None)


def test_events_are_matched_one_for_one():
    assert events_in_both(np.array([1.0, 2.0, 3.0]), np.array([1.1, 2.9, 2.95, 9.0])) == 2
    assert events_in_both(np.array([1.0]), np.zeros(0)) == 0


def _noise(seed, memory, shape):
    """Return noise of deviation 1 that remembers so much of itself from frame to frame."""
    steps = np.random.default_rng(seed).normal(0, 1, shape)
    noise = np.zeros(shape)
    for frame in range(1, len(noise)):
        noise[frame] = memory * noise[frame - 1] + steps[frame]
    return noise / noise.std()


@pytest.mark.parametrize("memory", [0, 0.5, 0.9, 1])
@pytest.mark.parametrize(("rate", "seconds"), [(24, 10), (25, 4), (30, 3), (60, 20), (240, 4)])
def test_no_tremor_is_told_of_a_still_hand(rate, seconds, memory):
    time_s = np.arange(seconds * rate) / rate
    told = [rhythm(_noise(seed, memory, (len(time_s), 2)), time_s) is not None for seed in range(40)]
    assert sum(told) <= 2


@pytest.mark.parametrize("memory", [0, 0.9, 1])
@pytest.mark.parametrize("hertz", [1.5, 4.5, 9.5])
def test_a_tremor_twice_as_wide_as_the_noise_is_told(hertz, memory):
    found = []
    for seed in range(20):
        xy = _noise(seed, memory, (FRAMES, 2))
        xy[:, 0] += 2 * np.sin(2 * np.pi * hertz * TIME_S + seed)
        found.append(rhythm(xy, TIME_S))
    assert [one.hertz for one in found] == pytest.approx([hertz] * 20, abs=0.2)


@pytest.mark.parametrize(("rate", "hertz"), [(12, 10), (15, 9), (20, 11)])
def test_a_tremor_that_the_camera_is_too_slow_for_is_told_as_no_other(rate, hertz):
    """At 12 frames a second ten movements look like two."""
    time_s = np.arange(10 * rate) / rate
    assert rhythm(np.sin(2 * np.pi * hertz * time_s)[:, None], time_s) is None


@pytest.mark.parametrize("memory", [0, 0.5, 0.9])
@pytest.mark.parametrize(("usual", "noise"), [(0.3, 0.02), (0.3, 0.05), (0.12, 0.02)])
def test_noise_blinks_seldom(usual, noise, memory):
    seen = [blink_times(usual + noise * _noise(seed, memory, FRAMES), TIME_S) for seed in range(40)]
    assert sum(map(len, seen)) <= 4


@pytest.mark.parametrize("memory", [0, 0.9])
def test_shut_eyes_do_not_blink(memory):
    for seed in range(10):
        assert blink_times(np.abs(0.05 + 0.02 * _noise(seed, memory, FRAMES)), TIME_S) is None


@pytest.mark.parametrize("apart", [0.3, 1.0])
def test_a_still_hand_does_not_tap(apart):
    for seed in range(10):
        assert not len(tap_times(apart + 0.05 * _noise(seed, 0.5, FRAMES), TIME_S))


@pytest.mark.parametrize("rate", [25, 30, 60])
@pytest.mark.parametrize("hertz", [1, 3, 6])
def test_fast_taps_are_counted_at_every_rate(rate, hertz):
    time_s = np.arange(10 * rate) / rate
    apart = 1 + np.cos(2 * np.pi * hertz * time_s) + 0.02 * _noise(1, 0, len(time_s))
    assert len(tap_times(apart, time_s)) == 10 * hertz

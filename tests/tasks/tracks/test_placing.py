"""A small face without a mesh is placed by eyes, nose and box, in spite of detectors that differ."""

import numpy as np
import pytest

from tasks.tracks.placing import place
from tasks.tracks.sightings import Observation

# of a face's box: right eye, left eye, nose; turned to a side, and as another detector sees the same face
TURNED = np.float32([[0.2, 0.35], [0.33, 0.37], [0.07, 0.55]])
FRONTAL = np.float32([[0.34, 0.27], [0.6, 0.26], [0.45, 0.5]])
SQUARE_PX = 47


def _seen(frame, x=50.0, y=50.0, size=40.0, *, shares=TURNED):
    box = np.array([x, y, x + 0.7 * size, y + size], np.float32)
    points = None if shares is None else box[:2] + shares * (box[2:] - box[:2])
    return Observation(frame, 3, 3, box, 0.9, False, False, shares is None, points)


def test_every_sighting_is_placed_where_it_was_seen(params):
    placed = place([_seen(frame, x=50.0 + 8 * frame) for frame in range(20)], params.deidentify)
    assert list(placed) == list(range(20))
    for frame, face in placed.items():
        box = np.float32([50 + 8 * frame, 50, 78 + 8 * frame, 90])
        assert face.box_xyxy == pytest.approx(box, abs=0.1)
        assert face.eyes_nose_xy == pytest.approx(box[:2] + TURNED * (28, 40), abs=0.1)


def _seen_by_another(frame, x):
    """Return a sighting whose eyes and nose have the same middle, in a larger and square box."""
    middle = np.float32([x, 50]) + TURNED.mean(axis=0) * (28, 40)
    low = middle - FRONTAL.mean(axis=0) * SQUARE_PX
    box = np.float32([*low, *(low + SQUARE_PX)])
    return Observation(frame, 3, 3, box, 0.7, False, False, False, np.float32(low + FRONTAL * SQUARE_PX))


@pytest.mark.parametrize("wrong", [(7,), (0, 19), (5, 6, 13), (2, 6, 10, 14, 18)])
@pytest.mark.parametrize("speed", [0, 9, -4])
def test_what_another_detector_says_now_and_then_does_not_turn_the_face(params, wrong, speed):
    places = [(frame, 200.0 + speed * frame) for frame in range(20)]
    seen = [_seen_by_another(*at) if at[0] in wrong else _seen(*at) for at in places]
    for frame, face in place(seen, params.deidentify).items():
        right, left, nose = face.eyes_nose_xy
        assert left[0] - right[0] == pytest.approx(0.13 * 28, abs=0.8), frame
        assert nose[0] < right[0], frame
        assert face.box_xyxy[0] == pytest.approx(200 + speed * frame, abs=1), frame


def test_where_a_face_was_followed_its_eyes_go_with_its_box(params):
    seen = [_seen(0)] + [
        _seen(frame, x=50.0 + 3 * frame, y=50.0 - frame, shares=None) for frame in range(1, 30)
    ]
    placed = place(seen, params.deidentify)
    assert list(placed) == list(range(30))
    assert placed[29].eyes_nose_xy == pytest.approx(placed[0].eyes_nose_xy + np.float32([87, -29]), abs=0.1)


def test_a_short_gap_is_bridged_and_a_long_one_is_not(params):
    rule = params.deidentify
    gap = rule.max_gap + 1
    seen = [_seen(0), _seen(gap), _seen(2 * gap + 1)]
    assert list(place(seen, rule)) == [*range(gap + 1), 2 * gap + 1]


@pytest.mark.parametrize("frames", [1, 2, 3, 4])
def test_a_few_sightings_are_enough(params, frames):
    assert len(place([_seen(frame) for frame in range(frames)], params.deidentify)) == frames


def test_nobody_is_placed_of_whom_no_eyes_are_known_nor_where_a_followed_face_is_large(params):
    assert place([_seen(0, shares=None)], params.deidentify) == {}
    large = params.deidentify.trust.detail_px + 1
    assert list(place([_seen(0), _seen(1, size=large, shares=None)], params.deidentify)) == [0]

"""Faces that no detector finds are followed by what they look like: on a made picture that moves."""

import numpy as np
import pytest

from tasks.extract.following import FORWARD, Follower, find

SIZE_WH = (160, 120)
PATCH = np.random.default_rng(3).integers(0, 255, (24, 20, 3)).astype(np.uint8)
WALL = np.random.default_rng(5).integers(90, 110, (SIZE_WH[1], SIZE_WH[0], 3)).astype(np.uint8)


def _picture(corner_xy):
    """Return the wall with the patch, which may lie partly outside, or without it."""
    wide = np.pad(WALL, ((40, 40), (40, 40), (0, 0)), mode="reflect")
    if corner_xy is not None:
        x, y = corner_xy[0] + 40, corner_xy[1] + 40
        wide[y : y + 24, x : x + 20] = PATCH
    return wide[40:-40, 40:-40]


def _box(corner_xy):
    return np.array([*corner_xy, corner_xy[0] + 20, corner_xy[1] + 24], np.float32)


def _run(places, seen, interval=10, cuts=(), others=None):
    """Return (frame, track) -> corner of all that was followed. seen: frames in which a detector finds it."""
    follower, found = Follower(interval), {}
    for frame, place in enumerate(places):
        faces = {0: _box(place)} if frame in seen else {}
        faces |= {1: _box(others[frame])} if others and frame in others else {}
        for one in follower.step(frame, _picture(place), faces, cut=frame in cuts):
            found.setdefault((one.frame, one.track), tuple(one.box_xyxy[:2].round().astype(int).tolist()))
    return found


WALK = [(20 + 3 * frame, 30 + frame) for frame in range(12)]


def test_who_is_lost_is_followed_until_seen_again():
    assert _run(WALK, {0, 1, 7}) == {(frame, 0): WALK[frame] for frame in (2, 3, 4, 5, 6, 8, 9, 10, 11)}


def test_who_is_found_late_is_followed_back_to_the_beginning():
    assert _run(WALK, {8}) == {(frame, 0): WALK[frame] for frame in range(12) if frame != 8}


def test_nobody_is_followed_over_a_cut():
    assert set(_run(WALK, {5}, cuts={3, 8})) == {(frame, 0) for frame in (3, 4, 6, 7)}


def test_who_is_gone_is_not_followed():
    places = WALK[:5] + [None] * 7
    assert set(_run(places, {2})) == {(frame, 0) for frame in (0, 1, 3, 4)}


def test_where_another_face_is_seen_it_is_that_one():
    found = _run(WALK, {0, 1}, others={5: WALK[5], 6: WALK[6]})
    assert set(found) >= {(2, 0), (3, 0), (4, 0)}
    assert (5, 0) not in found and (6, 0) not in found


def test_who_never_comes_back_is_not_followed_for_ever():
    places = [(50, 50)] * 40
    assert max(frame for frame, _ in _run(places, {0}, interval=5)) == 5 * FORWARD


@pytest.mark.parametrize("way", [(-2, 0), (2, 0), (0, -2), (0, 2)])
def test_who_goes_out_over_the_edge_is_followed_half_way(way):
    start = {(-2, 0): (10, 50), (2, 0): (130, 50), (0, -2): (70, 10), (0, 2): (70, 86)}[way]
    places = [(start[0] + way[0] * frame, start[1] + way[1] * frame) for frame in range(20)]
    found = _run(places, {0})
    size = np.array([20, 24])
    for frame, place in enumerate(places[1:], 1):
        outside = np.maximum(0, -np.array(place)) + np.maximum(0, np.array(place) + size - SIZE_WH)
        # what is looked at has a quarter of a face beyond what must be seen
        if (outside < 0.3 * size).all():
            assert found[frame, 0] == place, frame


@pytest.mark.parametrize("level", [0, 120, 255])
def test_what_is_even_is_found_nowhere(level):
    grey = np.full((60, 80), level, np.uint8)
    assert find(grey, grey[10:30, 10:30], np.array([10, 10, 30, 30], np.float32)) is None


@pytest.mark.parametrize("box", [(-30, 5, -5, 30), (78, 5, 110, 40), (10, 58, 30, 90), (10, 10, 12, 12)])
def test_what_is_outside_or_tiny_is_found_nowhere(box):
    grey = np.random.default_rng(1).integers(0, 255, (60, 80)).astype(np.uint8)
    box = np.array(box, np.float32)
    width, height = (box[2:] - box[:2]).astype(int)
    assert (
        find(grey, np.random.default_rng(2).integers(0, 255, (height, width)).astype(np.uint8), box) is None
    )

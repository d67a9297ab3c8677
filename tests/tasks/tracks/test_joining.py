"""Whose track goes on as whose, and where a track is followed."""

import numpy as np
import pytest

from tasks.tracks.joining import join_tracks
from tasks.tracks.sightings import Observation


def _seen(frame, track, x=50.0, y=50.0, size=40.0, *, followed=False):
    box = np.array([x, y, x + size, y + size], np.float32)
    mesh = not followed
    return Observation(frame, track, track, box, 0.9, mesh, mesh, followed)


def _numbers(tracks):
    """Return track -> the people of its pieces, in order."""
    return {key[0]: list(dict.fromkeys(one.person for one in seen)) for key, seen in tracks.items()}


@pytest.mark.parametrize("order", [(2, 3), (3, 2)])
def test_of_two_who_are_found_again_at_once_each_goes_on_as_the_nearest(order):
    """Their numbers say nothing: the order in which a detector tells of them is chance."""
    left, right = order
    lost = [_seen(frame, 0, x=100) for frame in range(5)] + [_seen(frame, 1, x=130) for frame in range(5)]
    back = [_seen(8, left, x=104), _seen(8, right, x=134)]
    assert _numbers(join_tracks(lost + back, [0] * 20, 15)) == {0: [0, left], 1: [1, right]}


def test_who_is_nearer_in_time_goes_first_and_nobody_twice():
    lost = [_seen(0, 0), _seen(3, 1, x=120)]
    back = [_seen(5, 2, x=85), _seen(5, 3, x=300)]
    assert _numbers(join_tracks(lost + back, [0] * 20, 15)) == {0: [0], 1: [1, 2], 3: [3]}


def test_a_track_that_was_followed_to_where_another_begins_is_the_same():
    walk = [_seen(frame, 0, x=20.0 * frame) for frame in range(3)]
    far = [_seen(frame, 1, x=20.0 * frame) for frame in range(12, 15)]
    scenes = [0] * 20
    apart = join_tracks(walk + far, scenes, 15)
    assert _numbers(apart) == {0: [0], 1: [1]}
    way = [_seen(frame, 0, x=20.0 * frame, followed=True) for frame in range(3, 12)]
    assert _numbers(join_tracks(walk + far, scenes, 15, way)) == {0: [0, 1]}


def test_where_somebody_was_detected_nobody_else_is_followed():
    seen = [_seen(0, 0), _seen(5, 1, x=80), _seen(5, 2, x=300)]
    followed = [_seen(frame, 0, x=50.0 + 6 * frame, followed=True) for frame in range(1, 8)]
    found = join_tracks(seen, [0] * 10, 2, followed)
    assert [one.frame for one in found[0, 0]] == [0, 1, 2, 3, 4, 6, 7]
    assert [one.followed for one in found[0, 0]] == [False] + [True] * 6


def test_nobody_is_followed_over_a_cut_or_twice_in_a_frame_or_without_having_been_seen():
    scenes = [0] * 5 + [1] * 5
    seen = [_seen(0, 0), _seen(6, 0)]
    followed = [_seen(frame, 0, followed=True) for frame in (2, 2, 6, 7)] + [_seen(3, 9, followed=True)]
    found = join_tracks(seen, scenes, 15, followed)
    assert {key: [one.frame for one in seen] for key, seen in found.items()} == {
        (0, 0): [0, 2], (0, 1): [6, 7],
    }  # fmt: skip


def test_who_is_followed_from_both_sides_of_a_gap_is_one():
    scenes, seen = [0] * 20, [_seen(0, 0), _seen(10, 1)]
    both = [_seen(frame, track, followed=True) for frame in range(1, 10) for track in (0, 1)]
    found = join_tracks(seen, scenes, 15, both)
    assert _numbers(found) == {0: [0, 1]}
    assert [one.frame for one in found[0, 0]] == list(range(11))


def test_what_is_seen_where_a_known_face_goes_on_later_is_nobody_elses():
    """One seen twice at the picture's edge took the track of their neighbour, who was bare then."""
    known = [_seen(frame, 0, x=100) for frame in (0, 1, 2, 20)]
    neighbour = [_seen(frame, 1, x=70) for frame in (0, 1)]
    again = [_seen(frame, 2, x=98, size=36) for frame in (6, 7)]
    assert _numbers(join_tracks(known + neighbour + again, [0] * 30, 15)) == {0: [0], 1: [1], 2: [2]}
    # who stands elsewhere in that very frame explains nothing
    known.append(_seen(6, 0, x=300))
    assert _numbers(join_tracks(known + neighbour + again, [0] * 30, 15)) == {0: [0], 1: [1, 2]}


GREEN, GREY = np.full(48, 90, np.uint8), np.tile(np.uint8([10, 160, 20]), 16)


@pytest.mark.parametrize("like", [GREEN, GREY])
def test_of_two_who_are_equally_near_the_more_alike_one_goes_on(like):
    """Two stood left and right of where somebody is found again."""
    lost = [_seen(frame, 0, x=90) for frame in range(5)] + [_seen(frame, 1, x=110) for frame in range(5)]
    looks = {0: (GREEN, GREEN), 1: (GREY, GREY), 2: (like, GREEN)}
    meant = 0 if like is GREEN else 1
    assert _numbers(join_tracks([*lost, _seen(8, 2, x=100)], [0] * 20, 15, (), looks))[meant] == [meant, 2]


def test_who_is_plainly_nearer_goes_on_whatever_they_look_like():
    lost = [_seen(frame, 0, x=90) for frame in range(5)] + [_seen(frame, 1, x=130) for frame in range(5)]
    looks = {0: (GREEN, GREEN), 1: (GREY, GREY), 2: (GREY, GREY)}
    assert _numbers(join_tracks([*lost, _seen(8, 2, x=94)], [0] * 20, 15, (), looks))[0] == [0, 2]

"""What is new in a picture is looked at once; what moves a little, or was seen, is not."""

import numpy as np
import pytest

from tasks.vision.novelty import BUDGET, Novelty

SIZE = (270, 480)


@pytest.fixture
def room():
    noise = np.random.default_rng(0).integers(0, 60, SIZE)
    return np.repeat((noise // 20 * 20 + 90).astype(np.uint8)[..., None], 3, axis=2)


def _with_thing(picture, x, y, side=24, level=250):
    changed = picture.copy()
    changed[y : y + side, x : x + side] = level
    return changed


def _holds(box, x, y, side=24):
    return box[0] <= x and box[1] <= y and box[2] >= x + side and box[3] >= y + side


def test_all_of_the_first_picture_is_new(room):
    (box,) = Novelty().next_boxes(room, [])
    assert box.tolist() == [0, 0, SIZE[1], SIZE[0]]


@pytest.mark.parametrize("still", [1, 8, 40])
@pytest.mark.parametrize(("x", "y"), [(0, 0), (200, 100), (SIZE[1] - 24, SIZE[0] - 24)])
def test_what_comes_is_looked_at_once_and_what_it_hid_is_when_it_goes(room, x, y, still):
    novelty = Novelty()
    novelty.looked(room)
    for _ in range(still):
        assert novelty.next_boxes(room, []) == []
    (box,) = novelty.next_boxes(_with_thing(room, x, y), [])
    assert _holds(box, x, y)
    for _ in range(3):
        assert novelty.next_boxes(_with_thing(room, x, y), []) == []
    (box,) = novelty.next_boxes(room, [])
    assert _holds(box, x, y)


def test_what_is_followed_is_not_looked_at(room):
    novelty = Novelty()
    novelty.looked(room)
    shown = _with_thing(room, 200, 100)
    assert novelty.next_boxes(shown, [np.array([190, 90, 234, 134], np.float32)]) == []


def test_a_little_movement_or_light_is_nothing_new(room):
    novelty = Novelty()
    novelty.looked(room)
    for shift in (-2, -1, 1, 2):
        assert novelty.next_boxes(np.roll(room, shift, axis=1), []) == []
    assert novelty.next_boxes(room + np.uint8(10), []) == []


def test_where_everything_moves_all_is_looked_at_now_and_then(room):
    novelty = Novelty()
    novelty.looked(room)
    pictures = [np.full_like(room, 20 + 200 * (number % 2)) for number in range(60)]
    looks = [number for number, picture in enumerate(pictures) if novelty.next_boxes(picture, [])]
    assert len(looks) == pytest.approx(60 * BUDGET, abs=2)
    assert max(np.diff(looks)) <= 1 / BUDGET + 1


def test_a_small_thing_in_a_quiet_place_is_seen_while_another_part_moves(room):
    novelty = Novelty()
    novelty.looked(room)
    for number in range(30):
        busy = room.copy()
        busy[:, :200] = 20 + 200 * (number % 2)
        if number == 21:
            busy = _with_thing(busy, 400, 100)
        boxes = novelty.next_boxes(busy, [])
        if number == 21:
            assert any(_holds(box, 400, 100) for box in boxes)

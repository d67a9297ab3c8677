"""Where lines were in earlier pictures: as several others say, not as a single one."""

import cv2
import numpy as np
import pytest

from tasks.text.lines import Line
from tasks.text.recalling import Kept, recall

WALL = cv2.GaussianBlur(np.random.default_rng(5).integers(60, 120, (270, 480, 3)).astype(np.uint8), (0, 0), 3)
WIDE, HIGH, STEP_S, PICTURES = 120, 20, 0.4, 4


def _box(corner_xy):
    return np.array([*corner_xy, corner_xy[0] + WIDE, corner_xy[1] + HIGH], np.float32)


def _drawn(number):
    strokes = np.random.default_rng(number).random((5, 30)) < 0.45
    return np.kron(strokes, np.ones((4, 4)))[..., None] * 200 + 20


def _picture(frame, corners):
    rgb = WALL.copy()
    for number, (x, y) in corners.items():
        rgb[y : y + HIGH, x : x + WIDE] = _drawn(number)
    return Kept(frame, frame * STEP_S, rgb, 1.0)


@pytest.mark.parametrize("others", [1, 2])
@pytest.mark.parametrize("step_xy", [(6, 0), (-4, 3), (0, -4)])
def test_what_is_not_seen_moves_as_several_others_do_and_not_as_a_single_one(others, step_xy):
    """The line that is not seen is drawn in the latest picture only; the others are seen and read in all."""
    now = {0: (200, 50), **{number: (200, 50 + 90 * number) for number in range(1, others + 1)}}

    def at(frame):
        back = PICTURES - frame
        moved = {n: (x - step_xy[0] * back, y - step_xy[1] * back) for n, (x, y) in now.items()}
        return moved if frame == PICTURES else {n: place for n, place in moved.items() if n}

    pictures = [_picture(frame, at(frame)) for frame in range(PICTURES + 1)]
    lines = [Line(_box(place), "identifying") for place in now.values()]
    paths = recall(
        lines,
        pictures[-1],
        reversed(pictures[:-1]),
        lambda kept, _: [Line(_box(place), "identifying") for place in at(kept.frame).values()],
    )
    went_xy = (lines[0].box_xyxy - paths[0].track[-1][1])[:2]
    together = np.array(step_xy) * PICTURES
    np.testing.assert_allclose(went_xy, together if others > 1 else [0, 0], atol=2)
    for path, line in zip(paths[1:], lines[1:], strict=True):
        np.testing.assert_allclose((line.box_xyxy - path.track[-1][1])[:2], together, atol=2)


@pytest.mark.parametrize(
    ("kinds", "zoom", "scale"),
    [(["word"], 1, 1), (["word"], 4, 0.5), (["word", "word"], 8, 0.25), (["word", "identifying"], 4, 1)],
)
def test_single_words_are_read_no_larger_than_needed(kinds, zoom, scale):
    """Beside a name there may be small letters."""
    large = [Kept(frame, frame * STEP_S, WALL.repeat(zoom, 0).repeat(zoom, 1), 1.0) for frame in range(3)]
    lines = [
        Line(_box((200, 50 + 90 * number)) * np.float32(zoom), kind) for number, kind in enumerate(kinds)
    ]
    seen = []
    paths = recall(lines, large[-1], reversed(large[:-1]), lambda kept, _: seen.append(kept) or lines)
    assert [kept.scale for kept in seen] == [scale] * 2
    assert [kept.rgb.shape[1] for kept in seen] == [480 * zoom * scale] * 2
    # all places are the video's, whatever is read
    for path, line in zip(paths, lines, strict=True):
        np.testing.assert_allclose(path.track[-1][1], line.box_xyxy, atol=1)

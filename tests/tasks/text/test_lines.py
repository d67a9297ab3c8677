"""Lines beside each other: what a label speaks of is no better than the label."""

import numpy as np
import pytest

from tasks.text.lines import Line, fill, with_neighbours


def _line(box, kind):
    return Line(np.array(box, np.float32), kind)


@pytest.mark.parametrize(
    ("boxes", "kinds", "expected"),
    [
        # a label and a name in small letters
        ([(0, 0, 40, 10), (50, 1, 90, 11)], ["identifying", "other"], ["identifying", "identifying"]),
        # a row of three, the last one far from the first
        (
            [(0, 0, 40, 10), (60, 0, 90, 10), (110, 0, 150, 10)], ["other", "other", "identifying"],
            ["identifying"] * 3,
        ),
        ([(0, 0, 40, 10), (50, 0, 90, 10)], ["word", "other"], ["word", "word"]),
        # another row, and too far
        ([(0, 0, 40, 10), (0, 12, 40, 22)], ["identifying", "other"], ["identifying", "other"]),
        ([(0, 0, 40, 10), (75, 0, 90, 10)], ["identifying", "other"], ["identifying", "other"]),
        # they stand
        ([(0, 0, 10, 40), (1, 50, 11, 90)], ["identifying", "other"], ["identifying", "identifying"]),
        ([(0, 0, 10, 40), (12, 0, 22, 40)], ["identifying", "other"], ["identifying", "other"]),
        ([], [], []),
    ],
)  # fmt: skip
def test_what_is_beside_a_name_is_no_better(boxes, kinds, expected):
    lines = [_line(box, kind) for box, kind in zip(boxes, kinds, strict=True)]
    assert [line.kind for line in with_neighbours(lines)] == expected
    assert [line.kind for line in with_neighbours(lines[::-1])] == expected[::-1]


@pytest.mark.parametrize("box", [(-5, -5, 20, 20), (90, 40, 200, 90), (3.2, 4.7, 20.1, 30), (50, 50, 50, 50)])
def test_a_box_is_filled_as_far_as_it_lies_in_the_picture(box):
    rgb = np.random.default_rng(0).integers(0, 255, (48, 100, 3)).astype(np.uint8)
    before = rgb.copy()
    fill(rgb, np.array(box, np.float32))
    x0, y0 = np.floor(np.maximum(box[:2], 0)).astype(int)
    x1, y1 = np.ceil(np.minimum(box[2:], [100, 48])).astype(int)
    inside = np.zeros((48, 100), bool)
    inside[y0:y1, x0:x1] = True
    assert (rgb[~inside] == before[~inside]).all()
    assert not inside.any() or len(np.unique(rgb[inside], axis=0)) == 1

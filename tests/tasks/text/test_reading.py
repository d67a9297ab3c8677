"""Text is found and read in real pictures: made overlays, with the real models."""

import numpy as np
import pytest

from tasks.text.lines import fill
from tasks.text.reading import read_lines
from tasks.video import read_frames
from tools.benchmark.text import WORDS, Overlay, measure


@pytest.fixture(scope="module")
def pictures(sample):
    return [frame.rgb for frame in read_frames(sample("cap12"))]


def test_a_picture_without_text_has_none(pictures, weights):
    assert read_lines(pictures[0], weights) == []


@pytest.mark.parametrize(
    ("size_wh", "height_px", "is_light"),
    [
        ((1920, 1080), 12, True), ((1920, 1080), 40, False), ((854, 480), 12, False), ((854, 480), 16, True),
        ((854, 480), 24, False), ((854, 480), 40, True), ((400, 300), 12, True),
    ],
)  # fmt: skip
def test_every_line_is_found_in_each_font(pictures, weights, size_wh, height_px, is_light):
    rgb = Overlay(size_wh, height_px, is_light).draw(pictures[0], 0)
    found = read_lines(rgb, weights)
    # a line of 12 pixels that is as light as what is behind it may be missed
    assert len(found) >= len(WORDS) - 1
    # part of a line may be read by itself
    assert {line.kind for line in found} <= {"identifying", "word"}
    for line in found:
        fill(rgb, line.box_xyxy)
    assert read_lines(rgb, weights) == []


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_line_is_found_that_stands_or_is_upside_down(pictures, weights, turns):
    rgb = np.rot90(Overlay((854, 480), 24, True).draw(pictures[0], 0), turns)
    assert len(read_lines(np.ascontiguousarray(rgb), weights)) >= len(WORDS) - 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "overlay",
    [
        Overlay((640, 360), 12, True, (1.5, 0.7)), Overlay((854, 480), 24, False, (-0.8, 1.1)),
        Overlay((854, 480), 16, False, (3.0, 0.0)),
    ],
)  # fmt: skip
def test_what_moves_over_a_real_clip_cannot_be_read_afterwards(pictures, weights, overlay):
    """All 32 overlays, and what they cost: python -m tools.benchmark.text WORKSPACE."""
    measured = measure(overlay, pictures, weights, every=9)
    assert measured.before == measured.frames
    assert measured.after == 0

"""Text is found and read in real pictures: made overlays, with the real models."""

import cv2
import numpy as np
import pytest

from tasks.text.lines import fill
from tasks.text.reading import look_within, read_lines
from tasks.video import read_frames
from tools.benchmark.text import FONTS, WORDS, Overlay, face, measure


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


@pytest.mark.parametrize("size_wh", [(3840, 64), (48, 1600), (1, 1), (2, 1), (1, 5), (33, 20)], ids=str)
def test_pictures_of_any_shape_are_read_and_covered_to_the_last_letter(weights, size_wh):
    rgb = np.full((size_wh[1], size_wh[0], 3), 60, np.uint8)
    if size_wh[0] > 1000:
        cv2.putText(rgb, "Schmidt, Maria 12.03.1957", (600, 40), (250, 250, 250), face(FONTS[0]), 24)
    found = read_lines(rgb, weights)
    assert bool(found) == (size_wh[0] > 1000)
    for line in found:
        fill(rgb, line.box_xyxy)
    assert read_lines(rgb, weights) == []
    assert (rgb != 60).any(axis=2).sum() < 50  # the rim of a letter


def test_what_is_read_in_a_box_is_told_by_its_place_in_the_picture(weights):
    rgb = np.full((720, 1280, 3), 60, np.uint8)
    for corner in ((900, 600), (100, 80)):
        cv2.putText(rgb, "Weber, Jonas", corner, (250, 250, 250), face(FONTS[0]), 30)
    (line,) = look_within(weights, rgb, True, np.float32([850, 540, 1400, 660]))
    assert 880 < line.box_xyxy[0] < 910
    assert 560 < line.box_xyxy[1] < 600 < line.box_xyxy[3] < 625
    assert len(look_within(weights, rgb, True, None)) == 2
    assert look_within(weights, rgb, True, np.float32([1290, 10, 1400, 60])) == []


@pytest.mark.parametrize("degrees", [-20, 12, 20])
def test_a_line_that_leans_is_read_whole(weights, degrees):
    rgb = np.full((720, 1280, 3), 60, np.uint8)
    cv2.putText(rgb, "Weber, Jonas 4711", (420, 370), (250, 250, 250), face(FONTS[0]), 34)
    leaning = cv2.warpAffine(
        rgb, cv2.getRotationMatrix2D((640, 360), degrees, 1), (1280, 720), borderValue=(60, 60, 60)
    )
    found = read_lines(leaning, weights)
    assert "identifying" in {line.kind for line in found}
    for line in found:
        if line.kind != "other":
            fill(leaning, line.box_xyxy)
    assert read_lines(leaning, weights) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "overlay",
    [
        Overlay((640, 360), 12, True, (1.5, 0.7)), Overlay((854, 480), 24, False, (-0.8, 1.1)),
        Overlay((854, 480), 16, False, (3.0, 0.0)),
        Overlay((1920, 1080), 12, False, (1.5, 0.7)),
    ],
)  # fmt: skip
def test_what_moves_over_a_real_clip_cannot_be_read_afterwards(pictures, weights, overlay):
    """All 32 overlays, and what they cost: python -m tools.benchmark.text WORKSPACE."""
    measured = measure(overlay, pictures, weights, every=9)
    assert measured.before == measured.frames
    assert measured.after == 0

"""How fast a clip's frames come, from real files: settings are seconds, and clips differ."""

from fractions import Fraction

import numpy as np
import pytest
from tests_support import write_pictures, write_stream, write_video

from tasks.video import read_rate


@pytest.mark.parametrize("rate", [4, 15, 25, Fraction(30000, 1001), 60, 240])
def test_half_a_second_is_half_a_second_in_every_clip(tmp_path, params, rate):
    found = read_rate(write_video(tmp_path / "a.mp4", 12, rate=rate))
    assert found == pytest.approx(float(rate), rel=1e-3)
    rule, extract = params.deidentify.at(found), params.extract.at(found)
    for frames, least in ((rule.reach, 6), (extract.search_interval, 3)):
        # between 20 and 40 frames a second they are as many frames as were measured
        assert frames == least or frames / found == pytest.approx(0.5, abs=0.5 / found + 0.1)


@pytest.mark.parametrize(
    ("steps", "rate"),
    [
        ([512] * 20 + [12800 * 60] + [512] * 20, 25),  # a pause of a minute
        ([1024] * 3 + [512] * 30, 25),  # pictures that were dropped
        ([64] * 3 + [512] * 30, 25),
        ([300, 700, 1100] * 9, 12800 / 700),
    ],
)
def test_pauses_and_drops_make_no_clip_slow(tmp_path, params, steps, rate):
    pts = np.cumsum([0, *steps]).tolist()
    path = write_pictures(tmp_path / "a.mp4", [np.zeros((48, 64, 3), np.uint8)] * len(pts), pts=pts)
    assert read_rate(path) == pytest.approx(rate, rel=1e-3)


def test_one_picture_has_the_usual_rate(tmp_path):
    assert read_rate(write_stream(tmp_path / "a.mp4", pts=[0])) == 30


def test_pictures_in_another_order_than_they_are_stored_in(tmp_path):
    path = write_video(tmp_path / "a.mp4", 30, rate=50, options={"bf": "3"})
    assert read_rate(path) == pytest.approx(50, rel=1e-3)

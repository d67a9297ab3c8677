"""How fast a clip's frames come, from real files: settings are seconds, and clips differ."""

from fractions import Fraction

import pytest
from tests_support import admit_clips, write_video

from tasks.files.clips import frame_rate_of, video_path


@pytest.mark.parametrize("rate", [4, 15, 25, Fraction(30000, 1001), 60, 240])
def test_half_a_second_is_half_a_second_in_every_clip(tmp_path, params, rate):
    path = tmp_path / video_path("original", "clip-0123456789abcdef")
    path.parent.mkdir(parents=True)
    write_video(path, 12, rate=rate)
    admit_clips(tmp_path, {"clip-0123456789abcdef": "subject-0123456789abcdef"})
    found = frame_rate_of(tmp_path, "clip-0123456789abcdef")
    assert found == pytest.approx(float(rate), rel=1e-3)
    rule, extract = params.deidentify.at(found), params.extract.at(found)
    for frames in (rule.reach, extract.search_interval):
        # between 20 and 40 frames a second they are as many frames as were measured
        assert frames / found == pytest.approx(0.5, abs=0.5 / found + 0.1)

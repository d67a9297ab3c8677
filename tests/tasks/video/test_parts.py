"""A clip in parts: where it is parted, and one video of what was encoded part by part."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from tests_support import with_sound, write_stream

from schemas.params.video import Encoding
from tasks.files.errors import VideoError
from tasks.video import (
    VideoWriter,
    copy_streams,
    frame_times,
    join_videos,
    part_spans,
    read_frames,
    read_from,
    read_info,
)

ENCODING = Encoding(codec="libx264", crf=23, preset="medium", threads=1)
# seconds of a frame, from a steady clip to pauses of all lengths, and a first picture that is late
TIMES = {
    "steady": range(60),
    "pauses": np.cumsum([1, 1, 1, 9] * 15).tolist(),
    "slower and slower": np.cumsum(range(1, 61)).tolist(),
    "late": range(500, 560),
}


@pytest.mark.parametrize(
    ("duration_s", "part_s", "count"),
    [
        (10, 10, 0),
        (14.9, 10, 0),
        (15, 10, 2),
        (24, 10, 2),
        (26, 10, 3),
        (2, 1, 2),
        (12, 1, 12),
        (2.4, 2.4, 0),
    ],
)
def test_parts_are_about_as_long_as_asked_and_hold_every_frame_once(tmp_path, duration_s, part_s, count):
    frames = round(duration_s * 25)
    path = tmp_path / "clip.mp4"
    write_stream(path, pts=range(frames))
    spans = part_spans(path, frames, duration_s, part_s)
    assert len(spans) == count
    if spans:
        assert (spans[0][0], spans[-1][1]) == (0, frames)
        assert all(before[1] == after[0] for before, after in pairwise(spans))
        lengths = [end - first for first, end in spans]
        assert max(lengths) - min(lengths) <= 1
        assert 2 / 3 * part_s <= min(lengths) / 25 <= max(lengths) / 25 <= 1.5 * part_s


def test_a_clip_whose_packets_are_not_its_frames_stays_whole(tmp_path):
    write_stream(tmp_path / "clip.mp4", pts=range(60))
    assert part_spans(tmp_path / "clip.mp4", 59, 60 / 25, 1.0) == ()
    assert part_spans(tmp_path / "clip.mp4", 60, 60 / 25, 1.0) != ()


def _parts(source, folder, spans):
    info, times, parts = read_info(source), frame_times(source), []
    for number, (first, end) in enumerate(spans):
        parts.append(folder / f"{number}.mp4")
        with VideoWriter(parts[-1], info, ENCODING) as writer:
            for _, frame in zip(range(first, end), read_from(source, first, times[first]), strict=False):
                writer.write(frame)
    return parts


@pytest.mark.parametrize("times", TIMES)
@pytest.mark.parametrize("edges", [[0, 20, 40, 60], [0, 1, 59, 60], [0, 7, 60]])
def test_joined_parts_are_their_frames_one_after_the_other(tmp_path, times, edges):
    source = tmp_path / "source.mp4"
    write_stream(
        source, pts=TIMES[times], options={"bf": "3", "g": "12"}, time_base=Fraction(1, 90), tags=(1, 1, 1, 1)
    )
    parts = _parts(source, tmp_path, pairwise(edges))
    join_videos(parts, tmp_path / "joined.mp4")
    joined = list(read_frames(tmp_path / "joined.mp4"))
    alone = [frame for part in parts for frame in read_frames(part)]
    assert [frame.pts for frame in joined] == frame_times(source) == [frame.pts for frame in alone]
    for frame, other in zip(joined, alone, strict=True):
        np.testing.assert_array_equal(frame.rgb, other.rgb)
    first, second = read_info(source), read_info(tmp_path / "joined.mp4")
    told = ("time_base", "shown_size_wh", "color_space", "color_range", "color_primaries", "frame_count")
    assert [getattr(first, name) for name in told] == [getattr(second, name) for name in told]
    again = tmp_path / "again.mp4"
    join_videos(parts, again)
    assert again.read_bytes() == (tmp_path / "joined.mp4").read_bytes()


def test_a_copy_of_a_copy_reads_the_same(sample, tmp_path):
    """What other tools make of the packets: their times must fit, or a muxer refuses them."""
    source = sample("carphone", 2.0)
    count = len(frame_times(source))
    join_videos(_parts(source, tmp_path, [(0, count // 2), (count // 2, count)]), tmp_path / "joined.mp4")
    copy_streams(tmp_path / "joined.mp4", tmp_path / "copy.mp4", keep_audio=False)
    assert frame_times(tmp_path / "copy.mp4") == frame_times(source)


def test_sound_goes_along(sample, tmp_path):
    source = with_sound(sample("cap12", 1.0), tmp_path / "sounding.mp4")
    count = len(frame_times(source))
    parts = _parts(source, tmp_path, [(0, 9), (9, count)])
    join_videos(parts, tmp_path / "joined.mp4", source)
    assert read_info(tmp_path / "joined.mp4").has_audio
    assert frame_times(tmp_path / "joined.mp4") == frame_times(source)


def test_parts_that_do_not_fit_are_refused_and_leave_nothing(tmp_path):
    source, small = tmp_path / "source.mp4", tmp_path / "small.mp4"
    write_stream(source, pts=range(40))
    write_stream(small, pts=range(40, 60), size_wh=(32, 32))
    first, second = _parts(source, tmp_path, [(0, 25), (15, 40)])
    for parts, said in (([first, second], "overlap in time"), ([first, small], "in different ways")):
        with pytest.raises(VideoError, match=said):
            join_videos(parts, tmp_path / "joined.mp4")
        assert not list(tmp_path.glob("*joined*"))
        assert not list(tmp_path.glob(".*"))

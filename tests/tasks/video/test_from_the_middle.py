"""A video read from its middle gives the pictures that reading all of it gives, however it was encoded."""

import gc

import av
import numpy as np
import pytest
from streams_support import make

from tasks.files.errors import VideoError
from tasks.video import copy_streams, frame_times, pick_frames, read_frames, read_from, stretch_clip
from tasks.video.reader import _Decoder

WAYS = {
    "closed": ("libx264", "yuv420p", {"g": "12", "bf": "3", "x264-params": "open-gop=0:scenecut=0"}),
    "open": ("libx264", "yuv420p", {"g": "12", "bf": "3", "x264-params": "open-gop=1:scenecut=0"}),
    "refreshed": ("libx264", "yuv420p", {"g": "12", "x264-params": "intra-refresh=1:bframes=0"}),
    "one key picture": ("libx264", "yuv420p", {"g": "1000", "bf": "2", "x264-params": "scenecut=0"}),
    "hevc, open": ("libx265", "yuv420p", {"x265-params": "keyint=12:open-gop=1:bframes=3:log-level=0"}),
    "mpeg4": ("mpeg4", "yuv420p", {"g": "12", "bf": "2"}),
    "mpeg2, open": ("mpeg2video", "yuv420p", {"g": "12", "bf": "2", "flags": "-cgop"}),
    "every picture": ("mjpeg", "yuvj420p", {}),
    "vp9": ("libvpx-vp9", "yuv420p", {"g": "12", "auto-alt-ref": "1", "lag-in-frames": "16"}),
}


@pytest.fixture(params=WAYS)
def video(request, tmp_path):
    codec, pix_fmt, options = WAYS[request.param]
    if codec not in av.codecs_available:
        pytest.skip(f"{codec} is not here")
    source = make(tmp_path / "in.mkv", "matroska", codec, pix_fmt, numbers=range(60), options=options)
    copy_streams(source, tmp_path / "out.mp4", keep_audio=False)
    return tmp_path / "out.mp4"


def test_from_any_frame_on_the_pictures_are_the_same(video):
    whole = [(frame.pts, frame.rgb.copy()) for frame in read_frames(video)]
    assert frame_times(video) == [pts for pts, _ in whole]
    for first in (0, 1, 11, 12, 13, 25, 36, 47, 59):
        seen = list(read_from(video, first, whole[first][0]))
        assert [frame.index for frame in seen] == list(range(first, len(whole)))
        for frame, (pts, rgb) in zip(seen, whole[first:], strict=True):
            assert frame.pts == pts
            np.testing.assert_array_equal(frame.rgb, rgb)


def test_what_is_not_there_is_refused(video):
    with pytest.raises(VideoError, match="frame 7 is not where it should be"):
        next(read_from(video, 7, frame_times(video)[7] + 1))
    with pytest.raises(VideoError, match="frame 99 is not where it should be"):
        next(read_from(video, 99, frame_times(video)[-1] + 1))


def test_what_lies_far_before_is_not_decoded(sample, tmp_path, monkeypatch):
    path, decoded, all_frames = tmp_path / "long.mp4", [], _Decoder.frames
    stretch_clip(sample("cap12"), path, height=64, frames=1500)

    def frames(decoder):
        for frame in all_frames(decoder):
            decoded.append(frame.pts)
            yield frame

    monkeypatch.setattr(_Decoder, "frames", frames)
    assert next(read_from(path, 1400, frame_times(path)[1400])).index == 1400
    assert min(decoded) > frame_times(path)[1000]
    decoded.clear()
    picked = {index: frame_times(path)[index] for index in (3, 750, 1499)}
    assert [frame.index for frame in pick_frames(path, picked)] == [3, 750, 1499]
    assert len(decoded) < 900


def test_no_picture_outlives_its_turn(sample):
    """Garbage is looked for seldom: whatever only that would free fills the memory first."""
    gc.collect()
    gc.disable()
    try:
        before = _pictures_held()
        assert sum(frame.rgb.any() for frame in read_frames(sample("cap12", 4.0))) > 90
        assert _pictures_held() - before < 10
    finally:
        gc.enable()


def _pictures_held():
    return sum(isinstance(one, av.VideoFrame) for one in gc.get_objects())

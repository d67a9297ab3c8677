"""Videos as devices write them, and what is admitted of them."""

from fractions import Fraction

import av
import numpy as np
import pytest

from tasks.files.errors import ClipRefusedError
from tasks.ingest.admit import admit

SMALL = (160, 120)


def picture(number, size_wh):
    y, x = np.mgrid[0 : size_wh[1], 0 : size_wh[0]]
    planes = [(x * 2 + number * 5) % 256, (y * 2 + number * 3) % 256, ((x + y) // 2 + number * 7) % 256]
    return np.stack(planes, -1).astype(np.uint8)


def make(
    path,
    container,
    codec,
    pix_fmt,
    *,
    rate=25,
    size_wh=SMALL,
    numbers=range(20),
    options=None,
    muxer=None,
    flags=0,
):
    """Write pictures of these numbers, each at its number's time."""
    with av.open(str(path), "w", format=container, options=muxer or {}) as writer:
        stream = writer.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = *size_wh, pix_fmt
        stream.codec_context.options = options or {}
        stream.codec_context.flags |= flags
        for number in numbers:
            frame = av.VideoFrame.from_ndarray(picture(number, size_wh), format="rgb24")
            frame = frame.reformat(format=pix_fmt)
            frame.pts, frame.time_base = number, 1 / Fraction(rate)
            writer.mux(stream.encode(frame))
        writer.mux(stream.encode(None))
    return path


def admitted(source, tmp_path, params, audio="drop"):
    return admit(source, tmp_path / "out.mp4", params.ingest, audio)


def refused(source, tmp_path, params, audio="drop"):
    with pytest.raises(ClipRefusedError) as caught:
        admitted(source, tmp_path, params, audio)
    assert not (tmp_path / "out.mp4").exists()
    return caught.value.args


def decoded(path):
    """Return what a player shows, by the library itself: times in seconds, and RGB."""
    with av.open(str(path)) as reader:
        stream = max(reader.streams.video, key=lambda one: one.codec_context.width)
        frames = [
            (frame.pts * frame.time_base, frame.to_ndarray(format="rgb24")) for frame in reader.decode(stream)
        ]
    return [time_s - frames[0][0] for time_s, _ in frames], [rgb for _, rgb in frames]

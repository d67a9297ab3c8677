"""Long clips in parts: where to part them, and one video of what was encoded part by part."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np

from schemas.jobs import Span
from tasks.files.errors import VideoError
from tasks.files.whole import whole
from tasks.video.copier import add_audio, open_mp4
from tasks.video.info import main_stream, open_input, time_base
from tasks.video.reader import frame_times

LONG = 1.5  # of a part's length: what is shorter is not worth parting


def part_spans(path: Path, frame_count: int, duration_s: float, part_s: float) -> tuple[Span, ...]:
    """Return the frames of each part of a clip, none where it stays whole.

    Parts are about so many seconds long and equally so, whoever works on them. A clip in which not every
    packet is a picture to be shown stays whole: its frames could not be told without decoding all of them.
    """
    if duration_s < LONG * part_s or len(frame_times(path)) != frame_count:
        return ()
    edges = np.linspace(0, frame_count, max(2, round(duration_s / part_s)) + 1).round().astype(int).tolist()
    return tuple(pairwise(edges))


def join_videos(parts: Sequence[Path], target: Path, audio_from: Path | None = None) -> None:
    """Put the packets of videos that `VideoWriter` wrote one after the other; pts stay as they are.

    audio_from: a video whose first audio stream is copied along. Raises VideoError where they do not fit.
    """
    with whole(target) as partial:
        with open_input(parts[0]) as first, open_mp4(partial, time_base(main_stream(first))) as writer:
            template = main_stream(first)
            copy = writer.add_stream_from_template(template, opaque=True)
            decoding = iter(_decoding_times([_pts_of(part) for part in parts]))
            for part in parts:
                for packet in _packets(part, bytes(template.codec_context.extradata or b"")):
                    packet.dts = next(decoding)
                    packet.stream = copy
                    writer.mux(packet)
        if audio_from:
            add_audio(partial, audio_from)


def _pts_of(part: Path) -> list[int]:
    """Return the pts of a part's packets in the order in which they are decoded."""
    with open_input(part) as reader:
        return [int(packet.pts or 0) for packet in reader.demux(main_stream(reader)) if packet.size]


def _packets(part: Path, header: bytes) -> "Iterator[av.Packet[Any]]":
    with open_input(part) as reader:
        stream = main_stream(reader)
        if bytes(stream.codec_context.extradata or b"") != header:
            raise VideoError("its parts were encoded in different ways")
        for packet in reader.demux(stream):
            if packet.size:
                yield packet


def _decoding_times(pts_of_parts: list[list[int]]) -> list[int]:
    """Return a dts for every packet: the times of all pictures, late by as many as one must be held back.

    Each part would begin anew, and go back in time where its first pictures are held back.
    """
    pts = np.array([time for part in pts_of_parts for time in part], np.int64)
    shown = np.sort(pts)
    if len(shown) != len(np.unique(shown)) or any(
        max(one) >= min(other) for one, other in pairwise(pts_of_parts)
    ):
        raise VideoError("its parts overlap in time")
    late = int(max(np.arange(len(pts)) - np.searchsorted(shown, pts)))
    step = int(shown[1] - shown[0]) if len(shown) > 1 else 1
    before = shown[0] - step * np.arange(late, 0, -1)
    return [int(time) for time in np.concatenate([before, shown])[: len(shown)]]

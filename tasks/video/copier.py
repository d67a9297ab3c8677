"""Streams, copied as they are into an MP4 that carries nothing else."""

import errno
import heapq
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from av.container import InputContainer, OutputContainer

from tasks.files.errors import UncopiedError, VideoError
from tasks.video.boxes import outer_boxes
from tasks.video.info import main_stream, open_input, time_base

# whose headers in an MP4 hold no words; Vorbis keeps its comments there
WORDLESS = ("aac", "ac3", "alac", "eac3", "mp3", "opus", "pcm_s16le")
MP4_OPTIONS = {"movflags": "+faststart", "fflags": "+bitexact"}


class _Clock(NamedTuple):
    """When the first picture is shown, in seconds, and by how many ticks decoding times lag behind."""

    start_s: Fraction
    lateness: int

    def set_back(self, packet: "av.Packet[Any]") -> None:
        """Count a packet's times from the first picture on."""
        ticks = round(self.start_s / packet.time_base)
        packet.pts = None if packet.pts is None else packet.pts - ticks
        packet.dts = None if packet.dts is None else packet.dts - ticks


class PacketTime(NamedTuple):
    pts: int
    dts: int | None
    time_base: Fraction
    is_hidden: bool


def open_mp4(path: Path, base: Fraction) -> OutputContainer:
    # the edit list counts in the movie's time scale: a coarser one would round the start
    timescale = {name: str(base.denominator) for name in ("video_track_timescale", "movie_timescale")}
    return av.open(str(path), mode="w", format="mp4", options={**MP4_OPTIONS, **timescale})


def copy_streams(source: Path, target: Path, *, keep_audio: bool, stop_s: float | None = None) -> None:
    """Copy the video bitstream, and audio where asked, into a new MP4 that carries nothing else.

    Time starts at 0, since a container may count from the day of the visit: with the first picture that is
    shown. Sound before it, or hidden by an edit list, is left out. Raises VideoError also where the container
    hides a part of the picture, which its copy's reader would show, or where a sound's header may hold words.
    stop_s: cut, without re-encoding, at the first picture boundary after so many seconds.
    """
    partial = target.with_name(f".{target.name}.part")
    try:
        times = _packet_times(source)
        limit = _last_shown(times) if stop_s is None else _clean_cut(times, stop_s)
        with open_input(source) as reader:
            kept: list[av.stream.Stream] = [main_stream(reader)]
            if keep_audio:
                kept += map(_require_wordless, reader.streams.audio[:1])
            _copy_packets(reader, kept, partial, limit, _Clock(_first_shown(times), _lateness(times)))
        if hides_pixels(partial):
            raise VideoError(
                "its container hides a part of the picture, which would be shown: cut it off for good"
            )
        os.replace(partial, target)
    except av.error.FFmpegError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise UncopiedError("the streams cannot be copied into an MP4") from error
    except ValueError as error:  # what PyAV says of a codec that an MP4 does not hold
        raise UncopiedError("the streams cannot be copied into an MP4") from error
    finally:
        partial.unlink(missing_ok=True)


def _copy_packets(
    reader: InputContainer, kept: list[av.stream.Stream], target: Path, limit: int | None, clock: "_Clock"
) -> None:
    video = kept[0]
    with open_mp4(target, time_base(video)) as writer:
        copies = {stream.index: writer.add_stream_from_template(stream, opaque=True) for stream in kept}
        for copy in copies.values():
            copy.metadata.clear()
        written = 0
        for packet in reader.demux(kept):
            if packet.dts is None and packet.size == 0:
                continue
            if packet.stream is video:
                if written == limit:
                    break
                written += 1
                if packet.dts is not None:
                    packet.dts -= clock.lateness
            clock.set_back(packet)
            if packet.stream is not video and _is_silent(packet):
                continue
            packet.stream = copies[packet.stream.index]
            writer.mux(packet)


def _require_wordless(stream: av.stream.Stream) -> av.stream.Stream:
    codec = stream.codec_context.codec.canonical_name
    if codec not in WORDLESS:
        raise VideoError(f"the header of {codec} sound may hold words: hand it in as AAC, or drop the sound")
    return stream


def hides_pixels(copy: Path) -> bool:
    """Return whether an MP4 says that a part of the picture is not shown, as FFmpeg writes it (`clap`)."""
    with copy.open("rb") as stream:
        for kind, body, end in outer_boxes(stream, copy.stat().st_size):
            if kind == b"moov":
                stream.seek(body)
                # behind the box's name: eight bytes, then the one description with its size
                boxes = stream.read(end - body).split(b"stsd")[1:]
                return any(b"clap" in box[: 8 + int.from_bytes(box[8:12])] for box in boxes)
    return False


def _packet_times(source: Path) -> list[PacketTime]:
    with open_input(source) as reader:
        return [
            PacketTime(packet.pts, packet.dts, packet.time_base, packet.is_discard)
            for packet in reader.demux(main_stream(reader))
            if packet.size and packet.pts is not None
        ]


def _first_shown(times: list[PacketTime]) -> Fraction:
    shown = [time.pts * time.time_base for time in times if not time.is_hidden]
    return min(shown, default=Fraction(0))


def _is_silent(packet: "av.Packet[Any]") -> bool:
    """Return whether an edit list hides a packet of sound, or it ends before the first picture."""
    return packet.is_discard or (packet.pts is not None and packet.pts + (packet.duration or 0) <= 0)


def _last_shown(times: list[PacketTime]) -> int:
    """Return after how many packets an edit list hides the rest."""
    return max((number for number, time in enumerate(times, 1) if not time.is_hidden), default=0)


def _lateness(times: list[PacketTime]) -> int:
    # QuickTime may say that a picture is decoded after it is shown; the muxer takes no such times
    return max(0, *(time.dts - time.pts for time in times if time.dts is not None), 0)


def _clean_cut(times: list[PacketTime], stop_s: float) -> int:
    """Return after how many packets the video can end without a hole in its timestamps."""
    pts = [time.pts for time in times]
    stop = min(pts) + stop_s / float(times[0].time_base)
    latest_before = np.maximum.accumulate(pts)
    earliest_after = np.append(np.minimum.accumulate(pts[::-1])[::-1][1:], np.iinfo(np.int64).max)
    cuts = np.flatnonzero((latest_before < earliest_after) & (earliest_after >= stop))
    return int(cuts[0]) + 1


def add_audio(video: Path, source: Path) -> None:
    merged = video.with_name(f"{video.name}.audio")
    try:
        with open_input(video) as pictures, open_input(source) as sounds:
            streams = [main_stream(pictures), sounds.streams.audio[0]]
            with open_mp4(merged, time_base(streams[0])) as writer:
                copies = [writer.add_stream_from_template(stream, opaque=True) for stream in streams]
                timed = [
                    _timed_packets(container, stream, copy)
                    for container, stream, copy in zip((pictures, sounds), streams, copies, strict=True)
                ]
                for _, _, packet in heapq.merge(*timed, key=lambda item: item[:2]):
                    writer.mux(packet)
        os.replace(merged, video)
    finally:
        merged.unlink(missing_ok=True)


def _timed_packets(
    container: InputContainer, stream: av.stream.Stream, copy: av.stream.Stream
) -> "Iterator[tuple[float, int, av.Packet[Any]]]":
    for packet in container.demux(stream):
        if packet.dts is not None:
            time_s = float(packet.dts * time_base(stream))
            packet.stream = copy
            yield time_s, copy.index, packet

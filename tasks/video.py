"""Frames in, frames out: the only user of codecs."""

import errno
import heapq
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import av
import numpy as np
from av.container import InputContainer, OutputContainer
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream
from numpy.typing import NDArray

from schemas.params import Encoding
from tasks.errors import EmptyVideoError, VideoError

RgbImage = NDArray[np.uint8]
MP4_OPTIONS = {"movflags": "+faststart", "fflags": "+bitexact"}
QUARTER_TURNS = {0: 0, 90: 1, 180: 2, 270: 3}


@dataclass(frozen=True, kw_only=True)
class StreamInfo:
    """What a container says of its video stream.

    size_wh: coded size in pixels. rotation_deg: counter-clockwise turn that shows it upright.
    frame_count: as declared, 0 where the container does not say. end_s: where the container says
    that the video ends, in seconds; None where it does not say.
    """

    container: str

    codec: str
    pix_fmt: str
    size_wh: tuple[int, int]
    rotation_deg: int
    time_base: Fraction
    frame_rate: Fraction
    frame_count: int
    color_space: int
    color_range: int
    color_primaries: int
    color_transfer: int
    has_audio: bool
    end_s: float | None

    @property
    def shown_size_wh(self) -> tuple[int, int]:
        width, height = self.size_wh
        return (height, width) if self.rotation_deg % 180 else (width, height)


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One picture as it is seen: uint8 RGB, height x width x 3, rotation applied."""

    index: int
    pts: int
    timestamp_s: float
    rgb: RgbImage
    interlaced: bool = False


def open_input(path: Path) -> InputContainer:
    """Open a video for reading. Raises VideoError, which never names the file."""
    try:
        return av.open(str(path), mode="r", metadata_errors="ignore")
    except av.error.EOFError as error:
        raise EmptyVideoError("the file ends before its first picture") from error
    except (av.error.FFmpegError, ValueError) as error:
        raise VideoError("the file cannot be read as a video") from error


def main_stream(container: InputContainer) -> VideoStream:
    """Return the first video stream that is no cover picture."""
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
    raise VideoError("the file holds no video stream")


def _time_base(stream: av.stream.Stream) -> Fraction:
    if stream.time_base is None:
        raise VideoError("the stream has no time base")
    return stream.time_base


def read_info(path: Path) -> StreamInfo:
    """Read the stream's description from the container; one frame is decoded for its rotation."""
    with open_input(path) as container:
        stream = main_stream(container)
        context = stream.codec_context
        return StreamInfo(
            container=container.format.name,
            codec=context.name,
            pix_fmt=context.pix_fmt or "unknown",
            size_wh=(context.width, context.height),
            rotation_deg=_first_rotation(container, stream),
            time_base=_time_base(stream),
            frame_rate=stream.average_rate or Fraction(25),
            frame_count=stream.frames,
            color_space=int(context.colorspace),
            color_range=int(context.color_range),
            color_primaries=int(context.color_primaries),
            color_transfer=int(context.color_trc),
            has_audio=bool(container.streams.audio),
            end_s=_declared_end_s(container, stream),
        )


def _declared_end_s(container: InputContainer, stream: VideoStream) -> float | None:
    start_s = (container.start_time or 0) / av.time_base
    if stream.duration is not None and stream.time_base is not None:
        return float(((stream.start_time or 0) + stream.duration) * stream.time_base)
    return start_s + container.duration / av.time_base if container.duration else None


def _first_rotation(container: InputContainer, stream: VideoStream) -> int:
    try:
        frame = next(container.decode(stream), None)
    except av.error.FFmpegError:
        return 0
    return _quarter_turn(frame) if frame is not None else 0


def _quarter_turn(frame: av.VideoFrame) -> int:
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is not None:
        a, b, _, c, d = np.frombuffer(cast(bytes, matrix), np.int32)[:5].astype(float)
        if a * d - b * c < 0:
            raise VideoError("the picture is shown mirrored")
    rotation_deg = round(frame.rotation) % 360
    if rotation_deg not in QUARTER_TURNS:
        raise VideoError("the picture is turned by no quarter turn")
    return rotation_deg


def read_frames(path: Path) -> Iterator[Frame]:
    """Yield every frame in presentation order. Raises VideoError where one cannot be decoded."""
    with open_input(path) as container:
        stream = main_stream(container)
        time_base = _time_base(stream)
        colorspace = _conversion(int(stream.codec_context.colorspace))
        stream.thread_type = "SLICE"
        try:
            for index, frame in enumerate(container.decode(stream)):
                if frame.pts is None or frame.is_corrupt:
                    raise VideoError(f"frame {index} is damaged or has no timestamp")
                turns = QUARTER_TURNS[_quarter_turn(frame)]
                rgb = frame.to_ndarray(format="rgb24", src_colorspace=colorspace)
                yield Frame(
                    index=index,
                    pts=frame.pts,
                    timestamp_s=float(frame.pts * time_base),
                    rgb=np.ascontiguousarray(np.rot90(rgb, turns)),
                    interlaced=bool(frame.interlaced_frame),
                )
        except av.error.FFmpegError as error:
            raise VideoError("the video cannot be decoded to its end") from error


def _conversion(color_space: int) -> Colorspace:
    # 1 is bt.709 and 9 is bt.2020 in ISO/IEC 23091-2; untagged video is read and written as bt.601
    return {1: Colorspace.ITU709, 9: Colorspace.BT2020}.get(color_space, Colorspace.ITU601)


class VideoWriter:
    """Encode frames into an MP4 that keeps pts, time base, shown size and colour tags of `info`.

    The file appears under its name only when the block ends well. audio_from: a video whose first
    audio stream is copied along.
    """

    def __init__(
        self, path: Path, info: StreamInfo, encoding: Encoding, audio_from: Path | None = None
    ) -> None:
        self._path = path
        self._audio_from = audio_from
        self._partial = path.with_name(f".{path.name}.part")
        self._info = info
        self._encoding = encoding

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._container = _open_mp4(self._partial, self._info.time_base)
        self._stream = self._add_stream(self._container)
        return self

    def _add_stream(self, container: OutputContainer) -> VideoStream:
        info, encoding = self._info, self._encoding
        stream = container.add_stream(encoding.codec, rate=info.frame_rate)
        stream.width, stream.height = info.shown_size_wh
        stream.pix_fmt = info.pix_fmt
        stream.time_base = info.time_base
        context = stream.codec_context
        context.time_base = info.time_base
        # with mbtree, x264 gives other bytes when encoders run side by side (docs/decisions/004)
        options = {"crf": str(encoding.crf), "preset": encoding.preset, "x264-params": "mbtree=0"}
        context.options = options
        context.thread_count = encoding.threads
        context.colorspace = info.color_space
        context.color_range = info.color_range
        context.color_primaries = info.color_primaries
        context.color_trc = info.color_transfer
        return stream

    def write(self, rgb: RgbImage, pts: int) -> None:
        """Append one picture, height x width x 3, at `pts` in the stream's time base."""
        info = self._info
        is_full = info.color_range == ColorRange.JPEG or info.pix_fmt.startswith("yuvj")
        frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(
            format=info.pix_fmt,
            dst_colorspace=_conversion(info.color_space),
            dst_color_range=ColorRange.JPEG if is_full else ColorRange.MPEG,
        )
        frame.pts = pts
        frame.time_base = info.time_base
        frame.color_range = info.color_range
        self._container.mux(self._stream.encode(frame))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._container.mux(self._stream.encode(None))
            self._container.close()
            if kind is None:
                if self._audio_from:
                    _add_audio(self._partial, self._audio_from)
                os.replace(self._partial, self._path)
        finally:
            self._partial.unlink(missing_ok=True)


def _open_mp4(path: Path, time_base: Fraction) -> OutputContainer:
    timescale = {"video_track_timescale": str(time_base.denominator)}
    return av.open(str(path), mode="w", format="mp4", options={**MP4_OPTIONS, **timescale})


def copy_streams(source: Path, target: Path, *, keep_audio: bool, stop_s: float | None = None) -> None:
    """Copy the video bitstream, and audio where asked, into a new MP4 that carries nothing else.

    stop_s: cut, without re-encoding, at the first picture boundary after so many seconds.
    """
    partial = target.with_name(f".{target.name}.part")
    try:
        with open_input(source) as reader:
            video = main_stream(reader)
            kept: list[av.stream.Stream] = [video]
            if keep_audio:
                kept += reader.streams.audio[:1]
            _copy_packets(reader, kept, partial, stop_s)
        os.replace(partial, target)
    except av.error.FFmpegError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise VideoError("the streams cannot be copied into an MP4") from error
    finally:
        partial.unlink(missing_ok=True)


def _copy_packets(
    reader: InputContainer, kept: list[av.stream.Stream], target: Path, stop_s: float | None
) -> None:
    video = kept[0]
    limit = None if stop_s is None else _clean_cut(reader, video, stop_s)
    with _open_mp4(target, _time_base(video)) as writer:
        copies = {stream.index: writer.add_stream_from_template(stream) for stream in kept}
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
            packet.stream = copies[packet.stream.index]
            writer.mux(packet)


def _clean_cut(reader: InputContainer, video: av.stream.Stream, stop_s: float) -> int:
    """Return after how many packets the video can end without a hole in its timestamps."""
    packets = [packet for packet in reader.demux(video) if packet.pts is not None]
    reader.seek(0)
    pts = [packet.pts for packet in packets if packet.pts is not None]
    stop = min(pts) + stop_s / float(_time_base(video))
    latest_before = np.maximum.accumulate(pts)
    earliest_after = np.append(np.minimum.accumulate(pts[::-1])[::-1][1:], np.iinfo(np.int64).max)
    cuts = np.flatnonzero((latest_before < earliest_after) & (earliest_after >= stop))
    return int(cuts[0]) + 1


def _add_audio(video: Path, source: Path) -> None:
    merged = video.with_name(f"{video.name}.audio")
    try:
        with open_input(video) as pictures, open_input(source) as sounds:
            streams = [main_stream(pictures), sounds.streams.audio[0]]
            with _open_mp4(merged, _time_base(streams[0])) as writer:
                copies = [writer.add_stream_from_template(stream) for stream in streams]
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
            time_s = float(packet.dts * _time_base(stream))
            packet.stream = copy
            yield time_s, copy.index, packet

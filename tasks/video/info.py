"""What a file says of its video, before its pictures are read."""

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, Literal, cast

import av
import numpy as np
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from schemas.params.inference import Decoder
from tasks.files.errors import EmptyVideoError, InputError, TurnedVideoError, VideoError
from tasks.video.formats import workable_format, workable_tags
from tasks.video.pictures import Colours, encoded_format, plain_format

DURATION = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")  # a Matroska track's own tag
SHORT = 0.1  # of how long another video is
EMPTY_BYTES = 8  # of a picture that only says that there is none
RATE_FRAMES, USUAL_RATE = (
    5000,
    30.0,
)  # of so many frames one asks how fast they come; a single one says nothing
QUARTER_TURNS = {0: 0, 90: 1, 180: 2, 270: 3}
# FFmpeg's AVFieldOrder: which field is shown first
FIELD_ORDERS: dict[int, Literal["top", "bottom"]] = {2: "top", 3: "bottom", 4: "bottom", 5: "top"}


@dataclass(frozen=True, kw_only=True)
class StreamInfo:
    """What a container says of its video stream.

    pix_fmt: in which it is worked on; came_as: in which it came. size_wh: coded size in pixels.
    rotation_deg: counter-clockwise turn that shows it upright, after it was mirrored left to right, if it
    is shown so. others: sizes of video streams that are left alone. asides: kinds of what else it holds.
    pixel_aspect: width of a coded pixel over its height. first_field: of interlaced pictures; None
    where they are progressive or do not say which comes first. frame_count: of pictures to show, as
    declared; 0 where the container does not say. end_s: where the container says that the video ends,
    in seconds; None where it does not say. end_is_files: it says so of the whole file, whose sound may go on.
    """

    container: str
    codec: str
    pix_fmt: str
    came_as: str
    size_wh: tuple[int, int]
    rotation_deg: int
    is_mirrored: bool
    pixel_aspect: Fraction
    first_field: Literal["top", "bottom"] | None
    time_base: Fraction
    frame_rate: Fraction
    frame_count: int
    color_space: int
    color_range: int
    color_primaries: int
    color_transfer: int
    has_audio: bool
    end_s: float | None
    end_is_files: bool = False
    others: tuple[tuple[int, int], ...] = ()
    asides: tuple[str, ...] = ()

    @property
    def is_sideways(self) -> bool:
        return self.rotation_deg % 180 == 90

    @property
    def shown_size_wh(self) -> tuple[int, int]:
        width, height = self.size_wh
        return (height, width) if self.is_sideways else (width, height)

    @property
    def shown_pixel_aspect(self) -> Fraction:
        return 1 / self.pixel_aspect if self.is_sideways else self.pixel_aspect

    @property
    def encoded_format(self) -> str:
        """The pixel format that it is written in. Raises VideoError where there is none."""
        written = encoded_format(self.pix_fmt, self.size_wh, self.is_sideways)
        is_same = not (self.rotation_deg or self.is_mirrored) and written == plain_format(self.pix_fmt)
        if self.first_field and not (is_same and self.size_wh[1] % 4 == 0):
            raise VideoError("interlaced pictures that are turned or of an odd size")
        return written

    def check_keepable(self) -> None:
        """Raise VideoError where the pictures cannot be written as they are."""
        _ = self.encoded_format
        Colours(self.color_space, self.color_range, self.pix_fmt)


def open_input(path: Path, decoder: Decoder = "software") -> InputContainer:
    """Open a video for reading. Raises VideoError, which never names the file."""
    try:
        if decoder == "nvdec":
            return _open_on_device(path)
        return av.open(str(path), mode="r", metadata_errors="ignore")
    except av.error.EOFError as error:
        raise EmptyVideoError("the file ends before its first picture") from error
    except (av.error.FFmpegError, ValueError) as error:
        raise VideoError("the file cannot be read as a video") from error


def _open_on_device(path: Path) -> InputContainer:
    device = HWAccel("cuda", allow_software_fallback=False)
    try:
        return av.open(str(path), mode="r", metadata_errors="ignore", hwaccel=device)
    except av.error.FFmpegError:
        # a file that can be read without it is not what is wrong
        with av.open(str(path), mode="r", metadata_errors="ignore"):
            raise InputError(
                "inference.decoder is nvdec, which is not here: it needs an NVIDIA device"
            ) from None


def main_stream(container: InputContainer) -> VideoStream:
    """Return the largest video stream that is no cover picture; of equals the default one, then the first.

    A still picture, or what is over long before the others are, is taken only where there is nothing else.
    """
    streams = _video_streams(container)
    if not streams:
        raise VideoError("the file holds no video stream")
    # of Matroska the library says for each how long the longest is
    ends_s = {one.index: _tagged_s(one) or _declared_end_s(container, one) for one in streams}
    long_s = SHORT * max((end for end in ends_s.values() if end is not None), default=0.0)

    def rank(one: VideoStream) -> tuple[bool, int, bool]:
        end_s = ends_s[one.index]
        is_short = one.frames == 1 or (end_s is not None and end_s < long_s)
        return not is_short, math.prod(_size_wh(one)), bool(one.disposition & Disposition.default)

    return max(streams, key=rank)


def _video_streams(container: InputContainer) -> list[VideoStream]:
    return [one for one in container.streams.video if not one.disposition & Disposition.attached_pic]


def _asides(container: InputContainer) -> tuple[str, ...]:
    """Return what a file holds beside videos and sound."""
    kinds = {one.type for one in container.streams} - {"video", "audio"}
    covers = len(container.streams.video) - len(_video_streams(container))
    return tuple(sorted(kinds)) + ("cover picture",) * bool(covers)


def _size_wh(stream: VideoStream) -> tuple[int, int]:
    return stream.codec_context.width, stream.codec_context.height


def is_before(packet: "av.Packet[Any]", first_pts: int | None) -> bool:
    """Return whether a packet is shown before the first one of its stream, though it follows it."""
    return packet.pts is not None and first_pts is not None and packet.pts < first_pts


def time_base(stream: av.stream.Stream) -> Fraction:
    if stream.time_base is None:
        raise VideoError("the stream has no time base")
    return stream.time_base


def read_info(path: Path) -> StreamInfo:
    """Read the stream's description from the container; one frame is decoded for its rotation."""
    with open_input(path) as container:
        stream = main_stream(container)
        context = stream.codec_context
        first = _first_frame(container, stream)
        tags = int(context.colorspace), int(context.color_range)
        color_space, color_range = workable_tags(*tags, context.pix_fmt or "")
        is_interlaced = first is not None and first.interlaced_frame
        own_end_s, file_end_s = _declared_end_s(container, stream), _file_end_s(container)
        return StreamInfo(
            container=container.format.name,
            codec=context.codec.canonical_name,
            pix_fmt=workable_format(context.pix_fmt or "unknown"),
            came_as=context.pix_fmt or "unknown",
            size_wh=_size_wh(stream),
            rotation_deg=orientation(first)[0] if first else 0,
            is_mirrored=bool(first and orientation(first)[1]),
            pixel_aspect=stream.sample_aspect_ratio or Fraction(1),
            first_field=_first_field(context) if is_interlaced else None,
            time_base=time_base(stream),
            frame_rate=stream.average_rate or Fraction(25),
            frame_count=_declared_count(container, stream),
            color_space=color_space,
            color_range=color_range,
            color_primaries=int(context.color_primaries),
            color_transfer=int(context.color_trc),
            has_audio=bool(container.streams.audio),
            end_s=file_end_s if own_end_s is None else own_end_s,
            # some containers say of each stream what holds for all of the file
            end_is_files=own_end_s is None or math.isclose(own_end_s, file_end_s or -1, abs_tol=0.01),
            others=tuple(_size_wh(one) for one in _video_streams(container) if one is not stream),
            asides=_asides(container),
        )


def read_rate(path: Path) -> float:
    """Return the usual frames a second, by the middle step between the first so many: pauses do not count."""
    with open_input(path) as container:
        stream = main_stream(container)
        packets = islice(container.demux(stream), RATE_FRAMES)
        pts = sorted(packet.pts for packet in packets if packet.pts is not None)
        steps = np.diff(pts)
        steps = steps[steps > 0]
        return (
            float(1 / (time_base(stream) * Fraction(float(np.median(steps))))) if len(steps) else USUAL_RATE
        )


def _first_field(context: VideoCodecContext) -> Literal["top", "bottom"] | None:
    # DV has but one order, which its stream need not say
    return "bottom" if context.codec.canonical_name == "dvvideo" else FIELD_ORDERS.get(context.field_order)


def _declared_count(container: InputContainer, stream: VideoStream) -> int:
    # the index of an MP4 marks the pictures that its edit list hides
    if stream.frames and container.format.name.startswith("mov"):
        return sum(not entry.is_discard for entry in stream.index_entries)
    # an AVI counts those that were dropped, and some pictures come with an empty one
    if stream.frames and container.format.name == "avi":
        return sum(entry.size > EMPTY_BYTES for entry in stream.index_entries)
    return stream.frames


def _declared_end_s(container: InputContainer, stream: VideoStream) -> float | None:
    if stream.duration is not None and stream.time_base is not None:
        return float(((stream.start_time or 0) + stream.duration) * stream.time_base)
    return _tagged_s(stream) if container.format.name.startswith("matroska") else None


def _tagged_s(stream: VideoStream) -> float | None:
    """Return how long a stream of Matroska is by its own tag."""
    told = DURATION.fullmatch(stream.metadata.get("DURATION", ""))
    if not told:
        return None
    hours, minutes, seconds = map(float, told.groups())
    return 3600 * hours + 60 * minutes + seconds


def _file_end_s(container: InputContainer) -> float | None:
    if not container.duration:
        return None
    # Matroska counts from zero
    is_matroska = container.format.name.startswith("matroska")
    return ((0 if is_matroska else container.start_time or 0) + container.duration) / av.time_base


def indexed_bytes(path: Path) -> int | None:
    """Return how long a file must be to hold every picture of its index; None where it has none."""
    with open_input(path) as container:
        entries = main_stream(container).index_entries
        return max((entry.pos + entry.size for entry in entries), default=None)


def last_packet_s(path: Path) -> float:
    """Return when the last packet of any stream is over, in seconds."""
    with open_input(path) as container:
        return max(
            (
                float((packet.pts + (packet.duration or 0)) * packet.time_base)
                for packet in container.demux()
                if packet.pts is not None
            ),
            default=0.0,
        )


def _first_frame(container: InputContainer, stream: VideoStream) -> av.VideoFrame | None:
    try:
        return next(container.decode(stream), None)
    except av.error.FFmpegError:
        return None


def orientation(frame: av.VideoFrame) -> tuple[int, bool]:
    """Return the degrees, counter-clockwise, that show a picture upright, and whether to mirror it before.

    Raises VideoError where that is no quarter turn.
    """
    matrix = frame.side_data.get("DISPLAYMATRIX")
    rotation_deg, is_mirrored = round(frame.rotation) % 360, False
    if matrix is not None:
        a, b, _, c, d = np.frombuffer(cast(bytes, matrix), np.int32)[:5].astype(float)
        is_mirrored = a * d - b * c < 0
        if is_mirrored:
            rotation_deg = round(math.degrees(math.atan2(b, -a))) % 360
    if rotation_deg not in QUARTER_TURNS:
        raise TurnedVideoError("the picture is turned by no quarter turn: save it upright, as MP4")
    return rotation_deg, is_mirrored

"""What a file says of its video, before its pictures are read."""

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, cast

import av
import numpy as np
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.video.stream import VideoStream

from schemas.params.inference import Decoder
from tasks.files.errors import EmptyVideoError, InputError, VideoError
from tasks.video.pictures import Colours, encoded_format, plain_format

DURATION = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")  # a Matroska track's own tag
QUARTER_TURNS = {0: 0, 90: 1, 180: 2, 270: 3}
# FFmpeg's AVFieldOrder: which field is shown first
FIELD_ORDERS: dict[int, Literal["top", "bottom"]] = {2: "top", 3: "bottom", 4: "bottom", 5: "top"}


@dataclass(frozen=True, kw_only=True)
class StreamInfo:
    """What a container says of its video stream.

    size_wh: coded size in pixels. rotation_deg: counter-clockwise turn that shows it upright.
    pixel_aspect: width of a coded pixel over its height. first_field: of interlaced pictures; None
    where they are progressive or do not say which comes first. frame_count: of pictures to show, as
    declared; 0 where the container does not say. end_s: where the container says that the video ends,
    in seconds; None where it does not say.
    """

    container: str
    codec: str
    pix_fmt: str
    size_wh: tuple[int, int]
    rotation_deg: int
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
        is_same = not self.rotation_deg and written == plain_format(self.pix_fmt)
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
    """Return the first video stream that is no cover picture."""
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
    raise VideoError("the file holds no video stream")


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
        is_interlaced = first is not None and first.interlaced_frame
        return StreamInfo(
            container=container.format.name,
            codec=context.codec.canonical_name,
            pix_fmt=context.pix_fmt or "unknown",
            size_wh=(context.width, context.height),
            rotation_deg=quarter_turn(first) if first else 0,
            pixel_aspect=stream.sample_aspect_ratio or Fraction(1),
            first_field=FIELD_ORDERS.get(context.field_order) if is_interlaced else None,
            time_base=time_base(stream),
            frame_rate=stream.average_rate or Fraction(25),
            frame_count=_declared_count(container, stream),
            color_space=int(context.colorspace),
            color_range=int(context.color_range),
            color_primaries=int(context.color_primaries),
            color_transfer=int(context.color_trc),
            has_audio=bool(container.streams.audio),
            end_s=_declared_end_s(container, stream),
        )


def _declared_count(container: InputContainer, stream: VideoStream) -> int:
    # the index of an MP4 marks the pictures that its edit list hides
    if stream.frames and container.format.name.startswith("mov"):
        return sum(not entry.is_discard for entry in stream.index_entries)
    return stream.frames


def _declared_end_s(container: InputContainer, stream: VideoStream) -> float | None:
    if stream.duration is not None and stream.time_base is not None:
        return float(((stream.start_time or 0) + stream.duration) * stream.time_base)
    # Matroska counts from zero, and a sound may go on after the last picture
    if container.format.name.startswith("matroska"):
        told = DURATION.fullmatch(stream.metadata.get("DURATION", ""))
        if told:
            hours, minutes, seconds = map(float, told.groups())
            return 3600 * hours + 60 * minutes + seconds
        return container.duration / av.time_base if container.duration else None
    start_s = (container.start_time or 0) / av.time_base
    return start_s + container.duration / av.time_base if container.duration else None


def _first_frame(container: InputContainer, stream: VideoStream) -> av.VideoFrame | None:
    try:
        return next(container.decode(stream), None)
    except av.error.FFmpegError:
        return None


def quarter_turn(frame: av.VideoFrame) -> int:
    """Return the degrees, counter-clockwise, that show a picture upright. Raises VideoError."""
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is not None:
        a, b, _, c, d = np.frombuffer(cast(bytes, matrix), np.int32)[:5].astype(float)
        if a * d - b * c < 0:
            raise VideoError("the picture is shown mirrored")
    rotation_deg = round(frame.rotation) % 360
    if rotation_deg not in QUARTER_TURNS:
        raise VideoError("the picture is turned by no quarter turn")
    return rotation_deg

"""A file, decoded frame by frame."""

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import av
from av.container import InputContainer

from schemas.params.inference import Decoder
from tasks.files.errors import VideoError
from tasks.video.formats import workable, workable_tags
from tasks.video.info import QUARTER_TURNS, is_before, main_stream, open_input, orientation, time_base
from tasks.video.pictures import Colours, GreyImage, Picture, RgbImage

DECODERS = 2
FAR_FRAMES = 300  # beyond these it is quicker to look for a key frame


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One picture as it is seen, rotation applied."""

    index: int
    pts: int
    timestamp_s: float
    picture: Picture
    interlaced: bool = False

    @property
    def size_wh(self) -> tuple[int, int]:
        return self.picture.size_wh

    @property
    def pix_fmt(self) -> str:
        return self.picture.pix_fmt

    @property
    def rgb(self) -> RgbImage:
        """uint8, height x width x 3; what is drawn into it is what `VideoWriter` writes."""
        return self.picture.canvas

    @property
    def grey(self) -> GreyImage:
        """uint8, height x width: the picture's own luma as it came, 0 to 255."""
        return self.picture.grey


def read_frames(
    path: Path, decoder: Decoder = "software", *, from_key: bool = False, forgive: bool = False
) -> Iterator[Frame]:
    """Yield every frame in presentation order. Raises VideoError where one cannot be decoded.

    from_key: pictures that come, or are shown, before the first key one are left out: a cut parted them from
    what they refer to. forgive: later ones may speak of those, too, which is an error; then damage is none.
    """
    with open_input(path, decoder) as container:
        source = _Decoder(container, from_key=from_key, forgive=forgive)
        for index, frame in enumerate(source.frames()):
            yield source.seen(index, frame)


def pts_before_key(path: Path) -> set[int]:
    """Return the timestamps of pictures that come before the first key picture, or are shown before it."""
    with open_input(path) as container:
        packets = [packet for packet in container.demux(main_stream(container)) if packet.size]
    key = next((number for number, packet in enumerate(packets) if packet.is_keyframe), 0)
    first_pts = packets[key].pts if packets else None
    shown = [packet for packet in packets[key:] if not is_before(packet, first_pts)]
    return {int(packet.pts or 0) for packet in packets} - {int(packet.pts or 0) for packet in shown}


def read_from(path: Path, index: int, pts: int, decoder: Decoder = "software") -> Iterator[Frame]:
    """Yield the frame of a pts, which is the index-th, and every one after it.

    Decoding begins at the last key picture that gives it, or where there is none with the first picture.
    Raises VideoError where it is not there, or one cannot be decoded.
    """
    for key in _starts(path, pts):
        with open_input(path, decoder) as container:
            source = _Decoder(container, from_key=key is not None)
            frames = source.frames() if key is None else source.frames_from(key)
            try:
                found = next((frame for frame in frames if _pts(frame) >= pts), None)
            except VideoError:
                if key is None:
                    raise
                continue
            if found is not None and found.pts == pts:
                yield source.seen(index, found)
                yield from (source.seen(number, frame) for number, frame in enumerate(frames, index + 1))
                return
    raise VideoError(f"frame {index} is not where it should be")


def pick_frames(path: Path, pts_of: Mapping[int, int]) -> Iterator[Frame]:
    """Yield the frames of these indexes, whose pts are known, in order; what lies far between is skipped.

    Raises VideoError where one cannot be decoded or is not there.
    """
    frames: Iterator[Frame] = iter(())
    before = -math.inf
    for index, pts in sorted(pts_of.items()):
        if index - before > FAR_FRAMES:
            frames = read_from(path, index, pts)
        found = next((frame for frame in frames if frame.pts >= pts), None)
        if found is None or found.pts != pts:
            raise VideoError(f"frame {index} is not where it should be")
        before = index
        yield found


def frame_times(path: Path) -> list[int]:
    """Return the pts of every packet that holds a picture, ascending."""
    return list(_packets_of(path, path.stat().st_mtime_ns)[0])


def _starts(path: Path, pts: int) -> list[int | None]:
    """Return the last two key pictures before a pts, as their own pts, then None: the video's start."""
    keys = _packets_of(path, path.stat().st_mtime_ns)[1]
    return [*reversed(keys[: bisect_right(keys, pts)][-2:]), None]


@lru_cache(maxsize=8)
def _packets_of(path: Path, _stamp: int) -> tuple[list[int], list[int]]:
    """Return the pts of all pictures, and of the key pictures among them, ascending."""
    with open_input(path) as container:
        packets = container.demux(main_stream(container))
        told = [
            (packet.pts, packet.is_keyframe) for packet in packets if packet.size and packet.pts is not None
        ]
    return sorted(pts for pts, _ in told), sorted(pts for pts, is_key in told if is_key)


class _Decoder:
    """A container's main stream, picture by picture."""

    def __init__(self, container: InputContainer, *, from_key: bool = False, forgive: bool = False) -> None:
        self._container, self._stream = container, main_stream(container)
        self._from_key = from_key
        self._base = time_base(self._stream)
        context = self._stream.codec_context
        # a damaged picture is not repaired; slice threads would not say that it is one
        context.options = {} if forgive else {"err_detect": "explode"}
        context.thread_type, context.thread_count = "FRAME", DECODERS
        self._colours: Colours | None = None
        self._angle: float = 0.0
        self._oriented: tuple[int, bool] | None = None

    def frames(self) -> Iterator[av.VideoFrame]:
        """Yield what comes next. Raises VideoError where it cannot be decoded."""
        try:
            for number, frame in enumerate(self._pictures()):
                if frame.pts is None or frame.is_corrupt:
                    raise VideoError(f"frame {number} is damaged or has no timestamp")
                yield frame
        except av.error.FFmpegError as error:
            raise VideoError("the video cannot be decoded to its end") from error

    def _pictures(self) -> Iterator[av.VideoFrame]:
        if not self._from_key:
            yield from self._container.decode(self._stream)
            return
        first = None
        for packet in self._container.demux(self._stream):
            if first is None and packet.size and not packet.is_keyframe:
                continue
            first = packet.pts if first is None else first
            if not is_before(packet, first):
                yield from packet.decode()

    def frames_from(self, pts: int) -> Iterator[av.VideoFrame]:
        """Yield the frames from a key picture on, whose pts is given, or from one before it."""
        self._container.seek(pts, stream=self._stream)
        return self.frames()

    def seen(self, index: int, frame: av.VideoFrame) -> Frame:
        """Return a decoded picture as it is seen."""
        made = workable(frame)
        if self._colours is None:
            context = self._stream.codec_context
            tags = int(context.colorspace), int(context.color_range)
            self._colours = Colours(*workable_tags(*tags, frame.format.name), made.format.name)
        rotation_deg, is_mirrored = self._orientation(frame)
        return Frame(
            index=index,
            pts=_pts(frame),
            timestamp_s=float(_pts(frame) * self._base),
            picture=Picture.from_decoded(
                made, QUARTER_TURNS[rotation_deg], self._colours, is_mirrored=is_mirrored
            ),
            interlaced=bool(frame.interlaced_frame),
        )

    def _orientation(self, frame: av.VideoFrame) -> tuple[int, bool]:
        """Return how a picture is turned, as the one before unless its angle differs.

        What lies beside a picture holds it, and is held by it, until garbage is looked for: asked for of
        every frame, a clip would fill the memory.
        """
        if self._oriented is None or frame.rotation != self._angle:
            self._angle, self._oriented = frame.rotation, orientation(frame)
        return self._oriented


def _pts(frame: av.VideoFrame) -> int:
    return int(frame.pts or 0)

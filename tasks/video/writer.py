"""Frames, encoded into a file that carries nothing else."""

import os
from fractions import Fraction
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.container import OutputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from schemas.params.video import Encoding
from tasks.files.errors import InputError
from tasks.video.copier import add_audio, open_mp4
from tasks.video.info import StreamInfo
from tasks.video.reader import Frame


class VideoWriter:
    """Encode frames into an MP4 that keeps pts, time base, shown size and colour tags of `info`.

    The file appears under its name only when the block ends well. audio_from: a video whose first
    audio stream is copied along. is_lossless: every sample stays, whatever quality is asked for.
    """

    def __init__(
        self,
        path: Path,
        info: StreamInfo,
        encoding: Encoding,
        audio_from: Path | None = None,
        *,
        is_lossless: bool = False,
    ) -> None:
        self._path = path
        self._audio_from = audio_from
        self._partial = path.with_name(f".{path.name}.part")
        self._info = info
        self._encoding = encoding
        self._is_lossless = is_lossless

    def __enter__(self) -> Self:
        require_encoder(self._encoding.codec)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._container = open_mp4(self._partial, self._info.time_base)
        self._stream = self._add_stream(self._container)
        return self

    def _add_stream(self, container: OutputContainer) -> VideoStream:
        info, encoding = self._info, self._encoding
        stream = container.add_stream(encoding.codec, rate=info.frame_rate)
        stream.width, stream.height = info.shown_size_wh
        stream.pix_fmt = info.encoded_format
        stream.time_base = info.time_base
        context = stream.codec_context
        context.time_base = info.time_base
        context.options = self._options()
        context.sample_aspect_ratio = info.shown_pixel_aspect
        context.thread_count = encoding.threads
        context.colorspace = info.color_space
        context.color_range = info.color_range
        context.color_primaries = info.color_primaries
        context.color_trc = info.color_transfer
        return stream

    def _options(self) -> dict[str, str]:
        info, encoding = self._info, self._encoding
        if encoding.codec == "h264_nvenc":
            return {"rc": "vbr", "cq": str(encoding.crf), "preset": encoding.preset}
        # with mbtree, x264 gives other bytes when encoders run side by side (docs/decisions/004)
        rules = ["mbtree=0", *([f"{info.first_field[0]}ff=1"] if info.first_field else [])]
        if self._is_lossless:
            return {"qp": "0", "preset": encoding.preset, "x264-params": ":".join(rules)}
        return {"crf": str(encoding.crf), "preset": encoding.preset, "x264-params": ":".join(rules)}

    def write(self, frame: Frame) -> None:
        """Append a frame at its pts; pixels that nobody drew over keep the samples they came with."""
        encoded = frame.picture.drawn()
        encoded.pts = frame.pts
        encoded.time_base = self._info.time_base
        encoded.color_range = self._info.color_range
        self._container.mux(self._stream.encode(encoded))

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
                    add_audio(self._partial, self._audio_from)
                os.replace(self._partial, self._path)
        finally:
            self._partial.unlink(missing_ok=True)


@cache
def require_encoder(codec: str) -> None:
    """Raise InputError where an encoder cannot be opened, as one that needs a device that is not here."""
    trial = av.CodecContext.create(codec, "w")
    assert isinstance(trial, VideoCodecContext)
    trial.width, trial.height, trial.pix_fmt, trial.time_base = 256, 256, "yuv420p", Fraction(1, 25)
    try:
        trial.open()
    except (av.error.FFmpegError, OSError):
        raise InputError(
            f"encoding.codec is {codec}, which does not work here: it needs its device"
        ) from None

"""A file, decoded frame by frame."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av

from tasks.errors import VideoError
from tasks.video.info import QUARTER_TURNS, main_stream, open_input, quarter_turn, time_base
from tasks.video.pictures import Colours, Picture, RgbImage

DECODERS = 2


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


def read_frames(path: Path) -> Iterator[Frame]:
    """Yield every frame in presentation order. Raises VideoError where one cannot be decoded."""
    with open_input(path) as container:
        stream = main_stream(container)
        base = time_base(stream)
        context = stream.codec_context
        # a damaged picture is not repaired; slice threads would not say that it is one
        context.options = {"err_detect": "explode"}
        context.thread_type, context.thread_count = "FRAME", DECODERS
        colours = None
        try:
            for index, frame in enumerate(container.decode(stream)):
                if frame.pts is None or frame.is_corrupt:
                    raise VideoError(f"frame {index} is damaged or has no timestamp")
                if colours is None:
                    colours = Colours(int(context.colorspace), int(context.color_range), frame.format.name)
                turns = QUARTER_TURNS[quarter_turn(frame)]
                yield Frame(
                    index=index,
                    pts=frame.pts,
                    timestamp_s=float(frame.pts * base),
                    picture=Picture.from_decoded(frame, turns, colours),
                    interlaced=bool(frame.interlaced_frame),
                )
        except av.error.FFmpegError as error:
            raise VideoError("the video cannot be decoded to its end") from error

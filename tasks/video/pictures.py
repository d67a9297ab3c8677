"""One picture: its planes as they were decoded, seen as RGB, and drawn over."""

import threading
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

from tasks.files.errors import VideoError
from tasks.video.formats import EXACT
from tasks.video.planes import Plane, new_frame, planes_of

RgbImage = NDArray[np.uint8]
GreyImage = NDArray[np.uint8]

# bits a sample, and pixels that share a chroma sample: across, down
FORMATS = {
    "yuv420p": (8, (2, 2)),
    "yuv422p": (8, (2, 1)),
    "yuv444p": (8, (1, 1)),
    "yuv420p10le": (10, (2, 2)),
    "yuv422p10le": (10, (2, 1)),
    "yuv444p10le": (10, (1, 1)),
}
FULL_CHROMA = {8: "yuv444p", 10: "yuv444p10le"}
# ISO/IEC 23091-2; untagged video is read and written as bt.601
UNTAGGED = 2
MATRICES = {
    1: Colorspace.ITU709,
    UNTAGGED: Colorspace.ITU601,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
}


def plain_format(pix_fmt: str) -> str:
    """Return the format without the range that FFmpeg's old names carry: yuvj420p is yuv420p."""
    return pix_fmt.replace("yuvj", "yuv", 1)


def encoded_format(pix_fmt: str, size_wh: tuple[int, int], is_sideways: bool) -> str:
    """Return the format that keeps every sample; full chroma where a plane cannot be divided.

    Raises VideoError for a format that cannot be kept.
    """
    plain = plain_format(pix_fmt)
    if plain not in FORMATS:
        raise VideoError(f"pixel format {pix_fmt}")
    bits, (across, down) = FORMATS[plain]
    # H.264 crops by whole chroma samples
    is_odd = size_wh[0] % across or size_wh[1] % down
    return FULL_CHROMA[bits] if is_odd or (is_sideways and across != down) else plain


class Colours(threading.local):
    """How samples become RGB and back. Raises VideoError for a matrix that is not linear."""

    # a converter is no thread's but its own: frames are read, drawn and written in several

    def __init__(self, color_space: int, color_range: int, pix_fmt: str) -> None:
        if color_space not in MATRICES:
            raise VideoError(f"colour matrix {color_space}")
        self._matrix = MATRICES[color_space]
        is_full = color_range == ColorRange.JPEG or pix_fmt.startswith("yuvj")
        self._range = ColorRange.JPEG if is_full else ColorRange.MPEG
        low, high = (0, 255) if is_full else (16, 235)
        levels = (np.arange(256) - low) * 255 / (high - low)
        self._levels = np.clip(np.round(levels), 0, 255).astype(np.uint8)
        self._reader, self._writer = VideoReformatter(), VideoReformatter()

    def to_rgb(self, picture: av.VideoFrame) -> RgbImage:
        seen = self._reader.reformat(
            picture,
            format="rgb24",
            src_colorspace=self._matrix,
            src_color_range=self._range,
            interpolation=EXACT,
            threads=1,
        )
        return np.ascontiguousarray(seen.to_ndarray()).astype(np.uint8, copy=False)

    def to_grey(self, luma: Plane) -> GreyImage:
        short = luma if luma.dtype == np.uint8 else (luma >> 2).astype(np.uint8)
        return np.asarray(cv2.LUT(short, self._levels), np.uint8)

    def from_rgb(self, rgb: RgbImage, pix_fmt: str) -> av.VideoFrame:
        return self._writer.reformat(
            av.VideoFrame.from_ndarray(rgb, format="rgb24"),
            format=pix_fmt,
            dst_colorspace=self._matrix,
            dst_color_range=self._range,
            interpolation=EXACT,
            threads=1,
        )


@dataclass(frozen=True)
class Picture:
    """What was decoded, upright, in the format that it is written in."""

    frame: av.VideoFrame
    colours: Colours

    @classmethod
    def from_decoded(
        cls, frame: av.VideoFrame, turns: int, colours: Colours, *, is_mirrored: bool = False
    ) -> Self:
        """Turn a decoded frame upright by quarter turns, counter-clockwise, mirrored left to right before."""
        name = plain_format(frame.format.name)
        wanted = encoded_format(name, (frame.width, frame.height), turns % 2 == 1)
        if not turns and not is_mirrored and wanted == name:
            return cls(frame, colours)
        planes = _spread(planes_of(frame), name, wanted)
        if is_mirrored:
            planes = [np.fliplr(plane) for plane in planes]
        return cls(new_frame([np.rot90(plane, turns) for plane in planes], wanted), colours)

    @classmethod
    def from_rgb(cls, rgb: RgbImage) -> Self:
        colours = Colours(UNTAGGED, ColorRange.MPEG, "yuv444p")
        return cls(colours.from_rgb(rgb, "yuv444p"), colours)

    @property
    def size_wh(self) -> tuple[int, int]:
        return self.frame.width, self.frame.height

    @property
    def pix_fmt(self) -> str:
        return plain_format(self.frame.format.name)

    @cached_property
    def original(self) -> RgbImage:
        """The picture as it came, not to be written to."""
        rgb = self.colours.to_rgb(self.frame)
        rgb.flags.writeable = False
        return rgb

    @cached_property
    def grey(self) -> GreyImage:
        """The luma as it came, in 8 bits, 0 to 255, not to be written to."""
        grey = self.colours.to_grey(planes_of(self.frame)[0])
        grey.flags.writeable = False
        return grey

    @cached_property
    def canvas(self) -> RgbImage:
        """The picture to draw on."""
        return self.original.copy()

    def drawn(self) -> av.VideoFrame:
        """Return new samples: where the canvas differs its own, elsewhere those that came.

        Nothing that travelled beside the samples goes along.
        """
        drawn = new_frame(planes_of(self.frame), self.pix_fmt)
        if "canvas" in vars(self):
            self._draw_canvas(drawn)
        return drawn

    def _draw_canvas(self, drawn: av.VideoFrame) -> None:
        _, (across, down) = FORMATS[self.pix_fmt]
        difference = np.asarray(cv2.absdiff(self.original, self.canvas), np.uint8)
        box = _changed_box(difference, across, down)
        if box is None:
            return
        rows, columns = box
        inside = difference[box]
        changed = (inside[..., 0] | inside[..., 1] | inside[..., 2]) > 0
        patch = self.colours.from_rgb(np.ascontiguousarray(self.canvas[box]), self.pix_fmt)
        for index, (plane, part) in enumerate(zip(planes_of(drawn), planes_of(patch), strict=True)):
            x, y = (across, down) if index else (1, 1)
            place = plane[rows.start // y : rows.stop // y, columns.start // x : columns.stop // x]
            in_block = [changed[row::y, column::x] for row in range(y) for column in range(x)]
            np.copyto(place, part, where=np.logical_or.reduce(in_block))


def _changed_box(difference: RgbImage, across: int, down: int) -> tuple[slice, slice] | None:
    height, width = difference.shape[:2]
    left, top, wide, high = cv2.boundingRect(difference.reshape(height, width * 3))
    if not wide:
        return None
    right, bottom = -(-(left + wide) // 3), top + high
    return (
        slice(top // down * down, -(-bottom // down) * down),
        slice(left // 3 // across * across, -(-right // across) * across),
    )


def _spread(planes: list[Plane], name: str, wanted: str) -> list[Plane]:
    if name == wanted:
        return planes
    _, (across, down) = FORMATS[name]
    height, width = planes[0].shape
    chroma = [plane.repeat(down, axis=0).repeat(across, axis=1)[:height, :width] for plane in planes[1:]]
    return [planes[0], *chroma]

"""Pixel formats that videos come in, made into those that are worked on."""

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation

from tasks.video.planes import new_frame, planes_of

# what devices give, and where the same samples lie plane by plane
SAME_SAMPLES = {"nv12": "yuv420p", "p010le": "yuv420p10le", "gray": "yuv420p", "yuv411p": "yuv422p",
                "uyvy422": "yuv422p", "yuyv422": "yuv422p"}  # fmt: skip
# screens are recorded as they are made
RGB = ("rgb24", "bgr24", "rgb0", "bgr0", "0rgb", "0bgr", "gbrp", "rgb555le", "rgb565le", "pal8")
# of 10 bits each colour comes back, of 8 five of six would be a level or two off
RGB_AS = "yuv444p10le"
GREY_CHROMA = 128
BT709, LIMITED, FULL = 1, 1, 2
# swscale's default is a whole level too dark
EXACT = (
    Interpolation.BILINEAR
    | Interpolation.ACCURATE_RND
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
)


def is_rgb(pix_fmt: str) -> bool:
    """Return whether a format is worked on in another one's samples, from which its own come back."""
    return pix_fmt in RGB


def workable_format(pix_fmt: str) -> str:
    """Return the format in which pictures of another are worked on; the same where it is one of these."""
    return RGB_AS if is_rgb(pix_fmt) else SAME_SAMPLES.get(pix_fmt, pix_fmt)


def workable_tags(color_space: int, color_range: int, pix_fmt: str) -> tuple[int, int]:
    """Return the colour matrix and range in which pictures of a format are worked on."""
    if is_rgb(pix_fmt):
        return BT709, LIMITED
    # grey has all levels unless it says that it has not
    return color_space, (color_range or FULL if pix_fmt == "gray" else color_range)


def workable(frame: av.VideoFrame) -> av.VideoFrame:
    """Return a decoded frame in its workable format: the same samples, of RGB the same colours."""
    name = frame.format.name
    wanted = workable_format(name)
    if is_rgb(name):
        # as players show it: of five bits swscale makes other colours where it goes to YUV at once
        return frame.reformat(format="rgb24").reformat(
            format=wanted,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation=EXACT,
        )
    if name == "gray":
        (luma,) = planes_of(frame)
        rows, columns = (-(-side // 2) for side in luma.shape)
        return new_frame([luma, *[np.full((rows, columns), GREY_CHROMA, np.uint8)] * 2], wanted)
    if name == "yuv411p":
        luma, *chroma = planes_of(frame)
        columns = -(-luma.shape[1] // 2)
        return new_frame([luma, *(plane.repeat(2, axis=1)[:, :columns] for plane in chroma)], wanted)
    return frame if wanted == name else frame.reformat(format=wanted)

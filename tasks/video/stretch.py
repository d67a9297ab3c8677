"""A larger or longer copy of a clip, to measure with."""

from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path

import av

from tasks.video.copier import open_mp4
from tasks.video.reader import read_frames

RATE = 25


def stretch_clip(source: Path, target: Path, *, height: int | None, frames: int | None) -> int:
    """Write a clip at another height, repeated or cut to so many frames; return how many it has.

    Pictures are repeated forwards and backwards, so that nobody jumps.
    """
    pictures = [frame.picture.frame for frame in islice(read_frames(source), frames)]
    there_and_back = pictures + pictures[-2:0:-1] if len(pictures) > 2 else pictures
    wanted = list(islice(cycle(there_and_back), frames or len(pictures)))
    high = (height or pictures[0].height) // 2 * 2
    wide = round(pictures[0].width * high / pictures[0].height / 2) * 2
    base = Fraction(1, RATE * 512)
    with open_mp4(target, base) as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = wide, high, "yuv420p"
        stream.time_base = stream.codec_context.time_base = base
        stream.codec_context.options = {"crf": "18", "preset": "veryfast"}
        for index, picture in enumerate(wanted):
            scaled = picture.reformat(wide, high, "yuv420p")
            scaled.pts, scaled.time_base, scaled.pict_type = (
                512 * index,
                base,
                av.video.frame.PictureType.NONE,
            )
            container.mux(stream.encode(scaled))
        container.mux(stream.encode(None))
    return len(wanted)

"""One clip under its coverage."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

from schemas.params.deidentify import Deidentify, Drawn
from tasks.deidentify.blur import blur
from tasks.deidentify.face_regions import FaceRegion
from tasks.deidentify.mask import mask
from tasks.deidentify.pixelate import pixelate
from tasks.deidentify.texts import CoveredText
from tasks.files.errors import GuiseError
from tasks.text.lines import fill
from tasks.video import Frame
from tasks.vision.regions import RgbImage

Cover = Callable[[RgbImage, FaceRegion], None]


def make_methods(
    rule: Deidentify, *, mesh_swap: Cover, point_swap: Cover, own_swap: Cover, inswapper: Cover
) -> dict[Drawn, Cover]:
    """Bind every method to its settings: a picture and a region in, the picture changed in place."""
    return {
        "mesh_swap": mesh_swap,
        "point_swap": point_swap,
        "own_swap": own_swap,
        "inswapper": inswapper,
        "blur": lambda rgb, region: blur(rgb, region, rule.blur),
        "pixelate": lambda rgb, region: pixelate(rgb, region, rule.pixelate),
        "mask": lambda rgb, region: mask(rgb, region, rule.mask),
        "none": lambda rgb, region: None,
    }


def render(
    frames: Iterable[Frame], regions: list[FaceRegion], empty: set[int], methods: dict[Drawn, Cover]
) -> Iterator[Frame]:
    """Yield each frame with all its regions covered.

    empty: frames that need none. Raises GuiseError for any other one without a region.
    """
    by_frame = {number: list(group) for number, group in groupby(regions, lambda region: region.frame)}
    for frame in frames:
        if frame.index not in by_frame and frame.index not in empty:
            raise GuiseError(f"frame {frame.index} has no face region: nothing was released")
        for region in by_frame.get(frame.index, ()):
            methods[region.method](frame.rgb, region)
        yield frame


def cover_texts(frames: Iterable[Frame], texts: Sequence[CoveredText]) -> Iterator[Frame]:
    """Yield each frame with the lines that are covered in it filled. texts: in the order of frames."""
    coming = [text for text in reversed(texts) if text.covered]
    here: list[CoveredText] = []
    for frame in frames:
        while coming and coming[-1].first_frame <= frame.index:
            here.append(coming.pop())
        here = [text for text in here if text.last_frame >= frame.index]
        for text in here:
            fill(frame.rgb, text.box_xyxy)
        yield frame

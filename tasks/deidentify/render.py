"""One clip under its coverage."""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

from schemas.params import Deidentify, Method
from tasks.deidentify.blur import blur
from tasks.deidentify.coverage import FaceRegion
from tasks.deidentify.mask import mask
from tasks.deidentify.mesh_swap import Locate, mesh_swap
from tasks.deidentify.pixelate import pixelate
from tasks.deidentify.targets import Target
from tasks.errors import GuiseError
from tasks.regions import RgbImage
from tasks.video import Frame

Cover = Callable[[RgbImage, FaceRegion], None]


def make_methods(rule: Deidentify, target: Target, locate: Locate) -> dict[Method, Cover]:
    """Bind every method to its settings: a picture and a region in, the picture changed in place."""
    return {
        "mesh_swap": lambda rgb, region: mesh_swap(rgb, region, rule.mesh_swap, target, locate),
        "blur": lambda rgb, region: blur(rgb, region, rule.blur),
        "pixelate": lambda rgb, region: pixelate(rgb, region, rule.pixelate),
        "mask": lambda rgb, region: mask(rgb, region, rule.mask),
    }


def render(
    frames: Iterable[Frame], regions: list[FaceRegion], methods: dict[Method, Cover]
) -> Iterator[Frame]:
    """Yield each frame with all its regions covered. Raises GuiseError for one without a region."""
    by_frame = {number: list(group) for number, group in groupby(regions, lambda region: region.frame)}
    for frame in frames:
        if frame.index not in by_frame:
            raise GuiseError(f"frame {frame.index} has no face region: nothing was released")
        for region in by_frame[frame.index]:
            methods[region.method](frame.rgb, region)
        yield frame

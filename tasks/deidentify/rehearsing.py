"""Which frames are drawn before a part of a clip, so that faces look as in the part before (pure)."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from tasks.deidentify.face_regions import FaceRegion

# of each track: what is first read in a drawn face is what later ones are put right by
FRAMES = 60

# frame -> what is drawn in it
Rehearsal = dict[int, list[FaceRegion]]


def rehearsals(regions: Sequence[FaceRegion], drawn: range) -> Iterator[tuple[int, Rehearsal]]:
    """Yield stretches of frames before those that are drawn, and the first frame of each.

    They show the first frames of every track that is swapped among the drawn ones and was before.
    """
    swapped = [region for region in regions if region.method == "mesh_swap"]
    here = {region.track for region in swapped if region.frame in drawn}
    wanted: Rehearsal = {}
    for _, group in groupby(
        sorted(swapped, key=lambda one: (one.track, one.frame)), key=lambda one: one.track
    ):
        track = [region for region in group if region.track in here][:FRAMES]
        for region in track:
            if region.frame < drawn.start:
                wanted.setdefault(region.frame, []).append(region)
    for _, run in groupby(enumerate(sorted(wanted)), lambda one: one[1] - one[0]):
        frames = [frame for _, frame in run]
        yield frames[0], {frame: wanted[frame] for frame in frames}

"""Where bodies say that heads are, and what that is worth beside faces (pure)."""

from itertools import pairwise

import numpy as np

from schemas.params.deidentify import Deidentify
from tasks.deidentify.face_regions import HEADS, NOBODY, Clip, FaceRegion, around, grow, holds
from tasks.tracks.joining import LARGEST_CHANGE
from tasks.tracks.sightings import Head
from tasks.vision.regions import without_margin


def steady_heads(heads: list[Head], clip: Clip, rule: Deidentify) -> list[Head]:
    """Return heads and backs as they are believed: without backs of a moment, and over short gaps."""
    return _bridged(_without_glimpsed_backs(heads, rule), clip, rule)


def _bridged(heads: list[Head], clip: Clip, rule: Deidentify) -> list[Head]:
    """Return the heads and, over gaps of at most `rule.reach` frames, what lies between two of one body."""
    by_track: dict[tuple[int, int], list[Head]] = {}
    for head in heads:
        if head.box_xyxy is not None:
            by_track.setdefault((head.track, clip.scenes[head.frame]), []).append(head)
    between = [
        Head(frame, first.track, around([box for box in (first.box_xyxy, last.box_xyxy) if box is not None]))
        for seen in by_track.values()
        for first, last in pairwise(sorted(seen, key=lambda head: head.frame))
        if last.frame - first.frame <= rule.reach
        for frame in range(first.frame + 1, last.frame)
    ]
    known = {(head.frame, head.track) for head in heads}
    return heads + [head for head in between if (head.frame, head.track) not in known]


def _without_glimpsed_backs(heads: list[Head], rule: Deidentify) -> list[Head]:
    """Drop backs that were not seen for a while: a body that is misread for a moment hides nobody."""
    backs = sorted((head.track, head.frame) for head in heads if head.box_xyxy is None)
    runs: list[list[tuple[int, int]]] = []
    for track, frame in backs:
        last = runs[-1][-1] if runs else (NOBODY, 0)
        if last[0] == track and frame - last[1] <= rule.max_gap:
            runs[-1].append((track, frame))
        else:
            runs.append([(track, frame)])
    steady = {back for run in runs if run[-1][1] - run[0][1] >= rule.reach for back in run}
    return [head for head in heads if head.box_xyxy is not None or (head.track, head.frame) in steady]


def add_heads(regions: list[FaceRegion], heads: list[Head], clip: Clip, rule: Deidentify) -> list[FaceRegion]:
    """Let a body say where its head is, in place of a box that only reaches on."""
    told = {(head.frame, head.track) for head in heads}
    kept = [one for one in regions if one.source != "extended" or (one.frame, one.track) not in told]
    places = {(region.frame, region.track): region.box_xyxy for region in kept}
    for head in heads:
        here = places.get((head.frame, head.track))
        if head.box_xyxy is None or holds(here, head.box_xyxy):
            continue
        track = head.track if here is None else head.track + HEADS
        box = grow(head.box_xyxy, clip, rule)
        kept.append(FaceRegion(head.frame, track, "head_region", box, rule.unresolved, flagged=True))
    return kept


def without_shadows(regions: list[FaceRegion], rule: Deidentify) -> list[FaceRegion]:
    """Drop what a track left behind in the very place of another track's face in the same frame.

    Tracks that were ever seen side by side are two people: neither stands for the other.
    """
    seen: dict[int, list[FaceRegion]] = {}
    for region in regions:
        if region.source in ("detected", "followed"):
            seen.setdefault(region.frame, []).append(region)
    apart = {(one.track, two.track) for here in seen.values() for one in here for two in here}
    return [
        region
        for region in regions
        if region.source not in ("extended", "head_region")
        or all(
            (region.track % HEADS, face.track) in apart or not _stands_for(face, region, rule)
            for face in seen.get(region.frame, [])
        )
    ]


def _stands_for(face: FaceRegion, guess: FaceRegion, rule: Deidentify) -> bool:
    sizes = [float(np.ptp(region.box_xyxy.reshape(2, 2), axis=0).max()) for region in (face, guess)]
    is_alike = sizes[1] <= LARGEST_CHANGE * sizes[0]
    return is_alike and holds(without_margin(face.box_xyxy, rule.margin), guess.box_xyxy)

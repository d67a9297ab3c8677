"""Every observation of a clip -> a face region for every frame of every track (pure)."""

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

import numpy as np

from schemas.params.deidentify import SWAPS, Deidentify, Method
from tasks.deidentify.correcting import Correction, correct, require_covered_faces
from tasks.deidentify.face_regions import HEADS, NOBODY, Clip, FaceRegion, Source
from tasks.deidentify.leaving import beyond
from tasks.tracks.joining import LARGEST_CHANGE, Track, Tracks
from tasks.tracks.sightings import Head, Observation
from tasks.vision.regions import Box, without_margin

# a box that comes so near to the picture's edge, as a share of the picture, is about to leave it


def cover(
    tracks: Tracks,
    heads: list[Head],
    clip: Clip,
    rule: Deidentify,
    corrections: Sequence[Correction] = (),
) -> list[FaceRegion]:
    """Give every frame of every track a region, ordered as they are drawn.

    tracks: as `join_tracks` gives them. A track reaches over its whole scene; one that was never sure,
    or that ends at the picture's edge, reaches `rule.reach` frames beyond its sightings. Where a face
    was not seen, the body says where the head is, and the nearest sighting where it does not. A frame
    in which nobody was located, or too many were, is masked whole. What a person corrected holds last.
    Raises CorrectionError where a line uncovers a face without saying so.
    """
    heads = _without_glimpsed_backs(heads, rule)
    regions = [region for (_, scene), seen in tracks.items() for region in _follow(seen, clip, scene, rule)]
    regions = _without_shadows(_add_heads(regions, heads, clip, rule), rule)
    require_covered_faces(regions, corrections, clip)
    regions = correct(regions, corrections)
    located = {region.frame for region in regions if region.source != "extended" and region.method != "none"}
    located |= {head.frame for head in heads if head.box_xyxy is None}
    located -= _crowded(clip, rule)
    blind = [whole_frame(frame, clip) for frame in range(len(clip.scenes)) if frame not in located]
    return sorted(regions + correct(blind, corrections, add=False), key=drawing_order)


def drawing_order(region: FaceRegion) -> tuple[int, bool, bool, int]:
    """Sort by frame; a box that was only guessed must not be drawn over a face that was swapped."""
    return region.frame, region.track == NOBODY, region.method in SWAPS, region.track


def _crowded(clip: Clip, rule: Deidentify) -> set[int]:
    """Return the frames in which somebody was left out, or may have been before a search noticed."""
    return {
        near
        for frame in clip.crowded
        for near in range(max(0, frame - rule.reach), min(len(clip.scenes), frame + rule.reach + 1))
        if clip.scenes[near] == clip.scenes[frame]
    }


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


def whole_frame(frame: int, clip: Clip) -> FaceRegion:
    box = np.array([0, 0, *clip.size_wh], np.float32)
    return FaceRegion(frame, NOBODY, "whole_frame", box, "mask", flagged=True)


def _follow(seen: Track, clip: Clip, scene: int, rule: Deidentify) -> Iterator[FaceRegion]:
    track = seen[0].track
    swapped = swapped_frames(seen, rule)
    method = method_of(track, clip, rule)
    frames = [one.frame for one in seen]
    for frame in _reached(seen, clip, scene, rule):
        after = int(np.searchsorted(frames, frame))
        is_seen = after < len(seen) and frames[after] == frame
        near = [seen[after]] if is_seen else seen[max(0, after - 1) : after + 1]
        if frame in swapped:
            # the mesh that is drawn may lie between two trusted ones
            near = near + _trusted_around(seen, after)
        box = grow(_around([one.box_xyxy for one in near]), clip, rule)
        source: Source = "detected" if is_seen else "interpolated" if 0 < after < len(seen) else "extended"
        if frame in swapped:
            yield FaceRegion(frame, track, source, box, method)
        elif is_seen:
            yield FaceRegion(frame, track, source, box, rule.fallback if method in SWAPS else method)
        else:
            yield FaceRegion(frame, track, source, box, rule.unresolved, flagged=True)


def _trusted_around(seen: Track, place: int) -> list[Observation]:
    before = next((one for one in reversed(seen[:place]) if one.is_trusted), None)
    after = next((one for one in seen[place:] if one.is_trusted), None)
    is_seen_well = after is not None and after is seen[place]
    return [] if is_seen_well else [one for one in (before, after) if one is not None]


def _add_heads(
    regions: list[FaceRegion], heads: list[Head], clip: Clip, rule: Deidentify
) -> list[FaceRegion]:
    """Let a body say where its head is, in place of a box that only reaches on."""
    told = {(head.frame, head.track) for head in heads}
    kept = [one for one in regions if one.source != "extended" or (one.frame, one.track) not in told]
    places = {(region.frame, region.track): region.box_xyxy for region in kept}
    for head in heads:
        here = places.get((head.frame, head.track))
        if head.box_xyxy is None or _holds(here, head.box_xyxy):
            continue
        track = head.track if here is None else head.track + HEADS
        box = grow(head.box_xyxy, clip, rule)
        kept.append(FaceRegion(head.frame, track, "head_region", box, rule.unresolved, flagged=True))
    return kept


def _holds(box: Box | None, head: Box) -> bool:
    center = (head[:2] + head[2:]) / 2
    return box is not None and bool((box[:2] <= center).all() and (center <= box[2:]).all())


def method_of(track: int, clip: Clip, rule: Deidentify) -> Method:
    is_subject = clip.subject_tracks is None or track in clip.subject_tracks
    return rule.method if is_subject else rule.method_of_others


def swapped_frames(seen: Track, rule: Deidentify) -> set[int]:
    """Return the frames whose mesh can carry another face: trusted, or between two that are.

    A run of such frames shorter than `rule.settle` keeps the method of its neighbours: methods must
    not alternate before the viewer's eyes.
    """
    trusted = [place for place, one in enumerate(seen) if one.is_trusted]
    usable = {seen[place].frame for place in trusted}
    for left, right in pairwise(trusted):
        first, last = seen[left], seen[right]
        is_between = all(_lies_between(first, one, last) for one in seen[left + 1 : right])
        if last.frame - first.frame - 1 <= rule.max_gap and is_between:
            usable |= set(range(first.frame, last.frame))
    steps = groupby(enumerate(sorted(usable)), lambda at: at[1] - at[0])
    runs = [[frame for _, frame in run] for _, run in steps]
    whole = [seen[0].frame, seen[-1].frame]
    return {frame for run in runs if len(run) >= rule.settle or [run[0], run[-1]] == whole for frame in run}


def _lies_between(first: Observation, one: Observation, last: Observation) -> bool:
    """Return whether a face was seen where a mesh drawn between two others would be."""
    share = (one.frame - first.frame) / (last.frame - first.frame)
    return _holds(first.box_xyxy + (last.box_xyxy - first.box_xyxy) * np.float32(share), one.box_xyxy)


def _reached(seen: Track, clip: Clip, scene: int, rule: Deidentify) -> range:
    limits = clip.scene_frames(scene)
    sure = any(one.has_mesh for one in seen)
    before, after = (
        beyond(list(last), clip.size_wh, rule.reach, len(limits)) if sure else rule.reach
        for last in (reversed(seen), seen)
    )
    return range(max(limits.start, seen[0].frame - before), min(limits.stop, seen[-1].frame + after + 1))


def _around(boxes: list[Box]) -> Box:
    both = np.stack(boxes)
    return np.concatenate([both[:, :2].min(0), both[:, 2:].max(0)]).astype(np.float32)


def grow(box_xyxy: Box, clip: Clip, rule: Deidentify) -> Box:
    """Return the box with its margin, inside the picture."""
    box = box_xyxy.reshape(2, 2)
    reach = np.ptp(box, axis=0) * rule.margin
    grown = (box + np.stack([-reach, reach])).clip(0, np.array(clip.size_wh))
    return np.asarray(grown.reshape(4), np.float32)


def _without_shadows(regions: list[FaceRegion], rule: Deidentify) -> list[FaceRegion]:
    """Drop what a track left behind in the very place of another track's face in the same frame.

    Tracks that were ever seen side by side are two people: neither stands for the other.
    """
    seen: dict[int, list[FaceRegion]] = {}
    for region in regions:
        if region.source == "detected":
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
    return is_alike and _holds(without_margin(face.box_xyxy, rule.margin), guess.box_xyxy)

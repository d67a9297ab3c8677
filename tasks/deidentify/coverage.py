"""Every observation of a clip -> a face region for every frame of every track (pure)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

import numpy as np

from schemas.params.deidentify import SWAPS, Deidentify, Method
from tasks.deidentify.correcting import Correction, correct, require_covered_faces
from tasks.deidentify.face_regions import HEADS, NOBODY, Clip, FaceRegion, Source
from tasks.deidentify.leaving import at_edge, beyond
from tasks.tracks.joining import LARGEST_CHANGE, Track, Tracks
from tasks.tracks.sightings import Head, Observation
from tasks.vision.regions import Box, without_margin

# a body whose head is seen in so many frames of a scene is somebody, face or not
STEADY_HEAD = 2 / 3


def cover(
    tracks: Tracks,
    heads: list[Head],
    clip: Clip,
    rule: Deidentify,
    corrections: Sequence[Correction] = (),
) -> list[FaceRegion]:
    """Give every frame of every track a region, ordered as they are drawn.

    tracks: as `join_tracks` gives them. A confirmed track reaches over its whole scene; one that was hardly
    seen `rule.reach` frames beyond its sightings, one that leaves over the picture's edge so far as its speed
    says; a possible one is covered where it was seen, softly, and flagged. Where a face was not seen, the
    body says where the head is, and the nearest sighting where it does not. A frame in which somebody must be
    and was not located, or too many were, is masked whole; one in which nobody was found stays and is
    flagged. What a person corrected holds last. Raises CorrectionError where a line uncovers a face
    without saying so.
    """
    heads = _bridged(_without_glimpsed_backs(heads, rule), clip, rule)
    regions = [region for (_, scene), seen in tracks.items() for region in _follow(seen, clip, scene, rule)]
    regions = _without_shadows(_add_heads(regions, heads, clip, rule), rule)
    require_covered_faces(regions, corrections, clip)
    regions = correct(regions, corrections)
    blind = _answer_rest(regions, tracks, heads, clip, rule)
    return sorted(regions + correct(blind, corrections, add=False), key=drawing_order)


def _answer_rest(
    regions: list[FaceRegion], tracks: Tracks, heads: list[Head], clip: Clip, rule: Deidentify
) -> list[FaceRegion]:
    """Return the whole frame, masked or flagged as it is, where nobody was located."""
    crowded, expected = _crowded(clip, rule), _expected(tracks, heads, clip, rule)
    located = {one.frame for one in regions if _is_located(one, clip)}
    located |= {head.frame for head in heads if head.box_xyxy is None}
    drawn = {one.frame for one in regions}
    blind = []
    for frame in range(len(clip.scenes)):
        if frame in crowded or (frame in expected and frame not in located):
            blind.append(whole_frame(frame, clip))
        elif frame not in located and frame not in drawn:
            blind.append(replace(whole_frame(frame, clip), source="nobody", method="none"))
    return blind


def _is_located(region: FaceRegion, clip: Clip) -> bool:
    if region.source == "extended" or region.method == "none":
        return False
    is_sure = clip.is_confirmed(region.track, clip.scenes[region.frame])
    return is_sure or region.source in ("head_region", "corrected")


def _expected(tracks: Tracks, heads: list[Head], clip: Clip, rule: Deidentify) -> set[int]:
    """Return the frames in which somebody must be, seen or not."""
    frames = {
        frame
        for (track, scene), seen in tracks.items()
        if clip.is_confirmed(track, scene)
        for frame in _reached(seen, clip, scene, rule)
    }
    fronts = Counter((head.track, clip.scenes[head.frame]) for head in heads if head.box_xyxy is not None)
    for (_, scene), count in fronts.items():
        limits = clip.scene_frames(scene)
        frames |= set(limits) if count >= STEADY_HEAD * len(limits) else set()
    return frames


def _bridged(heads: list[Head], clip: Clip, rule: Deidentify) -> list[Head]:
    """Return the heads and, over gaps of at most `rule.reach` frames, what lies between two of one body."""
    by_track: dict[tuple[int, int], list[Head]] = {}
    for head in heads:
        if head.box_xyxy is not None:
            by_track.setdefault((head.track, clip.scenes[head.frame]), []).append(head)
    between = [
        Head(frame, first.track, _around([box for box in (first.box_xyxy, last.box_xyxy) if box is not None]))
        for seen in by_track.values()
        for first, last in pairwise(sorted(seen, key=lambda head: head.frame))
        if last.frame - first.frame <= rule.reach
        for frame in range(first.frame + 1, last.frame)
    ]
    known = {(head.frame, head.track) for head in heads}
    return heads + [head for head in between if (head.frame, head.track) not in known]


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
    sure = clip.is_confirmed(track, scene)
    swapped = swapped_frames(seen, rule) if sure else set()
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
        source = _source(seen[after] if is_seen else None, is_between=0 < after < len(seen))
        if frame in swapped:
            yield FaceRegion(frame, track, source, box, method)
        elif is_seen:
            soft = rule.fallback if method in SWAPS else method
            yield FaceRegion(frame, track, source, box, soft, flagged=not sure)
        else:
            yield FaceRegion(frame, track, source, box, rule.unresolved, flagged=True)


def _source(sighting: Observation | None, *, is_between: bool) -> Source:
    if sighting is None:
        return "interpolated" if is_between else "extended"
    return "followed" if sighting.followed else "detected"


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
    before, after = (_beyond(list(last), clip, rule, scene) for last in (reversed(seen), seen))
    return range(max(limits.start, seen[0].frame - before), min(limits.stop, seen[-1].frame + after + 1))


def _beyond(last: list[Observation], clip: Clip, rule: Deidentify, scene: int) -> int:
    """Return for how many frames a face is covered after its last sighting, in the order in which it went."""
    box, whole = last[-1].box_xyxy, len(clip.scene_frames(scene))
    if not clip.is_confirmed(last[-1].track, scene):
        # who is half outside cannot be followed by looks
        return beyond(last, clip.size_wh, rule.reach, whole) if at_edge(box, clip.size_wh) else 0
    is_sure = any(one.has_mesh for one in last) or abs(last[-1].frame - last[0].frame) >= rule.reach
    return beyond(last, clip.size_wh, rule.reach, whole) if is_sure else rule.reach


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
    return is_alike and _holds(without_margin(face.box_xyxy, rule.margin), guess.box_xyxy)

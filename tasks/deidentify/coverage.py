"""Every observation of a clip -> a face region for every frame of every track (pure)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

import numpy as np

from schemas.params.deidentify import BY_MESH, SWAPS, Deidentify, Drawn, Method
from tasks.deidentify.correcting import Correction, correct, require_sound
from tasks.deidentify.face_regions import NOBODY, Clip, FaceRegion, Source, around, grow, holds
from tasks.deidentify.heads import add_heads, steady_heads, without_shadows
from tasks.deidentify.leaving import reached
from tasks.deidentify.unlocated import answer_rest
from tasks.tracks.joining import Track, Tracks
from tasks.tracks.placing import place
from tasks.tracks.sightings import Head, Observation
from tasks.vision.regions import Box, overlap

# intersection over union of a face and of where a mesh between two others would be drawn
DRAWN_THERE = 0.7
LiesBetween = Callable[[Observation, Observation, Observation], bool]


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
    heads = steady_heads(heads, clip, rule)
    regions = [region for (_, scene), seen in tracks.items() for region in _follow(seen, clip, scene, rule)]
    regions = without_shadows(add_heads(regions, heads, clip, rule), rule)
    require_sound(regions, corrections, clip)
    regions = correct(regions, corrections)
    blind = answer_rest(regions, tracks, heads, clip, rule)
    return sorted(regions + correct(blind, corrections, add=False), key=drawing_order)


def drawing_order(region: FaceRegion) -> tuple[int, bool, bool, int]:
    """Sort by frame; a box that was only guessed must not be drawn over a face that was swapped."""
    return region.frame, region.track == NOBODY, region.method in SWAPS, region.track


def _follow(seen: Track, clip: Clip, scene: int, rule: Deidentify) -> Iterator[FaceRegion]:
    track = seen[0].track
    sure = clip.is_confirmed(track, scene)
    swapped = swapped_frames(seen, rule) if sure else set()
    method = method_of(track, clip, rule)
    small = place(seen, rule) if sure and method in BY_MESH else {}
    placed = {frame: face for frame, face in small.items() if frame not in swapped}
    is_drawable = sure and method == "own_swap" and track in clip.drawable
    known = with_any_mesh(seen) if is_drawable else seen
    drawn = swapped_frames(known, rule, _lies_somewhere_between) if is_drawable else set()
    frames = [one.frame for one in seen]
    for frame in reached(seen, clip, scene, rule):
        after = int(np.searchsorted(frames, frame))
        is_seen = after < len(seen) and frames[after] == frame
        near = [seen[after]] if is_seen else seen[max(0, after - 1) : after + 1]
        if frame in swapped or frame in drawn:
            # the mesh that is drawn may lie between two trusted ones
            near = near + _trusted_around(seen if frame in swapped else known, after)
        boxes = [one.box_xyxy for one in near] + ([placed[frame].box_xyxy] if frame in placed else [])
        box = grow(around(boxes), clip, rule)
        source = _source(seen[after] if is_seen else None, is_between=0 < after < len(seen))
        if frame in swapped:
            yield FaceRegion(frame, track, source, box, _by_mesh(method, rule, in_own=frame in drawn))
        elif frame in drawn:
            yield FaceRegion(frame, track, source, box, "own_swap")
        elif frame in placed:
            yield FaceRegion(frame, track, source, box, "point_swap")
        elif is_seen:
            soft = rule.fallback if method in SWAPS else method
            yield FaceRegion(frame, track, source, box, soft, flagged=not sure)
        else:
            yield FaceRegion(frame, track, source, box, rule.unresolved, flagged=True)


def _by_mesh(method: Method, rule: Deidentify, *, in_own: bool) -> Drawn:
    """Return what draws a face whose mesh can be trusted: a network only where it is asked to."""
    if method != "own_swap":
        return method
    return "own_swap" if in_own and rule.own_swap.everywhere else "mesh_swap"


def with_any_mesh(seen: Track) -> Track:
    """Return a track whose every mesh counts as trusted: a network needs to know only where a face is."""
    return [replace(one, is_trusted=one.has_mesh) for one in seen]


def _source(sighting: Observation | None, *, is_between: bool) -> Source:
    if sighting is None:
        return "interpolated" if is_between else "extended"
    return "followed" if sighting.followed else "detected"


def _trusted_around(seen: Track, place: int) -> list[Observation]:
    before = next((one for one in reversed(seen[:place]) if one.is_trusted), None)
    after = next((one for one in seen[place:] if one.is_trusted), None)
    is_seen_well = after is not None and after is seen[place]
    return [] if is_seen_well else [one for one in (before, after) if one is not None]


def method_of(track: int, clip: Clip, rule: Deidentify) -> Method:
    is_subject = clip.subject_tracks is None or track in clip.subject_tracks
    return rule.method if is_subject else rule.method_of_others


def swapped_frames(seen: Track, rule: Deidentify, is_between: LiesBetween | None = None) -> set[int]:
    """Return the frames whose mesh can carry another face: trusted, or between two that are.

    is_between: whether a face was seen where a mesh between two others is drawn; by default no side is bare.
    A run of such frames shorter than `rule.settle` keeps the method of its neighbours: methods must
    not alternate before the viewer's eyes.
    """
    trusted = [place for place, one in enumerate(seen) if one.is_trusted]
    usable = {seen[place].frame for place in trusted}
    for left, right in pairwise(trusted):
        first, last = seen[left], seen[right]
        told = ((is_between or _lies_between)(first, one, last) for one in seen[left + 1 : right])
        if last.frame - first.frame - 1 <= rule.max_gap and all(told):
            usable |= set(range(first.frame, last.frame))
    steps = groupby(enumerate(sorted(usable)), lambda at: at[1] - at[0])
    runs = [[frame for _, frame in run] for _, run in steps]
    whole = [seen[0].frame, seen[-1].frame]
    return {frame for run in runs if len(run) >= rule.settle or [run[0], run[-1]] == whole for frame in run}


def _lies_between(first: Observation, one: Observation, last: Observation) -> bool:
    """Return whether a face was seen where a mesh drawn between two others would be: no side is bare."""
    drawn = _box_between(first, one, last)
    if one.followed:  # by what it looks like, a little more or less of it
        return holds(drawn, one.box_xyxy)
    return overlap(drawn, one.box_xyxy) >= DRAWN_THERE


def _lies_somewhere_between(first: Observation, one: Observation, last: Observation) -> bool:
    """Return the same for a network's face: below it all of the box in which a face was seen is smoothed."""
    return holds(one.box_xyxy, _box_between(first, one, last))


def _box_between(first: Observation, one: Observation, last: Observation) -> Box:
    share = (one.frame - first.frame) / (last.frame - first.frame)
    return np.asarray(first.box_xyxy + (last.box_xyxy - first.box_xyxy) * np.float32(share), np.float32)

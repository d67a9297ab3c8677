"""Observed faces -> a face region for every frame of every track (pure)."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from schemas.params import Deidentify, Method
from tasks.regions import Box, Points

Source = Literal["detected", "interpolated", "extended", "whole_frame"]
WHOLE_FRAME = -1


@dataclass(frozen=True)
class Observation:
    """One face of one track in one frame: its box, and its 468 x 2 mesh where it was located."""

    frame: int
    track: int
    box_xyxy: Box
    mesh_xy: Points | None


@dataclass(frozen=True)
class FaceRegion:
    """What is covered of one frame: a box x0, y0, x1, y1; the mesh where it can be trusted.

    flagged: a person should look, because the face was not located in this frame.
    """

    frame: int
    track: int
    source: Source
    box_xyxy: Box
    method: Method
    mesh_xy: Points | None = None
    flagged: bool = False


def cover(
    observations: list[Observation], frame_count: int, size_wh: tuple[int, int], rule: Deidentify
) -> list[FaceRegion]:
    """Give every frame of every track a region, ordered as they are drawn.

    A track reaches from the clip's first frame to its last: before, between and after its
    sightings the nearest ones hold. Every frame in which a face was not located is flagged; where
    its mesh is not known either, or lost for more than `max_gap` frames, the fallback covers its box.
    A frame in which no face at all was located is masked whole.
    """
    tracks: dict[int, list[Observation]] = {}
    for observation in sorted(observations, key=lambda seen: (seen.track, seen.frame)):
        tracks.setdefault(observation.track, []).append(observation)
    regions = [
        region
        for seen in tracks.values()
        for frame in range(frame_count)
        for region in [_region_at(frame, seen, size_wh, rule)]
    ]
    located = {
        region.frame for region in regions if region.source == "detected" or region.mesh_xy is not None
    }
    blind = [_whole_frame(frame, size_wh) for frame in range(frame_count) if frame not in located]
    return sorted(regions + blind, key=_drawing_order)


def _drawing_order(region: FaceRegion) -> tuple[int, bool, int]:
    # a box that was only guessed must not be drawn over a face that was swapped
    return region.frame, region.method == "mesh_swap", region.track


def _whole_frame(frame: int, size_wh: tuple[int, int]) -> FaceRegion:
    box = np.array([0, 0, *size_wh], np.float32)
    return FaceRegion(frame, WHOLE_FRAME, "whole_frame", box, "mask", flagged=True)


def _region_at(frame: int, seen: list[Observation], size_wh: tuple[int, int], rule: Deidentify) -> FaceRegion:
    frames = [observation.frame for observation in seen]
    after = int(np.searchsorted(frames, frame))
    if after < len(seen) and frames[after] == frame:
        return _as_seen(seen[after], size_wh, rule)
    if 0 < after < len(seen):
        return _between(frame, seen[after - 1], seen[after], size_wh, rule)
    nearest = seen[min(after, len(seen) - 1)]
    box = _grow(nearest.box_xyxy, size_wh, rule)
    return FaceRegion(frame, nearest.track, "extended", box, rule.fallback, flagged=True)


def _as_seen(seen: Observation, size_wh: tuple[int, int], rule: Deidentify) -> FaceRegion:
    box = _grow(seen.box_xyxy, size_wh, rule)
    if seen.mesh_xy is None:
        return FaceRegion(seen.frame, seen.track, "detected", box, rule.fallback, flagged=True)
    return FaceRegion(seen.frame, seen.track, "detected", box, rule.method, seen.mesh_xy)


def _between(
    frame: int, left: Observation, right: Observation, size_wh: tuple[int, int], rule: Deidentify
) -> FaceRegion:
    both = np.stack([left.box_xyxy, right.box_xyxy])
    box = _grow(np.concatenate([both[:, :2].min(0), both[:, 2:].max(0)]), size_wh, rule)
    gap = right.frame - left.frame
    if gap - 1 > rule.max_gap or left.mesh_xy is None or right.mesh_xy is None:
        return FaceRegion(frame, left.track, "interpolated", box, rule.fallback, flagged=True)
    share = (frame - left.frame) / gap
    mesh = (left.mesh_xy * (1 - share) + right.mesh_xy * share).astype(np.float32)
    return FaceRegion(frame, left.track, "interpolated", box, rule.method, mesh, flagged=True)


def _grow(box_xyxy: Box, size_wh: tuple[int, int], rule: Deidentify) -> Box:
    box = box_xyxy.reshape(2, 2)
    reach = np.ptp(box, axis=0) * rule.margin
    grown = (box + np.stack([-reach, reach])).clip(0, np.array(size_wh))
    return np.asarray(grown.reshape(4), np.float32)

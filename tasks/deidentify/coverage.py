"""Observed faces -> a face region for every frame of every track (pure)."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from schemas.params import Deidentify, Method
from tasks.regions import Box, Points, bounding_box

Source = Literal["detected", "interpolated", "extended", "whole_frame"]
WHOLE_FRAME = -1


@dataclass(frozen=True)
class Observation:
    """One face of one track in one frame: its 468 x 2 mesh in pixels."""

    frame: int
    track: int
    mesh_xy: Points


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
    """Give every frame of every track a region, and a frame without any track a mask over all.

    A track reaches from the clip's first frame to its last: before, between and after its
    sightings the nearest ones hold. Where the mesh is lost for more than `max_gap` frames the
    fallback method covers the box and the frame is flagged.
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
    return sorted(regions, key=lambda region: (region.frame, region.track)) or [
        _whole_frame(frame, size_wh) for frame in range(frame_count)
    ]


def _whole_frame(frame: int, size_wh: tuple[int, int]) -> FaceRegion:
    box = np.array([0, 0, *size_wh], np.float32)
    return FaceRegion(frame, WHOLE_FRAME, "whole_frame", box, "mask", flagged=True)


def _region_at(frame: int, seen: list[Observation], size_wh: tuple[int, int], rule: Deidentify) -> FaceRegion:
    frames = [observation.frame for observation in seen]
    after = int(np.searchsorted(frames, frame))
    if after < len(seen) and frames[after] == frame:
        here = seen[after].mesh_xy
        return FaceRegion(frame, seen[after].track, "detected", _box(here, size_wh, rule), rule.method, here)
    if 0 < after < len(seen):
        return _between(frame, seen[after - 1], seen[after], size_wh, rule)
    nearest = seen[min(after, len(seen) - 1)]
    return _untrusted(frame, nearest.track, "extended", _box(nearest.mesh_xy, size_wh, rule), rule)


def _between(
    frame: int, left: Observation, right: Observation, size_wh: tuple[int, int], rule: Deidentify
) -> FaceRegion:
    gap = right.frame - left.frame
    if gap - 1 > rule.max_gap:
        both = _box(np.concatenate([left.mesh_xy, right.mesh_xy]), size_wh, rule)
        return _untrusted(frame, left.track, "interpolated", both, rule)
    share = (frame - left.frame) / gap
    mesh = (left.mesh_xy * (1 - share) + right.mesh_xy * share).astype(np.float32)
    return FaceRegion(frame, left.track, "interpolated", _box(mesh, size_wh, rule), rule.method, mesh)


def _untrusted(frame: int, track: int, source: Source, box_xyxy: Box, rule: Deidentify) -> FaceRegion:
    return FaceRegion(frame, track, source, box_xyxy, rule.fallback, flagged=True)


def _box(mesh_xy: Points, size_wh: tuple[int, int], rule: Deidentify) -> Box:
    box = bounding_box(mesh_xy).reshape(2, 2)
    reach = np.ptp(box, axis=0) * rule.margin
    grown = (box + np.stack([-reach, reach])).clip(0, np.array(size_wh))
    return np.asarray(grown.reshape(4), np.float32)

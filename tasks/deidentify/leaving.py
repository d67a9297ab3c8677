"""Whether a face that is seen no more went out over the picture's edge (pure)."""

from collections.abc import Callable
from math import ceil

import numpy as np

from schemas.params.deidentify import Deidentify
from tasks.deidentify.face_regions import Clip
from tasks.tracks.joining import Track
from tasks.tracks.sightings import Observation
from tasks.vision.regions import Box

EDGE = 0.02  # of the picture's size
LEAST_SIGHTINGS = 3
TWICE = 2  # somebody who goes out may slow down


def beyond(last: list[Observation], size_wh: tuple[int, int], reach: int, scene: int) -> int:
    """Return for how many frames a face is covered after its last sighting, at most a scene's.

    last: sightings in the order in which they lead out of the picture, also backwards in time. Only who
    moves out over an edge is taken to be gone, in twice the time that the rest of the way takes, and no
    sooner than after `reach` frames; who stays half in the picture, turned or in the dark, is covered on.
    """
    box, frame = last[-1].box_xyxy, last[-1].frame
    near = [one for one in last if abs(one.frame - frame) <= reach]
    if not at_edge(box, size_wh) or len(near) < LEAST_SIGHTINGS:
        return scene
    ages = np.array([-abs(one.frame - frame) for one in near], np.float64)
    ways = np.array([_ways_out(one.box_xyxy, size_wh) for one in near])
    # of the box's inner side: the outer one stays at the edge
    speeds = np.polyfit(ages, ways, 1)[0]
    frames = [way / -speed for way, speed in zip(ways[-1], speeds, strict=True) if speed < 0]
    return min(scene, max(reach, ceil(TWICE * min(frames)))) if frames else scene


def at_edge(box_xyxy: Box, size_wh: tuple[int, int]) -> bool:
    size, half = np.array(size_wh, np.float32), np.ptp(box_xyxy.reshape(2, 2), axis=0) / 2
    center = (box_xyxy[:2] + box_xyxy[2:]) / 2
    near = np.minimum(center, size - center)
    return bool(((near <= half + EDGE * size) & (near < size / 4)).any())


def _ways_out(box_xyxy: Box, size_wh: tuple[int, int]) -> list[float]:
    """Return how far a box must go to be out over the left, the upper, the right and the lower edge."""
    x0, y0, x1, y1 = map(float, box_xyxy)
    return [x1, y1, size_wh[0] - x0, size_wh[1] - y0]


def reached(seen: Track, clip: Clip, scene: int, rule: Deidentify) -> range:
    """Return the frames in which a track is covered, seen or not."""
    return _stretched(seen, clip, scene, lambda last: _beyond(last, clip, rule, scene))


def may_be_there(seen: Track, clip: Clip, scene: int, rule: Deidentify) -> range:
    """Return the frames in which a face must be, however briefly it was seen: until it went out."""
    whole = len(clip.scene_frames(scene))
    return _stretched(seen, clip, scene, lambda last: beyond(last, clip.size_wh, rule.reach, whole))


def _stretched(seen: Track, clip: Clip, scene: int, beyond_last: Callable[[Track], int]) -> range:
    limits = clip.scene_frames(scene)
    before, after = (beyond_last(list(last)) for last in (reversed(seen), seen))
    return range(max(limits.start, seen[0].frame - before), min(limits.stop, seen[-1].frame + after + 1))


def _beyond(last: list[Observation], clip: Clip, rule: Deidentify, scene: int) -> int:
    """Return for how many frames a face is covered after its last sighting, in the order in which it went."""
    box, whole = last[-1].box_xyxy, len(clip.scene_frames(scene))
    if not clip.is_confirmed(last[-1].track, scene):
        # who is half outside cannot be followed by looks
        return beyond(last, clip.size_wh, rule.reach, whole) if at_edge(box, clip.size_wh) else 0
    is_sure = any(one.has_mesh for one in last) or abs(last[-1].frame - last[0].frame) >= rule.reach
    return beyond(last, clip.size_wh, rule.reach, whole) if is_sure else rule.reach

"""Where a small face that has no mesh is in every frame, by its eyes, its nose and its box (pure)."""

from typing import NamedTuple

import numpy as np
import scipy  # its parts are opened when they are first used

from schemas.params.deidentify import Deidentify
from tasks.tracks.joining import Track
from tasks.tracks.sightings import Observation
from tasks.tracks.steadying import runs, steady
from tasks.vision.keypoints import Floats
from tasks.vision.regions import Box, Points


class Placed(NamedTuple):
    """Right eye, left eye and tip of the nose (3 x 2) of a face, and its box."""

    eyes_nose_xy: Points
    box_xyxy: Box


def place(seen: Track, rule: Deidentify) -> dict[int, Placed]:
    """Return frame -> where a track's face is, for all frames in which it is small and can be told.

    Where it was only followed its eyes lie in its box as at the nearest sighting; a gap of at most
    `rule.max_gap` frames is bridged. Two detectors differ: how points lie to one another is the median over
    `rule.reach` frames, where they are is steadied.
    """
    sightings = [one for one in seen if one.eyes_nose_xy is not None]
    if not sightings:
        return {}
    start, frames = seen[0].frame, [one.frame for one in sightings]
    points = np.full((seen[-1].frame - start + 1, 5, 2), np.nan, np.float32)
    for one in seen:
        if one.eyes_nose_xy is not None:
            points[one.frame - start] = _points(one, one.box_xyxy)
        elif one.followed and float(np.ptp(one.box_xyxy.reshape(2, 2), axis=0).max()) < rule.trust.detail_px:
            nearest = min(_around(frames, one.frame), key=lambda place: abs(frames[place] - one.frame))
            points[one.frame - start] = _points(sightings[nearest], one.box_xyxy)
    steadied = _without_outliers(steady(points, rule.max_gap, rule.steady), rule.reach | 1)
    return {
        start + int(at): Placed(steadied[at, :3], steadied[at, 3:].reshape(4))
        for at in np.flatnonzero(~np.isnan(steadied).any(axis=(1, 2)))
    }


def _around(frames: list[int], frame: int) -> list[int]:
    after = int(np.searchsorted(frames, frame))
    return [place for place in (after - 1, after) if 0 <= place < len(frames)]


def _points(sighting: Observation, box_xyxy: Box) -> Points:
    """Return eyes, nose and corners of a sighting as they lie in a box."""
    assert sighting.eyes_nose_xy is not None
    here, there = sighting.box_xyxy.reshape(2, 2), box_xyxy.reshape(2, 2)
    shares = (sighting.eyes_nose_xy - here[0]) / np.maximum(np.ptp(here, axis=0), 1)
    return np.concatenate([there[0] + shares * np.ptp(there, axis=0), there]).astype(np.float32)


def _without_outliers(points: Floats, window: int) -> Floats:
    middles = points[:, :3].mean(axis=1, keepdims=True)
    for start, stop in runs(np.asarray(~np.isnan(middles).any(axis=(1, 2)), np.bool_)):
        away = points[start:stop] - middles[start:stop]
        usual = scipy.ndimage.median_filter(away, (min(window, (stop - start - 1) | 1), 1, 1), mode="mirror")
        points[start:stop] = middles[start:stop] + usual
    return points

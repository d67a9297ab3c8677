"""Pieces of one face's track, joined over the gaps between them (pure)."""

from dataclasses import replace

import numpy as np

from tasks.tracks.sightings import Observation
from tasks.vision.regions import Box, overlap

# a face that is found again soon lies within its own size of where it was lost, and is about as large;
# one that is found later lies where it was
FARTHEST_SIZES = 1.0
SAME_PLACE = 0.3
LARGEST_CHANGE = 2.0

Track = list[Observation]
Tracks = dict[tuple[int, int], Track]


def join_tracks(observations: list[Observation], scenes: list[int], soon: int) -> Tracks:
    """Return (track, scene) -> its observations in order of frames.

    A track never crosses a cut. Within a scene a track that begins near where another ended goes on
    as that one; after more than `soon` frames only in the same place, since somebody else may have come.
    """
    pieces: Tracks = {}
    for one in sorted(observations, key=lambda one: (one.frame, one.track)):
        pieces.setdefault((scenes[one.frame], one.track), []).append(one)
    joined: Tracks = {}
    for (scene, track), seen in sorted(pieces.items(), key=lambda piece: piece[1][0].frame):
        before = _predecessor(scene, seen, joined, soon)
        if before is None:
            joined[(track, scene)] = list(seen)
        else:
            joined[before] += [replace(one, track=before[0]) for one in seen]
    return joined


def flat(tracks: Tracks) -> list[Observation]:
    """Return the observations of all tracks, by frame."""
    return sorted((seen for track in tracks.values() for seen in track), key=lambda seen: seen.frame)


def _predecessor(scene: int, seen: Track, joined: Tracks, soon: int) -> tuple[int, int] | None:
    ended = [
        (seen[0].frame - track[-1].frame, key)
        for key, track in joined.items()
        if key[1] == scene
        and track[-1].frame < seen[0].frame
        and is_same_place(track[-1].box_xyxy, seen[0].box_xyxy)
        and (
            seen[0].frame - track[-1].frame <= soon
            or overlap(track[-1].box_xyxy, seen[0].box_xyxy) >= SAME_PLACE
        )
    ]
    return min(ended)[1] if ended else None


def is_same_place(first: Box, second: Box) -> bool:
    """Return whether two boxes could be one face."""
    sizes = [float(np.ptp(box.reshape(2, 2), axis=0).max()) for box in (first, second)]
    apart = float(np.linalg.norm(first.reshape(2, 2).mean(0) - second.reshape(2, 2).mean(0)))
    return apart <= FARTHEST_SIZES * max(sizes) and max(sizes) <= LARGEST_CHANGE * max(min(sizes), 1e-6)

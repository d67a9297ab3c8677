"""Pieces of one face's track, joined over the gaps between them (pure)."""

from collections.abc import Iterator, Sequence
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


def join_tracks(
    observations: list[Observation], scenes: list[int], soon: int, followed: Sequence[Observation] = ()
) -> Tracks:
    """Return (track, scene) -> its observations in order of frames.

    A track never crosses a cut. Within a scene a track that begins near where another ended goes on
    as that one, the nearest ones first; after more than `soon` frames only in the same place, since somebody
    else may have come. followed: where faces are that were not detected; where another one was, it is that.
    """
    pieces: Tracks = {}
    by_frame: dict[int, list[Observation]] = {}
    for one in observations:
        pieces.setdefault((one.track, scenes[one.frame]), []).append(one)
        by_frame.setdefault(one.frame, []).append(one)
    for one in followed:
        here, key = by_frame.setdefault(one.frame, []), (one.track, scenes[one.frame])
        if key in pieces and not any(_is_taken(one, other) for other in here):
            here.append(one)
            pieces[key].append(one)
    return _joined({key: sorted(seen, key=lambda one: one.frame) for key, seen in pieces.items()}, soon)


def _is_taken(one: Observation, other: Observation) -> bool:
    return one.track == other.track or overlap(one.box_xyxy, other.box_xyxy) >= SAME_PLACE


def _joined(pieces: Tracks, soon: int) -> Tracks:
    whole: Tracks = {}
    by_start: dict[tuple[int, int], list[Track]] = {}
    for (_, scene), seen in pieces.items():
        by_start.setdefault((seen[0].frame, scene), []).append(seen)
    for (_, scene), begun in sorted(by_start.items(), key=lambda at: at[0]):
        offers = sorted(
            (*offer, number)
            for number, seen in enumerate(begun)
            for offer in _offers(scene, seen, whole, soon)
        )
        taken: dict[int, tuple[int, int]] = {}
        for _, _, key, number in offers:
            if number not in taken and key not in taken.values():
                taken[number] = key
        for number, seen in enumerate(begun):
            key = taken.get(number, (seen[0].track, scene))
            whole[key] = whole.get(key, []) + [replace(one, track=key[0]) for one in seen]
    return whole


def flat(tracks: Tracks) -> list[Observation]:
    """Return the observations of all tracks, by frame."""
    return sorted((seen for track in tracks.values() for seen in track), key=lambda seen: seen.frame)


def _offers(
    scene: int, seen: Track, whole: Tracks, soon: int
) -> Iterator[tuple[int, float, tuple[int, int]]]:
    """Yield frames and distance to every track that may go on as this one, and which it is."""
    for key, track in whole.items():
        gap = seen[0].frame - track[-1].frame
        first, last = seen[0].box_xyxy, track[-1].box_xyxy
        if key[1] != scene or gap <= 0 or not is_same_place(last, first):
            continue
        if gap <= soon or overlap(last, first) >= SAME_PLACE:
            yield gap, distance(last, first), key


def distance(first: Box, second: Box) -> float:
    """Return how far the middles of two boxes are apart, in pixels."""
    return float(np.linalg.norm(first.reshape(2, 2).mean(0) - second.reshape(2, 2).mean(0)))


def is_same_place(first: Box, second: Box) -> bool:
    """Return whether two boxes could be one face."""
    sizes = [float(np.ptp(box.reshape(2, 2), axis=0).max()) for box in (first, second)]
    return distance(first, second) <= FARTHEST_SIZES * max(sizes) and max(sizes) <= LARGEST_CHANGE * max(
        min(sizes), 1e-6
    )

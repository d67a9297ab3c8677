"""Pieces of one face's track, joined over the gaps between them (pure)."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from tasks.tracks.sightings import Observation
from tasks.vision.appearance import Afar, unlikeness
from tasks.vision.regions import Box, overlap

# a face that is found again soon lies within its own size of where it was lost, and is about as large;
# one that is found later lies where it was
FARTHEST_SIZES = 1.0
SAME_PLACE = 0.3
LARGEST_CHANGE = 2.0

NEARLY = 0.15  # faces and `soon` frames: who is nearer by less is as near

Looks = Mapping[int, tuple[Afar, Afar]]
Track = list[Observation]
Tracks = dict[tuple[int, int], Track]


def join_tracks(
    observations: list[Observation],
    scenes: list[int],
    soon: int,
    followed: Sequence[Observation] = (),
    looks: Looks | None = None,
) -> Tracks:
    """Return (track, scene) -> its observations in order of frames.

    A track never crosses a cut. Within a scene a track that begins near where another ended goes on
    as that one, the nearest ones first, of the equally near the most alike; after more than `soon` frames
    only in the same place, since somebody else may have come. followed: where faces are that were not
    detected; where another one was, it is that. looks: person -> from afar, when seen first and last.
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
    ordered = {key: sorted(seen, key=lambda one: one.frame) for key, seen in pieces.items()}
    return _joined(ordered, soon, looks or {})


def _is_taken(one: Observation, other: Observation) -> bool:
    return one.track == other.track or overlap(one.box_xyxy, other.box_xyxy) >= SAME_PLACE


def _joined(pieces: Tracks, soon: int, looks: Looks) -> Tracks:
    whole: Tracks = {}
    by_start: dict[tuple[int, int], list[Track]] = {}
    for (_, scene), seen in pieces.items():
        by_start.setdefault((seen[0].frame, scene), []).append(seen)
    for (_, scene), begun in sorted(by_start.items(), key=lambda at: at[0]):
        keys = _predecessors(scene, begun, whole, soon, looks)
        for number, seen in enumerate(begun):
            key = keys.get(number, (seen[0].track, scene))
            whole[key] = whole.get(key, []) + [replace(one, track=key[0]) for one in seen]
    return whole


def _predecessors(
    scene: int, begun: list[Track], whole: Tracks, soon: int, looks: Looks
) -> dict[int, tuple[int, int]]:
    """Return which of the tracks that begin in a frame goes on as which one, the nearest pairs first."""
    offers = sorted(
        (int(away / NEARLY), _unlikeness(last, seen[0], looks), away, key, is_free, number)
        for number, seen in enumerate(begun)
        for away, key, last, is_free in _offers(scene, seen, whole, soon)
    )
    taken: dict[int, tuple[int, int]] = {}
    settled: set[int] = set()
    for *_, key, is_free, number in offers:
        if number not in settled and key not in taken.values():
            settled.add(number)
            # where the nearest one goes on later it is that one, seen twice, rather than a farther one
            taken |= {number: key} if is_free else {}
    return taken


def flat(tracks: Tracks) -> list[Observation]:
    """Return the observations of all tracks, by frame."""
    return sorted((seen for track in tracks.values() for seen in track), key=lambda seen: seen.frame)


def _offers(
    scene: int, seen: Track, whole: Tracks, soon: int
) -> Iterator[tuple[float, tuple[int, int], Observation, bool]]:
    """Yield how far each track is that was last seen near here, in faces and `soon` frames; if it ended."""
    start = seen[0].frame
    for key, track in whole.items():
        before = bisect_left(track, start, key=lambda one: one.frame)
        is_there = before < len(track) and track[before].frame == start
        if key[1] != scene or not before or is_there:
            continue
        first, last, gap = seen[0].box_xyxy, track[before - 1].box_xyxy, start - track[before - 1].frame
        if is_same_place(last, first) and (gap <= soon or overlap(last, first) >= SAME_PLACE):
            away = distance(last, first) / float(max(last[2:] - last[:2]))
            yield away + gap / soon, key, track[before - 1], before == len(track)


def _unlikeness(last: Observation, first: Observation, looks: Looks) -> float:
    if last.person not in looks or first.person not in looks:
        return 0.0
    return unlikeness(looks[last.person][1], looks[first.person][0])


def distance(first: Box, second: Box) -> float:
    """Return how far the middles of two boxes are apart, in pixels."""
    return float(np.linalg.norm(first.reshape(2, 2).mean(0) - second.reshape(2, 2).mean(0)))


def is_same_place(first: Box, second: Box) -> bool:
    """Return whether two boxes could be one face."""
    sizes = [float(np.ptp(box.reshape(2, 2), axis=0).max()) for box in (first, second)]
    return distance(first, second) <= FARTHEST_SIZES * max(sizes) and max(sizes) <= LARGEST_CHANGE * max(
        min(sizes), 1e-6
    )

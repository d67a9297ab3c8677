"""The signals of every person of a clip, in the original and in an arm (pure)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.skeletons import INDEX_TIP, NOSE_TIP, OUTER_EYES, PALM_LENGTH, SHOULDERS, THUMB_TIP, WRISTS
from tasks.validate.keypoints.people import Tracks
from tasks.validate.signals.agreement import Agreement, compare_series, compare_values, events_in_both
from tasks.validate.signals.face import POSE_AXES, expression, eyelid_opening, head_pose_deg, mouth_opening
from tasks.validate.signals.rhythm import blink_times, irregularity, rhythm, tap_times

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]
VISIBLE = 0.5
DEGREES = "degrees"


@dataclass(frozen=True)
class Film:
    """When a clip's frames are, and how large they are."""

    time_s: Doubles
    size_wh: tuple[int, int]


@dataclass(frozen=True)
class Reading:
    """One signal as one arm shows it: over time, or when events are, or one value.

    known: the frames that it rests on.
    """

    unit: str
    known: Mask
    series: Doubles | None = None
    times_s: Doubles | None = None
    value: float | None = None


@dataclass(frozen=True)
class Signal:
    """One signal of one person: its name, its unit, and how an arm agrees with the original on it."""

    name: str
    unit: str
    agreement: Agreement


def read_signals(arm: Tracks, original: Tracks, person: int, film: Film) -> dict[str, Reading]:
    """Return name -> what an arm shows of a person; lengths are measured in the original."""
    found = [_of_face(arm.xy["face"][person], film), _rhythms(arm, original, person, film)]
    found += [_of_hand(arm, original, person, side, film) for side in WRISTS]
    return {name: reading for part in found for name, reading in part}


def compare_signals(original: dict[str, Reading], other: dict[str, Reading]) -> Iterator[Signal]:
    """Yield how an arm agrees on every signal that the original shows at all."""
    for name, first in original.items():
        if not first.known.any():
            continue
        second = other[name]
        frames = int((first.known & second.known).sum())
        if first.series is not None and second.series is not None:
            period = 360.0 if first.unit == DEGREES else None
            yield Signal(name, first.unit, compare_series(first.series, second.series, period))
        elif first.times_s is not None:
            count = float(len(first.times_s))
            others = same = None
            if second.times_s is not None:
                others = float(len(second.times_s))
                same = float(events_in_both(first.times_s, second.times_s))
            yield Signal(f"{name}_count", first.unit, compare_values(count, others, frames))
            yield Signal(f"{name}s_at_the_same_time", first.unit, compare_values(count, same, frames))
        elif first.value is not None:
            yield Signal(name, first.unit, compare_values(first.value, second.value, frames))


def _of_face(face_xy: Floats, film: Film) -> Iterator[tuple[str, Reading]]:
    known = _located(face_xy)
    lids, pose = eyelid_opening(face_xy), head_pose_deg(face_xy, film.size_wh)
    yield "eyelid_opening", Reading("eye widths", known, lids)
    yield "blink", Reading("events", known, times_s=blink_times(lids, film.time_s))
    yield "mouth_opening", Reading("mouth widths", known, mouth_opening(face_xy))
    for axis, name in enumerate(POSE_AXES):
        yield f"head_{name}", Reading(DEGREES, known, pose[:, axis])
    reach, speed = expression(face_xy, film.time_s)
    yield "expression_range", Reading("eye distances", known, value=reach)
    yield "expression_speed", Reading("eye distances/s", known, value=speed)


def _of_hand(
    arm: Tracks, original: Tracks, person: int, side: str, film: Film
) -> Iterator[tuple[str, Reading]]:
    hand = arm.xy[f"{side}_hand"][person]
    known = _located(hand)
    apart = _distance(hand, THUMB_TIP, INDEX_TIP) / _length(original.xy[f"{side}_hand"][person], PALM_LENGTH)
    taps = tap_times(apart, film.time_s)
    yield f"{side}_thumb_to_index", Reading("palm lengths", known, apart)
    yield f"{side}_tap", Reading("events", known, times_s=taps)
    yield f"{side}_tap_irregularity", Reading("share of interval", known, value=irregularity(taps))


def _rhythms(arm: Tracks, original: Tracks, person: int, film: Film) -> Iterator[tuple[str, Reading]]:
    for name, unit, place in _places(arm, original, person):
        found, known = rhythm(place, film.time_s), np.asarray(~np.isnan(place).any(axis=1), np.bool_)
        hertz, amplitude = (None, None) if found is None else (found.hertz, found.amplitude)
        yield f"{name}_frequency", Reading("Hz", known, value=hertz)
        yield f"{name}_amplitude", Reading(unit, known, value=amplitude)


def _places(arm: Tracks, original: Tracks, person: int) -> Iterator[tuple[str, str, Doubles]]:
    """Yield what may shake: name, unit, and frames x 2 in this unit."""
    face, body = arm.xy["face"][person], _shown(arm, person)
    yield "head", "eye distances", _scaled(face, NOSE_TIP, _length(original.xy["face"][person], OUTER_EYES))
    shoulders = _length(_shown(original, person), SHOULDERS)
    for side, keypoint in WRISTS.items():
        hand, reference = (one.xy[f"{side}_hand"][person] for one in (arm, original))
        yield f"{side}_wrist", "shoulder widths", _scaled(body, keypoint, shoulders)
        yield (
            f"{side}_index_finger",
            "palm lengths",
            _scaled(hand, INDEX_TIP, _length(reference, PALM_LENGTH)),
        )


def _located(xy: Floats) -> Mask:
    return np.asarray(~np.isnan(xy).any(axis=(1, 2)), np.bool_)


def _scaled(xy: Floats, keypoint: int, length: float) -> Doubles:
    return np.asarray(xy[:, keypoint], np.float64) / length


def _shown(arm: Tracks, person: int) -> Floats:
    # a wrist that is only guessed does not shake
    hidden = arm.visibility["body"][person] < VISIBLE
    return np.where(hidden[..., None], np.float32(np.nan), arm.xy["body"][person])


def _distance(xy: Floats, first: int, second: int) -> Doubles:
    return np.asarray(np.linalg.norm(xy[:, first] - xy[:, second], axis=1), np.float64)


def _length(xy: Floats, ends: tuple[int, int]) -> float:
    lengths = _distance(xy, *ends)
    known = lengths[~np.isnan(lengths)]
    return max(float(np.median(known)), 1.0) if len(known) else 1.0

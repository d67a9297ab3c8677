"""Blinks, taps and tremor: what happens again and again (pure)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import detrend, find_peaks, periodogram

Doubles = NDArray[np.float64]
BAND_HZ = (0.5, 12.0)
LEAST_S, LONGEST_GAP_S = 2.0, 0.2
PEAK_HZ = 0.5  # on either side of the dominant frequency
BLINK_DEPTH, LONGEST_BLINK_S = 0.3, 0.6
TAP_DEPTH, FASTEST_TAP_S = 0.25, 0.08


@dataclass(frozen=True)
class Rhythm:
    """The dominant frequency in Hz, and its amplitude in the units of what was measured."""

    hertz: float
    amplitude: float


@dataclass(frozen=True)
class Stretch:
    """Frames x D values at an even rate, when they begin, and how many a second there are."""

    values: Doubles
    start_s: float
    rate: float


def evenly(values: Doubles, time_s: Doubles) -> list[Stretch]:
    """Return the stretches of frames x D values, NaN where unknown, that have no long gap."""
    known = ~np.isnan(values).any(axis=1)
    times, kept = time_s[known], values[known]
    if len(times) < 2:
        return []
    usual = float(np.median(np.diff(times)))
    ends = np.flatnonzero(np.diff(times) > max(LONGEST_GAP_S, 2 * usual)) + 1
    found = []
    for stretch in np.split(np.arange(len(times)), ends):
        even = np.arange(times[stretch[0]], times[stretch[-1]] + usual / 2, usual)
        columns = [np.interp(even, times[stretch], column) for column in kept[stretch].T]
        found.append(Stretch(np.stack(columns, axis=1), float(times[stretch[0]]), 1 / usual))
    return found


def rhythm(values: Doubles, time_s: Doubles) -> Rhythm | None:
    """Return the strongest frequency between 0.5 and 12 Hz of frames x D values, all axes together.

    Of the longest stretch without a gap; None where it is shorter than two seconds.
    """
    longest = max(evenly(values, time_s), key=lambda stretch: len(stretch.values), default=None)
    if longest is None or len(longest.values) < LEAST_S * longest.rate:
        return None
    frequencies, power = periodogram(detrend(longest.values, axis=0), longest.rate, window="hann", axis=0)
    total = power.sum(axis=1)
    band = (frequencies >= BAND_HZ[0]) & (frequencies <= BAND_HZ[1])
    if not band.any() or total[band].max() <= 0:
        return None
    hertz = float(frequencies[band][total[band].argmax()])
    near = np.abs(frequencies - hertz) <= PEAK_HZ
    return Rhythm(hertz, float(np.sqrt(2 * total[near].sum() * frequencies[1])))


def blink_times(opening: Doubles, time_s: Doubles) -> Doubles:
    """Return when the lids were closest, for every short closure by 0.3 or more of the usual opening."""
    return _dips(opening, time_s, BLINK_DEPTH, LONGEST_BLINK_S, 0.0)


def tap_times(apart: Doubles, time_s: Doubles) -> Doubles:
    """Return when thumb and finger were closest, given frames of their distance."""
    return _dips(apart, time_s, TAP_DEPTH, np.inf, FASTEST_TAP_S)


def _dips(values: Doubles, time_s: Doubles, depth: float, longest_s: float, between_s: float) -> Doubles:
    times = [np.zeros(0)]
    for stretch in evenly(values[:, None], time_s):
        even, rate = stretch.values[:, 0], stretch.rate
        widest = None if np.isinf(longest_s) else (None, longest_s * rate)
        prominence = depth * float(np.nanmedian(values))
        peaks, _ = find_peaks(-even, prominence=prominence, width=widest, distance=max(1, between_s * rate))
        times.append(stretch.start_s + peaks / rate)
    return np.concatenate(times)


def irregularity(times_s: Doubles) -> float | None:
    """Return the coefficient of variation of the intervals between events; None for fewer than three."""
    intervals = np.diff(times_s)
    return float(intervals.std() / intervals.mean()) if len(intervals) > 1 else None

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


def evenly(values: Doubles, time_s: Doubles) -> tuple[Doubles, float] | None:
    """Return the longest stretch of frames x D values without a long gap, at an even rate, and the rate.

    Raises nothing; None where no stretch is long enough.
    """
    known = ~np.isnan(values).any(axis=1)
    times, kept = time_s[known], values[known]
    if len(times) < 2:
        return None
    usual = float(np.median(np.diff(times)))
    ends = np.flatnonzero(np.diff(times) > max(LONGEST_GAP_S, 2 * usual)) + 1
    stretches = np.split(np.arange(len(times)), ends)
    longest = max(stretches, key=lambda stretch: times[stretch[-1]] - times[stretch[0]])
    if times[longest[-1]] - times[longest[0]] < LEAST_S:
        return None
    even = np.arange(times[longest[0]], times[longest[-1]], usual)
    columns = [np.interp(even, times[longest], column) for column in kept[longest].T]
    return np.stack(columns, axis=1), 1 / usual


def rhythm(values: Doubles, time_s: Doubles) -> Rhythm | None:
    """Return the strongest frequency between 0.5 and 12 Hz of frames x D values, all axes together."""
    found = evenly(values, time_s)
    if found is None:
        return None
    frequencies, power = periodogram(detrend(found[0], axis=0), found[1], window="hann", axis=0)
    total = power.sum(axis=1)
    band = (frequencies >= BAND_HZ[0]) & (frequencies <= BAND_HZ[1])
    if not band.any() or total[band].max() <= 0:
        return None
    hertz = float(frequencies[band][total[band].argmax()])
    near = np.abs(frequencies - hertz) <= PEAK_HZ
    return Rhythm(hertz, float(np.sqrt(2 * total[near].sum() * frequencies[1])))


def blink_times(opening: Doubles, time_s: Doubles) -> Doubles:
    """Return when the lids were closest, for every short closure by a third or more of the usual opening."""
    return _dips(opening, time_s, BLINK_DEPTH, LONGEST_BLINK_S, 0.0)


def tap_times(apart: Doubles, time_s: Doubles) -> Doubles:
    """Return when thumb and finger were closest, given frames of their distance."""
    return _dips(apart, time_s, TAP_DEPTH, np.inf, FASTEST_TAP_S)


def _dips(values: Doubles, time_s: Doubles, depth: float, longest_s: float, between_s: float) -> Doubles:
    found = evenly(values[:, None], time_s)
    if found is None:
        return np.zeros(0)
    even, rate = found[0][:, 0], found[1]
    widest = None if np.isinf(longest_s) else (None, longest_s * rate)
    peaks, _ = find_peaks(
        -even, prominence=depth * float(np.median(even)), width=widest, distance=max(1, between_s * rate)
    )
    start = time_s[np.flatnonzero(~np.isnan(values))[0]]
    return np.asarray(start + peaks / rate, np.float64)


def irregularity(times_s: Doubles) -> float | None:
    """Return the coefficient of variation of the intervals between events; None for fewer than three."""
    intervals = np.diff(times_s)
    return float(intervals.std() / intervals.mean()) if len(intervals) > 1 else None

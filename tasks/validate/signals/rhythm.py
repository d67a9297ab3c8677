"""Blinks, taps and tremor: what happens again and again (pure)."""

from dataclasses import dataclass

import numpy as np
import scipy  # its parts are opened when they are first used
from numpy.typing import NDArray
from scipy.ndimage import median_filter

Doubles = NDArray[np.float64]
BAND_HZ = (0.5, 12.0)
LEAST_S, LONGEST_GAP_S = 2.0, 0.2
PEAK_HZ = 0.5  # on either side of the dominant frequency
# what shakes faster than half the frame rate looks slower: below this rate a tremor may be another one
LEAST_RATE_HZ, BELOW_NYQUIST = 23.9, 0.9
SLOWEST_HZ = 0.25  # of the background
# a peak of noise is 15 times its background in one clip of a hundred
LEAST_SNR = 20.0
BACKGROUND_ROUNDS, LEAST_BINS = 4, 6
BLINK_DEPTH, LONGEST_BLINK_S = 0.3, 0.6
TAP_DEPTH, FASTEST_TAP_S = 0.25, 0.08
OPEN_EYE = 0.1  # of its width: below it lids are shut, and what moves is noise
OPEN_HAND = 0.3  # palm lengths between the 5th and the 95th percentile: with less nobody taps
DEEPER_THAN_NOISE, USUAL_S = 8.0, 1.5  # standard deviations of what is left beside the usual of so long
MEDIAN_DEVIATION = 0.6745  # of a normal distribution, in standard deviations


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
    """Return the frequency between 0.5 and 12 Hz that stands out most in frames x D values.

    Of all axes together, in the longest stretch without a gap. None where it is shorter than two seconds, has
    fewer than 24 values a second, or where nothing stands out by LEAST_SNR times from the noise around it.
    """
    longest = max(evenly(values, time_s), key=lambda stretch: len(stretch.values), default=None)
    if longest is None or longest.rate < LEAST_RATE_HZ or len(longest.values) < LEAST_S * longest.rate:
        return None
    frequencies, power = scipy.signal.periodogram(
        scipy.signal.detrend(longest.values, axis=0), longest.rate, window="hann", axis=0
    )
    total = power.sum(axis=1)
    told = (frequencies >= SLOWEST_HZ) & (frequencies <= BELOW_NYQUIST * longest.rate / 2) & (total > 0)
    if told.sum() < LEAST_BINS:
        return None
    snr = np.zeros(len(frequencies))
    snr[told] = total[told] / _background(frequencies[told], total[told])
    band = (frequencies >= BAND_HZ[0]) & (frequencies <= BAND_HZ[1])
    if snr[band].max() < LEAST_SNR:
        return None
    hertz = float(frequencies[band][snr[band].argmax()])
    near = np.abs(frequencies - hertz) <= PEAK_HZ
    return Rhythm(hertz, float(np.sqrt(2 * total[near].sum() * frequencies[1])))


def _background(frequencies: Doubles, power: Doubles) -> Doubles:
    """Return the power of the noise at every frequency: a curve in logarithms, without what stands out."""
    across, up = np.log(frequencies), np.log(power)
    terms = np.stack([np.ones_like(across), across, across**2], axis=1)
    kept = np.ones(len(across), np.bool_)
    for _ in range(BACKGROUND_ROUNDS):
        curve = terms @ np.linalg.lstsq(terms[kept], up[kept], rcond=None)[0]
        above = up - curve
        middle = np.median(above[kept])
        spread = max(float(np.median(np.abs(above[kept] - middle))) / MEDIAN_DEVIATION, 0.5)
        mean_power = np.log(np.mean(np.exp(above[kept])))
        fewer = above < middle + 1.5 * spread
        if fewer.sum() < LEAST_BINS:
            break
        kept = fewer
    return np.asarray(np.exp(curve + mean_power), np.float64)


def blink_times(opening: Doubles, time_s: Doubles) -> Doubles | None:
    """Return when the lids were closest, for every short closure by 0.3 or more of the usual opening.

    None where they are shut for most of the time.
    """
    known = opening[~np.isnan(opening)]
    if not len(known) or float(np.median(known)) < OPEN_EYE:
        return None
    times = [np.zeros(0)]
    for stretch in evenly(opening[:, None], time_s):
        even = stretch.values[:, 0]
        deep = max(BLINK_DEPTH * float(np.median(known)), DEEPER_THAN_NOISE * _noise(even, stretch.rate))
        closest, _ = scipy.signal.find_peaks(
            -even, prominence=deep, width=(None, LONGEST_BLINK_S * stretch.rate)
        )
        times.append(stretch.start_s + closest / stretch.rate)
    return np.concatenate(times)


def _noise(even: Doubles, rate: float) -> float:
    """Return the standard deviation of values around what they usually are at that time."""
    apart = even - median_filter(even, size=max(3, round(USUAL_S * rate)), mode="nearest")
    return float(np.median(np.abs(apart))) / MEDIAN_DEVIATION


def tap_times(apart: Doubles, time_s: Doubles) -> Doubles:
    """Return when thumb and finger were closest, given frames of their distance in palm lengths."""
    known = apart[~np.isnan(apart)]
    times = [np.zeros(0)]
    if not len(known) or np.subtract(*np.percentile(known, [95, 5])) < OPEN_HAND:
        return times[0]
    for stretch in evenly(apart[:, None], time_s):
        closest, _ = scipy.signal.find_peaks(
            -stretch.values[:, 0],
            prominence=TAP_DEPTH * float(np.median(known)),
            distance=max(1, FASTEST_TAP_S * stretch.rate),
        )
        times.append(stretch.start_s + closest / stretch.rate)
    return np.concatenate(times)


def irregularity(times_s: Doubles) -> float | None:
    """Return the coefficient of variation of the intervals between events; None for fewer than three."""
    intervals = np.diff(times_s)
    return float(intervals.std() / intervals.mean()) if len(intervals) > 1 else None

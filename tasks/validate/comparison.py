"""A clip's arms beside its original, and each beside the control: the rows of three tables (pure)."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

from schemas.evidence import PARTS
from schemas.jobs import Row
from schemas.keypoints import PARTS as KEYPOINT_PARTS
from tasks.validate.averages import ratio
from tasks.validate.keypoints.invariance import Metrics, keypoint_errors, measure
from tasks.validate.keypoints.people import Tracks
from tasks.validate.signals.clinical import Film, Reading, compare_signals, read_signals


@dataclass
class Comparison:
    """Compare one arm after the other with the original; the first is the control, the floor of all."""

    original: Tracks
    film: Film
    pck_thresholds: list[float]
    _in_control: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    _metrics: dict[str, Metrics] = field(default_factory=dict)
    _readings: dict[int, dict[str, Reading]] = field(default_factory=dict)
    _signals: dict[tuple[int, str], float | None] = field(default_factory=dict)

    def rows(self, other: Tracks) -> dict[str, list[Row]]:
        """Return an arm's rows of invariance, keypoint errors and signals, without clip and arm."""
        return {
            "invariance": list(self._invariance(other)),
            "keypoint_errors": list(self._keypoint_errors(other)),
            "signals": list(self._clinical(other)),
        }

    def _invariance(self, other: Tracks) -> Iterator[Row]:
        for part in PARTS:
            in_control = self._in_control.setdefault(part, other.seen(part))
            figures = measure(
                self.original,
                in_control,
                other,
                part,
                pck_thresholds=self.pck_thresholds,
                time_s=self.film.time_s,
            )
            floors = self._metrics.setdefault(part, figures)
            for metric, figure in figures.items():
                floor = floors[metric].value
                yield {
                    "part": part,
                    "metric": metric,
                    **asdict(figure),
                    "floor": floor,
                    "ratio_to_floor": ratio(figure.value, floor),
                }

    def _keypoint_errors(self, other: Tracks) -> Iterator[Row]:
        for part in KEYPOINT_PARTS:
            missing, errors, counts = keypoint_errors(self.original, other, part)
            for keypoint, (share, error, count) in enumerate(zip(missing, errors, counts, strict=True)):
                yield {
                    "part": part,
                    "keypoint": keypoint,
                    "missing": _known(share),
                    "nme_mean": _known(error),
                    "n": int(count),
                }

    def _clinical(self, other: Tracks) -> Iterator[Row]:
        for person in range(len(self.original.xy["face"])):
            readings = self._readings.setdefault(person, {})
            if not readings:
                readings |= read_signals(self.original, self.original, person, self.film)
            for signal in compare_signals(readings, read_signals(other, self.original, person, self.film)):
                apart = signal.agreement.difference
                floor = self._signals.setdefault((person, signal.name), apart)
                yield {
                    "person": person,
                    "signal": signal.name,
                    "unit": signal.unit,
                    "floor": floor,
                    **asdict(signal.agreement),
                }


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)

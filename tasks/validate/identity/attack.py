"""What recognisers find in a cohort's clips, arm by arm: rows without embeddings (pure)."""

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from schemas.jobs import Row
from tasks.validate.averages import mean
from tasks.validate.identity.distances import (
    Embeddings,
    attack,
    distances,
    likeness_to,
    match_rates,
    mean_places,
    template_distance,
    template_of,
    true_match_rate,
    unit,
)  # fmt: skip
from tasks.vision.regions import Points
from tasks.vision.solid import SHAPE

FALSE_MATCH_RATES = (0.01, 0.001)
ROC_POINTS = 60
LEAST_OTHERS = 2  # of whom a quarter can be told
BLANK = "blank"
Gallery = dict[str, Embeddings]


@dataclass(frozen=True, eq=False)
class Probe:
    """The faces of one clip that are compared: N times (frame, the original's mesh in it).

    own: N booleans, which of them are the clip's subject's.
    """

    clip_id: str
    subject: str
    faces: list[tuple[int, Points]]
    own: NDArray[np.bool_]


@dataclass(frozen=True)
class Sighting:
    """A probe's N faces in one arm: recogniser -> N x D embeddings, and for which a face was found."""

    embeddings: dict[str, Embeddings]
    found: NDArray[np.bool_]


@dataclass
class Attacks:
    """Collect what is found of every clip, arm and recogniser.

    chooser: the recogniser that chose the targets; with it, the shape did, and neither is an independent
    judge of them. galleries: recogniser -> subject -> the mean of their originals. filmed: who of them are
    the cohort's. thresholds: below which distance a recogniser says that two faces are one person's. The
    blank arm, if any, is added first: its ranks are the floor.
    """

    chooser: str
    thresholds: dict[str, float]
    galleries: dict[str, Gallery]
    filmed: Collection[str] = ()
    identity: list[Row] = field(default_factory=list)
    identity_frames: list[Row] = field(default_factory=list)
    _floors: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    _templates: dict[tuple[str, str], dict[Probe, Embeddings]] = field(default_factory=dict)
    _likeness: dict[tuple[str, str], dict[str, list[Embeddings]]] = field(default_factory=dict)

    def add(self, probe: Probe, arm: str, original: Sighting, other: Sighting) -> None:
        """Attack one clip of an arm: everyone's distance to themselves, the subject in the gallery."""
        for name, gallery in self.galleries.items():
            # whose keypoints were not found again has no shape to be known by
            known = _known(original.embeddings[name]) & _known(other.embeddings[name])
            if not (known & probe.own).any():
                continue
            apart = distances(original.embeddings[name][known], other.embeddings[name][known])
            faces = other.embeddings[name][known & probe.own]
            place = {"clip_id": probe.clip_id, "arm": arm, "recogniser": name}
            found, nearest = attack(faces, probe.subject, gallery), float(apart.min())
            if arm == BLANK:
                self._floors[probe.clip_id, name] = found.rank_mean, nearest
            rank_floor, distance_floor = self._floor(probe, name, faces)
            self.identity.append(
                place
                | {
                    "independent": name not in (self.chooser, SHAPE),
                    "threshold": self.thresholds.get(name),
                    "frames": int(known.sum()),
                    "subject_frames": len(faces),
                    "frames_no_face": int((~other.found).sum()),
                    "distance_mean": mean(apart),
                    "distance_min": nearest,
                    "distance_floor": distance_floor,
                    "gallery_subjects": len(gallery),
                    "rank_floor": rank_floor,
                    **asdict(found),
                }
            )
            self.identity_frames += [place | row for row in _per_face(probe, known, apart, other)]
            self._compare(probe, (arm, name), faces, gallery)

    def _floor(self, probe: Probe, name: str, faces: Embeddings) -> tuple[float | None, float | None]:
        # a flat face has no shape
        is_shape, gallery = name == SHAPE, self.galleries[name]
        guessed = guessed_place(faces, probe.subject, gallery, self.filmed) if is_shape else None
        return self._floors.get((probe.clip_id, name), (guessed, None))

    def _compare(self, probe: Probe, key: tuple[str, str], faces: Embeddings, gallery: Gallery) -> None:
        self._templates.setdefault(key, {})[probe] = template_of(faces)
        own, likeness = list(gallery).index(probe.subject), likeness_to(faces, gallery)
        scores = self._likeness.setdefault(key, {"genuine": [], "impostor": []})
        scores["genuine"].append(likeness[:, own])
        scores["impostor"].append(np.delete(likeness, own, axis=1).ravel())

    def linkage(self) -> list[Row]:
        """Return the distance between the mean faces of every two clips' subjects, arm by arm."""
        return [
            {
                "arm": arm,
                "recogniser": name,
                "clip_a": first.clip_id,
                "clip_b": second.clip_id,
                "same_subject": first.subject == second.subject,
                "distance": template_distance(faces[first], faces[second]),
            }
            for (arm, name), faces in self._templates.items()
            for first, second in combinations(faces, 2)
        ]

    def recognition(self, subjects: int) -> list[Row]:
        """Return true-match rates at fixed false-match rates, where there are subjects enough to tell.

        A rate of 1 in N needs N pairs of different subjects.
        """
        return [
            {
                "arm": arm,
                "recogniser": name,
                "false_match_rate": asked,
                "true_match_rate": true_match_rate(rates, asked) if enough else None,
                "subjects": subjects,
            }
            for (arm, name), rates in self._rates().items()
            for asked in FALSE_MATCH_RATES
            for enough in [subjects * (subjects - 1) >= 1 / asked]
        ]

    def roc(self) -> list[Row]:
        """Return the curves of true over false matches, at most so many points each."""
        return [
            {"arm": arm, "recogniser": name, "false_match_rate": false, "true_match_rate": true}
            for (arm, name), rates in self._rates().items()
            for false, true in (rates[at] for at in _spread_over(len(rates), ROC_POINTS))
        ]

    def _rates(self) -> dict[tuple[str, str], list[tuple[float, float]]]:
        return {
            key: match_rates(np.concatenate(scores["genuine"]), np.concatenate(scores["impostor"]))
            for key, scores in self._likeness.items()
            if any(map(len, scores["impostor"]))
        }


def guessed_place(faces: Embeddings, subject: str, gallery: Gallery, filmed: Collection[str]) -> float:
    """Return at which place somebody comes of whom nothing is known but that they were filmed, too.

    A filmed face is told from a made one in a picture by its shape: a quarter of the others in the cohort
    come earlier than guessing would say.
    """
    places = mean_places(faces, gallery)
    others = [places[who] for who in filmed if who != subject]
    guessed = (len(gallery) + 1) / 2
    return min(guessed, float(np.percentile(others, 25))) if len(others) >= LEAST_OTHERS else guessed


def found_row(
    probe: Probe, name: str, faces: Embeddings, gallery: Gallery, *, filmed: Collection[str], lost: int
) -> Row:
    """Return the row of an attack on a released clip that compares faces with people, not with an original.

    lost: in how many of its faces none was found.
    """
    apart = np.linalg.norm(unit(faces) - gallery[probe.subject], axis=1)
    return {
        "clip_id": probe.clip_id,
        "arm": "released",
        "recogniser": name,
        "independent": True,
        "threshold": None,
        "frames": len(faces),
        "subject_frames": len(faces),
        "frames_no_face": lost,
        "distance_mean": mean(apart),
        "distance_min": float(apart.min()),
        "distance_floor": None,
        "gallery_subjects": len(gallery),
        "rank_floor": guessed_place(faces, probe.subject, gallery, filmed),
        **asdict(attack(faces, probe.subject, gallery)),
    }


def _known(vectors: Embeddings) -> NDArray[np.bool_]:
    return np.asarray(~np.isnan(vectors).any(axis=1), np.bool_)


def _per_face(
    probe: Probe, known: NDArray[np.bool_], apart: NDArray[np.float64], other: Sighting
) -> Iterator[Row]:
    for number, distance in zip(np.flatnonzero(known), apart, strict=True):
        found = {"frame": probe.faces[number][0], "found": bool(other.found[number])}
        yield {"face": int(number), **found, "distance": float(distance)}


def _spread_over(count: int, most: int) -> list[int]:
    return sorted({round(at) for at in np.linspace(0, count - 1, min(count, most))})

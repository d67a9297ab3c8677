"""Look for a cohort's people in every arm: all among each other, or in a sample of a large cohort."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from schemas.jobs import Row
from schemas.params.validate import Validate
from tasks.validate.identity.attack import BLANK, Attacks, Probe, Sighting
from tasks.validate.identity.distances import Embeddings, make_gallery
from tasks.validate.identity.embedding import embed_all, embed_here
from tasks.validate.identity.inverting import Inverter
from tasks.validate.identity.judges import make_judges
from tasks.validate.identity.lookout import Lookout
from tasks.validate.identity.parrot import RECOGNISER, Parrot
from tasks.validate.identity.probes import make_probe
from tasks.validate.identity.strangers import read_strangers
from tasks.validate.keypoints.measuring import FOLLOWED, excerpt_of
from tasks.vision.sessions import shared_weights

EXCERPT_SHARE = 4  # so many times fewer faces of an excerpt are compared
Probes = Mapping[Probe, tuple[str, ...]]  # the arms in which each is attacked
Sightings = Mapping[tuple[str, Probe], Sighting]
Faces = dict[str, dict[str, list[Embeddings]]]  # recogniser -> person -> N x D, several times


@dataclass(frozen=True)
class Search:
    """Look for people; settings: how faces are picked and compared. lookout: among whom."""

    root: Path
    settings: Validate
    lookout: Lookout

    def cohort(self, arms: Mapping[str, Sequence[str]]) -> dict[str, list[Row]]:
        """Return the rows of identity, its frames, linkage, recognition and roc of clips among each other."""
        probes = self._probes(self.lookout.subjects, arms)
        sightings = self._see(probes)
        faces = self._with_strangers(_originals(probes, sightings)) if probes else {}
        attacks = self._attack(probes, sightings, faces)
        found = _rows(attacks)
        whole = [probe for probe, attacked in probes.items() if BLANK in attacked]
        found["identity"] += self._parrot(whole)
        if self.lookout.deidentify.swaps_by_own:
            found["identity"] += self._inverted(whole, faces, flat_places(found["identity"]))
        return found | {
            "linkage": attacks.linkage(),
            "recognition": attacks.recognition(len(attacks.filmed)),
            "roc": attacks.roc(),
        }

    def _parrot(self, probes: Sequence[Probe]) -> list[Row]:
        weights, lookout = shared_weights(self.root), self.lookout
        embed = make_judges(weights, lookout.extract)[RECOGNISER]
        parrot = Parrot(self.root, weights, lookout.deidentify, lookout.extract, embed)
        return list(parrot.rows(probes, self.settings.strangers))

    def _inverted(self, probes: Sequence[Probe], faces: Faces, floors: Mapping[str, float]) -> list[Row]:
        """Return what is found by undoing the swap: a network that saw a patient may keep something.

        floors: clip_id -> the place at which what is around a face filled flat puts the person.
        """
        if not probes:
            return []
        embed = make_judges(shared_weights(self.root), self.lookout.extract)[RECOGNISER]
        gallery = make_gallery(faces[RECOGNISER])
        filmed = {*self.lookout.subjects.values()} & {*gallery}
        rows = Inverter(self.root, embed, gallery, filmed).rows(probes)
        # hair and ears are on what is undone, too
        return [row | {"rank_floor": min(row["rank_floor"], floors[row["clip_id"]])} for row in rows]

    def clip(self, clip_id: str, subject: str, arms: Sequence[str]) -> dict[str, list[Row]]:
        """Return the rows of identity and its frames of a clip that is looked for in a sample of the cohort.

        The sample's faces are read once a process, and stay in its memory.
        """
        among: Faces = shared_weights(self.root).shared(f"gallery {self.lookout.key}", self._read)
        probes = self._probes({clip_id: subject}, {clip_id: arms})
        sightings = dict(embed_here(self.root, _wanted(probes), self.lookout.extract))
        own = _originals(probes, sightings)
        faces = {
            name: people | {subject: [*people.get(subject, []), *own[name][subject]]} if own else people
            for name, people in among.items()
        }
        return _rows(self._attack(probes, sightings, faces))

    def _read(self) -> Faces:
        subjects = self.lookout.subjects
        probes: Probes = dict.fromkeys(self._probes(subjects, dict.fromkeys(subjects, ())), ())
        return self._with_strangers(_originals(probes, self._see(probes)))

    def _see(self, probes: Probes) -> Sightings:
        return dict(embed_all(self.root, _wanted(probes), self.lookout.extract))

    def _probes(self, subjects: Mapping[str, str], arms: Mapping[str, Sequence[str]]) -> Probes:
        """Return which faces of clips are attacked in which arms, of those in which there are any."""
        return {
            probe: attacked
            for clip_id, compared in arms.items()
            for probe, attacked in self._probes_of(clip_id, subjects[clip_id], compared)
            if probe.faces
        }

    def _probes_of(
        self, clip_id: str, subject: str, compared: Sequence[str]
    ) -> Iterator[tuple[Probe, tuple[str, ...]]]:
        """Yield faces of a clip and where they are attacked: of an excerpt in the arms that have no more."""
        count = self.settings.identity_frames
        yield make_probe(self.root, clip_id, subject, count), (BLANK, *FOLLOWED)
        tried = tuple(arm for arm in compared if arm not in FOLLOWED)
        if tried:
            excerpt = excerpt_of(self.root, tried[0], clip_id)
            yield make_probe(self.root, clip_id, subject, max(1, count // EXCERPT_SHARE), excerpt), tried

    def _with_strangers(self, faces: Faces) -> Faces:
        """Return the faces among which somebody is looked for: strangers', too, so that chance is known."""
        weights, extract = shared_weights(self.root), self.lookout.extract
        judges = make_judges(weights, extract)
        strangers = read_strangers(weights, self.settings.strangers, extract, judges)
        return {
            name: {f"stranger {number}": [face[name]] for number, face in enumerate(strangers)}
            | faces.get(name, {})
            for name in judges
        }

    def _attack(self, probes: Probes, sightings: Sightings, faces: Faces) -> Attacks:
        """Attack probes; faces: of all among whom they are looked for."""
        galleries = {name: make_gallery(people) for name, people in faces.items()}
        people = {*self.lookout.subjects.values(), *(probe.subject for probe in probes)}
        filmed = people & {*next(iter(galleries.values()), ())}
        thresholds = {"dlib": self.settings.identity_threshold}
        attacks = Attacks(self.lookout.deidentify.targets.chooser, thresholds, galleries, filmed)
        for probe, attacked in probes.items():
            for arm in attacked:
                attacks.add(probe, arm, sightings["original", probe], sightings[arm, probe])
        return attacks


def _wanted(probes: Probes) -> list[tuple[str, Probe]]:
    return [(arm, probe) for probe, attacked in probes.items() for arm in ("original", *attacked)]


def _originals(probes: Probes, sightings: Sightings) -> Faces:
    """Return the subjects' own faces, as the originals of whole clips show them."""
    faces: Faces = {}
    for probe, attacked in probes.items():
        if attacked and BLANK not in attacked:
            continue  # an excerpt
        for name, vectors in sightings["original", probe].embeddings.items():
            own = vectors[probe.own]
            known = own[~np.isnan(own).any(axis=1)]
            faces.setdefault(name, {}).setdefault(probe.subject, []).append(known)
    return faces


def flat_places(rows: Sequence[Row]) -> dict[str, float]:
    """Return clip_id -> at which place the inverter's recogniser finds a person whose face is filled flat."""
    released = (row for row in rows if (row["arm"], row["recogniser"]) == ("released", RECOGNISER))
    return {row["clip_id"]: row["rank_floor"] for row in released}


def _rows(attacks: Attacks) -> dict[str, list[Row]]:
    return {"identity": attacks.identity, "identity_frames": attacks.identity_frames}

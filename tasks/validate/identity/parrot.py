"""An attacker who has Guise: people's faces from other clips are given a release's face, then compared."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from schemas.jobs import Row
from schemas.params.deidentify import BY_MESH, Deidentify
from schemas.params.extract import Extract
from schemas.params.validate import PARROTS
from tasks.files.clips import read_cast
from tasks.swap.mesh_swap import MeshSwapper, make_fit, make_look
from tasks.swap.pool import load_pool
from tasks.swap.shape import reshape, shape_of
from tasks.swap.target import Target
from tasks.validate.identity.alone import without_light
from tasks.validate.identity.attack import Probe, found_row
from tasks.validate.identity.distances import Embeddings, discriminants, make_gallery
from tasks.validate.identity.probes import SUBJECT, faces_in, spread
from tasks.validate.identity.strangers import pictured_faces
from tasks.vision.faces import locate_mesh, read_shape
from tasks.vision.recognisers import Face, Recogniser
from tasks.vision.regions import Box, Points, Region, bounding_box, crop_region, mesh_region, to_crop
from tasks.vision.sessions import Weights

RECOGNISER = "dlib"
PORTRAITS = 4  # of a clip
OTHERS = 24  # filmed people, at most, among whom somebody is looked for
SIDE_PX, AROUND = 288, 2.0  # of a portrait, and how much wider than the square of its mesh it is
People = Mapping[str, list[Embeddings]]


@dataclass(frozen=True)
class Parrot:
    """Look for people who were filmed on several occasions by what a swap leaves of their faces."""

    root: Path
    weights: Weights
    rule: Deidentify
    extract: Extract
    embed: Recogniser
    _portraits: dict[str, list[Face]] = field(default_factory=dict)
    _seen: dict[tuple[str, str], Embeddings] = field(default_factory=dict)

    def rows(self, probes: Sequence[Probe], strangers: Sequence[str]) -> Iterator[Row]:
        """Yield what is found of every clip whose subject is in another one, too; probes: of whole clips.

        Only where a face was given another one: of what a blur leaves others may tell.
        """
        if self.rule.method not in BY_MESH:
            return
        clips: dict[str, list[Probe]] = {}
        for probe in probes:
            clips.setdefault(probe.subject, []).append(probe)
        pool = load_pool(self.weights, self.rule, self.extract, self.root)
        for probe in probes:
            target = self._target_of(probe.clip_id)
            if len(clips[probe.subject]) < 2 or target is None or target not in pool:
                continue
            shown, lost = self._released(probe)
            if len(shown):
                people = self._people(probe, clips, strangers, pool[target])
                yield from self._found(probe, people, shown, lost, {*clips})

    def _found(
        self, probe: Probe, people: People, shown: Embeddings, lost: int, filmed: set[str]
    ) -> Iterator[Row]:
        as_it_is = make_gallery(dict(people))
        trained, seen = discriminants(people, shown)
        for name, faces, gallery in zip(
            PARROTS, (shown, seen), (as_it_is, make_gallery(trained)), strict=True
        ):
            yield found_row(probe, name, faces, gallery, filmed=filmed & {*people}, lost=lost)

    def _people(
        self, probe: Probe, clips: Mapping[str, list[Probe]], strangers: Sequence[str], target: Target
    ) -> People:
        """Return person -> embeddings of each of their clips or pictures with the target's face."""
        others = [who for who in clips if who != probe.subject]
        near = [others[pick] for pick in spread(np.arange(len(others)), OTHERS)]
        known = {who: self._of_clip(clips[who][0], target) for who in near}
        found = {who: [faces] for who, faces in known.items() if len(faces)}
        pictures = {f"stranger {name}": self._of_picture(name, target) for name in strangers}
        own = [self._of_clip(one, target) for one in clips[probe.subject] if one.clip_id != probe.clip_id]
        return {who: [faces] for who, faces in pictures.items()} | found | {probe.subject: own}

    def _of_clip(self, probe: Probe, target: Target) -> Embeddings:
        if probe.clip_id not in self._portraits:
            picks = spread(np.flatnonzero(probe.own), PORTRAITS)
            few = Probe(probe.clip_id, probe.subject, [probe.faces[pick] for pick in picks], probe.own[picks])
            self._portraits[probe.clip_id] = [
                portrait(face) for face, _ in faces_in(self.root, "original", few)
            ]
        return self._drawn(probe.clip_id, self._portraits[probe.clip_id], target)

    def _of_picture(self, name: str, target: Target) -> Embeddings:
        key = f"picture {name}"
        if key not in self._portraits:
            self._portraits[key] = [portrait(pictured_faces(self.weights, name, self.extract)[0])]
        return self._drawn(key, self._portraits[key], target)

    def _drawn(self, key: str, portraits: list[Face], target: Target) -> Embeddings:
        if (key, target.name) not in self._seen:
            drawn = swapped(portraits, target, self.weights, self.rule, self.extract)
            self._seen[key, target.name] = self.embed.many([without_light(face) for face in drawn])
        return self._seen[key, target.name]

    def _released(self, probe: Probe) -> tuple[Embeddings, int]:
        """Return the embeddings of the subject's released faces, and in how many none was found."""
        seen = list(faces_in(self.root, "released", probe))
        own = [(face, found) for (face, found), is_own in zip(seen, probe.own, strict=True) if is_own]
        faces = [without_light(portrait(face)) for face, found in own if found]
        return (self.embed.many(faces) if faces else np.zeros((0, 0), np.float32)), len(own) - len(faces)

    def _target_of(self, clip_id: str) -> str | None:
        given = read_cast(self.root, clip_id).filter(face=SUBJECT)["target"]
        return None if given.is_empty() else str(given[0])


def portrait(face: Face) -> Face:
    """Return a face and what is around it, upright, of a size."""
    square = mesh_region(face.mesh_xy)
    wide = Region(square.center_xy, square.side * AROUND, square.angle_rad)
    return Face(crop_region(face.rgb, wide, SIDE_PX), to_crop(face.mesh_xy, wide, SIDE_PX))


def swapped(
    faces: Sequence[Face], target: Target, weights: Weights, rule: Deidentify, extract: Extract
) -> list[Face]:
    """Return a person's faces with a target's, all of its shape, and where the mesh model finds it there."""
    settings, score = rule.mesh_swap, extract.landmark_score
    own = shape_of([read_shape(face.rgb, face.mesh_xy, weights) for face in faces])
    change = reshape(own, target.shape, 1.0, keep_asymmetry=settings.keep_asymmetry)
    drawn = []
    for face in faces:
        rgb, aim = face.rgb.copy(), change.moved(face.mesh_xy)
        swap = MeshSwapper(settings, make_fit(weights, score), make_look(weights))
        swap(rgb, _box(face.mesh_xy, rule.margin), 0, face.mesh_xy, target, reshaping=change)
        seen = locate_mesh(rgb, mesh_region(aim), weights, score)
        drawn.append(Face(rgb, aim if seen is None else seen.xy))
    return drawn


def _box(mesh_xy: Points, margin: float) -> Box:
    box = bounding_box(mesh_xy).reshape(2, 2)
    reach = np.ptp(box, axis=0) * margin
    return np.asarray((box + np.stack([-reach, reach])).reshape(4), np.float32)

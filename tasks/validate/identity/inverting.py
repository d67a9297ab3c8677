"""An attacker who learns from other people what a swap made of their faces, and undoes it on a release."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from schemas.jobs import Row
from schemas.params.validate import INVERTED
from tasks.swap.crops import face_square, small_crop
from tasks.swap.warping import Floats
from tasks.validate.identity.attack import Gallery, Probe, found_row
from tasks.validate.identity.decoding import Decoder
from tasks.validate.identity.distances import Embeddings
from tasks.validate.identity.probes import faces_in, spread
from tasks.vision.recognisers import Face, Recogniser
from tasks.vision.regions import Points, Region, to_crop

FACES, OTHERS, LEAST_OTHERS = 8, 24, 2  # of a clip; people from whom is learnt, at most and at least
SIDE_PX, SHOWN_PX = 48, 192  # of a face that is learnt from, and that a recogniser is shown


class Shots(NamedTuple):
    """A subject's N released and original faces, each N x side x side x 3 in 0..1, and N meshes in them."""

    released: Floats
    original: Floats
    meshes_xy: list[Points]


@dataclass(frozen=True)
class Inverter:
    """Look for people by what a decoder, trained on the other people of a cohort, makes of their release."""

    root: Path
    embed: Recogniser
    gallery: Gallery
    filmed: set[str]
    _shots: dict[str, Shots] = field(default_factory=dict)

    def rows(self, probes: Sequence[Probe]) -> Iterator[Row]:
        """Yield what is found of every clip with enough other people beside it; probes: of whole clips."""
        clips: dict[str, list[Probe]] = {}
        for probe in probes:
            clips.setdefault(probe.subject, []).append(probe)
        for probe in probes:
            shown, learnt = self._shots_of(probe), self._others(probe.subject, clips)
            if len(learnt) < LEAST_OTHERS or not len(shown.released):
                continue
            decoder = Decoder.learn(*(np.concatenate(column) for column in zip(*learnt, strict=True)))
            faces = self._recognised(decoder(shown.released), shown.meshes_xy)
            yield found_row(probe, INVERTED, faces, self.gallery, filmed=self.filmed, lost=0)

    def _others(self, subject: str, clips: Mapping[str, list[Probe]]) -> list[tuple[Floats, Floats]]:
        others = [who for who in clips if who != subject]
        near = [self._shots_of(clips[others[pick]][0]) for pick in spread(np.arange(len(others)), OTHERS)]
        return [(one.released, one.original) for one in near if len(one.released)]

    def _shots_of(self, probe: Probe) -> Shots:
        if probe.clip_id not in self._shots:
            picks = spread(np.flatnonzero(probe.own), FACES)
            few = Probe(probe.clip_id, probe.subject, [probe.faces[pick] for pick in picks], probe.own[picks])
            seen = [face for face, _ in faces_in(self.root, "released", few)]
            own = [face for face, _ in faces_in(self.root, "original", few)]
            # an attacker finds a face where the release shows it
            squares = [face_square(face.mesh_xy) for face in seen]
            self._shots[probe.clip_id] = Shots(
                _cut(seen, squares),
                _cut(own, squares),
                [to_crop(face.mesh_xy, square, SHOWN_PX) for face, square in zip(seen, squares, strict=True)],
            )
        return self._shots[probe.clip_id]

    def _recognised(self, pictures: Floats, meshes_xy: list[Points]) -> Embeddings:
        large = [
            cv2.resize(picture, (SHOWN_PX, SHOWN_PX), interpolation=cv2.INTER_CUBIC) for picture in pictures
        ]
        return self.embed.many(
            [
                Face(np.asarray(picture.clip(0, 1) * 255, np.uint8), mesh)
                for picture, mesh in zip(large, meshes_xy, strict=True)
            ]
        )


def _cut(faces: Sequence[Face], squares: Sequence[Region]) -> Floats:
    crops = [small_crop(face.rgb, square, SIDE_PX) for face, square in zip(faces, squares, strict=True)]
    return np.asarray(crops, np.float32).reshape(-1, SIDE_PX, SIDE_PX, 3) / np.float32(255)

"""Try a face that is mixed of a cohort's own people (k-same), on photographs of them.

    python -m tools.benchmark.kin FOLDER [--k 10] [--picture OUT.png]

FOLDER holds photographs, NAME_1.png and so on, several of each person. For each person a target is mixed,
shape and texture in equal shares, of one photograph of every other one, and of strangers out of packages up
to k. Told: at which place those of whom it is mixed come when the target is looked for among all of them and
all strangers (their other photographs are the gallery), and the person themselves when they are released
with it; beside it the same with a target of the pool.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from flows.host.environment import keep_to_ourselves
from flows.host.failures import exit_code_of
from flows.screen.console import show_table
from schemas.params import Params
from schemas.params.deidentify import Recipe
from schemas.skeletons import FACE_POINTS
from tasks.swap.irises import read_eyes
from tasks.swap.mixing import Donor, mix
from tasks.swap.pool import load_pool, read_donor
from tasks.swap.shape import shape_of
from tasks.swap.target import Target, make_target
from tasks.validate.identity.distances import Embeddings, likeness_to, template_of
from tasks.validate.identity.parrot import swapped
from tasks.validate.identity.strangers import pictured_faces
from tasks.vision.faces import read_shape
from tasks.vision.recognisers import Face, Recogniser, make_recognisers
from tasks.vision.regions import RgbImage, crop_region, mesh_region
from tasks.vision.sessions import Weights
from tools.benchmark.parrot import opened_weights, read_photographs

SHOWN_PX = 256
FLAT = ("mona_lisa", "average_face")  # a painting, and a mean already


@dataclass(frozen=True)
class Found:
    """Whom a recogniser finds in what: mean place, how often at the first place, and among how many."""

    looked_at: str
    recogniser: str
    place: float
    rank1: float
    among: int


def mixed(donors: Mapping[str, Donor], weights: Weights, rim: float) -> tuple[RgbImage, Target]:
    """Return a face of equal shares of all donors, and the target that it makes."""
    shares = dict.fromkeys(donors, 1.0)
    rgb, mesh_xy = mix(Recipe(shape=shares, texture=shares), donors)
    irises = read_eyes(rgb, mesh_xy, weights)[:, :2]
    shape = shape_of([read_shape(rgb, mesh_xy, weights)])
    return rgb, make_target("kin", rgb, mesh_xy, rim=rim, shape=shape, irises=irises)


def measure(folder: Path, k: int, picture: Path | None) -> Iterator[Found]:
    """Yield whom each recogniser finds, over all people of the folder."""
    with opened_weights() as (weights, params):
        yield from _measure(read_photographs(folder, weights, params), weights, params, k, picture)


@dataclass(frozen=True)
class Trial:
    """Somebody, the face that is mixed of others for them, and them released with it and with the pool's."""

    patient: str
    members: list[str]
    own: Face
    face: Face
    released: Face
    average: Face

    @property
    def asked(self) -> dict[str, tuple[Face, list[str]]]:
        """Who is looked for, and where."""
        return {
            f"{len(self.members)} people in the mixed face": (self.face, self.members),
            "they, in somebody released with it": (self.released, self.members),
            "the patient released with it": (self.released, [self.patient]),
            "the patient released with the pool's average": (self.average, [self.patient]),
        }

    @property
    def shown(self) -> RgbImage:
        """All of it side by side."""
        return np.hstack([_shown(face) for face in (self.own, self.face, self.released, self.average)])


def _measure(
    people: Mapping[str, list[Face]], weights: Weights, params: Params, k: int, picture: Path | None
) -> Iterator[Found]:
    strangers = {
        name: pictured_faces(weights, name, params.extract)[0] for name in params.validate_.strangers
    }
    photographs = {who: one[1:] for who, one in people.items()}
    gallery = photographs | {who: [one] for who, one in strangers.items()}
    trials = [_try(name, people, k, weights, params) for name in people]
    if picture is not None:
        rows = np.vstack([trial.shown for trial in trials])
        cv2.imwrite(str(picture), cv2.cvtColor(rows, cv2.COLOR_RGB2BGR))
    for judge, recogniser in make_recognisers(weights).items():
        known = {who: template_of(recogniser.many(seen)) for who, seen in gallery.items()}
        places: dict[str, list[int]] = {}
        for trial in trials:
            for label, (face, whom) in trial.asked.items():
                places.setdefault(label, []).extend(_places(face, whom, known, recogniser))
        for label, found in places.items():
            ranks = np.array(found)
            yield Found(label, judge, float(ranks.mean()), float((ranks == 1).mean()), len(known))


def _try(name: str, people: Mapping[str, list[Face]], k: int, weights: Weights, params: Params) -> Trial:
    rule, extract = params.deidentify, params.extract
    others = {
        who: Donor(one[0].rgb, one[0].mesh_xy, np.ones(one[0].rgb.shape[:2], np.bool_))
        for who, one in people.items()
        if who != name
    }
    made = [who for who in params.validate_.strangers if who not in FLAT][: max(0, k - len(others))]
    donors = others | {who: read_donor(weights, who, extract) for who in made}
    rgb, target = mixed(donors, weights, rule.mesh_swap.rim)
    average = load_pool(weights, rule, extract)["average"]
    released, usual = (swapped(people[name][:1], one, weights, rule, extract)[0] for one in (target, average))
    face = Face(rgb, target.mesh_xy[:FACE_POINTS])
    return Trial(name, list(donors), people[name][0], face, released, usual)


def _places(
    face: Face, whom: list[str], gallery: Mapping[str, Embeddings], recogniser: Recogniser
) -> list[int]:
    likeness = likeness_to(recogniser.many([face]), dict(gallery))[0]
    names = list(gallery)
    return [1 + int((likeness > likeness[names.index(who)]).sum()) for who in whom]


def _shown(face: Face) -> RgbImage:
    return crop_region(face.rgb, mesh_region(face.mesh_xy), SHOWN_PX)


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--picture", type=Path)
    asked = parser.parse_args(words)
    picture = asked.picture and asked.picture.resolve()
    rows = [
        [one.looked_at, one.recogniser, f"{one.place:.1f} of {one.among}", f"{one.rank1:.2f}"]
        for one in measure(asked.folder.resolve(), asked.k, picture)
    ]
    show_table(
        "A face that is mixed of a cohort's own people",
        ["looked for", "recogniser", "mean place", "rank-1"],
        rows,
    )
    return 0


if __name__ == "__main__":
    keep_to_ourselves()
    sys.exit(exit_code_of(lambda: main(sys.argv[1:])))

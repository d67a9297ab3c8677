"""Attack released faces as somebody would who has Guise: give the gallery the same faces, then compare.

    python -m tools.benchmark.parrot FOLDER [--targets average long_man young_woman]

FOLDER holds photographs, NAME_1.png and so on, several of each person. Each is released and looked for among
all others. original: nothing was done. flat: every face, the gallery's too, is filled flat, which
is what hair, ears and head still say. parrot: every face was given the same target. Told of each: how often
the own person is the nearest, and the mean place, of whole pictures, of nothing but the face, and of that
without the scene's light. trained: along what tells people apart in all other photographs.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from flows.host.environment import keep_to_ourselves
from flows.host.failures import exit_code_of
from flows.screen.console import show_table
from schemas.params import Params
from tasks import models
from tasks.files.documents import read_params
from tasks.files.errors import InputError
from tasks.swap.pool import load_pool
from tasks.swap.target import Target
from tasks.validate.identity.alone import face_alone, without_light
from tasks.validate.identity.blank import blank_face
from tasks.validate.identity.distances import (
    Embeddings,
    discriminants,
    likeness_to,
    make_gallery,
    template_of,
)
from tasks.validate.identity.parrot import swapped
from tasks.vision.detectors import View
from tasks.vision.faces import face_region, locate_mesh, search_faces
from tasks.vision.recognisers import Face, make_recognisers
from tasks.vision.sessions import Weights, shared_weights
from tools.benchmark.graph import scratch

AROUND_PX = 64  # for the detectors
Release = Callable[[Face], Face]
LOOKS: dict[str, Release] = {
    "": lambda face: face,
    ", face alone": face_alone,
    ", face alone without light": without_light,
}


@dataclass(frozen=True)
class Found:
    """Of how many photographs the own person was the nearest, and the mean place among the people."""

    attack: str
    recogniser: str
    rank1: float
    rank_mean: float


def read_photographs(folder: Path, weights: Weights, params: Params) -> dict[str, list[Face]]:
    """Return name -> the largest face of each of a person's photographs."""
    people: dict[str, list[Face]] = {}
    for path in sorted(folder.glob("*_*.png")):
        bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if bgr is None:
            raise InputError(f"{path.name} is no picture")
        framed = cv2.copyMakeBorder(bgr, AROUND_PX, AROUND_PX, AROUND_PX, AROUND_PX, cv2.BORDER_REPLICATE)
        rgb = np.asarray(cv2.cvtColor(framed, cv2.COLOR_BGR2RGB), np.uint8)
        meshes = [
            mesh.xy
            for seen in search_faces(View.of(rgb, params.extract.search_px), weights, params.extract)
            if (mesh := locate_mesh(rgb, face_region(seen), weights, params.extract.landmark_score))
        ]
        if not meshes:
            raise InputError(f"{path.name} shows no face")
        largest = max(meshes, key=lambda mesh: float(np.ptp(mesh, axis=0).max()))
        people.setdefault(path.stem.rsplit("_", 1)[0], []).append(Face(rgb, largest))
    if len(people) < 2 or min(map(len, people.values())) < 2:
        raise InputError(f"{folder} needs two photographs, NAME_1.png and NAME_2.png, of two people at least")
    return people


def places(vectors: dict[str, Embeddings]) -> NDArray[np.int64]:
    """Return the own person's place, from 1, of each photograph among the mean faces of all others.

    vectors: person -> N x D, N at least two.
    """
    found = []
    for name, own in vectors.items():
        for number, probe in enumerate(own):
            gallery = {other: template_of(faces) for other, faces in vectors.items()}
            gallery[name] = template_of(np.delete(own, number, axis=0))
            likeness = likeness_to(probe[None], gallery)[0]
            found.append(1 + int((likeness > likeness[list(gallery).index(name)]).sum()))
    return np.array(found)


@contextmanager
def opened_weights() -> Iterator[tuple[Weights, Params]]:
    """Yield the weights of a workspace that lasts for so long, and its parameters."""
    with scratch() as root:
        params = read_params(root)
        for job in models.plan(root, params, ""):
            models.process(root, job)
        models.collect(root, params, "", [])
        yield shared_weights(root), params


def trained_places(vectors: dict[str, Embeddings]) -> NDArray[np.int64]:
    """Return the same along what tells the other photographs' people apart."""
    found = []
    for name, own in vectors.items():
        for number, probe in enumerate(own):
            others = {who: [faces] for who, faces in vectors.items()}
            people, shown = discriminants(others | {name: [np.delete(own, number, axis=0)]}, probe[None])
            likeness = likeness_to(shown, make_gallery(people))[0]
            found.append(1 + int((likeness > likeness[list(people).index(name)]).sum()))
    return np.array(found)


def measure(folder: Path, targets: list[str]) -> Iterator[Found]:
    """Yield what each recogniser finds by each attack; the parrot's are means over the targets."""
    with opened_weights() as (weights, params):
        people, judges = read_photographs(folder, weights, params), make_recognisers(weights)
        pool = load_pool(weights, params.deidentify, params.extract)
        parrots: list[Release] = [
            partial(_swapped, target=pool[name], weights=weights, params=params) for name in targets
        ]
        attacks: dict[str, list[Release]] = {
            "original": [lambda face: face],
            "flat": [_flat],
            "parrot": parrots,
        }
        for attack, releases in attacks.items():
            whole = [{name: [*map(release, faces)] for name, faces in people.items()} for release in releases]
            for label, look in LOOKS.items():
                seen = [{name: [*map(look, faces)] for name, faces in one.items()} for one in whole]
                for judge, recogniser in judges.items():
                    vectors = [{name: recogniser.many(faces) for name, faces in one.items()} for one in seen]
                    for by, compare in (("", places), (", trained", trained_places)):
                        rank = np.concatenate([compare(one) for one in vectors])
                        yield Found(
                            f"{attack}{label}{by}", judge, float((rank == 1).mean()), float(rank.mean())
                        )


def _swapped(face: Face, target: Target, weights: Weights, params: Params) -> Face:
    return swapped([face], target, weights, params.deidentify, params.extract)[0]


def _flat(face: Face) -> Face:
    return Face(blank_face(face.rgb, face.mesh_xy), face.mesh_xy, face.rgb)


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--targets", nargs="+", default=["average", "long_man", "young_woman"])
    asked = parser.parse_args(words)
    found = measure(asked.folder.resolve(), asked.targets)
    rows = [[one.attack, one.recogniser, f"{one.rank1:.2f}", f"{one.rank_mean:.2f}"] for one in found]
    show_table("What somebody finds who has Guise", ["attack", "recogniser", "rank-1", "mean place"], rows)
    return 0


if __name__ == "__main__":
    keep_to_ourselves()
    sys.exit(exit_code_of(lambda: main(sys.argv[1:])))

"""Attack released faces as somebody would who has Guise: give the gallery the same faces, then compare.

    python -m tools.benchmark.parrot FOLDER [--targets average long_man young_woman]

FOLDER holds photographs, NAME_1.png and so on, several of each person. Each is released and looked for among
all others. original: nothing was done. flat: every face, the gallery's too, is filled flat, which
is what hair, ears and head still say. parrot: every face was given the same target. Told of each: how often
the own person is the nearest, and the mean place, of whole pictures and of nothing but the face.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
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
from tasks.swap.mesh_swap import MeshSwapper, make_fit, make_look
from tasks.swap.pool import load_pool
from tasks.swap.shape import reshape, shape_of
from tasks.swap.target import Target
from tasks.validate.identity.blank import blank_face
from tasks.validate.identity.distances import Embeddings, likeness_to, template_of
from tasks.vision.detectors import View
from tasks.vision.faces import face_region, locate_mesh, read_shape, search_faces
from tasks.vision.recognisers import Face, make_recognisers
from tasks.vision.regions import Box, Points, bounding_box, mesh_region
from tasks.vision.sessions import Weights, shared_weights
from tools.benchmark.graph import scratch

AROUND_PX = 64  # for the detectors
GREY = 128
Release = Callable[[Face], Face]


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


def swapped(face: Face, target: Target, weights: Weights, params: Params) -> Face:
    """Return a face with a target's, all of its shape, and where the mesh model finds it there."""
    settings, score = params.deidentify.mesh_swap, params.extract.landmark_score
    own, rgb = shape_of([read_shape(face.rgb, face.mesh_xy, weights)]), face.rgb.copy()
    change = reshape(own, target.shape, 1.0, keep_asymmetry=settings.keep_asymmetry)
    swap = MeshSwapper(settings, make_fit(weights, score), make_look(weights))
    swap(rgb, _box(face.mesh_xy, params.deidentify.margin), 0, face.mesh_xy, target, reshaping=change)
    aim = change.moved(face.mesh_xy)
    seen = locate_mesh(rgb, mesh_region(aim), weights, score)
    return Face(rgb, aim if seen is None else seen.xy)


def _box(mesh_xy: Points, margin: float) -> Box:
    box = bounding_box(mesh_xy).reshape(2, 2)
    reach = np.ptp(box, axis=0) * margin
    return np.asarray((box + np.stack([-reach, reach])).reshape(4), np.float32)


def face_alone(face: Face) -> Face:
    """Return a face without hair, ears and whatever else is around it."""
    inside = np.zeros(face.rgb.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(np.round(face.mesh_xy).astype(np.int32)), 1)
    return Face(np.where(inside[..., None] > 0, face.rgb, np.uint8(GREY)), face.mesh_xy, face.like)


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


def measure(folder: Path, targets: list[str]) -> Iterator[Found]:
    """Yield what each recogniser finds by each attack; the parrot's are means over the targets."""
    with scratch() as root:
        params = read_params(root)
        for job in models.plan(root, params, ""):
            models.process(root, job)
        models.collect(root, params, "", [])
        weights = shared_weights(root)
        people, judges = read_photographs(folder, weights, params), make_recognisers(weights)
        pool = load_pool(weights, params.deidentify, params.extract)
        parrots: list[Release] = [
            partial(swapped, target=pool[name], weights=weights, params=params) for name in targets
        ]
        attacks: dict[str, list[Release]] = {
            "original": [lambda face: face],
            "flat": [_flat],
            "parrot": parrots,
        }
        for attack, releases in attacks.items():
            whole = [{name: [*map(release, faces)] for name, faces in people.items()} for release in releases]
            alone = [{name: [*map(face_alone, faces)] for name, faces in seen.items()} for seen in whole]
            for label, seen in ((attack, whole), (f"{attack}, face alone", alone)):
                for judge, recogniser in judges.items():
                    rank = np.concatenate(
                        [
                            places({name: recogniser.many(faces) for name, faces in one.items()})
                            for one in seen
                        ]
                    )
                    yield Found(label, judge, float((rank == 1).mean()), float(rank.mean()))


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

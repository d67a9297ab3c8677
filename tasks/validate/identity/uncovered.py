"""Where a correction took a cover away: is the face there the subject's?"""

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.coverage import COVERAGE
from schemas.params.validate import Validate
from tasks.files.clips import coverage_path
from tasks.files.documents import read_table
from tasks.validate.identity.attack import Probe
from tasks.validate.identity.distances import Embeddings
from tasks.validate.identity.probes import covered_as_others, embed_arm, read_meshes, spread
from tasks.vision.recognisers import Recogniser, make_recognisers
from tasks.vision.regions import Points, bounding_box
from tasks.vision.sessions import shared_weights

JUDGE = "dlib"  # the one with a threshold of its own
Face = tuple[int, Points]


def subject_bared(root: Path, clip_id: str, settings: Validate) -> list[int]:
    """Return the frames in which an uncovered face is the subject's, as a recogniser sees it in the release.

    Where no other face of the subject is there to compare with, every uncovered one counts.
    """
    coverage = read_table(root / coverage_path("released", clip_id), COVERAGE).filter(method="none")
    if coverage.is_empty():
        return []
    bared, kept = _part_faces(root, clip_id, coverage)
    runs = _runs([frame for frame, _ in bared])
    weights = shared_weights(root)
    judge = {JUDGE: weights.once("recognisers", lambda: make_recognisers(weights))[JUDGE]}
    own = _embed(root, clip_id, "original", _sample(kept, np.arange(len(kept)), settings), judge)
    frames: set[int] = set()
    for run in runs:
        shown = _embed(root, clip_id, "released", _sample(bared, run, settings), judge)
        if not len(own) or _nearest(shown, own) < settings.identity_threshold:
            frames |= {bared[place][0] for place in run}
    return sorted(frames)


def _part_faces(root: Path, clip_id: str, coverage: pl.DataFrame) -> tuple[list[Face], list[Face]]:
    """Return the faces that were uncovered, and the subject's others, in the order of their frames."""
    boxes: dict[int, list[NDArray[np.float32]]] = {}
    for frame, box in zip(coverage["frame"], coverage["region_xyxy"].to_numpy(), strict=True):
        boxes.setdefault(frame, []).append(box)
    is_other = covered_as_others(root, clip_id)
    bared: list[Face] = []
    kept: list[Face] = []
    for frame, meshes in sorted(read_meshes(root, "original", clip_id).items()):
        for mesh in meshes:
            center = bounding_box(mesh).reshape(2, 2).mean(axis=0)
            if any((box[:2] <= center).all() and (center <= box[2:]).all() for box in boxes.get(frame, [])):
                bared.append((frame, mesh))
            elif not is_other(frame, mesh):
                kept.append((frame, mesh))
    return bared, kept


def _runs(frames: list[int]) -> list[NDArray[np.int64]]:
    """Return the places of faces whose frames follow each other."""
    gaps = np.flatnonzero(np.diff(frames) > 1) + 1
    return [run for run in np.split(np.arange(len(frames)), gaps) if len(run)]


def _sample(faces: list[Face], places: NDArray[np.int64], settings: Validate) -> list[Face]:
    return [faces[place] for place in sorted(spread(places, settings.identity_frames))]


def _embed(root: Path, clip_id: str, arm: str, faces: list[Face], judge: dict[str, Recogniser]) -> Embeddings:
    if not faces:
        return np.empty((0, 0), np.float32)
    probe = Probe(clip_id, "", faces, np.ones(len(faces), np.bool_))
    return embed_arm(root, arm, probe, judge).embeddings[JUDGE]


def _nearest(first: Embeddings, second: Embeddings) -> float:
    return float(np.linalg.norm(first[:, None].astype(np.float64) - second[None], axis=2).min())

"""Embed sampled faces of every arm and compare them with the originals; embeddings stay in memory."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from schemas.jobs import Row
from tasks.clips import read_keypoints, video_path
from tasks.keypoints import stack_xy
from tasks.recognisers import Recogniser
from tasks.regions import Points
from tasks.validate.identity import Embeddings, distances, make_gallery, rank1
from tasks.video import read_frames

Meshes = dict[int, list[Points]]


@dataclass(frozen=True)
class Probe:
    """The faces of one clip that are compared: (frame, the original's mesh in it)."""

    clip_id: str
    subject: str
    faces: list[tuple[int, Points]]


def make_probe(root: Path, clip_id: str, subject: str, count: int) -> Probe:
    """Pick `count` faces spread evenly over all that the original shows, whoever they are."""
    meshes = read_meshes(root, "original", clip_id)
    faces = [(frame, mesh) for frame in sorted(meshes) for mesh in meshes[frame]]
    picks = sorted({round(pick) for pick in np.linspace(0, len(faces) - 1, count)}) if faces else []
    return Probe(clip_id, subject, [faces[pick] for pick in picks])


def read_meshes(root: Path, arm: str, clip_id: str) -> Meshes:
    """Return frame -> the meshes of everyone in it."""
    table = read_keypoints(root, arm, clip_id).drop_nulls("face_xy")
    meshes: Meshes = {}
    for frame, mesh in zip(table["frame"], stack_xy(table, "face"), strict=True):
        meshes.setdefault(frame, []).append(mesh)
    return meshes


def same_place(mesh_xy: Points, others: list[Points]) -> Points | None:
    """Return the mesh whose centre lies nearest, None if none lies within half a face of it."""
    size = float(np.ptp(mesh_xy, axis=0).max())
    offsets = [float(np.linalg.norm(other.mean(axis=0) - mesh_xy.mean(axis=0))) for other in others]
    if not offsets or min(offsets) > size / 2:
        return None
    return others[int(np.argmin(offsets))]


def embed_arm(
    root: Path, arm: str, probe: Probe, recognisers: dict[str, Recogniser]
) -> tuple[dict[str, Embeddings], int]:
    """Embed the probe's faces in one arm; also return for how many the extractor found none.

    Where it found none, the face is aligned by the original's keypoints: an attacker who knows
    where it was.
    """
    found = read_meshes(root, arm, probe.clip_id)
    wanted: Meshes = {}
    for number, mesh in probe.faces:
        wanted.setdefault(number, []).append(mesh)
    vectors: dict[str, list[Embeddings]] = {name: [] for name in recognisers}
    missed = 0
    for frame in read_frames(root / video_path(arm, probe.clip_id)):
        for mesh in wanted.get(frame.index, []):
            seen = same_place(mesh, found.get(frame.index, []))
            missed += seen is None
            for name, embed in recognisers.items():
                vectors[name].append(embed(frame.rgb, mesh if seen is None else seen))
    return {name: np.stack(values) for name, values in vectors.items()}, missed


def judge_identity(
    root: Path,
    probes: list[Probe],
    arms: dict[str, list[str]],
    recognisers: dict[str, Recogniser],
    thresholds: dict[str, float],
) -> list[Row]:
    """Return a row of the identity table for every clip, its arms and every recogniser."""
    seen = [probe for probe in probes if probe.faces]
    originals = {probe.clip_id: embed_arm(root, "original", probe, recognisers)[0] for probe in seen}
    galleries = {name: _gallery(name, seen, originals) for name in recognisers}
    rows: list[Row] = []
    for probe in seen:
        for arm in arms[probe.clip_id]:
            vectors, missed = embed_arm(root, arm, probe, recognisers)
            rows += [
                {
                    "clip_id": probe.clip_id,
                    "arm": arm,
                    "recogniser": name,
                    "threshold": thresholds.get(name),
                    "frames": len(probe.faces),
                    "frames_no_face": missed,
                    **_compare(originals[probe.clip_id][name], vectors[name], probe, galleries[name]),
                }
                for name in recognisers
            ]
    return rows


def _gallery(
    name: str, probes: list[Probe], originals: dict[str, dict[str, Embeddings]]
) -> dict[str, Embeddings]:
    faces: dict[str, list[Embeddings]] = {}
    for probe in probes:
        faces.setdefault(probe.subject, []).append(originals[probe.clip_id][name])
    return make_gallery(faces)


def _compare(original: Embeddings, other: Embeddings, probe: Probe, gallery: dict[str, Embeddings]) -> Row:
    apart = distances(original, other)
    return {
        "distance_mean": float(apart.mean()),
        "distance_min": float(apart.min()),
        "rank1": rank1(other, probe.subject, gallery),
        "gallery_subjects": len(gallery),
    }

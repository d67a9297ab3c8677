"""Embed sampled faces of every arm and compare them with the originals; embeddings stay in memory."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np

from schemas.frames import FRAMES
from schemas.jobs import Row
from tasks.clips import frames_path, read_keypoints, video_path
from tasks.documents import read_table
from tasks.keypoints import stack_xy
from tasks.recognisers import Recogniser
from tasks.regions import Points
from tasks.validate.identity import (
    Embeddings,
    attack,
    distances,
    likeness_to,
    make_gallery,
    match_rates,
    template_of,
    true_match_rate,
)  # fmt: skip
from tasks.video import Frame, pick_frames, read_frames

Meshes = dict[int, list[Points]]
FALSE_MATCH_RATES = (0.01, 0.001)
ROC_POINTS = 60


@dataclass(frozen=True, eq=False)
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
    for frame in _frames(root, arm, probe.clip_id, sorted(wanted)):
        for mesh in wanted.get(frame.index, []):
            seen = same_place(mesh, found.get(frame.index, []))
            missed += seen is None
            for name, embed in recognisers.items():
                vectors[name].append(embed(frame.rgb, mesh if seen is None else seen))
    return {name: np.stack(values) for name, values in vectors.items()}, missed


def _frames(root: Path, arm: str, clip_id: str, wanted: list[int]) -> Iterator[Frame]:
    video = root / video_path(arm, clip_id)
    if arm == "original":
        return read_frames(video)
    pts = read_table(root / frames_path(arm, clip_id), FRAMES)["pts"]
    return pick_frames(video, {number: int(pts[number]) for number in wanted})


@dataclass(frozen=True)
class Look:
    """One clip of an arm under one recogniser. missed: faces that the extractor did not find."""

    probe: Probe
    arm: str
    recogniser: str
    missed: int


@dataclass
class Attacks:
    """All that recognisers find in a cohort's clips, arm by arm; embeddings stay here."""

    chooser: str
    thresholds: dict[str, float]
    identity: list[Row] = field(default_factory=list)
    _templates: dict[tuple[str, str], dict[Probe, Embeddings]] = field(default_factory=dict)
    _likeness: dict[tuple[str, str], dict[str, list[Embeddings]]] = field(default_factory=dict)

    def add(
        self, look: Look, original: Embeddings, other: Embeddings, gallery: dict[str, Embeddings]
    ) -> None:
        """Attack one clip of an arm with one recogniser, given N x D embeddings of the same N faces."""
        probe, arm, name = look.probe, look.arm, look.recogniser
        apart = distances(original, other)
        self.identity.append(
            {
                "clip_id": probe.clip_id,
                "arm": arm,
                "recogniser": name,
                "independent": name != self.chooser,
                "threshold": self.thresholds.get(name),
                "frames": len(probe.faces),
                "frames_no_face": look.missed,
                "distance_mean": float(apart.mean()),
                "distance_min": float(apart.min()),
                "gallery_subjects": len(gallery),
                **asdict(attack(other, probe.subject, gallery)),
            }
        )
        self._templates.setdefault((arm, name), {})[probe] = template_of(other)
        own = list(gallery).index(probe.subject)
        likeness = likeness_to(other, gallery)
        scores = self._likeness.setdefault((arm, name), {"genuine": [], "impostor": []})
        scores["genuine"].append(likeness[:, own])
        scores["impostor"].append(np.delete(likeness, own, axis=1).ravel())

    def linkage(self) -> list[Row]:
        """Return the distance between the mean faces of every two clips of an arm."""
        return [
            {
                "arm": arm,
                "recogniser": name,
                "clip_a": first.clip_id,
                "clip_b": second.clip_id,
                "same_subject": first.subject == second.subject,
                "distance": float(np.linalg.norm(faces[first] - faces[second])),
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


def judge_identity(
    root: Path,
    probes: list[Probe],
    arms: dict[str, list[str]],
    recognisers: dict[str, Recogniser],
    attacks: Attacks,
) -> dict[str, list[Row]]:
    """Attack every clip's arms with every recogniser; return the rows of each table."""
    seen = [probe for probe in probes if probe.faces]
    originals = {probe.clip_id: embed_arm(root, "original", probe, recognisers)[0] for probe in seen}
    galleries = {name: _gallery(name, seen, originals) for name in recognisers}
    for probe in seen:
        for arm in arms[probe.clip_id]:
            vectors, missed = embed_arm(root, arm, probe, recognisers)
            for name in recognisers:
                original = originals[probe.clip_id][name]
                look = Look(probe, arm, name, missed)
                attacks.add(look, original, vectors[name], galleries[name])
    subjects = len({probe.subject for probe in seen})
    return {
        "identity": attacks.identity,
        "linkage": attacks.linkage(),
        "recognition": attacks.recognition(subjects),
        "roc": attacks.roc(),
    }


def _spread_over(count: int, most: int) -> list[int]:
    return sorted({round(at) for at in np.linspace(0, count - 1, min(count, most))})


def _gallery(
    name: str, probes: list[Probe], originals: dict[str, dict[str, Embeddings]]
) -> dict[str, Embeddings]:
    faces: dict[str, list[Embeddings]] = {}
    for probe in probes:
        faces.setdefault(probe.subject, []).append(originals[probe.clip_id][name])
    return make_gallery(faces)

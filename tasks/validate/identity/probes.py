"""Sample faces of a clip and embed them in an arm; embeddings stay in memory."""

from collections.abc import Callable, Collection, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.coverage import COVERAGE
from schemas.keypoints import KEYPOINTS
from tasks.files.clips import coverage_path, keypoints_path, read_cast, video_path
from tasks.files.documents import read_pieces, read_table
from tasks.files.seen import frames_of
from tasks.validate.identity.attack import BLANK, Probe, Sighting
from tasks.validate.identity.blank import blank_face
from tasks.validate.identity.distances import Embeddings
from tasks.video import Frame, pick_frames
from tasks.vision.keypoints import stack_xy
from tasks.vision.recognisers import Face, Recogniser
from tasks.vision.regions import Points, bounding_box
from tasks.vision.solid import SHAPE

Meshes = dict[int, list[Points]]
SUBJECT = 0


def make_probe(
    root: Path, clip_id: str, subject: str, count: int, excerpt: Collection[int] | None = None
) -> Probe:
    """Pick up to `count` of the subject's faces and as many of others', each spread evenly over the clip.

    excerpt: the only frames from which they are picked.

    The subject's are the faces under the covers of the tracks that were cast as the subject; all are where
    nothing was. A bystander whom nobody cast is no subject: among strangers' faces a subject is hard to find.
    """
    meshes = read_meshes(root, "original", clip_id, excerpt)
    faces = [(frame, mesh) for frame in sorted(meshes) for mesh in meshes[frame]]
    others = covered_as_others(root, clip_id)
    own = np.array([not others(frame, mesh) for frame, mesh in faces], np.bool_)
    if not own.any():
        own[:] = True
    picks = sorted(spread(np.flatnonzero(own), count) + spread(np.flatnonzero(~own), count))
    return Probe(clip_id, subject, [faces[pick] for pick in picks], own[picks])


def spread(places: NDArray[np.int64], count: int) -> list[int]:
    """Return up to `count` of the places, evenly."""
    picks = {round(pick) for pick in np.linspace(0, len(places) - 1, count)} if len(places) else set()
    return [int(places[pick]) for pick in picks]


def covered_as_others(root: Path, clip_id: str) -> Callable[[int, Points], bool]:
    """Return what tells whether a face of a frame lies under a cover that was not cast as the subject's."""
    tracks = set(read_cast(root, clip_id).filter(face=SUBJECT)["track"])
    coverage = read_table(root / coverage_path("released", clip_id), COVERAGE)
    covers: dict[int, list[tuple[Points, int]]] = {}
    boxes = coverage["region_xyxy"].to_numpy().reshape(-1, 2, 2)
    for frame, track, box in zip(coverage["frame"], coverage["track"], boxes, strict=True):
        covers.setdefault(frame, []).append((box.mean(axis=0), track))

    def is_other(frame: int, mesh_xy: Points) -> bool:
        center = bounding_box(mesh_xy).reshape(2, 2).mean(axis=0)
        near = min(
            covers.get(frame, []), key=lambda cover: float(np.hypot(*(cover[0] - center))), default=None
        )
        return near is not None and near[1] not in tracks

    return is_other


def read_meshes(root: Path, arm: str, clip_id: str, frames: Collection[int] | None = None) -> Meshes:
    """Return frame -> the meshes of everyone in it, of the given frames or of all."""
    meshes: Meshes = {}
    for piece in read_pieces(root / keypoints_path(arm, clip_id), KEYPOINTS):
        table = piece.drop_nulls("face_xy")
        if frames is not None:
            table = table.filter(pl.col("frame").is_in(list(frames)))
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


def embed_arm(root: Path, arm: str, probe: Probe, recognisers: dict[str, Recogniser]) -> Sighting:
    """Embed the probe's faces in one arm.

    Of the blank arm the face is filled flat, and aligned by the original. Where the extractor found none,
    it is aligned by the original's keypoints: an attacker who knows where it was. It has no shape: NaN.
    """
    vectors: dict[str, list[Embeddings]] = {name: [] for name in recognisers}
    found: list[bool] = []
    faces = faces_in(root, arm, probe)
    # whole pictures, of which few may be held; a recogniser may take two as quickly as one
    while two := list(islice(faces, 2)):
        found += [is_found for _, is_found in two]
        for name, recogniser in recognisers.items():
            vectors[name].append(recogniser.many([face for face, _ in two]))
    seen = {name: np.concatenate(values) for name, values in vectors.items()}
    if SHAPE in seen:
        seen[SHAPE][~np.array(found, np.bool_) | (arm == BLANK)] = np.nan
    return Sighting(seen, np.array(found, np.bool_))


def faces_in(root: Path, arm: str, probe: Probe) -> Iterator[tuple[Face, bool]]:
    """Yield each of the probe's faces as it is in an arm, and whether the extractor found it there."""
    wanted: Meshes = {}
    for number, mesh in probe.faces:
        wanted.setdefault(number, []).append(mesh)
    is_blank = arm == BLANK
    seen = wanted if is_blank else read_meshes(root, arm, probe.clip_id, wanted)
    for frame in _frames(root, arm, probe.clip_id, sorted(wanted)):
        for mesh in wanted.get(frame.index, []):
            here = same_place(mesh, seen.get(frame.index, []))
            rgb = blank_face(frame.rgb, mesh) if is_blank else frame.rgb
            yield Face(rgb, mesh if here is None else here, frame.rgb), here is not None


def _frames(root: Path, arm: str, clip_id: str, wanted: list[int]) -> Iterator[Frame]:
    shown = "original" if arm == BLANK else arm
    frames = frames_of(root, shown, clip_id)
    pts_of = dict(frames.filter(pl.col("frame").is_in(wanted)).select("frame", "pts").iter_rows())
    return pick_frames(root / video_path(shown, clip_id), pts_of)

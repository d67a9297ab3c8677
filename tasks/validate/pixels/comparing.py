"""Every released frame beside its original: which share of each face is still there."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, zip_longest
from pathlib import Path

import numpy as np
import polars as pl

from schemas.coverage import COVERAGE
from schemas.jobs import Span
from schemas.keypoints import KEYPOINTS
from schemas.params.deidentify import SWAPS
from schemas.params.validate import Validate
from tasks.files.clips import coverage_path, keypoints_path, video_path
from tasks.files.documents import read_pieces, read_table
from tasks.files.errors import VideoError
from tasks.files.seen import faces_of
from tasks.tracks.beliefs import GOOD
from tasks.validate.pixels.survival import LANDMARKS, surviving_share, surviving_shares
from tasks.validate.pixels.watching import Watch
from tasks.video import Frame, frame_times, read_frames, read_from
from tasks.video.ahead import ahead
from tasks.vision.closeup import closeness
from tasks.vision.keypoints import stack_boxes, stack_xy
from tasks.vision.regions import Box, Points, overlap, without_margin
from tasks.vision.sessions import Weights, shared_weights

# overlap of two boxes of one face, and of a face with what may be a part of it seen astray
SAME_FACE, AT_EDGE = 0.5, 0.1
ARMS = ("original", "released")
WHOLE = "face"
# of a face whose parts are compared for sure: of fewer pixels a part is a blur that motion alone makes alike,
# and a nose a form that chance does
LEAST_PX = {WHOLE: 0, "eyes": 64, "nose": 96, "mouth": 64}
# of a face: what a mask hides at least, and a hand or a bar hardly ever; and more than a mask can hide
MASKED, BARE = 0.3, 0.8
# one frame of so many is watched, which takes as long as comparing some others
WATCHED_AHEAD = 12


@dataclass(frozen=True)
class Seen:
    """A face of a frame: its box, and the mesh's LANDMARKS where it has a mesh.

    is_sure: its original pixels fail the clip; of a face that is only possible they are for a person to see.
    is_new: only the release shows it: a face, or a mesh that lies beside the face that was drawn.
    in_front: of which share of it something stayed in front.
    """

    box_xyxy: Box
    landmarks_xy: Points | None = None
    is_sure: bool = True
    is_new: bool = False
    in_front: float = 0.0

    @property
    def size_px(self) -> float:
        return float(max(self.box_xyxy[2:] - self.box_xyxy[:2]))


Faces = dict[int, list[Seen]]
Shares = dict[str, float]


@dataclass(frozen=True)
class Compared:
    """Frame -> part -> the largest share that survives of any face, known or seen by other eyes.

    sure: of faces that are sure; unsure: of those that are only possible, or left so by design.
    """

    sure: dict[int, Shares] = field(default_factory=dict)
    unsure: dict[int, Shares] = field(default_factory=dict)

    def take(self, frame: int, found: Shares, face: Seen, excused: Collection[str]) -> None:
        """Take a face of a frame into account. excused: parts of it that are its own by design."""
        for part, share in found.items():
            is_sure = face.is_sure and face.size_px >= LEAST_PX[part] and part not in excused
            shares = (self.sure if is_sure else self.unsure).setdefault(frame, {})
            shares[part] = max(share, shares.get(part, 0.0))


def by_design(share: Shares, in_front: float, settings: Validate) -> set[str]:
    """Return the parts of a face that may be its own, since something stayed in front, and a person is asked.

    A hand before the mouth explains any part of a face that is another's as a whole. A mask explains more of
    the whole, but no eyes.
    """
    limit = settings.surviving.face
    if in_front < MASKED:
        return set(share) if in_front > settings.in_front_share and share[WHOLE] <= limit else set()
    explains = "eyes" in share and share[WHOLE] <= min(limit + in_front, BARE)
    return set(share) - {"eyes"} if explains else set()


def compare_frames(
    root: Path,
    clip_id: str,
    settings: Validate,
    margin: float,
    *,
    reread: Callable[[Frame], None] = lambda frame: None,
    span: Span | None = None,
) -> Compared:
    """Compare every frame of a release, or of a part of it, with its original.

    reread: is given every frame of the release, too. Raises VideoError where the released video has another
    number of frames than its original.
    """
    faces, weights, compared = _known_faces(root, clip_id, margin, span), shared_weights(root), Compared()
    for original, released, boxes in ahead(_watched(root, clip_id, faces, span), WATCHED_AHEAD):
        reread(released)
        known = faces.get(original.index, [])
        seen = [
            Seen(
                box,
                is_sure=closeness(original.rgb, box, 0.0, weights) >= GOOD,
                in_front=_in_front_of(box, known),
            )
            for box in boxes
        ]
        for face in (*(_told(original, face, known, weights) for face in known), *seen):
            found = _compare(original, released, face)
            compared.take(original.index, found, face, by_design(found, face.in_front, settings))
    return compared


def _watched(
    root: Path, clip_id: str, faces: Faces, span: Span | None
) -> Iterator[tuple[Frame, Frame, list[Box]]]:
    """Yield each frame of both arms, and boxes in which other eyes see a face."""
    eyes = [Watch(shared_weights(root), arm) for arm in ARMS]
    for pair in _side_by_side(root, clip_id, span):
        covered = [face.box_xyxy for face in faces.get(pair[0].index, [])]
        seen = [box for eye, frame in zip(eyes, pair, strict=True) for box in eye.faces(frame, covered)]
        yield *pair, seen


def _in_front_of(box_xyxy: Box, faces: Sequence[Seen]) -> float:
    """Return of which share of the face in a box something stayed in front."""
    return max(
        (face.in_front for face in faces if overlap(face.box_xyxy, box_xyxy) >= SAME_FACE), default=0.0
    )


def _told(original: Frame, face: Seen, known: Sequence[Seen], weights: Weights) -> Seen:
    """Return a face as it is known: a new one on another's edge is sure if the original has one there.

    A mesh of a small drawn face slips to the neck below it.
    """
    others = [other.box_xyxy for other in known if not other.is_new]
    shared = max((overlap(face.box_xyxy, other) for other in others), default=0.0)
    if not face.is_new or not AT_EDGE <= shared < SAME_FACE:
        return face
    is_there = closeness(original.rgb, face.box_xyxy, 0.0, weights, others) >= GOOD
    return replace(face, is_sure=face.is_sure and is_there)


def _compare(original: Frame, released: Frame, face: Seen) -> Shares:
    whole = surviving_share(original.grey, released.grey, face.box_xyxy)
    if face.landmarks_xy is None:
        return {WHOLE: whole}
    # a mesh may lie beside its face, and the cover with it
    shares = surviving_shares(original.grey, released.grey, face.landmarks_xy)
    return shares | {WHOLE: max(whole, shares[WHOLE])}


def _side_by_side(root: Path, clip_id: str, span: Span | None) -> Iterator[tuple[Frame, Frame]]:
    astray = VideoError(f"{clip_id}: the released video does not have its original's frames")
    videos = [root / video_path(arm, clip_id) for arm in ARMS]
    if span and frame_times(videos[0]) != frame_times(videos[1]):
        raise astray
    last = None
    for original, released in zip_longest(*(ahead(_pictures(video, span)) for video in videos)):
        if original is None or released is None or original.pts != released.pts:
            raise astray
        yield original, released
        last = original.index
    # both may end too soon, and the frames behind would be compared by nobody
    if span and last != span[1] - 1:
        raise astray


def _pictures(video: Path, span: Span | None) -> Iterator[Frame]:
    if span is None:
        return read_frames(video)
    return islice(read_from(video, span[0], frame_times(video)[span[0]]), span[1] - span[0])


def _known_faces(root: Path, clip_id: str, margin: float, span: Span | None) -> Faces:
    """Return per frame what to compare: whatever was covered, and every face found in either arm."""
    coverage = read_table(root / coverage_path("released", clip_id), COVERAGE).filter(_within(span))
    pardoned: dict[int, list[Box]] = {}
    faces: Faces = {}
    covers: Faces = {}
    regions = coverage["region_xyxy"].to_numpy() if len(coverage) else np.empty((0, 4), np.float32)
    rows = coverage.select("frame", "source", "method", "in_front").iter_rows()
    for (frame, source, method, in_front), region in zip(rows, regions, strict=True):
        covers.setdefault(frame, []).append(Seen(without_margin(region, margin), in_front=in_front))
        if method == "none":
            pardoned.setdefault(frame, []).append(without_margin(region, margin))
        elif method not in SWAPS:
            faces.setdefault(frame, []).append(Seen(region))
        elif source != "detected":  # a face that was detected has its own box below
            faces.setdefault(frame, []).append(covers[frame][-1])
    for arm in ARMS:
        for frame, face in _located(root, arm, clip_id, span):
            known = faces.setdefault(frame, [])
            # a person said that this is no face
            is_pardoned = any(overlap(face.box_xyxy, box) >= SAME_FACE for box in pardoned.get(frame, []))
            if not is_pardoned and not any(_is_told_by(face, other) for other in known):
                in_front = _in_front_of(face.box_xyxy, covers.get(frame, []))
                known.append(replace(face, is_new=arm == "released", in_front=in_front))
    return faces


def _is_told_by(face: Seen, other: Seen) -> bool:
    """Return whether another one is the same face, and as sure."""
    return overlap(face.box_xyxy, other.box_xyxy) >= SAME_FACE and other.is_sure >= face.is_sure


def _within(span: Span | None) -> pl.Expr:
    return pl.lit(True) if span is None else pl.col("frame").is_between(*span, closed="left")


def _located(root: Path, arm: str, clip_id: str, span: Span | None) -> Iterator[tuple[int, Seen]]:
    """Yield every face of an arm's keypoints with its frame."""
    weighed = faces_of(root, arm, clip_id)
    unsure = set(weighed.filter(belief="possible")["person"])
    for piece in read_pieces(root / keypoints_path(arm, clip_id), KEYPOINTS, keep=_within(span)):
        table = piece.filter(pl.col("face_box_xyxy").is_not_null())
        has_mesh = table["face_xy"].is_not_null()
        meshes = iter(stack_xy(table.filter(has_mesh), "face")[:, LANDMARKS])
        places = table.select("frame", "person").iter_rows()
        for (frame, person), box, located in zip(places, stack_boxes(table, "face"), has_mesh, strict=True):
            yield frame, Seen(box, next(meshes) if located else None, person not in unsure)

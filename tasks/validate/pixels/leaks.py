"""Every released frame beside its original: what of a face is still there, and where nobody was found."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, zip_longest
from pathlib import Path

import numpy as np
import polars as pl

from schemas.coverage import COVERAGE, OPEN_MOUTH
from schemas.faces import FACES
from schemas.jobs import Row
from schemas.keypoints import KEYPOINTS
from schemas.params.deidentify import SWAPS
from schemas.params.validate import Survival, Validate
from tasks.files.clips import coverage_path, faces_path, keypoints_path, video_path
from tasks.files.documents import read_pieces, read_table
from tasks.files.errors import VideoError
from tasks.tracks.beliefs import GOOD
from tasks.validate.pixels.survival import LANDMARKS, ranges, surviving_share, surviving_shares
from tasks.validate.pixels.watching import Watch
from tasks.video import Frame, read_frames
from tasks.video.ahead import ahead
from tasks.vision.closeup import closeness
from tasks.vision.keypoints import stack_boxes, stack_xy
from tasks.vision.regions import Box, Points, overlap, without_margin
from tasks.vision.sessions import Weights, shared_weights

# overlap of two boxes of one face, and of a face with what may be a part of it seen astray
SAME_FACE, AT_EDGE = 0.5, 0.1
WHOLE = "face"
BEFORE = ("in_front", "worn")  # a person is asked of either; only the first explains what is left
# of a face whose parts are compared for sure: of fewer pixels a part is a blur that motion alone makes alike,
# and a nose a form that chance does
LEAST_PX = {WHOLE: 0, "eyes": 64, "nose": 96, "mouth": 64}
# of a face: what a mask hides at least, and a hand or a bar hardly ever; and more than a mask can hide
MASKED, BARE = 0.3, 0.8
# one frame of so many is watched, which takes as long as comparing some others
WATCHED_AHEAD = 12
# a shut mouth holds less than one window, which chance makes alike in a frame, but not in so many on end
MOUTH_FRAMES = 3


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


def clip_leaks(
    root: Path,
    clip_id: str,
    settings: Validate,
    margin: float,
    bared: Sequence[int] = (),
    *,
    reread: Callable[[Frame], None] = lambda frame: None,
) -> list[Row]:
    """Return the findings on a clip's frames: where original pixels survived, and where a person should look.

    bared: frames in which a face was uncovered that is known to be the subject's. reread: is given every
    frame of the release, too. Raises VideoError where the released video has another number of frames than
    its original.
    """
    coverage = read_table(root / coverage_path("released", clip_id), COVERAGE)
    shares, unsure = _shares(root, clip_id, _known_faces(root, clip_id, coverage, margin), settings, reread)
    shares |= {frame: {WHOLE: 1.0} for frame in bared}
    # however little: a tattoo looks like a plaster, and says who somebody is
    behind = sorted({*_more(coverage, "in_front", settings.in_front_share), *_more(coverage, "worn", 0.0)})
    survived, doubtful = (_beyond(shares, limits) for limits in (settings.surviving, settings.doubtful))
    by_chance = _short_mouths(shares, survived, settings.surviving)
    doubtful += [*_beyond(unsure, settings.surviving), *by_chance]
    survived = [frame for frame in survived if frame not in by_chance]
    most = {name: float(coverage[name].to_numpy().max(initial=0.0)) for name in (*BEFORE, "in_mouth")}
    return [
        finding(clip_id, "surviving", survived, _worst(shares, survived)),
        finding(
            clip_id, "uncovered", coverage.filter(method="none", source="corrected")["frame"].to_list(), None
        ),
        finding(clip_id, "flagged", coverage.filter("flagged")["frame"].to_list(), None),
        finding(clip_id, "in_front", behind, max(most[name] for name in BEFORE)),
        finding(clip_id, "painted_over", sorted(set(coverage.filter("painted_over")["frame"])), None),
        finding(clip_id, "doubtful", sorted(set(doubtful) - set(survived)), None),
        finding(clip_id, "in_mouth", _more(coverage, "in_mouth", OPEN_MOUTH), most["in_mouth"]),
    ]


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


def _worst(shares: dict[int, Shares], survived: list[int]) -> float:
    """Return the largest share of a whole face, or of a part of one that survived."""
    whole = [share.get(WHOLE, 0.0) for share in shares.values()]
    return max([0.0, *whole, *(max(shares[frame].values()) for frame in survived)])


def _more(coverage: pl.DataFrame, column: str, share: float) -> list[int]:
    return coverage.filter(pl.col(column) > share)["frame"].to_list()


def _beyond(shares: dict[int, Shares], limits: Survival) -> list[int]:
    """Return the frames in which more of a face, or of a part of one, survives than may."""
    most = limits.model_dump()
    return [frame for frame, share in shares.items() if any(share[part] > most[part] for part in share)]


def _short_mouths(shares: dict[int, Shares], survived: list[int], limits: Survival) -> set[int]:
    """Return the frames of fewer than MOUTH_FRAMES on end in which a mouth, and nothing else, survives."""
    others = Survival(**limits.model_dump() | {"mouth": 1.0})
    frames = sorted(set(survived) - set(_beyond(shares, others)))
    runs = [[frame for _, frame in run] for _, run in groupby(enumerate(frames), lambda one: one[1] - one[0])]
    return {frame for run in runs if len(run) < MOUTH_FRAMES for frame in run}


def _shares(
    root: Path, clip_id: str, faces: Faces, settings: Validate, reread: Callable[[Frame], None]
) -> tuple[dict[int, Shares], dict[int, Shares]]:
    """Return frame -> part -> the largest share that survives of any face, known or seen by other eyes.

    The first is of faces that are sure, the second of those that are only possible, or left so by design.
    """
    weights = shared_weights(root)
    sure: dict[int, Shares] = {}
    unsure: dict[int, Shares] = {}
    for original, released, boxes in ahead(_watched(root, clip_id, faces), WATCHED_AHEAD):
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
            excused = by_design(found, face.in_front, settings)
            for part, share in found.items():
                is_sure = face.is_sure and face.size_px >= LEAST_PX[part] and part not in excused
                shares = (sure if is_sure else unsure).setdefault(original.index, {})
                shares[part] = max(share, shares.get(part, 0.0))
    return sure, unsure


def _watched(root: Path, clip_id: str, faces: Faces) -> Iterator[tuple[Frame, Frame, list[Box]]]:
    """Yield each frame of both arms, and boxes in which other eyes see a face."""
    eyes = [Watch(shared_weights(root), arm) for arm in ("original", "released")]
    for pair in _side_by_side(root, clip_id):
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


def finding(clip_id: str, name: str, frames: list[int], worst: float | None) -> Row:
    """Return a row of findings on so many frames."""
    count = len(set(frames))
    return {"clip_id": clip_id, "finding": name, "frames": count, "ranges": ranges(frames), "worst": worst}


def _side_by_side(root: Path, clip_id: str) -> Iterator[tuple[Frame, Frame]]:
    streams = (ahead(read_frames(root / video_path(arm, clip_id))) for arm in ("original", "released"))
    for original, released in zip_longest(*streams):
        if original is None or released is None or original.pts != released.pts:
            raise VideoError(f"{clip_id}: the released video does not have its original's frames")
        yield original, released


def _known_faces(root: Path, clip_id: str, coverage: pl.DataFrame, margin: float) -> Faces:
    """Return per frame what to compare: whatever was covered, and every face found in either arm."""
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
    for arm in ("original", "released"):
        for frame, face in _located(root, arm, clip_id):
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


def _located(root: Path, arm: str, clip_id: str) -> Iterator[tuple[int, Seen]]:
    """Yield every face of an arm's keypoints with its frame."""
    weighed = read_table(root / faces_path(arm, clip_id), FACES)
    unsure = set(weighed.filter(belief="possible")["person"])
    for piece in read_pieces(root / keypoints_path(arm, clip_id), KEYPOINTS):
        table = piece.filter(pl.col("face_box_xyxy").is_not_null())
        has_mesh = table["face_xy"].is_not_null()
        meshes = iter(stack_xy(table.filter(has_mesh), "face")[:, LANDMARKS])
        places = table.select("frame", "person").iter_rows()
        for (frame, person), box, located in zip(places, stack_boxes(table, "face"), has_mesh, strict=True):
            yield frame, Seen(box, next(meshes) if located else None, person not in unsure)

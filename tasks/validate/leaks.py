"""Every released frame beside its original: what of a face is still there, and where nobody was found."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

import numpy as np
import polars as pl

from schemas.coverage import COVERAGE
from schemas.covering import SWAPS
from schemas.jobs import Row
from schemas.keypoints import KEYPOINTS
from schemas.params import Validate
from tasks.ahead import ahead
from tasks.clips import coverage_path, keypoints_path, video_path
from tasks.documents import read_pieces, read_table
from tasks.errors import VideoError
from tasks.inference import shared_weights
from tasks.keypoints import stack_boxes
from tasks.regions import Box, overlap, without_margin
from tasks.validate.survival import ranges, surviving_share
from tasks.validate.watching import Watch
from tasks.video import Frame, read_frames

SAME_FACE = 0.5
Boxes = dict[int, list[Box]]


def clip_leaks(
    root: Path, clip_id: str, settings: Validate, margin: float, bared: Sequence[int] = ()
) -> list[Row]:
    """Return the findings on a clip's frames: where original pixels survived, and where a person should look.

    bared: frames in which a face was uncovered that is known to be the subject's. Raises VideoError where
    the released video has another number of frames than its original.
    """
    coverage = read_table(root / coverage_path("released", clip_id), COVERAGE)
    boxes = _boxes(root, clip_id, coverage, margin)
    shares = _shares(root, clip_id, boxes)
    shares |= dict.fromkeys(bared, 1.0)
    survived = [frame for frame, share in shares.items() if share > settings.surviving_share]
    uncovered = coverage.filter(method="none")["frame"].to_list()
    flagged = coverage.filter("flagged")["frame"].to_list()
    worst = max(shares.values(), default=0.0)
    behind = coverage.filter(pl.col("in_front") > settings.in_front_share)["frame"].to_list()
    most_behind = float(coverage["in_front"].to_numpy().max(initial=0.0))
    return [
        _finding(clip_id, "surviving", survived, worst),
        _finding(clip_id, "uncovered", uncovered, None),
        _finding(clip_id, "flagged", flagged, None),
        _finding(clip_id, "in_front", behind, most_behind),
    ]


def _shares(root: Path, clip_id: str, boxes: Boxes) -> dict[int, float]:
    """Return frame -> the largest share that survives of any face that is known or seen by other eyes."""
    weights = shared_weights(root)
    eyes = [Watch(weights, arm) for arm in ("original", "released")]
    shares = {}
    for original, released in _side_by_side(root, clip_id):
        known = boxes.get(original.index, [])
        seen = [
            box
            for eye, frame in zip(eyes, (original, released), strict=True)
            for box in eye.faces(frame, known)
        ]
        if known or seen:
            shares[original.index] = max(
                surviving_share(original.grey, released.grey, box) for box in (*known, *seen)
            )
    return shares


def _finding(clip_id: str, finding: str, frames: list[int], worst: float | None) -> Row:
    count = len(set(frames))
    return {"clip_id": clip_id, "finding": finding, "frames": count, "ranges": ranges(frames), "worst": worst}


def _side_by_side(root: Path, clip_id: str) -> Iterator[tuple[Frame, Frame]]:
    streams = (ahead(read_frames(root / video_path(arm, clip_id))) for arm in ("original", "released"))
    for original, released in zip_longest(*streams):
        if original is None or released is None or original.pts != released.pts:
            raise VideoError(f"{clip_id}: the released video does not have its original's frames")
        yield original, released


def _boxes(root: Path, clip_id: str, coverage: pl.DataFrame, margin: float) -> Boxes:
    """Return per frame what to compare: whatever was covered, and every face found in either arm."""
    pardoned: Boxes = {}
    boxes: Boxes = {}
    regions = coverage["region_xyxy"].to_numpy() if len(coverage) else np.empty((0, 4), np.float32)
    for frame, source, method, region in zip(
        coverage["frame"], coverage["source"], coverage["method"], regions, strict=True
    ):
        if method == "none":
            pardoned.setdefault(frame, []).append(region)
        elif method not in SWAPS:
            boxes.setdefault(frame, []).append(region)
        elif source != "detected":  # a face that was detected has its own box below
            boxes.setdefault(frame, []).append(without_margin(region, margin))
    for arm in ("original", "released"):
        for piece in read_pieces(root / keypoints_path(arm, clip_id), KEYPOINTS):
            seen = piece.filter(pl.col("face_box_xyxy").is_not_null())
            for frame, box in zip(seen["frame"], stack_boxes(seen, "face"), strict=True):
                known = boxes.setdefault(frame, [])
                # a person said that this is no face
                is_pardoned = any(
                    overlap(box, without_margin(region, margin)) >= SAME_FACE
                    for region in pardoned.get(frame, [])
                )
                if not is_pardoned and all(overlap(box, other) < SAME_FACE for other in known):
                    known.append(box)
    return boxes

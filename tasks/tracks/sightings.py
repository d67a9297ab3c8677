"""Keypoint rows -> where faces and heads were seen (pure)."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.params.deidentify import Trust
from schemas.skeletons import (
    CHIN,
    FOREHEAD,
    HEAD_POINTS,
    HIPS,
    LEFT_CHEEK,
    LEFT_SHOULDER,
    NOSE_TIP,
    RIGHT_CHEEK,
    RIGHT_SHOULDER,
)
from tasks.vision.keypoints import Floats, stack_boxes, stack_eyes_nose, stack_visibility, stack_xy
from tasks.vision.regions import Box, Points, eyes_nose_of

# a head reaches this far beyond eyes, ears and mouth, and is at least this share of the shoulders
HEAD_SCALE, HEAD_OF_SHOULDERS = 1.6, 0.55
SEEN = 0.5


@dataclass(frozen=True)
class Observation:
    """One face of one track in one frame; score in 0..1.

    person: its number in the keypoint table. has_mesh: its 468 keypoints are known. is_trusted: they
    can carry another face. followed: it was not detected, but the picture of the nearest sighting is there.
    eyes_nose_xy: right eye, left eye and tip of the nose, where the face is so small that another one may be
    laid on them.
    """

    frame: int
    person: int
    track: int
    box_xyxy: Box
    score: float
    has_mesh: bool
    is_trusted: bool
    followed: bool = False
    eyes_nose_xy: Points | None = None


@dataclass(frozen=True)
class Head:
    """Where a body has its head in one frame; no box where it shows its back."""

    frame: int
    track: int
    box_xyxy: Box | None


def faces_in(table: pl.DataFrame, trust: Trust) -> list[Observation]:
    """Return the faces of a keypoint table."""
    seen = table.filter(pl.col("face_box_xyxy").is_not_null())
    meshes = stack_xy(seen, "face")
    has_mesh = np.asarray(~np.isnan(meshes).any((1, 2)), np.bool_)
    trusted = (has_mesh & is_trusted(meshes, trust)).tolist()
    places = seen.select("frame", "person", "face_score").iter_rows()
    boxes = stack_boxes(seen, "face")
    points = _small_faces_points(seen, meshes, boxes, trust)
    return [
        Observation(frame, person, person, box, score, bool(known), bool(good), eyes_nose_xy=xy)
        for (frame, person, score), box, known, good, xy in zip(
            places, boxes, has_mesh, trusted, points, strict=True
        )
    ]


def _small_faces_points(
    table: pl.DataFrame, meshes: Floats, boxes: Floats, trust: Trust
) -> list[Points | None]:
    """Return where eyes and nose of each small face are, by its mesh or by the detector."""
    told = stack_eyes_nose(table)
    points = np.where(np.isnan(told), eyes_nose_of(meshes), told)
    sizes = np.ptp(boxes.reshape(-1, 2, 2), axis=1).max(axis=1)
    is_known = (sizes < trust.detail_px) & (sizes >= trust.size_px) & ~np.isnan(points).any((1, 2))
    return [xy if known else None for xy, known in zip(points, is_known, strict=True)]


def followed_in(table: pl.DataFrame) -> list[Observation]:
    """Return the faces of a table of followed ones."""
    rows = table.select("frame", "person", "agreement").iter_rows()
    boxes = table["box_xyxy"].to_numpy().reshape(-1, 4)
    return [
        Observation(frame, person, person, box, score, has_mesh=False, is_trusted=False, followed=True)
        for (frame, person, score), box in zip(rows, boxes, strict=True)
    ]


def is_trusted(meshes_xy: Floats, trust: Trust) -> NDArray[np.bool_]:
    """Return for rows x 468 x 2 meshes whether each is large enough and turned little enough.

    In a profile the tip of the nose nears the edge of the cheeks, in a face turned down or up the
    chin or the forehead; in a small one that does no harm.
    """
    across = _share_along(meshes_xy, RIGHT_CHEEK, LEFT_CHEEK)
    along = _share_along(meshes_xy, FOREHEAD, CHIN)
    size = np.ptp(meshes_xy, axis=1).max(axis=1)
    inside = (np.minimum(across, 1 - across) >= trust.turn) & (np.minimum(along, 1 - along) >= trust.tilt)
    return np.asarray((inside | (size < trust.detail_px)) & (size >= trust.size_px), np.bool_)


def _share_along(meshes_xy: Floats, start: int, end: int) -> Floats:
    line = meshes_xy[:, end] - meshes_xy[:, start]
    nose = meshes_xy[:, NOSE_TIP] - meshes_xy[:, start]
    return np.asarray((line * nose).sum(1) / np.maximum((line * line).sum(1), 1e-6), np.float32)


def heads_in(table: pl.DataFrame) -> list[Head]:
    """Return the heads of the bodies of a keypoint table, where they can be told."""
    seen = table.filter(pl.col("body_xy").is_not_null())
    rows = zip(
        seen["frame"], seen["person"], stack_xy(seen, "body"), stack_visibility(seen, "body"), strict=True
    )
    return [
        Head(frame, person, _head_box(xy, visibility))
        for frame, person, xy, visibility in rows
        if _is_head_known(xy, visibility)
    ]


def _is_head_known(xy: Floats, visibility: Floats) -> bool:
    return _shows_back(xy, visibility) or float(visibility[:HEAD_POINTS].max()) > SEEN


def _shows_back(xy: Floats, visibility: Floats) -> bool:
    """Return whether a body is seen from behind: its face is hidden, its left shoulder left of its spine."""
    shoulders = visibility[[LEFT_SHOULDER, RIGHT_SHOULDER]].min() > SEEN
    hidden = visibility[:HEAD_POINTS].max() <= SEEN
    across = xy[LEFT_SHOULDER] - xy[RIGHT_SHOULDER]
    # however the person lies: hips that are guessed outside the picture are good enough for a direction
    up = xy[[LEFT_SHOULDER, RIGHT_SHOULDER]].mean(axis=0) - xy[HIPS].mean(axis=0)
    return bool(shoulders and hidden and up[0] * across[1] - up[1] * across[0] < 0)


def _head_box(xy: Floats, visibility: Floats) -> Box | None:
    if _shows_back(xy, visibility):
        return None
    head = xy[:HEAD_POINTS]
    low, high = head.min(axis=0), head.max(axis=0)
    shoulders = float(np.linalg.norm(xy[LEFT_SHOULDER] - xy[RIGHT_SHOULDER]))
    half = max(float((high - low).max()) * HEAD_SCALE, shoulders * HEAD_OF_SHOULDERS) / 2
    center = (low + high) / 2
    return np.concatenate([center - half, center + half]).astype(np.float32)

"""Eyes that look where the patient's look, and are as far open (pure)."""

from dataclasses import replace

import cv2
import numpy as np

from schemas.skeletons import EYE_CORNERS, LIDS, LOWER_LIDS, UPPER_LIDS
from tasks.swap.target import Target
from tasks.vision.regions import Points

# in eye widths: how far an iris is moved at most, and how near to a corner it stays as it is
FARTHEST_XY = np.array([0.2, 0.08], np.float32)
FIXED = 0.12
LEAST_OPENING = 0.02
# of eye widths: an eye that opens less is shut, one that opens more is as far open as its keypoints say
SHUT, OPEN = 0.08, 0.2
UPPER_SHARE = 0.8  # of a way to shut is the upper lid's
LEAST_EYE_PX = 8  # a smaller one says nothing


def eye_axes(mesh_xy: Points, eye: int) -> tuple[Points, Points]:
    """Return an eye's middle, and 2 x 2 its axes across and down, as long as it is wide."""
    left, right = mesh_xy[list(EYE_CORNERS[eye])]
    across = right - left
    return (left + right) / 2, np.stack([across, np.array([-across[1], across[0]])]).astype(np.float32)


def lids_apart(mesh_xy: Points) -> Points:
    """Return a mesh whose lids do not cross: what is drawn between crossing ones is torn."""
    apart = mesh_xy.copy()
    for eye, (upper, lower) in enumerate(zip(UPPER_LIDS, LOWER_LIDS, strict=True)):
        _, (_, down) = eye_axes(mesh_xy, eye)
        opening = (mesh_xy[lower] - mesh_xy[upper]) @ down / max(float(down @ down), 1e-6)
        missing = np.clip(LEAST_OPENING - opening, 0, None)[:, None] * down / 2
        apart[upper] -= missing
        apart[lower] += missing
    return apart


def lids_open(mesh_xy: Points, openings: Points) -> Points:
    """Return for either eye which share of the way between its keypoints' lids is open, in 0..1.

    openings: 2, in eye widths, as `read_eyes` says it: keypoints of lids never meet.
    """
    widths_px = [float(np.linalg.norm(eye_axes(mesh_xy, eye)[1][0])) for eye in (0, 1)]
    shares = np.clip((openings - SHUT) / (OPEN - SHUT), 0, 1)
    return np.where(np.array(widths_px) < LEAST_EYE_PX, 1, shares).astype(np.float32)


def shut_lids(mesh_xy: Points, shares: Points) -> Points:
    """Return a mesh whose lids are only so far apart as shares of what they were, one for either eye."""
    if shares.min() >= 1:
        return mesh_xy
    shut = mesh_xy.copy()
    for share, upper, lower in zip(shares, UPPER_LIDS, LOWER_LIDS, strict=True):
        way = (mesh_xy[lower] - mesh_xy[upper]) * (1 - share)
        shut[upper] += way * UPPER_SHARE
        shut[lower] -= way * (1 - UPPER_SHARE)
    return shut


def looking(target: Target, irises: Points) -> Target:
    """Move a target's irises to where the patient's are; 2 x 2, in eye widths as `read_eyes` says it."""
    lab = target.lab.copy()
    for eye, lids in enumerate(LIDS):
        middle, axes = eye_axes(target.mesh_xy, eye)
        away = np.clip(irises[eye] - target.irises[eye], -FARTHEST_XY, FARTHEST_XY) @ axes
        outline = target.mesh_xy[lids]
        (x0, y0), (x1, y1) = np.floor(outline.min(axis=0)), np.ceil(outline.max(axis=0))
        rows, columns = np.mgrid[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1].astype(np.float32)
        across = ((columns - middle[0]) * axes[0, 0] + (rows - middle[1]) * axes[0, 1]) / (axes[0] @ axes[0])
        share = np.clip((0.5 - np.abs(across)) / FIXED, 0, 1).astype(np.float32)
        moved = cv2.remap(target.lab, columns - share * away[0], rows - share * away[1], cv2.INTER_LINEAR)
        inside = np.zeros(rows.shape, np.float32)
        cv2.fillPoly(inside, [np.round(outline - [x0, y0]).astype(np.int32)], 1)
        inside = cv2.GaussianBlur(inside, (0, 0), 1)
        place = lab[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1]
        place[:] = cv2.blendLinear(moved, np.ascontiguousarray(place), inside, 1 - inside)
    return replace(target, lab=lab)

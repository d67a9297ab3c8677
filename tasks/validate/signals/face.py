"""What an examiner reads from a face, over time (pure).

A face is frames x 468 x 2 pixels, NaN where it was not located; so is what is read from it.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from schemas.skeletons import EYE_CORNERS, LID_MIDDLES, LIP_MIDDLES, MOUTH_CORNERS, OUTER_EYES, POSE_POINTS
from tasks.validate.keypoints.movement import mean_speed

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
# POSE_POINTS of a general head, in millimetres, x right, y down, z away
HEAD_MM = np.array(
    [
        [0, 0, 0],
        [0, 63.6, 12.5],
        [-43.3, -32.7, 26],
        [43.3, -32.7, 26],
        [-28.9, 28.9, 24.1],
        [28.9, 28.9, 24.1],
    ]
)
POSE_AXES = ("pitch", "yaw", "roll")


def _share(face_xy: Floats, first: int, second: int, start: int, end: int) -> Doubles:
    apart = np.linalg.norm(face_xy[:, first] - face_xy[:, second], axis=1)
    width = np.linalg.norm(face_xy[:, start] - face_xy[:, end], axis=1)
    return np.asarray(apart / np.maximum(width, 1e-6), np.float64)


def eyelid_opening(face_xy: Floats) -> Doubles:
    """Return how far the lids are apart, as a share of the eye's width, mean of both eyes."""
    right, left = (
        _share(face_xy, *lids, *corners) for lids, corners in zip(LID_MIDDLES, EYE_CORNERS, strict=True)
    )
    return np.asarray((right + left) / 2, np.float64)


def mouth_opening(face_xy: Floats) -> Doubles:
    """Return how far the lips are apart, as a share of the mouth's width."""
    return _share(face_xy, *LIP_MIDDLES, *MOUTH_CORNERS)


def head_pose_deg(face_xy: Floats, size_wh: tuple[int, int]) -> Doubles:
    """Return frames x (pitch, yaw, roll) in degrees, by perspective from six keypoints of a general head.

    The camera is taken to see as wide as the picture's width is long. Positive: chin down, nose to the
    picture's right, head clockwise.
    """
    width, height = size_wh
    camera = np.array([[width, 0, width / 2], [0, width, height / 2], [0, 0, 1]], np.float64)
    angles = np.full((len(face_xy), 3), np.nan)
    for number in np.flatnonzero(~np.isnan(face_xy).any(axis=(1, 2))):
        points = face_xy[number, POSE_POINTS].astype(np.float64)
        solved, turn, _ = cv2.solvePnP(HEAD_MM, points, camera, None, flags=cv2.SOLVEPNP_SQPNP)
        if solved:
            angles[number] = _euler_deg(np.asarray(cv2.Rodrigues(turn)[0], np.float64))
    return angles


def _euler_deg(rotation: Doubles) -> Doubles:
    """Return pitch, yaw and roll of a rotation that is done in the order roll, pitch, yaw."""
    yaw = np.arctan2(rotation[0, 2], rotation[2, 2])
    pitch = np.arcsin(np.clip(-rotation[1, 2], -1, 1))
    roll = np.arctan2(rotation[1, 0], rotation[1, 1])
    # the nose points towards the camera, against z
    return np.asarray(np.degrees([pitch, -yaw, roll]), np.float64)


def expression(face_xy: Floats, time_s: Doubles) -> tuple[float, float]:
    """Return range and mean speed of a face's keypoints once place, size and tilt are taken out.

    Range: mean over keypoints of the path between the 5th and the 95th percentile; speed: per second;
    both in distances between the outer eye corners. NaN for fewer than two frames.
    """
    known = ~np.isnan(face_xy).any(axis=(1, 2))
    if known.sum() < 2:
        return np.nan, np.nan
    shapes = _aligned(face_xy[known])
    low, high = np.percentile(shapes, [5, 95], axis=0)
    return float(np.linalg.norm(high - low, axis=1).mean()), mean_speed(shapes, time_s[known])


def _aligned(shapes: Floats) -> Floats:
    """Return frames x K x 2 shapes laid over the first by shift, scale and turn, in eye distances."""
    centred = shapes - shapes.mean(axis=1, keepdims=True)
    complex_shapes = centred[..., 0] + 1j * centred[..., 1]
    first = complex_shapes[0]
    fit = (complex_shapes.conj() @ first) / (np.abs(complex_shapes) ** 2).sum(axis=1)
    laid = complex_shapes * fit[:, None]
    laid /= np.abs(first[OUTER_EYES[0]] - first[OUTER_EYES[1]])
    return np.stack([laid.real, laid.imag], axis=2).astype(np.float32, copy=False)

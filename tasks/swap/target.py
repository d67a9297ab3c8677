"""The faces that patients are given: pictures that are nobody's, with their meshes (pure)."""

from dataclasses import dataclass

import cv2
import numpy as np
import scipy  # its parts are opened when they are first used
from numpy.typing import NDArray

from schemas.skeletons import FACE_OVAL, LEFT_EYE, LIDS, LOWER_LIP, RIGHT_EYE, UPPER_LIP
from tasks.swap.light import Lab
from tasks.swap.shape import Shape
from tasks.swap.warping import runs_clockwise
from tasks.vision.regions import Points, RgbImage

# eye distances within which a keypoint takes others along: what tears is no face
TOGETHER, FINER = 0.04, 3
NOTHING = 1e-20


@dataclass(frozen=True)
class Target:
    """A face's picture, its mesh with rim in pixels (504 x 2), T x 3 triangles over both, and its shape.

    Triangles run clockwise, the farthest first: a nose is drawn over the cheek behind it.

    irises: 2 x 2, where its eyes look, as `read_eyes` says it. near: 468 x 468, how much keypoints that
    lie beside one another are moved together.
    """

    name: str
    lab: Lab
    mesh_xy: Points
    triangles: NDArray[np.int32]
    rim: float
    shape: Shape
    irises: Points
    near: NDArray[np.float32]


def make_target(
    name: str, rgb: RgbImage, mesh_xy: Points, *, rim: float, shape: Shape, irises: Points
) -> Target:
    """Prepare a target; the rim reaches beyond its 468 x 2 mesh by a share of the face."""
    wide_xy = with_rim(mesh_xy, rim)
    triangles = _far_first(scipy.spatial.Delaunay(wide_xy).simplices.astype(np.int32), wide_xy, shape)
    lab = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB), np.uint8)
    return Target(name, lab, wide_xy, triangles, rim, shape, irises, _nearness(mesh_xy))


def _far_first(triangles: NDArray[np.int32], wide_xy: Points, shape: Shape) -> NDArray[np.int32]:
    backwards = ~runs_clockwise(wide_xy[triangles])
    triangles[backwards] = triangles[backwards, ::-1]
    away = np.concatenate([shape[:, 2], shape[FACE_OVAL, 2]])
    return np.ascontiguousarray(triangles[np.argsort(-away[triangles].mean(axis=1), kind="stable")])


def _nearness(mesh_xy: Points) -> NDArray[np.float32]:
    eyes = float(np.linalg.norm(mesh_xy[RIGHT_EYE] - mesh_xy[LEFT_EYE]))
    apart = np.linalg.norm(mesh_xy[:, None] - mesh_xy[None], axis=2) / (TOGETHER * eyes)
    # a lid is moved by itself: it opens by less than that
    lids = [point for lid in LIDS for point in lid]
    apart[lids] *= FINER
    # in a target's shut mouth lips lie upon one another: what opens one must not shut it again for the other
    for lip, other in ((UPPER_LIP, LOWER_LIP), (LOWER_LIP, UPPER_LIP)):
        apart[np.ix_(lip, other)] = np.inf
    near = np.exp(-(apart**2) / 2)
    # smaller numbers say nothing, and a processor multiplies them slowly
    near[near < NOTHING] = 0
    return np.asarray(near / near.sum(axis=1, keepdims=True), np.float32)


def with_rim(mesh_xy: Points, rim: float) -> Points:
    """Append 36 points around the oval of a 468 x 2 mesh, moved outwards by a share of its extent."""
    oval = mesh_xy[FACE_OVAL]
    return np.concatenate([mesh_xy, oval + (oval - mesh_xy.mean(axis=0)) * rim]).astype(np.float32)

"""Another face, laid over the patient's own keypoints: warped triangle by triangle, blended at the rim."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from schemas.params import MeshSwap
from tasks.deidentify.coverage import FaceRegion
from tasks.deidentify.patches import patch_of
from tasks.deidentify.targets import Target
from tasks.errors import GuiseError
from tasks.regions import Points, RgbImage

INNER_LIPS = [78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191]
FARTHEST_CORRECTION = 0.1
Weights01 = NDArray[np.float32]
# where a face's 468 x 2 mesh is now, given a picture and where it was; None where none is seen
Locate = Callable[[RgbImage, Points], Points | None]


def mesh_swap(rgb: RgbImage, region: FaceRegion, settings: MeshSwap, target: Target, locate: Locate) -> None:
    """Replace the face in place by the target's, in the patient's pose, expression and light.

    The extractor reads another face a little differently; each correction moves the drawn mesh
    by what was measured off, so that the keypoints stay where the patient's were.
    """
    if region.mesh_xy is None:
        raise GuiseError("mesh_swap was asked to cover a face whose mesh is not known")
    patch = patch_of(rgb, region.box_xyxy)
    original = patch.copy()
    origin = np.maximum(np.floor(region.box_xyxy[:2]), 0).astype(np.float32)
    mesh_xy = region.mesh_xy
    patch[:] = lay_over(original, mesh_xy - origin, target, settings)
    for _ in range(settings.corrections):
        seen_xy = locate(rgb, region.mesh_xy)
        if seen_xy is None or not is_near(seen_xy, region.mesh_xy):
            break
        moved_xy = mesh_xy + (region.mesh_xy - seen_xy)
        if not is_near(moved_xy, region.mesh_xy):
            break
        mesh_xy = moved_xy
        patch[:] = lay_over(original, mesh_xy - origin, target, settings)


def is_near(seen_xy: Points, mesh_xy: Points) -> bool:
    """Return whether two meshes are one face: a mesh found elsewhere must not pull the cover away."""
    size = float(np.ptp(mesh_xy, axis=0).max())
    return float(np.linalg.norm(seen_xy - mesh_xy, axis=1).max()) <= FARTHEST_CORRECTION * size


def lay_over(patch: RgbImage, mesh_xy: Points, target: Target, settings: MeshSwap) -> RgbImage:
    """Return the patch with the target's face drawn where the mesh is."""
    swapped, drawn = warp_target(target, mesh_xy, patch.shape[:2])
    weights = blend_weights(mesh_xy, drawn, settings.feather)
    inside = weights > 0.5
    if inside.any():
        swapped = match_tone(swapped, patch, inside, settings.tone)
    mixed = patch * (1 - weights[..., None]) + swapped * weights[..., None]
    return np.clip(mixed + 0.5, 0, 255).astype(np.uint8)


def warp_target(
    target: Target, mesh_xy: Points, size_hw: tuple[int, ...]
) -> tuple[RgbImage, NDArray[np.bool_]]:
    """Draw the target's triangles where the mesh has them; also return which pixels were drawn."""
    corners = mesh_xy[target.triangles]
    index = np.full(size_hw[:2], -1, np.int32)
    for number, triangle in enumerate(np.round(corners * 16).astype(np.int32)):
        cv2.fillConvexPoly(index, triangle, number, shift=4)
    drawn = index >= 0
    maps = _triangle_maps(corners, target.mesh_xy[target.triangles])
    rows, columns = np.nonzero(drawn)
    points = np.stack([columns, rows, np.ones_like(rows)], axis=1).astype(np.float32)
    source = np.zeros((*index.shape, 2), np.float32)
    source[drawn] = np.einsum("nij,nj->ni", maps[index[drawn]], points)
    swapped = cv2.remap(target.rgb, source[..., 0], source[..., 1], cv2.INTER_LINEAR)
    return np.asarray(swapped, np.uint8), drawn


def _triangle_maps(corners: Points, sources: Points) -> NDArray[np.float32]:
    # T x 3 x 2 corners in the picture and in the target -> T x 2 x 3 affine maps between them
    homogeneous = np.concatenate([corners, np.ones((*corners.shape[:2], 1))], axis=2)
    inverses = np.linalg.pinv(homogeneous.astype(np.float64))
    return (inverses @ sources).transpose(0, 2, 1).astype(np.float32)


def blend_weights(mesh_xy: Points, drawn: NDArray[np.bool_], feather: float) -> Weights01:
    """Return H x W weights: 1 inside the face, 0 in the open mouth, falling at the rim."""
    size = float(np.ptp(mesh_xy, axis=0).max())
    soft = max(1.0, size * feather / 2)
    oval = np.zeros(drawn.shape, np.uint8)
    cv2.fillConvexPoly(oval, cv2.convexHull(np.round(mesh_xy).astype(np.int32)), 1)
    framed = cv2.copyMakeBorder(oval & drawn, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    depth = cv2.distanceTransform(framed, cv2.DIST_L2, 3)[1:-1, 1:-1]
    weights = np.clip(depth / (2 * soft), 0, 1)
    mouth = np.zeros(drawn.shape, np.float32)
    cv2.fillPoly(mouth, [np.round(mesh_xy[INNER_LIPS]).astype(np.int32)], 1)
    return np.asarray(weights * (1 - cv2.GaussianBlur(mouth, (0, 0), max(0.5, soft / 4))), np.float32)


def match_tone(swapped: RgbImage, patch: RgbImage, inside: NDArray[np.bool_], tone: float) -> RgbImage:
    """Move the swapped face's Lab mean and spread towards the patient's, keeping `tone` of its own."""
    lab = cv2.cvtColor(swapped, cv2.COLOR_RGB2LAB).astype(np.float32)
    goal = cv2.cvtColor(patch, cv2.COLOR_RGB2LAB).astype(np.float32)
    own_mean, own_std = lab[inside].mean(0), lab[inside].std(0) + 1e-3
    mean = goal[inside].mean(0) * (1 - tone) + own_mean * tone
    std = goal[inside].std(0) * (1 - tone) + own_std * tone
    moved = (lab - own_mean) * (std / own_std) + mean
    return np.asarray(cv2.cvtColor(np.clip(moved, 0, 255).astype(np.uint8), cv2.COLOR_LAB2RGB), np.uint8)

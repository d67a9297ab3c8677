"""The faces that patients are given: pictures that are nobody's, with their meshes."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from tasks.deidentify.tone import Skin, skin_of
from tasks.regions import Points, RgbImage

FACE_OVAL = [
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
]  # fmt: skip


@dataclass(frozen=True)
class Target:
    """A face picture, its mesh with rim in pixels (504 x 2), T x 3 triangles over both, and its skin.

    irises: 2 x 2, where its eyes look, as `locate_irises` says it.
    """

    name: str
    rgb: RgbImage
    mesh_xy: Points
    triangles: NDArray[np.int32]
    rim: float
    skin: Skin
    irises: Points


def make_target(name: str, rgb: RgbImage, mesh_xy: Points, rim: float, irises: Points) -> Target:
    """Prepare a target; the rim reaches beyond its 468 x 2 mesh by a share of the face."""
    wide_xy = with_rim(mesh_xy, rim)
    triangles = Delaunay(wide_xy).simplices.astype(np.int32)
    return Target(name, rgb, wide_xy, triangles, rim, skin_of(rgb, wide_xy), irises)


def with_rim(mesh_xy: Points, rim: float) -> Points:
    """Append 36 points around the oval of a 468 x 2 mesh, moved outwards by a share of its extent."""
    oval = mesh_xy[FACE_OVAL]
    return np.concatenate([mesh_xy, oval + (oval - mesh_xy.mean(axis=0)) * rim]).astype(np.float32)


def tinted(target: Target, skin: Skin, tone: float) -> Target:
    """Move a target's Lab mean and spread towards a skin's, keeping `tone` of its own."""
    own = target.skin
    mean = skin.mean * (1 - tone) + own.mean * tone
    std = skin.std * (1 - tone) + own.std * tone
    levels = np.arange(256, dtype=np.float32)[:, None]
    table = np.clip((levels - own.mean) * (std / own.std) + mean, 0, 255).astype(np.uint8)
    lab = cv2.LUT(cv2.cvtColor(target.rgb, cv2.COLOR_RGB2LAB), table[None])
    return replace(target, rgb=np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.uint8))

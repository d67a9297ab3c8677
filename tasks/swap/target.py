"""The faces that patients are given: pictures that are nobody's, with their meshes (pure)."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from schemas.skeletons import FACE_OVAL
from tasks.swap.tone import Skin, skin_of
from tasks.vision.regions import Points, RgbImage


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

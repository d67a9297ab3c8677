"""Faces mixed, in shape and in texture, from donors that are no one person (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import scipy  # its parts are opened when they are first used
from numpy.typing import NDArray

from schemas.params.deidentify import Recipe
from schemas.skeletons import (
    BROWS,
    EYE_CROSSES,
    FACE_MIDDLE,
    JAW,
    LEFT_EYE,
    LID_MIDDLES,
    LIP_MIDDLES,
    LIPS,
    NOSE_ENDS,
    NOSE_MIDDLE,
    NOSE_ROOT,
    RIGHT_EYE,
)
from tasks.vision.regions import Points, RgbImage

SIDE_PX = 512
EYES_PX = 230.0  # between the outer eye corners of a target
LIGHT_PX, FAR = 60, 8  # what is larger is light; blurs of many pixels are made at an eighth of the size
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Mode:
    """One way in which a face grows: around which points, how far in eye distances, and along x and y."""

    parts: tuple[tuple[int, ...], ...]
    radius: float
    share_xy: tuple[int, int]


MODES = {
    "nose_width": Mode((NOSE_MIDDLE,), 0.30, (1, 0)),
    "nose_length": Mode((NOSE_ENDS,), 0.30, (0, 1)),
    "mouth_width": Mode((LIP_MIDDLES,), 0.35, (1, 0)),
    "lips": Mode((LIP_MIDDLES,), 0.25, (0, 1)),
    "eyes": Mode(EYE_CROSSES, 0.20, (1, 1)),
    "eye_gap": Mode((NOSE_ROOT,), 0.45, (1, 0)),
    "jaw": Mode((JAW,), 0.60, (1, 0)),
    "cheeks": Mode((FACE_MIDDLE,), 0.90, (1, 0)),
    "face_length": Mode((NOSE_ROOT,), 1.60, (0, 1)),
    "brow_height": Mode(LID_MIDDLES, 0.30, (0, 1)),
}


@dataclass(frozen=True)
class Donor:
    """A picture, its 468 x 2 mesh in pixels, and which of its pixels (H x W) show skin."""

    rgb: RgbImage
    mesh_xy: Points
    is_skin: NDArray[np.bool_]


def mix(recipe: Recipe, donors: Mapping[str, Donor]) -> tuple[RgbImage, Points]:
    """Return a target picture and its 468 x 2 mesh."""
    shape = _weighted([(_upright(donors[name].mesh_xy), share) for name, share in recipe.shape.items()])
    mesh_xy = _place(_upright(grow(shape, recipe.growth)))
    drawn = [(*_redraw(donors[name], mesh_xy), share) for name, share in recipe.texture.items()]
    # donors are brought to one skin colour without their light: where one ends no edge is seen
    skin = _weighted([((rgb * seen).mean((0, 1)) / seen.mean(), share) for rgb, seen, share in drawn])
    lights = [_light(rgb, seen) for rgb, seen, _ in drawn]
    layers = [
        ((rgb + skin - own) * seen * share, seen * share)
        for (rgb, seen, share), own in zip(drawn, lights, strict=True)
    ]
    weight = np.asarray(sum(weight for _, weight in layers), np.float32) / sum(recipe.texture.values())
    texture = sum(layer for layer, _ in layers) / (weight * sum(recipe.texture.values()) + 1e-6)
    brows = np.minimum(_area(mesh_xy, BROWS[0]) + _area(mesh_xy, BROWS[1]), 1)[..., None]
    whole = _continue_skin(np.asarray(texture, np.float32), weight, brows)
    return _retouch(whole, mesh_xy, recipe), mesh_xy.astype(np.float32)


def _light(rgb: NDArray[np.float32], seen: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the light that falls on a donor's skin: the scene brings its own."""
    near = _far_blur(seen, LIGHT_PX)[..., None]
    return np.asarray(_far_blur(rgb * seen, LIGHT_PX) / np.maximum(near, 1e-4), np.float32)


def _far_blur(picture: NDArray[np.float32], reach_px: float) -> NDArray[np.float32]:
    """Blur over many pixels on a small copy, which shows the same."""
    small = cv2.resize(picture, None, fx=1 / FAR, fy=1 / FAR, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), reach_px / FAR)
    return np.asarray(cv2.resize(soft, picture.shape[1::-1]), np.float32)


def _place(upright: Floats) -> Floats:
    mesh = upright * EYES_PX + SIDE_PX / 2
    mesh[:, 1] += SIDE_PX / 2 - np.ptp(mesh[:, 1]) / 2 - mesh[:, 1].min()
    return mesh


def grow(mesh: Floats, growth: Mapping[str, float]) -> Floats:
    """Grow parts of an upright mesh by relative amounts, fading out with distance from each part."""
    moved = mesh.copy()
    for name, amount in growth.items():
        for part in MODES[name].parts:
            away = mesh - mesh[list(part)].mean(0)
            near = np.exp(-(away**2).sum(1, keepdims=True) / (2 * MODES[name].radius ** 2))
            moved += amount * near * away * np.array(MODES[name].share_xy)
    return moved


def _upright(mesh: NDArray[np.floating]) -> Floats:
    # eye distance 1, eyes level, between them the origin; as complex numbers a turn and scale is one factor
    right, left = mesh[RIGHT_EYE].astype(np.float64), mesh[LEFT_EYE].astype(np.float64)
    turned = ((mesh - (right + left) / 2) @ [1, 1j]) / ((left - right) @ [1, 1j])
    return np.stack([turned.real, turned.imag], 1)


def _weighted(parts: list[tuple[NDArray[np.floating], float]]) -> Floats:
    total = sum(share for _, share in parts)
    return np.asarray(sum(part.astype(np.float64) * (share / total) for part, share in parts), np.float64)


def _redraw(donor: Donor, mesh_xy: Floats) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw a donor's face on another mesh; and how well each pixel was seen, H x W x 1 in 0..1."""
    rgb, source, skin = _enlarge(donor)
    triangles = scipy.spatial.Delaunay(mesh_xy).simplices
    index = np.full((SIDE_PX, SIDE_PX), -1, np.int32)
    for position, corners in enumerate(np.round(mesh_xy[triangles] * 16).astype(np.int32)):
        cv2.fillConvexPoly(index, corners, position, shift=4)
    ones = np.ones((*triangles.shape, 1))
    maps = np.linalg.pinv(np.concatenate([mesh_xy[triangles], ones], 2)) @ source[triangles]
    rows, columns = np.indices(index.shape)
    across, down, shift = np.moveaxis(maps[index], 2, 0)
    at = (columns[..., None] * across + rows[..., None] * down + shift).astype(np.float32)
    drawn = cv2.remap(rgb, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    # a cheek turned away has little paint for its area
    areas = np.abs(np.linalg.det(maps[:, :2]))
    seen = np.clip(areas / np.median(areas), 0, 1)[index] * (index >= 0)
    seen = seen.astype(np.float32) * cv2.remap(skin, at[..., 0], at[..., 1], cv2.INTER_LINEAR)
    soft = round(EYES_PX / 18)
    seen = cv2.GaussianBlur(cv2.erode(seen, np.ones((3 * soft, 3 * soft))), (0, 0), soft)
    return drawn.astype(np.float32), np.asarray(seen, np.float32)[..., None]


def _enlarge(donor: Donor) -> tuple[RgbImage, Points, NDArray[np.float32]]:
    # small donors are enlarged smoothly before the triangles are cut
    scale = max(1.0, EYES_PX / float(np.linalg.norm(donor.mesh_xy[LEFT_EYE] - donor.mesh_xy[RIGHT_EYE])))
    rgb = cv2.resize(donor.rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    skin = cv2.erode(donor.is_skin.astype(np.float32), np.ones((5, 5)))
    return (
        np.asarray(rgb, np.uint8),
        donor.mesh_xy * np.float32(scale),
        cv2.resize(skin, rgb.shape[1::-1]).astype(np.float32),
    )


def _continue_skin(
    texture: NDArray[np.float32], seen: NDArray[np.float32], brows: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Let the skin go on, ever smoother, where no donor shows any: forehead, jaw and what lies beyond."""
    source = np.clip(seen * 2, 0, 1) * (1 - brows)
    skin = np.full_like(texture, (texture * source).mean((0, 1)) / source.mean())
    for reach_px in (128, 64, 32, 16, 8):
        blur = _far_blur if reach_px > 2 * FAR else _near_blur
        near = blur(source, reach_px)[..., None]
        colours = blur(np.asarray(texture * source, np.float32), reach_px) / np.maximum(near, 1e-4)
        share = np.clip(near * 4, 0, 1)
        skin = np.asarray(skin * (1 - share) + colours * share, np.float32)
    share = np.clip(seen * 2, 0, 1)
    return np.asarray(texture * share + skin * (1 - share), np.float32)


def _near_blur(picture: NDArray[np.float32], reach_px: float) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), reach_px), np.float32)


def _retouch(texture: NDArray[np.float32], mesh_xy: Floats, recipe: Recipe) -> RgbImage:
    picture = np.clip(texture, 0, 255).astype(np.float32)
    shading = cv2.GaussianBlur(picture, (0, 0), EYES_PX / 25)
    lab = cv2.cvtColor(
        np.clip(shading + (picture - shading) * recipe.detail, 0, 255) / 255, cv2.COLOR_RGB2LAB
    )
    brows = np.minimum(_area(mesh_xy, BROWS[0]) + _area(mesh_xy, BROWS[1]), 1)
    lips = _area(mesh_xy, LIPS)
    lab += np.array(recipe.skin, np.float32) * (1 - np.clip(brows + lips, 0, 1))[..., None]
    lab[..., 0] = lab[..., 0] * (1 - recipe.brow * brows)
    lab[..., 1] = lab[..., 1] + recipe.lips * lips
    rgb = cv2.cvtColor(np.clip(lab, [0, -127, -127], [100, 127, 127]).astype(np.float32), cv2.COLOR_LAB2RGB)
    return np.asarray(np.clip(rgb * 255 + 0.5, 0, 255), np.uint8)


def _area(mesh_xy: Floats, part: list[int]) -> NDArray[np.float32]:
    area = np.zeros((SIDE_PX, SIDE_PX), np.float32)
    cv2.fillPoly(area, [np.round(mesh_xy[part]).astype(np.int32)], 1)
    return np.asarray(cv2.GaussianBlur(area, (0, 0), 3), np.float32)

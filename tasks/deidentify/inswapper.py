"""A neural swap: the face that a latent means, in the patient's pose and light, pasted back softly (pure)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from schemas.skeletons import FACE_OVAL
from tasks.swap.cast import FaceKey
from tasks.swap.hands import hand_weights
from tasks.swap.patches import patch_of
from tasks.vision.alignment import ARCFACE_XY, Embedding, five_points, similarity
from tasks.vision.regions import Box, Matrix, Points, RgbImage

SIDE_PX = 128
# where the swapper's crop has the five points: ArcFace's, moved to the middle
SWAP_XY = ARCFACE_XY + np.array([8, 0], np.float32)
Floats = NDArray[np.float32]
# N x 3 x 128 x 128 in 0..1 and N x 512 -> N x 3 x 128 x 128 in 0..1
Model = Callable[[Floats, Floats], Floats]


@dataclass(frozen=True)
class Face:
    """A face to be swapped: 468 x 2 keypoints in pixels, the latent it is given, the hands before it."""

    key: FaceKey
    mesh_xy: Points
    latent: Embedding
    hands_xy: Sequence[Points] = ()


@dataclass(frozen=True)
class Swapped:
    """An aligned face and its weights, and the 2 x 3 map from picture pixels to it.

    in_front: share of the face in front of which something stayed with its own pixels.
    """

    rgb: RgbImage
    weights: Floats
    matrix: Matrix
    in_front: float


@dataclass
class Inswapper:
    """Swap faces, several at a time. embedding_map: the model's own, 512 x 512.

    feather: soft rim as a share of the aligned face.
    """

    model: Model
    embedding_map: Floats
    feather: float

    def swap(self, pictures: Sequence[RgbImage], faces: Sequence[Face]) -> list[Swapped]:
        """Return what each face becomes; pictures: the one that each is in."""
        if not faces:
            return []
        matrices = [similarity(five_points(face.mesh_xy), SWAP_XY) for face in faces]
        crops = [
            cv2.warpAffine(rgb, matrix, (SIDE_PX, SIDE_PX))
            for rgb, matrix in zip(pictures, matrices, strict=True)
        ]
        tensor = np.stack(crops).transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
        drawn = self.model(tensor, self._conditions([face.latent for face in faces]))
        rgb = (drawn.transpose(0, 2, 3, 1) * 255).clip(0, 255).astype(np.uint8)
        return [
            self._finish(face, one, matrix) for face, one, matrix in zip(faces, rgb, matrices, strict=True)
        ]

    def _conditions(self, latents: Sequence[Embedding]) -> Floats:
        mapped = np.stack(latents) @ self.embedding_map
        return np.asarray(mapped / np.linalg.norm(mapped, axis=1, keepdims=True), np.float32)

    def _finish(self, face: Face, rgb: RgbImage, matrix: Matrix) -> Swapped:
        """Give an aligned face its weights: 1 inside, falling to its outline and to the crop's edge."""
        mesh_xy = _moved(face.mesh_xy, matrix)
        inside = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
        cv2.fillConvexPoly(inside, cv2.convexHull(np.round(mesh_xy[FACE_OVAL]).astype(np.int32)), 1)
        framed = cv2.copyMakeBorder(inside, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
        depth = cv2.distanceTransform(framed, cv2.DIST_L2, 3)[1:-1, 1:-1]
        weights = np.asarray(np.clip((depth - 1) / (self.feather * SIDE_PX), 0, 1), np.float32)
        hands = hand_weights([_moved(hand, matrix) for hand in face.hands_xy], mesh_xy, SIDE_PX)
        if hands is None:
            return Swapped(rgb, weights, matrix, 0.0)
        in_front = float(hands[inside > 0].mean()) if inside.any() else 0.0
        return Swapped(rgb, weights * (1 - hands), matrix, in_front)


def paste(rgb: RgbImage, box_xyxy: Box, swapped: Swapped) -> None:
    """Bring an aligned face back into the picture, nowhere outside the box."""
    patch = patch_of(rgb, box_xyxy)
    corner = np.maximum(np.floor(box_xyxy[:2]), 0)
    matrix = swapped.matrix.copy()
    matrix[:, 2] += matrix[:, :2] @ corner
    size_wh = patch.shape[1::-1]
    inverse = cv2.invertAffineTransform(matrix)
    face = cv2.warpAffine(swapped.rgb, inverse, size_wh, borderMode=cv2.BORDER_REPLICATE)
    weights = cv2.warpAffine(swapped.weights, inverse, size_wh)
    patch[:] = cv2.blendLinear(np.asarray(face, np.uint8), patch, weights, 1 - weights)


def _moved(points_xy: Points, matrix: Matrix) -> Points:
    return np.asarray(points_xy @ matrix[:, :2].T + matrix[:, 2], np.float32)

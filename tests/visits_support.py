"""Pictures of a room in which somebody is for a moment, and where the face is in them."""

from functools import cache

import cv2
import numpy as np

from tasks.video import read_frames
from tasks.vision.detectors import View
from tasks.vision.faces import face_region, locate_mesh, search_faces

HD, FULL_HD, UHD = (1280, 720), (1920, 1080), (3840, 2160)


def heads_of(path, weights, params, count=45):
    """Return pictures of a person's head, and the box of the face in each."""
    found = []
    for frame in list(read_frames(path))[:count]:
        face = search_faces(View.of(frame.rgb, 960), weights, params.extract)[0]
        mesh = locate_mesh(frame.rgb, face_region(face), weights, 0.5)
        x0, y0, x1, y1 = mesh.box_xyxy
        margin = 0.35 * max(x1 - x0, y1 - y0)
        left, top = max(0, round(x0 - margin)), max(0, round(y0 - margin))
        head = frame.rgb[top : round(y1 + margin), left : round(x1 + margin)]
        found.append((head, np.array([x0 - left, y0 - top, x1 - left, y1 - top])))
    return found


@cache
def scenery(size_wh, number=0):
    """Return a room with walls, edges and a pattern, the same but for noise in every picture."""
    width, height = size_wh
    wall = np.linspace(90, 170, width)[None, :, None] * np.ones((height, 1, 3))
    wall[height * 2 // 3 :] *= 0.6
    wall[:, width // 3 : width // 3 + 12] = 40
    rows, columns = np.indices((height // 4 - height // 8, width * 3 // 4 - width // 2))
    pattern = np.where((rows + columns)[..., None] // 9 % 2, 60, 200)
    wall[height // 8 : height // 4, width // 2 : width * 3 // 4] = pattern
    noise = np.random.default_rng(number).normal(0, 2, (*wall.shape[:2], 1))
    return (wall + noise).clip(0, 255).astype(np.uint8)


def paste(picture, head, box, size_px, corner_xy, turns=0):
    """Put a head into a picture, the face so large and turned; return the face's box."""
    scale = size_px / float(max(box[2] - box[0], box[3] - box[1]))
    small = cv2.resize(head, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = small.shape[:2]
    x0, y0, x1, y1 = box * scale
    for _ in range(turns):
        small = np.rot90(small)
        x0, y0, x1, y1, width, height = y0, width - x1, y1, width - x0, height, width
    x, y = corner_xy
    picture[y : y + height, x : x + width] = small
    return np.array([x0 + x, y0 + y, x1 + x, y1 + y], np.float32)


def visited(number, size_wh, host, visitor, size_px, turns):
    """Return the room with a host and a visitor (None: without), and the box of the visitor's face."""
    picture = scenery(size_wh, number % 2).copy()
    if host is not None:
        paste(picture, *host[number], 200 * size_wh[0] // 1280, (60, 200))
    if visitor is None:
        return picture, None
    return picture, paste(picture, *visitor[number], size_px, (size_wh[0] * 3 // 5, size_wh[1] // 4), turns)

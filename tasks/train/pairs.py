"""A clip's faces as they are and as the mesh swap draws them: what a network learns from."""

from collections.abc import Collection, Iterator
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from schemas.params.deidentify import Deidentify
from schemas.params.extract import Extract
from schemas.params.sections import Section
from schemas.params.train import Train
from schemas.skeletons import FACE_PARTS
from tasks.files.clips import read_cast, video_path
from tasks.files.seen import frames_of
from tasks.files.whole import write_bytes
from tasks.swap.cast import Cast
from tasks.swap.crops import face_square, small_crop, wider
from tasks.swap.giving import read_reshapings
from tasks.swap.hands import hand_weights
from tasks.swap.mesh_swap import MeshSwapper, make_fit, make_look
from tasks.swap.pool import load_pool
from tasks.swap.target import with_rim
from tasks.tracks.joining import Track, flat
from tasks.tracks.meshes import Meshes
from tasks.tracks.seen import read_seen
from tasks.video import pick_frames, read_rate
from tasks.vision.regions import Box, Points, Region, bounding_box, to_crop
from tasks.vision.sessions import shared_weights

# around a square, so that it can be moved and turned; of a face, what a swap draws on
AROUND, MARGIN = 1.25, 0.35
EMPHASISED = ("eyes", "mouth")
Bytes = NDArray[np.uint8]


class Pairing(Section):
    """Whose clip it is, how its faces are drawn, and at what size they are kept."""

    subject: str
    deidentify: Deidentify
    extract: Extract
    train: Train


class Pairs(NamedTuple):
    """N faces: N x side x side x 3 as they are and as they are drawn, N x side x side of the drawn part,
    of what matters most in it, 0..255, and N numbers: whose face each is.
    """

    patient: Bytes
    drawn: Bytes
    mask: Bytes
    emphasis: Bytes
    face: Bytes


def stored_side(train: Train) -> int:
    """Return the side of a stored picture in pixels."""
    return round(train.side_px * AROUND)


def write_pairs(root: Path, clip_id: str, order: Pairing, path: Path) -> dict[int, int]:
    """Draw a clip's faces and keep them beside the originals; return face -> how many."""
    side = stored_side(order.train)
    found = [*_draw(root, clip_id, order)]
    shapes = ((side, side, 3), (side, side, 3), (side, side), (side, side), ())
    columns = zip(*found, strict=True) if found else ([] for _ in shapes)
    stacked = (np.asarray([*column], np.uint8) for column in columns)
    pairs = Pairs(*(column.reshape(-1, *shape) for column, shape in zip(stacked, shapes, strict=True)))
    packed = BytesIO()
    np.savez_compressed(packed, **pairs._asdict())
    write_bytes(packed.getvalue(), path)
    faces, counts = np.unique(pairs.face, return_counts=True)
    return dict(zip(faces.tolist(), counts.tolist(), strict=True))


def read_pairs(path: Path) -> Pairs:
    with np.load(path, allow_pickle=False) as stored:
        return Pairs(*(stored[name] for name in Pairs._fields))


def _draw(root: Path, clip_id: str, order: Pairing) -> Iterator[tuple[Bytes, ...]]:
    weights, rule = (
        shared_weights(root),
        order.deidentify.at(read_rate(root / video_path("original", clip_id))),
    )
    rows = read_cast(root, clip_id).select("track", "face", "target", "target_sha256", "share").rows()
    cast, pool = Cast.from_rows(rows), load_pool(weights, order.deidentify, order.extract, root)
    keep = rule.mesh_swap.keep_asymmetry
    reshapings = read_reshapings(root, order.subject, cast, pool, keep_asymmetry=keep)
    seen = read_seen(root, clip_id, rule)
    meshes = Meshes(root, clip_id, flat(seen.tracks), rule)
    wanted = _choose([*seen.tracks.values()], reshapings.keys(), cast, order.train.faces)
    pts = frames_of(root, "original", clip_id)["pts"]
    fit, look = make_fit(weights, order.extract.landmark_score), make_look(weights)
    for shot in pick_frames(root / video_path("original", clip_id), {frame: pts[frame] for frame in wanted}):
        for track in wanted[shot.index]:
            mesh_xy = meshes.mesh(shot.index, track)
            if mesh_xy is None:
                continue
            drawn, reshaping = shot.rgb.copy(), reshapings[track]
            # each by itself: what one frame has in front of it says nothing of one seconds later
            swap, hands = MeshSwapper(rule.mesh_swap, fit, look), meshes.hands(shot.index)
            box, target = _box_around(mesh_xy), pool[cast.targets[track]]
            swap(drawn, box, 0, mesh_xy, target, reshaping=reshaping, hands_xy=hands)
            goal_xy = with_rim(reshaping.moved(mesh_xy), rule.mesh_swap.rim)
            square, side = wider(face_square(mesh_xy), AROUND), stored_side(order.train)
            pictures = (small_crop(picture, square, side) for picture in (shot.rgb, drawn))
            parts = _parts(mesh_xy, goal_xy, hands, square, side)
            yield (*pictures, *parts, np.asarray(cast.faces[track], np.uint8))


def _choose(tracks: list[Track], known: Collection[int], cast: Cast, count: int) -> dict[int, list[int]]:
    """Return frame -> tracks whose face is drawn, at most so many frames of everybody, evenly spread."""
    by_face: dict[int, list[tuple[int, int]]] = {}
    for track in tracks:
        number = track[0].track
        if number in known:
            places = [(one.frame, number) for one in track if one.is_trusted]
            by_face.setdefault(cast.faces[number], []).extend(places)
    wanted: dict[int, list[int]] = {}
    for places in by_face.values():
        picks = np.linspace(0, len(places) - 1, min(count, len(places))).round().astype(int)
        for frame, track in (sorted(places)[pick] for pick in picks):
            wanted.setdefault(frame, []).append(track)
    return dict(sorted(wanted.items()))


def _parts(
    mesh_xy: Points, goal_xy: Points, hands_xy: list[Points], square: Region, side: int
) -> tuple[Bytes, Bytes]:
    """Return side x side of what is drawn in a square, and of eyes and mouth in it, 0..255."""
    inside, emphasis = np.zeros((side, side), np.uint8), np.zeros((side, side), np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(np.round(to_crop(goal_xy, square, side)).astype(np.int32)), 255)
    for part in EMPHASISED:
        outline = np.round(to_crop(goal_xy[FACE_PARTS[part]], square, side)).astype(np.int32)
        cv2.fillConvexPoly(emphasis, cv2.convexHull(outline), 255)
    hands = hand_weights(
        [to_crop(hand, square, side) for hand in hands_xy], to_crop(mesh_xy, square, side), side
    )
    if hands is not None:
        inside, emphasis = (np.asarray(one * (1 - hands), np.uint8) for one in (inside, emphasis))
    return inside, emphasis


def _box_around(mesh_xy: Points) -> Box:
    box = bounding_box(mesh_xy).reshape(2, 2)
    reach = np.ptp(box, axis=0) * MARGIN
    return np.asarray((box + np.stack([-reach, reach])).reshape(4), np.float32)

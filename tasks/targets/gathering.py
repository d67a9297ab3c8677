"""Pictures of those who agreed that others' faces are mixed of theirs; they stay on the private side."""

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import polars as pl

from schemas.params.deidentify import Deidentify
from tasks.files.clips import video_path
from tasks.files.hashing import sha256_document
from tasks.files.seen import frames_of
from tasks.files.whole import write_bytes
from tasks.swap.kin import donor_path, donors_in
from tasks.swap.mouth import openness
from tasks.tracks.joining import flat
from tasks.tracks.meshes import Meshes
from tasks.tracks.seen import read_seen
from tasks.video import pick_frames, read_rate
from tasks.vision.regions import Points, Region, crop_region, mesh_region

SIDE_PX, AROUND = 640, 1.6  # of a picture, and how much wider than the square of its mesh it is
TRIED = 24  # frames
LEAST_PX = 80  # of a face
# keypoints of a straight face lie alike on both sides of its nose
SIDES, MIDDLE = ([33, 61, 172], [263, 291, 397]), 1


def gather(root: Path, clips: pl.DataFrame, digests: Mapping[str, str], rule: Deidentify) -> list[str]:
    """Take a picture of everybody whose every clip may be mixed; return the paths of all that stand.

    digests: of each clip and what was seen of it. A picture of who does not agree any more is removed.
    """
    agreed = clips.with_columns(pl.col("may_be_mixed").fill_null(False)).group_by(
        "subject", maintain_order=True
    )
    said = agreed.agg("clip_id", pl.col("may_be_mixed").all())
    wanted = {
        subject: (clip_ids[0], donor_path(subject, sha256_document([digests[one] for one in clip_ids])))
        for subject, clip_ids, may_be_mixed in said.iter_rows()
        if may_be_mixed and rule.targets.k
    }
    paths = {root / path for _, path in wanted.values()}
    for path in donors_in(root).values():
        if path not in paths:
            path.unlink()
    for clip_id, path in wanted.values():
        if not (root / path).is_file():
            _take(root, clip_id, rule, root / path)
    return [str(path) for _, path in wanted.values() if (root / path).is_file()]


def _take(root: Path, clip_id: str, rule: Deidentify, path: Path) -> None:
    """Write the straightest picture of a clip's only face, mouth shut; none of a small one.

    Where anybody else is seen, it may be theirs, and they were not asked.
    """
    at_rate = rule.at(read_rate(root / video_path("original", clip_id)))
    tracks = read_seen(root, clip_id, at_rate).tracks
    if len({number for number, _ in tracks}) != 1:
        return
    seen = [one for one in flat(tracks) if one.is_trusted]
    picks = np.linspace(0, len(seen) - 1, min(TRIED, len(seen))).round().astype(int)
    meshes = Meshes(root, clip_id, flat(tracks), at_rate)
    known = {seen[pick].frame: meshes.mesh(seen[pick].frame, seen[pick].track) for pick in picks}
    large = {
        frame: mesh
        for frame, mesh in known.items()
        if mesh is not None and np.ptp(mesh, axis=0).max() >= LEAST_PX
    }
    if large:
        frame = min(large, key=lambda one: _askew(large[one]) + openness(large[one]))
        write_bytes(_picture(root, clip_id, frame, large[frame]), path)


def _picture(root: Path, clip_id: str, frame: int, mesh_xy: Points) -> bytes:
    frames = frames_of(root, "original", clip_id)
    (shot,) = pick_frames(root / video_path("original", clip_id), {frame: frames["pts"][frame]})
    square = mesh_region(mesh_xy)
    wide = Region(square.center_xy, square.side * AROUND, square.angle_rad)
    bgr = cv2.cvtColor(crop_region(shot.rgb, wide, SIDE_PX), cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode(".png", bgr)[1])


def _askew(mesh_xy: Points) -> float:
    apart = [np.linalg.norm(mesh_xy[side] - mesh_xy[MIDDLE], axis=1) for side in SIDES]
    return float(np.abs(np.log(apart[0] / apart[1])).mean())

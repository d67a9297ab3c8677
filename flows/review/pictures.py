"""A small picture of each released clip, at the frame that most needs eyes."""

from pathlib import Path

import cv2
import numpy as np
import polars as pl

from flows.release.wording import FINDINGS
from flows.review.contents import Clip
from tasks.files.clips import video_path
from tasks.files.seen import frames_of
from tasks.video import pick_frames, read_info

WIDTH_PX, HEIGHT_PX = 144, 108
ORDER = tuple(FINDINGS)


def worst_frame(clip: Clip) -> int:
    """Return the middle of the worst flag, else where the face is farthest off, else the clip's middle."""
    if clip.flags:
        worst = min(clip.flags, key=lambda flag: (ORDER.index(flag.finding), flag.first - flag.last))
        return (worst.first + worst.last) // 2
    moved = clip.tables["timeline"].filter(arm="released").drop_nulls("face_nme")
    if moved.height:
        return int(moved.row(int(np.argmax(moved["face_nme"].to_numpy())), named=True)["frame"])
    return len(clip.time_s) // 2


def draw_small(root: Path, clip: Clip) -> bytes:
    """Return a JPEG of a clip's worst released frame, as wide as a player shows it."""
    path, frame = root / video_path("released", clip.clip_id), worst_frame(clip)
    there = frames_of(root, "released", clip.clip_id).filter(pl.col("frame") == frame)
    (found,) = pick_frames(path, {frame: there["pts"].item()})
    height, width = found.rgb.shape[:2]
    shown = width * float(read_info(path).shown_pixel_aspect)
    scale = min(WIDTH_PX / shown, HEIGHT_PX / height)
    size_wh = max(1, round(shown * scale)), max(1, round(height * scale))
    small = cv2.resize(found.rgb, size_wh, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR))[1].tobytes()

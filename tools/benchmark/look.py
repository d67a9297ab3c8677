"""Measure how a workspace's released faces look and move beside the originals, clip by clip.

    python -m tools.benchmark.look [WORKSPACE] [--frames 20]

rim: the colour step across the outline of the face (Lab, a twentieth of the face inward and outward of
it), as a multiple of the same step in the original. motion: against the control's. lids, mouth:
correlation over time, as a share of the control's. pose: mean difference of the head's pose in degrees, over
the control's. turn: the same once each arm's own median pose is taken off, which is how another face is read.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import cv2
import numpy as np
import polars as pl
from numpy.typing import NDArray

from flows.host.environment import keep_to_ourselves
from flows.host.failures import exit_code_of
from flows.screen.console import number, show_table
from schemas.evidence import INVARIANCE, SIGNALS
from schemas.skeletons import FACE_OVAL
from tasks.files.clips import EVIDENCE, keypoints_path, read_admitted, read_keypoints, video_path
from tasks.files.documents import read_table
from tasks.validate.averages import mean_of_known, ratio
from tasks.validate.keypoints.motion import LEAST_FRAMES
from tasks.validate.signals.face import head_pose_deg
from tasks.video import read_frames, read_info
from tasks.vision.keypoints import stack_xy
from tasks.vision.regions import Points, RgbImage

ACROSS = 0.05  # of the face's size, inward and outward of its outline
POSES = ("head_pitch", "head_yaw", "head_roll")


@dataclass(frozen=True)
class Look:
    clip: str
    rim: float | None
    motion: float | None
    lids: float | None
    mouth: float | None
    pose_deg: float | None
    turn_deg: float | None


def measure(root: Path, frames: int) -> Iterator[Look]:
    """Yield what is measured of every clip whose faces were read in all three arms."""
    invariance = read_table(root / EVIDENCE / "invariance.parquet", INVARIANCE)
    signals = read_table(root / EVIDENCE / "signals.parquet", SIGNALS)
    for clip_id in read_admitted(root)["clip_id"]:
        if not (root / keypoints_path("released", clip_id)).is_file():
            continue
        motion = invariance.filter(clip_id=clip_id, arm="released", part="face", metric="motion")
        steps = {arm: rim_step(root, clip_id, arm, frames) for arm in ("original", "released")}
        own = signals.filter(clip_id=clip_id)
        yield Look(
            clip_id,
            ratio(steps["released"], steps["original"]),
            mean_of_known(motion["ratio_to_floor"]),
            _kept(own, "eyelid_opening"),
            _kept(own, "mouth_opening"),
            _pose(own),
            turn_apart(root, clip_id),
        )


def rim_step(root: Path, clip_id: str, arm: str, frames: int) -> float | None:
    """Return the mean distance of the colours on either side of the faces' outlines; None without faces."""
    table = read_keypoints(root, arm, clip_id).drop_nulls("face_xy")
    if table.is_empty():
        return None
    meshes: dict[int, list[Points]] = {}
    for frame, mesh in zip(table["frame"], stack_xy(table, "face"), strict=True):
        meshes.setdefault(frame, []).append(mesh)
    picks = set(
        np.array(sorted(meshes))[np.linspace(0, len(meshes) - 1, frames).round().astype(int)].tolist()
    )
    found = [
        step_across(frame.rgb, mesh)
        for frame in read_frames(root / video_path(arm, clip_id))
        if frame.index in picks
        for mesh in meshes[frame.index]
    ]
    return float(np.mean(found))


def step_across(rgb: RgbImage, mesh_xy: Points) -> float:
    """Return the mean Lab distance between what lies just inside and just outside of a face's outline."""
    outline, middle = mesh_xy[FACE_OVAL], mesh_xy.mean(axis=0)
    size = float(np.ptp(mesh_xy, axis=0).max())
    away = (outline - middle) / np.linalg.norm(outline - middle, axis=1, keepdims=True)
    soft = cv2.GaussianBlur(rgb, (0, 0), max(0.5, size / 100)).astype(np.float32) / 255
    lab = np.asarray(cv2.cvtColor(soft, cv2.COLOR_RGB2LAB), np.float32)
    sides = [_colours(lab, outline + away * size * reach) for reach in (-ACROSS, ACROSS)]
    return float(np.linalg.norm(sides[0] - sides[1], axis=-1).mean())


def _colours(lab: NDArray[np.float32], places_xy: NDArray[np.floating]) -> NDArray[np.float32]:
    across, down = (np.ascontiguousarray(places_xy[:, axis], np.float32) for axis in (0, 1))
    found = cv2.remap(lab, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found[:, 0], np.float32)


def _kept(signals: pl.DataFrame, name: str) -> float | None:
    found = {
        arm: mean_of_known(signals.filter(arm=arm, signal=name)["correlation"])
        for arm in ("control", "released")
    }
    return ratio(found["released"], found["control"]) if (found["released"] or 0) > 0 else None


def _pose(signals: pl.DataFrame) -> float | None:
    rows = signals.filter(pl.col("signal").is_in(POSES), arm="released").drop_nulls(["difference", "floor"])
    return mean_of_known(rows["difference"] - rows["floor"])


def turn_apart(root: Path, clip_id: str) -> float | None:
    """Return by how many degrees a head turns otherwise than in the original, over the control's.

    The first person's; None where too few frames have their face in all three arms.
    """
    size_wh = read_info(root / video_path("original", clip_id)).shown_size_wh
    faces = {arm: _first_face(root, arm, clip_id) for arm in ("original", "control", "released")}
    both = sorted(set.intersection(*(set(one) for one in faces.values())))
    if len(both) < LEAST_FRAMES:
        return None
    poses = {
        arm: head_pose_deg(np.stack([meshes[frame] for frame in both]), size_wh)
        for arm, meshes in faces.items()
    }
    turned = {arm: pose - np.nanmedian(pose, axis=0) for arm, pose in poses.items()}
    apart = {arm: np.nanmean(np.abs(turned[arm] - turned["original"])) for arm in ("control", "released")}
    return float(apart["released"] - apart["control"])


def _first_face(root: Path, arm: str, clip_id: str) -> dict[int, Points]:
    table = (
        read_keypoints(root, arm, clip_id)
        .drop_nulls("face_xy")
        .unique("frame", keep="first", maintain_order=True)
    )
    return dict(zip(table["frame"], stack_xy(table, "face"), strict=True)) if len(table) else {}


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("workspace", type=Path, nargs="?", default=Path())
    parser.add_argument("--frames", type=int, default=20)
    asked = parser.parse_args(words)
    rows = [
        [one.clip, *(number(value) for value in astuple(one)[1:])]
        for one in measure(asked.workspace, asked.frames)
    ]
    show_table("Released faces beside the originals", [field.name for field in fields(Look)], rows)
    return 0


if __name__ == "__main__":
    keep_to_ourselves()
    sys.exit(exit_code_of(lambda: main(sys.argv[1:])))

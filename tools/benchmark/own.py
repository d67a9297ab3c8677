"""What a workspace's own network makes of it, beside the mesh swap: what it learns, and what it releases.

    python -m tools.benchmark.own learn WORKSPACE [--steps 1000]
    python -m tools.benchmark.own look WORKSPACE ...

learn: trains on the pairs of a workspace with and without each part of the training, and tells how far off
each is on pairs that it was not shown: colour and edges in the face, of 255, and the face's outline, of 1.
look: tells of workspaces with evidence what was released, means over clips. motion: against the control's.
place: of the subject in dlib's gallery, less the floor. inverted: the same for who learns to undo the swap.
soft: seen faces that were pixelated. flicker: what changes from frame to frame and back within the face,
against the control. rim: the colour step across its outline, against the original's.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np
import polars as pl

from flows.host.environment import keep_to_ourselves
from flows.host.failures import exit_code_of
from flows.screen.console import number, show_table
from schemas.coverage import COVERAGE
from schemas.evidence import IDENTITY, INVARIANCE
from schemas.training import PAIRS
from tasks.files.clips import (
    EVIDENCE,
    coverage_path,
    keypoints_path,
    read_admitted,
    read_keypoints,
    video_path,
)
from tasks.files.documents import read_params, read_table
from tasks.swap.crops import face_square, small_crop
from tasks.train import LEAST_PAIRS, PAIRS_TABLE
from tasks.validate.averages import ratio
from tasks.video import read_frames
from tasks.vision.keypoints import stack_xy
from tasks.vision.regions import Points, to_crop
from tools.benchmark.look import rim_step

SIDE_PX, FRAMES = 64, 20
Figures = dict[str, list[float]]


def figures_of(root: Path) -> Figures:
    """Return name -> a value for every clip of a workspace that has one."""
    found: Figures = {}
    identity, invariance = (
        read_table(root / EVIDENCE / f"{name}.parquet", schema)
        for name, schema in (("identity", IDENTITY), ("invariance", INVARIANCE))
    )
    for clip_id in read_admitted(root)["clip_id"]:
        if not (root / keypoints_path("released", clip_id)).is_file():
            continue
        motion = invariance.filter(clip_id=clip_id, arm="released", part="face", metric="motion")
        own = identity.filter(clip_id=clip_id, arm="released")
        steps = [rim_step(root, clip_id, arm, FRAMES) for arm in ("released", "original")]
        told: dict[str, float | None] = {
            "motion": next(iter(motion["ratio_to_floor"]), None),
            "place": _over_floor(own.filter(recogniser="dlib")),
            "inverted": _over_floor(own.filter(recogniser="inverted")),
            "soft": _softened(root, clip_id),
            "flicker": ratio(flicker(root, clip_id, "released"), flicker(root, clip_id, "control")),
            "rim": ratio(*steps),
        }
        for name, value in told.items():
            if value is not None:
                found.setdefault(name, []).append(value)
    return found


def _over_floor(rows: pl.DataFrame) -> float | None:
    known = rows.drop_nulls(["rank_mean", "rank_floor"])
    return None if known.is_empty() else float((known["rank_mean"] - known["rank_floor"]).mean())  # type: ignore[arg-type]


def _softened(root: Path, clip_id: str) -> float:
    coverage = read_table(root / coverage_path("released", clip_id), COVERAGE)
    return float(coverage.filter(method="pixelate", source="detected", flagged=False).height)


def flicker(root: Path, clip_id: str, arm: str) -> float | None:
    """Return how much a face changes from a frame to the next and back, 8-bit lightness; None without faces.

    Of the first person's, aligned by the original's keypoints, within their outline.
    """
    meshes = _first_face(root, clip_id)
    crops: dict[int, np.ndarray] = {}
    changes = []
    for frame in read_frames(root / video_path(arm, clip_id)):
        mesh = meshes.get(frame.index)
        if mesh is None:
            continue
        square = face_square(mesh)
        lab = cv2.cvtColor(small_crop(frame.rgb, square, SIDE_PX), cv2.COLOR_RGB2LAB)
        crops[frame.index] = lab[..., 0].astype(np.float32)
        three = [crops.get(frame.index - back) for back in (2, 1, 0)]
        if all(one is not None for one in three):
            inside = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
            hull = cv2.convexHull(np.round(to_crop(mesh, square, SIDE_PX)).astype(np.int32))
            cv2.fillConvexPoly(inside, hull, 1)
            change = np.abs(three[0] - 2 * three[1] + three[2])  # type: ignore[operator]
            changes.append(float(change[inside > 0].mean()))
        crops.pop(frame.index - 2, None)
    return float(np.mean(changes)) if changes else None


def _first_face(root: Path, clip_id: str) -> Mapping[int, Points]:
    table = read_keypoints(root, "original", clip_id).drop_nulls("face_xy")
    first = table.unique("frame", keep="first", maintain_order=True)
    return dict(zip(first["frame"], stack_xy(first, "face"), strict=True)) if len(first) else {}


def variants() -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield each part of the training's name and what leaves it out."""
    from tasks.train import learning
    from tasks.train.varying import plain

    def without(name: str, value: object) -> Callable[[], None]:
        return lambda: setattr(learning, name, value)

    yield "all of it", lambda: None
    yield "eyes and mouth count as much as cheeks", without("EMPHASIS", 0.0)
    yield "no edges", without("EDGES", 0.0)
    yield "pairs as they were filmed", without("varied", lambda batch, side_px, _: plain(batch, side_px))
    yield "half the rate", without("RATE", learning.RATE / 2)


def learn(root: Path, steps: int) -> Iterator[list[str]]:
    """Yield a row of what each variant of the training comes to."""
    from tasks.train import learning
    from tasks.train.training import Training

    params, table = read_params(root), read_table(root / PAIRS_TABLE, PAIRS)
    files: dict[str, list[tuple[Path, int]]] = {}
    for row in table.filter(pl.col("pairs") >= LEAST_PAIRS).iter_rows(named=True):
        place = PAIRS_TABLE.parent / f"{row['clip_id']}.npz", row["face"]
        files.setdefault(f"{row['subject']}-{row['face']}", []).append(place)
    settings = params.train.model_copy(update={"steps": steps})
    kept = vars(learning).copy()
    for name, leave_out in variants():
        leave_out()
        training = Training(root, files, settings, params.inference)
        for _ in range(steps):
            training.learner.step(training.shown, settings.batch)
        vars(learning).update(kept)
        found = training.examine()
        yield [name, f"{found.colour:.2f}", f"{found.edges:.2f}", f"{found.mask:.4f}"]


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["learn", "look"])
    parser.add_argument("workspaces", type=Path, nargs="+")
    parser.add_argument("--steps", type=int, default=1000)
    asked = parser.parse_args(words)
    if asked.what == "learn":
        rows = list(learn(asked.workspaces[0], asked.steps))
        show_table(
            f"After {asked.steps} steps, where it was not learnt from",
            ["training", "colour", "edges", "outline"],
            rows,
        )
        return 0
    for root in asked.workspaces:
        found = figures_of(root)
        rows = [
            [
                name,
                number(sum(values) / len(values)),
                number(sum(values)) if name == "soft" else "",
                str(len(values)),
            ]
            for name, values in found.items()
        ]
        show_table(str(root), ["figure", "mean", "in all", "clips"], rows)
    return 0


if __name__ == "__main__":
    keep_to_ourselves()
    sys.exit(exit_code_of(lambda: main(sys.argv[1:])))

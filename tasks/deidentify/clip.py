"""Read one clip and its faces, write it covered."""

from pathlib import Path

import cv2
import numpy as np
import polars as pl

from schemas.coverage import COVERAGE
from schemas.params import Deidentify, Encoding, Extract
from tasks.clips import read_keypoints, video_path
from tasks.deidentify.coverage import FaceRegion, Observation, cover
from tasks.deidentify.mesh_swap import Locate
from tasks.deidentify.render import make_methods, render
from tasks.deidentify.targets import Target, make_target
from tasks.documents import write_table
from tasks.errors import ModelError, VideoError
from tasks.faces import detect_faces, face_region, locate_mesh, mesh_region
from tasks.inference import Weights, shared_weights
from tasks.keypoints import stack_boxes, stack_xy
from tasks.regions import Points, RgbImage
from tasks.video import VideoWriter, read_frames, read_info


def deidentify_clip(
    root: Path,
    clip_id: str,
    video: Path,
    coverage: Path,
    *,
    rule: Deidentify,
    encoding: Encoding,
    extract: Extract,
) -> None:
    """Write the covered video and its coverage table. Raises VideoError if a frame is missing."""
    source = root / video_path("original", clip_id)
    info = read_info(source)
    frame_count = sum(1 for _ in read_frames(source))
    regions = cover(read_observations(root, clip_id), frame_count, info.shown_size_wh, rule)
    weights = shared_weights(root)
    name = rule.mesh_swap.target
    target = weights.once(f"target {name}", lambda: load_target(weights, name, extract))
    methods = make_methods(rule, target, _locator(weights, extract))
    written = 0
    audio = source if info.has_audio else None
    with VideoWriter(video, info, encoding, audio) as writer:
        for frame in render(read_frames(source), regions, methods):
            writer.write(frame.rgb, frame.pts)
            written += 1
        if written != frame_count:
            raise VideoError(f"{clip_id} gave {written} frames instead of {frame_count}")
    write_table(to_table(regions), COVERAGE, coverage)


def read_observations(root: Path, clip_id: str) -> list[Observation]:
    """Return every face that `extract` saw in the original; a person's face is one track."""
    table = read_keypoints(root, "original", clip_id).filter(pl.col("face_box_xyxy").is_not_null())
    places = table.select("frame", "person").iter_rows()
    return [
        Observation(frame, person, box, None if np.isnan(mesh).any() else mesh)
        for (frame, person), box, mesh in zip(
            places, stack_boxes(table, "face"), stack_xy(table, "face"), strict=True
        )
    ]


def load_target(weights: Weights, name: str, extract: Extract) -> Target:
    """Read a target picture and fit the mesh to it. Raises ModelError where it shows no one face."""
    image = cv2.imread(str(weights.path(name)), cv2.IMREAD_COLOR)
    if image is None:
        raise ModelError(f"target {name} is no picture")
    rgb: RgbImage = cv2.cvtColor(image, cv2.COLOR_BGR2RGB).astype(np.uint8)
    found = detect_faces(rgb, weights, extract)
    mesh = locate_mesh(rgb, face_region(found[0]), weights, extract.landmark_score) if found else None
    # the second look starts from the mesh, as it does in a video
    settled = mesh and locate_mesh(rgb, mesh.next_region, weights, extract.landmark_score)
    if not settled:
        raise ModelError(f"target {name} shows no face that can be measured")
    return make_target(rgb, settled.xy)


def _locator(weights: Weights, extract: Extract) -> Locate:
    def locate(rgb: RgbImage, near_xy: Points) -> Points | None:
        mesh = locate_mesh(rgb, mesh_region(near_xy), weights, extract.landmark_score)
        return mesh.xy if mesh else None

    return locate


def to_table(regions: list[FaceRegion]) -> pl.DataFrame:
    """Build the coverage table."""
    return pl.DataFrame(
        {
            "frame": pl.Series([region.frame for region in regions], dtype=pl.Int32),
            "track": pl.Series([region.track for region in regions], dtype=pl.Int16),
            "source": pl.Series([region.source for region in regions], dtype=pl.String),
            "region_xyxy": pl.Series(
                [region.box_xyxy.tolist() for region in regions], dtype=pl.Array(pl.Float32, 4)
            ),
            "method": pl.Series([region.method for region in regions], dtype=pl.String),
            "flagged": pl.Series([region.flagged for region in regions], dtype=pl.Boolean),
        }
    )

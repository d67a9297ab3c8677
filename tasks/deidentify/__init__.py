"""Clip, its faces and their targets -> released clip."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from schemas.coverage import COVERAGE
from schemas.jobs import Collected, Job, Row, Span
from schemas.params import Params
from schemas.params.deidentify import ComparedMethod, Deidentify
from schemas.params.video import Encoding
from tasks.deidentify.clip import CoveredClip, Covering
from tasks.deidentify.corrections import check_corrections
from tasks.files.clips import (
    TARGETS_PATH,
    VIDEO_FOLDERS,
    corrections_path,
    cost_of,
    coverage_path,
    covered_texts_path,
    keypoints_path,
    read_admitted,
    read_cast,
    read_refusals,
    shapes_path,
    texts_path,
    video_path,
    with_file,
)
from tasks.files.documents import read_table, write_table
from tasks.files.excerpts import choose_excerpts
from tasks.files.hashing import sha256_document, sha256_file
from tasks.files.parts import finish_parts, part_path
from tasks.swap.cast import Cast
from tasks.swap.needs import model_digests
from tasks.swap.own import network_digests
from tasks.tracks.seen import seen_digest
from tasks.video import join_videos, part_spans
from tasks.vision.sessions import shared_weights

RELEASED = "released"
COMPARED: dict[str, ComparedMethod] = {"blur": "blur", "pixelate": "pixelate", "mask": "mask"}


def folder(arm: str) -> Path:
    return video_path(arm, "any").parent.parent


def plan(root: Path, params: Params, arm: str) -> list[Job[Covering]]:
    """Return a job for every clip of the arm, of a compared method for an excerpt of some."""
    rule = rule_of(params.deidentify, arm)
    check_corrections(root, read_admitted(root)["clip_id"].to_list())
    models = model_digests(shared_weights(root), rule)
    seen = with_file(root, read_admitted(root), partial(keypoints_path, "original"))
    clips = seen.filter(~pl.col("clip_id").is_in(read_refusals(root, TARGETS_PATH.parent).keys()))
    excerpts = None if arm in VIDEO_FOLDERS else choose_excerpts(root, clips, params.compare)
    return [
        Job(
            stage="deidentify",
            arm=arm,
            key=clip["clip_id"],
            inputs={"video": clip["sha256"], **_digests(root, clip, rule), **models},
            order=Covering(
                subject=clip["subject"],
                deidentify=rule,
                encoding=params.encoding,
                extract=params.extract,
                excerpt=_ends(excerpts[clip["clip_id"]]) if excerpts else None,
            ),
            clips=(clip["clip_id"],),
            cost=cost_of(clip),
            parts=_parts(root, clip, params.encoding) if arm == RELEASED else (),
        )
        for clip in clips.iter_rows(named=True)
        if excerpts is None or clip["clip_id"] in excerpts
    ]


def _parts(root: Path, clip: Mapping[str, Any], encoding: Encoding) -> tuple[Span, ...]:
    video = root / video_path("original", clip["clip_id"])
    return part_spans(video, clip["frame_count"], clip["duration_s"], encoding.part_s)


def _ends(frames: range) -> tuple[int, int]:
    return frames.start, frames.stop


def _digests(root: Path, clip: Mapping[str, Any], rule: Deidentify) -> dict[str, str]:
    """Name what is known of a clip: what was seen, who is given which face, what a person corrected."""
    clip_id, shapes = clip["clip_id"], root / shapes_path(clip["subject"])
    known = {
        "keypoints": seen_digest(root, clip_id),
        "texts": sha256_file(root / texts_path(clip_id)),
        "targets": sha256_document(read_cast(root, clip_id).rows()),
        "shapes": sha256_file(shapes),
    }
    if rule.swaps_by_own:
        known |= network_digests(root, clip["subject"])
    path = root / corrections_path(clip_id)
    return known | ({"corrections": sha256_file(path)} if path.is_file() else {})


def rule_of(rule: Deidentify, arm: str) -> Deidentify:
    """Return the arm's own rule: a compared method covers every frame by itself."""
    if arm == RELEASED:
        return rule
    names = ("method", "method_of_others", "fallback", "unresolved")
    return rule.model_copy(update=dict.fromkeys(names, COMPARED[arm]))


def process(root: Path, job: Job[Covering]) -> Row:
    """Write a clip with every frame covered, or a part of it, and what covers it: faces and lines of text."""
    rows = read_cast(root, job.key).select("track", "face", "target", "target_sha256", "share").rows()
    covered = CoveredClip(root, job.key, Cast.from_rows(rows), job.order)
    paths = [root / path for path in _paths(job)]
    if job.part is not None:
        covered.write_part(paths[0], paths[1], job.frames)
    elif job.parts:
        parts = finish_parts(root, job, process, _paths)
        join_videos([video for video, _ in parts], paths[0], covered.audio)
        write_table(pl.concat([read_table(table, COVERAGE) for _, table in parts]), COVERAGE, paths[1])
        covered.write_texts(paths[2])
    else:
        covered.write(*paths)
    return {"clip_id": job.key, "outputs": {str(path): sha256_file(root / path) for path in _paths(job)}}


def _paths(job: Job[Covering]) -> list[Path]:
    """Return where a job writes its video, what covers it, and lines of text, which no part writes."""
    if job.part is not None:
        return [part_path(folder(job.arm), job, suffix) for suffix in (".mp4", ".parquet")]
    return [path(job.arm, job.key) for path in (video_path, coverage_path, covered_texts_path)]


def collect(root: Path, params: Params, arm: str, rows: list[Row]) -> Collected:
    return Collected()

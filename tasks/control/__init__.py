"""Clip -> the same clip, re-encoded and otherwise untouched: the codec's own noise."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from schemas.jobs import Collected, Job, Row
from schemas.params import Params
from schemas.params.video import Encoding
from tasks.files.clips import cost_of, read_admitted, video_path
from tasks.files.hashing import sha256_file
from tasks.files.parts import finish_parts, part_path
from tasks.video import (
    Frame,
    VideoWriter,
    frame_times,
    join_videos,
    part_spans,
    read_frames,
    read_from,
    read_info,
)
from tasks.video.ahead import ahead


def folder(arm: str) -> Path:
    return Path("data/control")


def plan(root: Path, params: Params, arm: str) -> list[Job[Encoding]]:
    """Return a job for every admitted clip."""
    return [
        Job(
            stage="control",
            arm=arm,
            key=clip["clip_id"],
            inputs={"video": clip["sha256"]},
            order=params.encoding,
            clips=(clip["clip_id"],),
            cost=cost_of(clip),
            parts=part_spans(
                root / video_path("original", clip["clip_id"]),
                clip["frame_count"],
                clip["duration_s"],
                params.encoding.part_s,
            ),
        )
        for clip in read_admitted(root).iter_rows(named=True)
    ]


def process(root: Path, job: Job[Encoding]) -> Row:
    """Write the clip, or a part of it, through the same encoder and settings as a released one."""
    source, path = root / video_path("original", job.key), _path(job)
    audio = source if job.part is None and read_info(source).has_audio else None
    if job.parts and job.part is None:
        parts = finish_parts(root, job, process, lambda part: [_path(part)])
        join_videos([part for (part,) in parts], root / path, audio)
    else:
        with VideoWriter(root / path, read_info(source), job.order, audio) as writer:
            for frame in ahead(_frames(source, job)):
                writer.write(frame)
    return {"clip_id": job.key, "outputs": {str(path): sha256_file(root / path)}}


def _path(job: Job[Encoding]) -> Path:
    whole = video_path("control", job.key)
    return whole if job.part is None else part_path(folder(job.arm), job, whole.suffix)


def _frames(source: Path, job: Job[Encoding]) -> Iterator[Frame]:
    if job.part is None:
        return read_frames(source)
    first, end = job.frames
    return islice(read_from(source, first, frame_times(source)[first]), end - first)


def collect(root: Path, params: Params, arm: str, rows: list[Row]) -> Collected:
    return Collected()

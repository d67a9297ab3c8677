"""Clip -> the same clip, re-encoded and otherwise untouched: the codec's own noise."""

from pathlib import Path

from schemas.jobs import Collected, Job, Row
from schemas.params import Params
from schemas.params.video import Encoding
from tasks.files.clips import cost_of, read_admitted, video_path
from tasks.files.hashing import sha256_file
from tasks.video import VideoWriter, read_frames, read_info
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
        )
        for clip in read_admitted(root).iter_rows(named=True)
    ]


def process(root: Path, job: Job[Encoding]) -> Row:
    """Write the clip through the same encoder and settings as a released one."""
    source = root / video_path("original", job.key)
    path = video_path("control", job.key)
    info = read_info(source)
    audio = source if info.has_audio else None
    with VideoWriter(root / path, info, job.order, audio) as writer:
        for frame in ahead(read_frames(source)):
            writer.write(frame)
    return {"clip_id": job.key, "outputs": {str(path): sha256_file(root / path)}}


def collect(root: Path, params: Params, arm: str, rows: list[Row]) -> Collected:
    return Collected()

"""Clip -> face, body and hand keypoints; one extractor for every arm."""

from pathlib import Path

from schemas.jobs import Collected, Job, Row
from schemas.keypoints import KEYPOINTS
from schemas.params import Extract, Params
from tasks.clips import clips_of_arm, keypoints_path, video_path
from tasks.documents import write_table
from tasks.extract.clip import extract_people
from tasks.hashing import sha256_file
from tasks.inference import shared_weights
from tasks.keypoints import to_table
from tasks.video import read_frames

MODELS = (
    "face_detector",
    "centerface",
    "face_landmarks",
    "pose_detector",
    "pose_landmarks",
    "palm_detector",
    "hand_landmarks",
)


def folder(arm: str) -> Path:
    return Path("data/keypoints") / arm


def plan(root: Path, params: Params, arm: str) -> list[Job]:
    """Return a job for every clip of the arm."""
    weights = {name: shared_weights(root).digest(name) for name in MODELS}
    clips = clips_of_arm(root, arm, params.compare.clips_per_subject)["clip_id"]
    return [
        Job(
            stage="extract",
            arm=arm,
            key=clip_id,
            inputs={"video": sha256_file(root / video_path(arm, clip_id)), **weights},
            settings={"extract": params.extract},
        )
        for clip_id in clips
    ]


def process(root: Path, job: Job) -> Row:
    """Write the clip's keypoint table."""
    settings = job.settings["extract"]
    assert isinstance(settings, Extract)
    frames = read_frames(root / video_path(job.arm, job.key))
    table = to_table(extract_people(frames, shared_weights(root), settings))
    path = keypoints_path(job.arm, job.key)
    write_table(table, KEYPOINTS, root / path)
    return {"clip_id": job.key, "outputs": {str(path): sha256_file(root / path)}}


def collect(root: Path, params: Params, arm: str, rows: list[Row]) -> Collected:
    return Collected()

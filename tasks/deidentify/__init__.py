"""Clip and its faces -> released clip."""

from pathlib import Path

from schemas.jobs import Collected, Job, Row
from schemas.params import ComparedMethod, Deidentify, Encoding, Extract, Params
from tasks.clips import clips_of_arm, coverage_path, keypoints_path, video_path
from tasks.deidentify.clip import deidentify_clip
from tasks.hashing import sha256_file
from tasks.inference import shared_weights

MODELS = ("face_detector", "centerface", "face_landmarks")
COMPARED: dict[str, ComparedMethod] = {"blur": "blur", "pixelate": "pixelate", "mask": "mask"}


def folder(arm: str) -> Path:
    return video_path(arm, "any").parent.parent


def plan(root: Path, params: Params, arm: str) -> list[Job]:
    """Return a job for every clip of the arm: `released`, or a method that is compared."""
    rule = rule_of(params.deidentify, arm)
    weights = shared_weights(root)
    models = {name: weights.digest(name) for name in (*MODELS, rule.mesh_swap.target)}
    clips = clips_of_arm(root, arm, params.compare.clips_per_subject)
    return [
        Job(
            stage="deidentify",
            arm=arm,
            key=clip_id,
            inputs={
                "video": digest,
                "keypoints": sha256_file(root / keypoints_path("original", clip_id)),
                **models,
            },
            settings={"deidentify": rule, "encoding": params.encoding, "extract": params.extract},
        )
        for clip_id, digest in clips.select("clip_id", "sha256").iter_rows()
    ]


def rule_of(rule: Deidentify, arm: str) -> Deidentify:
    """Return the arm's own rule: a compared method covers every frame by itself."""
    if arm == "released":
        return rule
    return rule.model_copy(update={"method": COMPARED[arm], "fallback": COMPARED[arm]})


def process(root: Path, job: Job) -> Row:
    """Write the clip with every frame covered, and its coverage table."""
    rule, encoding, extract = (job.settings[name] for name in ("deidentify", "encoding", "extract"))
    assert isinstance(rule, Deidentify)
    assert isinstance(encoding, Encoding)
    assert isinstance(extract, Extract)
    video = video_path(job.arm, job.key)
    coverage = coverage_path(job.arm, job.key)
    paths = root / video, root / coverage
    deidentify_clip(root, job.key, *paths, rule=rule, encoding=encoding, extract=extract)
    outputs = {str(path): sha256_file(root / path) for path in (video, coverage)}
    return {"clip_id": job.key, "outputs": outputs}


def collect(root: Path, params: Params, arm: str, rows: list[Row]) -> Collected:
    return Collected()

"""Original, control and released keypoints -> evidence and verdicts."""

from pathlib import Path

from schemas.evidence import MEASURED
from schemas.jobs import Collected, Job, Row
from schemas.params import Deidentify, Params, Section, Validate
from tasks.clips import TARGETS_PATH, clips_of_arm, coverage_path, keypoints_path, read_admitted, video_path
from tasks.hashing import sha256_document, sha256_file
from tasks.inference import shared_weights
from tasks.validate.evidence import EVIDENCE, clip_keypoints, cohort_identity, write_evidence
from tasks.validate.leaks import clip_leaks

MODELS = ("dlib_recogniser", "dlib_landmarks", "mobilefacenet")
BROUGHT = ("arcface",)  # judges where it is there
COHORT = "cohort"
COMPARED = ("blur", "pixelate", "mask")


def folder(arm: str) -> Path:
    return EVIDENCE


def arms_of(root: Path, params: Params) -> dict[str, list[str]]:
    """Return clip_id -> the arms that are compared with its original."""
    sampled = clips_of_arm(root, "blur", params.compare.clips_per_subject)["clip_id"].to_list()
    return {
        clip_id: ["control", "released", *(COMPARED if clip_id in sampled else ())]
        for clip_id in read_admitted(root)["clip_id"]
    }


def plan(root: Path, params: Params, arm: str) -> list[Job]:
    """Return a job for each clip's keypoints, and one for identity over the whole cohort."""
    # rules judge what is measured: another rule needs no new measurement
    measures = params.validate_.model_copy(update={"rules": {}})
    settings: dict[str, Section] = {"validate": measures, "deidentify": params.deidentify}
    keypoints = {
        clip_id: {name: sha256_file(root / keypoints_path(name, clip_id)) for name in ("original", *arms)}
        for clip_id, arms in arms_of(root, params).items()
    }
    clips = [
        Job(
            stage="validate",
            arm=arm,
            key=clip_id,
            inputs=inputs | _videos(root, clip_id),
            settings=settings,
        )
        for clip_id, inputs in keypoints.items()
    ]
    seen = {
        f"{clip_id} {name}": sha256_file(root / video_path(name, clip_id)) + digest
        for clip_id, inputs in keypoints.items()
        for name, digest in inputs.items()
    }
    weights = shared_weights(root)
    models = {
        name: weights.digest(name) for name in (*MODELS, *BROUGHT) if weights.has(name) or name in MODELS
    }
    subjects = dict(read_admitted(root).select("clip_id", "subject").iter_rows())
    inputs = seen | models | subjects | _casts(root)
    cohort = Job(stage="validate", arm=arm, key=COHORT, inputs=inputs, settings=settings)
    return [cohort, *clips]


def _casts(root: Path) -> dict[str, str]:
    """Name what says which faces are the subjects'."""
    covers = [root / coverage_path("released", clip_id) for clip_id in read_admitted(root)["clip_id"]]
    return {"casts": sha256_document([sha256_file(path) for path in (root / TARGETS_PATH, *covers)])}


def _videos(root: Path, clip_id: str) -> dict[str, str]:
    """Name what the frames of a clip are compared with."""
    return {
        "original video": sha256_file(root / video_path("original", clip_id)),
        "released video": sha256_file(root / video_path("released", clip_id)),
        "released coverage": sha256_file(root / coverage_path("released", clip_id)),
    }


def process(root: Path, job: Job) -> Row:
    """Return a clip's invariance rows, or the cohort's identity rows."""
    settings = job.settings["validate"]
    assert isinstance(settings, Validate)
    rule = job.settings["deidentify"]
    assert isinstance(rule, Deidentify)
    if job.key != COHORT:
        arms = [name for name in job.inputs if name != "original" and " " not in name]
        tables = clip_keypoints(root, job.key, arms, settings)
        findings = clip_leaks(root, job.key, settings, rule.margin)
        return {**tables, "findings": findings, "outputs": {}}
    arms_by_clip: dict[str, list[str]] = {}
    for clip_id, _, name in (key.partition(" ") for key in job.inputs if " " in key):
        if name != "original":
            arms_by_clip.setdefault(clip_id, []).append(name)
    tables = cohort_identity(root, arms_by_clip, settings, rule.targets.chooser)
    return {**tables, "outputs": {}}


def collect(root: Path, params: Params, arm: str, rows: list[Row]) -> Collected:
    """Write the evidence tables, the verdicts and their summary."""
    measured = {name: [row for part in rows for row in part.get(name, [])] for name in (*MEASURED, "roc")}
    tables = write_evidence(root, params.validate_, measured)
    findings = measured["findings"]
    return Collected(tables=tables, notes=tuple(_tell(row) for row in findings if row["frames"]))


def _tell(finding: Row) -> str:
    says = {
        "surviving": "original pixels of a face are still there",
        "in_front": "something stayed in front of a face, with its own pixels,",
        "flagged": "a face was covered without having been located",
    }
    return f"{finding['clip_id']}: {says[finding['finding']]} in frames {finding['ranges']}"

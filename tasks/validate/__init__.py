"""Original, control and released keypoints -> evidence and verdicts."""

from functools import partial
from pathlib import Path

import polars as pl

from schemas.covering import Deidentify
from schemas.evidence import MEASURED
from schemas.jobs import Collected, Job, Row
from schemas.params import Params, Validate
from schemas.refusals import REFUSALS
from schemas.sections import Section
from tasks.clips import (
    REFUSED,
    TARGETS_PATH,
    coverage_path,
    keypoints_path,
    read_admitted,
    read_refusals,
    video_path,
    with_file,
)
from tasks.documents import build_table, write_table
from tasks.errors import DocumentError
from tasks.hashing import sha256_document, sha256_file
from tasks.inference import shared_weights
from tasks.validate.evidence import EVIDENCE, clip_keypoints, cohort_identity, write_evidence
from tasks.validate.leaks import clip_leaks
from tasks.validate.uncovered import subject_bared

MODELS = ("dlib_recogniser", "dlib_landmarks", "mobilefacenet", "centerface")
BROUGHT = ("arcface",)  # judges where it is there
COHORT = "cohort"
COMPARED = ("blur", "pixelate", "mask")
# the stages that may refuse a clip, in the order of the graph
REFUSING = (
    ("control", Path("data/control")),
    *((f"extract@{arm}", keypoints_path(arm, "").parent) for arm in ("original", "control")),
    ("targets", TARGETS_PATH.parent),
    ("deidentify", coverage_path("released", "").parent.parent),
    ("extract@released", keypoints_path("released", "").parent),
)


def folder(arm: str) -> Path:
    return EVIDENCE


def arms_of(root: Path, params: Params) -> dict[str, list[str]]:
    """Return clip_id -> the arms that are compared with its original, of every clip that was not refused."""
    return {
        clip_id: [
            *("control", "released"),
            *(arm for arm in COMPARED if (root / keypoints_path(arm, clip_id)).is_file()),
        ]
        for clip_id in standing_clips(root)["clip_id"]
    }


def standing_clips(root: Path) -> pl.DataFrame:
    """Return the clips that every stage could process."""
    clips = read_admitted(root)
    for arm in ("original", "control", "released"):
        clips = with_file(root, clips, partial(keypoints_path, arm))
    return clips


def plan(root: Path, params: Params, arm: str) -> list[Job]:
    """Return a job for each clip's keypoints, and one for identity over the whole cohort."""
    # rules judge what is measured: another rule needs no new measurement
    measures = params.validate_.model_copy(update={"rules": {}})
    settings: dict[str, Section] = {"validate": measures, "deidentify": params.deidentify}
    keypoints = {
        clip_id: {name: sha256_file(root / keypoints_path(name, clip_id)) for name in ("original", *arms)}
        for clip_id, arms in arms_of(root, params).items()
    }
    weights = shared_weights(root)
    models = {
        name: weights.digest(name) for name in (*MODELS, *BROUGHT) if weights.has(name) or name in MODELS
    }
    # they look where a correction took a cover away
    judges = {f"judge {name}": digest for name, digest in (models | _casts(root)).items()}
    clips = [
        Job(
            stage="validate",
            arm=arm,
            key=clip_id,
            inputs=inputs | _videos(root, clip_id) | judges,
            settings=settings,
            clips=(clip_id,),
        )
        for clip_id, inputs in keypoints.items()
    ]
    seen = {
        f"{clip_id} {name}": sha256_file(root / video_path(name, clip_id)) + digest
        for clip_id, inputs in keypoints.items()
        for name, digest in inputs.items()
    }
    subjects = dict(standing_clips(root).select("clip_id", "subject").iter_rows())
    inputs = seen | models | subjects | _casts(root) | {"device": weights.inference.device}
    cohort = Job(stage="validate", arm=arm, key=COHORT, inputs=inputs, settings=settings)
    return [cohort, *clips]


def _casts(root: Path) -> dict[str, str]:
    """Name what says which faces are the subjects'."""
    covers = [root / coverage_path("released", clip_id) for clip_id in standing_clips(root)["clip_id"]]
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
        bared = subject_bared(root, job.key, settings)
        findings = clip_leaks(root, job.key, settings, rule.margin, bared)
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
    refused, standing = _refusals(root), standing_clips(root)
    known = {row["clip_id"] for row in measured["invariance"]}
    refused += [
        {"clip_id": clip_id, "stage": "validate", "reason": "its figures could not be measured"}
        for clip_id in standing["clip_id"]
        if clip_id not in known
    ]
    tables = write_evidence(root, params.validate_, measured, standing.filter(pl.col("clip_id").is_in(known)))
    write_table(build_table(refused, REFUSALS), REFUSALS, root / REFUSED)
    notes = [_tell(row) for row in measured["findings"] if row["frames"]]
    notes += [f"{row['clip_id']} is refused: {row['reason']}" for row in refused]
    return Collected(tables=(*tables, str(REFUSED)), notes=tuple(notes))


def _refusals(root: Path) -> list[Row]:
    """Return why clips do not stand. Raises DocumentError where a clip is gone and no stage says why."""
    standing = set(standing_clips(root)["clip_id"])
    found = []
    for clip_id in read_admitted(root)["clip_id"]:
        if clip_id in standing:
            continue
        said = [(stage, read_refusals(root, folder).get(clip_id)) for stage, folder in REFUSING]
        stage, reason = next(((stage, reason) for stage, reason in said if reason), ("", ""))
        if not reason:
            raise DocumentError(f"{clip_id} is incomplete and no stage says why: run `guise run` again")
        found.append({"clip_id": clip_id, "stage": stage, "reason": reason})
    return found


def _tell(finding: Row) -> str:
    says = {
        "surviving": "original pixels of a face are still there",
        "uncovered": "a correction took the cover away",
        "in_front": "something stayed in front of a face, with its own pixels,",
        "doubtful": "a part of a face may still be the original's",
        "in_mouth": "an open mouth shows the patient's own inside",
        "flagged": "a face was covered without having been located",
    }
    return f"{finding['clip_id']}: {says[finding['finding']]} in frames {finding['ranges']}"

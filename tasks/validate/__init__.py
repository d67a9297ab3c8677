"""Original, control and released keypoints -> evidence and verdicts."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import polars as pl

from schemas.evidence import MEASURED
from schemas.jobs import Collected, Job, Row
from schemas.params import Params
from schemas.params.deidentify import TextRule
from schemas.params.extract import Extract
from schemas.params.sections import Section
from schemas.params.validate import Validate
from schemas.refusals import REFUSALS
from tasks.files.clips import (
    REFUSED,
    TARGETS_PATH,
    coverage_path,
    covered_texts_path,
    faces_path,
    keypoints_path,
    read_admitted,
    read_cast,
    read_refusals,
    video_path,
    with_file,
)
from tasks.files.documents import write_table
from tasks.files.errors import DocumentError
from tasks.files.hashing import sha256_document, sha256_file
from tasks.files.tables import build_table
from tasks.text.reading import MODELS as TEXT_MODELS
from tasks.validate.evidence import EVIDENCE, clip_keypoints, cohort_identity, write_evidence
from tasks.validate.identity.judges import UPRIGHT
from tasks.validate.identity.uncovered import subject_bared
from tasks.validate.pixels.leaks import clip_leaks, finding
from tasks.validate.pixels.texts import Rereading, frames_of, read_covered, text_rows
from tasks.vision.sessions import shared_weights

MODELS = (
    "dlib_recogniser",
    "dlib_landmarks",
    "mobilefacenet",
    "centerface",
    "face_detector",
    "face_landmarks",
    UPRIGHT,
    *TEXT_MODELS,
)
BROUGHT = ("arcface",)  # judges where it is there
COHORT = "cohort"
COMPARED = ("blur", "pixelate", "mask")
# the stages that may refuse a clip, in the order of the graph
REFUSING = (
    ("control", Path("data/control")),
    *((f"extract {arm}", keypoints_path(arm, "").parent) for arm in ("original", "control")),
    ("targets", TARGETS_PATH.parent),
    ("deidentify", coverage_path("released", "").parent.parent),
    ("extract released", keypoints_path("released", "").parent),
)


def folder(arm: str) -> Path:
    return EVIDENCE


def arms_of(root: Path, params: Params) -> dict[str, tuple[str, ...]]:
    """Return clip_id -> the arms that are compared with its original, of every clip that was not refused."""
    return {
        clip_id: (
            *("control", "released"),
            *(arm for arm in COMPARED if (root / keypoints_path(arm, clip_id)).is_file()),
        )
        for clip_id in standing_clips(root)["clip_id"]
    }


def standing_clips(root: Path) -> pl.DataFrame:
    """Return the clips that every stage could process."""
    clips = read_admitted(root)
    for arm in ("original", "control", "released"):
        clips = with_file(root, clips, partial(keypoints_path, arm))
    return clips


class ClipOrder(Section):
    """Which arms are compared with a clip's original, and how; margin: that a cover has around a face.

    text: what becomes of burned-in text. text_interval_s: how often it is looked for.
    """

    arms: tuple[str, ...]
    measures: Validate
    margin: float
    text: TextRule
    text_interval_s: float


class CohortOrder(Section):
    """clip_id -> the arms in which its people are searched for; chooser: who is no independent judge.

    extract: how strangers' faces are looked for.
    """

    arms: dict[str, tuple[str, ...]]
    measures: Validate
    extract: Extract
    chooser: str


Order = ClipOrder | CohortOrder


def plan(root: Path, params: Params, arm: str) -> list[Job[Order]]:
    """Return a job for each clip's keypoints, and one for identity over the whole cohort."""
    # rules judge what is measured: another rule needs no new measurement
    measures, rule = params.validate_.model_copy(update={"rules": {}}), params.deidentify
    arms = arms_of(root, params)
    keypoints = {
        clip_id: {name: sha256_file(root / keypoints_path(name, clip_id)) for name in ("original", *names)}
        for clip_id, names in arms.items()
    }
    judges = _judges(root, params.validate_.strangers)
    seen = {
        f"{clip_id} {name}": sha256_file(root / video_path(name, clip_id)) + digest
        for clip_id, digests in keypoints.items()
        for name, digest in digests.items()
    }
    subjects = dict(standing_clips(root).select("clip_id", "subject").iter_rows())
    cohort: Job[Order] = Job(
        stage="validate",
        arm=arm,
        key=COHORT,
        inputs=seen | judges | _casts(root, arms) | subjects,
        order=CohortOrder(arms=arms, measures=measures, extract=params.extract, chooser=rule.targets.chooser),
    )
    clips: list[Job[Order]] = [
        Job(
            stage="validate",
            arm=arm,
            key=clip_id,
            # the judges look where a correction took a cover away
            inputs=digests | _videos(root, clip_id) | _casts(root, [clip_id]) | judges,
            order=_order(params, arms[clip_id], measures),
            clips=(clip_id,),
        )
        for clip_id, digests in keypoints.items()
    ]
    return [cohort, *clips]


def _order(params: Params, arms: tuple[str, ...], measures: Validate) -> ClipOrder:
    rule, interval_s = params.deidentify, params.extract.text_interval_s
    return ClipOrder(
        arms=arms, measures=measures, margin=rule.margin, text=rule.text, text_interval_s=interval_s
    )


def _judges(root: Path, strangers: list[str]) -> dict[str, str]:
    """Name the recognisers, on what they run, and strangers."""
    weights = shared_weights(root)
    there = [name for name in (*MODELS, *BROUGHT) if name in MODELS or weights.has(name)] + strangers
    named = {f"judge {name}": weights.digest(name) for name in there}
    return named | {"device": weights.inference.device}


def _casts(root: Path, clip_ids: Iterable[str]) -> dict[str, str]:
    """Name what says which faces of clips are the subjects'."""
    told = [
        [clip_id, read_cast(root, clip_id).rows(), sha256_file(root / coverage_path("released", clip_id))]
        for clip_id in clip_ids
    ]
    return {"casts": sha256_document(told)}


def _videos(root: Path, clip_id: str) -> dict[str, str]:
    """Name what the frames of a clip are compared with."""
    return {
        "original video": sha256_file(root / video_path("original", clip_id)),
        "released video": sha256_file(root / video_path("released", clip_id)),
        "released coverage": sha256_file(root / coverage_path("released", clip_id)),
        "released texts": sha256_file(root / covered_texts_path("released", clip_id)),
        **{f"{arm} faces": sha256_file(root / faces_path(arm, clip_id)) for arm in ("original", "released")},
    }


def process(root: Path, job: Job[Order]) -> Row:
    """Return a clip's invariance rows, or the cohort's identity rows."""
    match job.order:
        case ClipOrder() as order:
            tables = clip_keypoints(root, job.key, order.arms, order.measures) | _look(root, job.key, order)
        case CohortOrder(arms=by_clip, measures=measures, extract=extract, chooser=chooser):
            tables = cohort_identity(root, by_clip, measures, extract, chooser)
    return {**tables, "outputs": {}}


def _look(root: Path, clip_id: str, order: ClipOrder) -> dict[str, list[Row]]:
    """Return what was found in a clip's pictures: faces, and text."""
    reading = Rereading(shared_weights(root), order.text_interval_s)
    bared = subject_bared(root, clip_id, order.measures)
    findings = clip_leaks(root, clip_id, order.measures, order.margin, bared, reread=reading.step)
    texts = text_rows(clip_id, read_covered(root, clip_id), reading.found())
    left, stays = frames_of(texts, order.text)
    findings += [finding(clip_id, "text_left", left, None), finding(clip_id, "text", stays, None)]
    return {"findings": findings, "texts": texts}


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
        "flagged": "a face was covered without having been located, may be none, or nobody was found",
        "text_left": "what may be a name, a date or a number can still be read",
        "text": "text stays that can be read",
    }
    return f"{finding['clip_id']}: {says[finding['finding']]} in frames {finding['ranges']}"

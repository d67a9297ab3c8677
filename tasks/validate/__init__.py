"""Original, control and released keypoints -> evidence and verdicts."""

from pathlib import Path

import polars as pl

from schemas.jobs import Collected, Job, Row, Span
from schemas.params import Params
from schemas.refusals import REFUSALS
from tasks.files.clips import (
    EVIDENCE,
    REFUSED,
    TARGETS_PATH,
    coverage_path,
    keypoints_path,
    read_admitted,
    read_refusals,
)
from tasks.files.documents import write_table
from tasks.files.errors import DocumentError
from tasks.files.hashing import sha256_file
from tasks.files.parts import finish_parts, part_path
from tasks.files.tables import build_table
from tasks.validate.evidence import write_evidence
from tasks.validate.identity.search import Search
from tasks.validate.identity.uncovered import subject_bared
from tasks.validate.keypoints.measuring import clip_keypoints
from tasks.validate.measured import (
    COHORT,
    TABLES,
    Tables,
    keep_measured,
    measure,
    measured_path,
    read_measured,
    write_measured,
)
from tasks.validate.pixels.leaks import clip_leaks, finding
from tasks.validate.pixels.looking import Look, join_looks, keep_look, look
from tasks.validate.pixels.texts import frames_of, read_covered, text_rows
from tasks.validate.planning import (
    BROUGHT,
    KEYPOINTS_PART,
    MODELS,
    ClipOrder,
    CohortOrder,
    Order,
    plan,
    standing_clips,
)

__all__ = ["BROUGHT", "COHORT", "MODELS", "collect", "folder", "plan", "process"]
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


def process(root: Path, job: Job[Order]) -> Row:
    """Write what was measured of a clip, or of the cohort, or one of the shares of a long clip."""
    path = measured_path(job.key)
    match job.order:
        case ClipOrder() as order if job.part is not None:
            path = _part(job)
            _do_share(root, job, order)
        case ClipOrder() as order:
            tables, seen = _shared(root, job) if job.parts else _alone(root, job.key, order)
            rows = _tell(root, job.key, order, seen)
            if order.lookout:
                rows |= Search(root, order.measures, order.lookout).clip(job.key, order.subject, order.arms)
            keep_measured(
                tables | {name: build_table(rows[name], TABLES[name]) for name in rows}, root / path
            )
        case CohortOrder(arms=by_clip, measures=measures, lookout=lookout):
            write_measured(Search(root, measures, lookout).cohort(by_clip), root / path)
    return {"outputs": {str(path): sha256_file(root / path)}}


def _alone(root: Path, clip_id: str, order: ClipOrder) -> tuple[Tables, Look]:
    return measure(clip_keypoints(root, clip_id, order.arms, order.measures)), _look(root, clip_id, order)


def _shared(root: Path, job: Job[Order]) -> tuple[Tables, Look]:
    """Return what its shares gave: keypoints, and what was seen in each part's pictures."""
    (keypoints,), *looks = finish_parts(root, job, process, lambda part: [_part(part)])
    (tables,) = read_measured([keypoints])
    return tables, join_looks(path for (path,) in looks)


def _do_share(root: Path, job: Job[Order], order: ClipOrder) -> None:
    if job.part == KEYPOINTS_PART:
        write_measured(clip_keypoints(root, job.key, order.arms, order.measures), root / _part(job))
    else:
        keep_look(_look(root, job.key, order, job.frames), root / _part(job))


def _part(job: Job[Order]) -> Path:
    return part_path(
        measured_path(job.key).parent, job, ".parquet" if job.part == KEYPOINTS_PART else ".json"
    )


def _look(root: Path, clip_id: str, order: ClipOrder, span: Span | None = None) -> Look:
    return look(root, clip_id, order.measures, order.margin, order.text_interval_s, span=span)


def _tell(root: Path, clip_id: str, order: ClipOrder, seen: Look) -> dict[str, list[Row]]:
    """Return what was found in a clip's pictures: faces, and text."""
    bared = subject_bared(root, clip_id, order.measures)
    findings = clip_leaks(root, clip_id, order.measures, order.margin, bared, compared=seen.compared)
    texts = text_rows(clip_id, read_covered(root, clip_id), seen.lines)
    left, stays = frames_of(texts, order.text)
    findings += [finding(clip_id, "text_left", left, None), finding(clip_id, "text", stays, None)]
    return {"findings": findings, "texts": texts}


def collect(root: Path, params: Params, arm: str, rows: list[Row]) -> Collected:
    """Write the evidence tables, the verdicts and their summary."""
    refused, standing = _refusals(root), standing_clips(root)
    measured = {Path(path).stem for row in rows for path in row["outputs"]}
    refused += [
        {"clip_id": clip_id, "stage": "validate", "reason": "its figures could not be measured"}
        for clip_id in standing["clip_id"]
        if clip_id not in measured
    ]
    tables, found = write_evidence(root, params.validate_, standing.filter(pl.col("clip_id").is_in(measured)))
    write_table(build_table(refused, REFUSALS), REFUSALS, root / REFUSED)
    notes = [_say(row) for row in found]
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


def _say(finding: Row) -> str:
    says = {
        "surviving": "original pixels of a face are still there",
        "uncovered": "a correction took the cover away",
        "in_front": "something stayed in front of a face, with its own pixels,",
        "painted_over": "something before a face is not shown by the release, as glasses or a tube,",
        "doubtful": "a part of a face may still be the original's",
        "in_mouth": "an open mouth shows the patient's own inside",
        "flagged": "a face was covered without having been located, may be none, or nobody was found",
        "text_left": "what may be a name, a date or a number can still be read",
        "text": "text stays that can be read",
    }
    return f"{finding['clip_id']}: {says[finding['finding']]} in frames {finding['ranges']}"

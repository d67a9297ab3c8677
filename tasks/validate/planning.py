"""What validation asks for: a job for every clip, and one for the cohort."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

import polars as pl

from schemas.jobs import Job, Span
from schemas.params import Params
from schemas.params.deidentify import TextRule
from schemas.params.sections import Section
from schemas.params.validate import Validate
from tasks.files.clips import (
    cost_of,
    coverage_path,
    covered_texts_path,
    keypoints_path,
    read_admitted,
    read_cast,
    video_path,
    with_file,
)
from tasks.files.hashing import sha256_document, sha256_file
from tasks.files.seen import seen_path
from tasks.text.reading import MODELS as TEXT_MODELS
from tasks.validate.identity.judges import UPRIGHT
from tasks.validate.identity.lookout import Lookout
from tasks.validate.identity.sampling import sample_clips
from tasks.validate.measured import COHORT
from tasks.video import part_spans
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
KEYPOINTS_PART = 0
COMPARED = ("blur", "pixelate", "mask")


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

    text: what becomes of burned-in text. text_interval_s: how often it is looked for. part_s: of a long clip
    is looked at in parts of about so many seconds. lookout: None where its people are looked for with the
    cohort's.
    """

    subject: str
    arms: tuple[str, ...]
    measures: Validate
    margin: float
    text: TextRule
    text_interval_s: float
    part_s: float
    lookout: Lookout | None = None


class CohortOrder(Section):
    """arms: clip_id -> the arms in which its people are looked for, of all clips or of a sample of many."""

    arms: dict[str, tuple[str, ...]]
    measures: Validate
    lookout: Lookout


Order = ClipOrder | CohortOrder


def plan(root: Path, params: Params, arm: str) -> list[Job[Order]]:
    """Return a job for each clip, and one for who is who in the cohort, or in what stands for a large one."""
    arms, judges = arms_of(root, params), _judges(root, params.validate_.strangers)
    standing = standing_clips(root)
    subjects = dict(standing.select("clip_id", "subject").iter_rows())
    sample = sample_clips(subjects, params.validate_.gallery_clips)
    together = Lookout(
        subjects={clip_id: subjects[clip_id] for clip_id in sample},
        extract=params.extract,
        deidentify=params.deidentify,
    )
    known = judges | _casts(root, sample) | together.subjects
    originals = {clip_id: _seen(root, clip_id, ("original",)) for clip_id in sample}
    apart = together.model_copy(update={"key": sha256_document([originals, known])})
    lookouts = dict.fromkeys(arms, apart) | dict.fromkeys(sample)
    sampled = {clip_id: arms[clip_id] for clip_id in sample}
    cohort = CohortOrder(arms=sampled, measures=_measures(params), lookout=together)
    return [
        _cohort_job(root, cohort, known),
        *(
            _clip_job(root, clip, _order(params, names, clip["subject"], lookouts[clip["clip_id"]]), judges)
            for names, clip in zip(arms.values(), standing.iter_rows(named=True), strict=True)
        ),
    ]


def _parts(root: Path, clip: Mapping[str, Any], part_s: float) -> tuple[Span, ...]:
    """Return the shares of a long clip: its keypoints as a whole, then the parts of its pictures."""
    video = root / video_path("original", clip["clip_id"])
    spans = part_spans(video, clip["frame_count"], clip["duration_s"], part_s)
    return ((0, clip["frame_count"]), *spans) if spans else ()


def _measures(params: Params) -> Validate:
    # rules judge what is measured: another rule needs no new measurement
    return params.validate_.model_copy(update={"rules": {}})


def _cohort_job(root: Path, order: CohortOrder, known: Mapping[str, str]) -> Job[Order]:
    seen = [_seen(root, clip_id, ("original", *names)) for clip_id, names in order.arms.items()]
    inputs = {name: digest for told in seen for name, digest in told.items()}
    return Job(stage="validate", arm="", key=COHORT, inputs=inputs | dict(known), order=order, cost=inf)


def _clip_job(root: Path, clip: Mapping[str, Any], order: ClipOrder, judges: Mapping[str, str]) -> Job[Order]:
    clip_id, arms = clip["clip_id"], ("original", *order.arms)
    seen = _seen(root, clip_id, arms) if order.lookout else _keypoints(root, clip_id, arms)
    # the judges look where a correction took a cover away
    inputs = seen | _videos(root, clip_id) | _casts(root, [clip_id]) | dict(judges)
    return Job(
        stage="validate",
        arm="",
        key=clip_id,
        inputs=inputs,
        order=order,
        clips=(clip_id,),
        cost=cost_of(clip),
        parts=_parts(root, clip, order.part_s),
    )


def _keypoints(root: Path, clip_id: str, arms: Sequence[str]) -> dict[str, str]:
    return {arm: sha256_file(root / keypoints_path(arm, clip_id)) for arm in arms}


def _seen(root: Path, clip_id: str, arms: Sequence[str]) -> dict[str, str]:
    """Name what the people of a clip are known by."""
    return {
        f"{clip_id} {arm}": sha256_file(root / video_path(arm, clip_id)) + digest
        for arm, digest in _keypoints(root, clip_id, arms).items()
    }


def _order(params: Params, arms: tuple[str, ...], subject: str, lookout: Lookout | None) -> ClipOrder:
    rule = params.deidentify
    return ClipOrder(
        subject=subject,
        arms=arms,
        measures=_measures(params),
        margin=rule.margin,
        text=rule.text,
        text_interval_s=params.extract.text_interval_s,
        part_s=params.extract.part_s,
        lookout=lookout,
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
        **{f"{arm} seen": sha256_file(root / seen_path(arm, clip_id)) for arm in ("original", "released")},
    }

"""Clip and its faces -> released clip; before that, which subject is given which face."""

from functools import partial
from pathlib import Path

import polars as pl

from schemas.covering import ComparedMethod, Deidentify
from schemas.jobs import Collected, Job, Row
from schemas.params import Encoding, Extract, Params
from schemas.targets import TARGETS
from tasks.clips import (
    TARGETS_PATH,
    clips_of_arm,
    corrections_path,
    cost_of,
    coverage_path,
    frames_path,
    keypoints_path,
    read_admitted,
    read_refusals,
    video_path,
    with_file,
)
from tasks.deidentify.cast import Cast
from tasks.deidentify.casting import cast_subject
from tasks.deidentify.clip import deidentify_clip
from tasks.deidentify.corrections import check_corrections
from tasks.deidentify.latents import ARCFACE, latent_digests, load_latents, store_latent
from tasks.deidentify.neural import MODEL
from tasks.deidentify.pool import donor_digests, donor_names, target_digests
from tasks.documents import build_table, read_table, write_table
from tasks.hashing import sha256_document, sha256_file
from tasks.inference import shared_weights

SEEN = partial(keypoints_path, "original")
MODELS = ("face_detector", "centerface", "face_landmarks", "iris_landmarks")
CHOOSERS = {
    "dlib": ("dlib_recogniser", "dlib_landmarks"),
    "mobilefacenet": ("mobilefacenet",),
    "arcface": ("arcface",),
}
COMPARED: dict[str, ComparedMethod] = {"blur": "blur", "pixelate": "pixelate", "mask": "mask"}
TARGETS_ARM = "targets"


def folder(arm: str) -> Path:
    return TARGETS_PATH.parent if arm == TARGETS_ARM else video_path(arm, "any").parent.parent


def models_of(rule: Deidentify) -> set[str]:
    """Return the names of the weights that the settings need, donors' pictures among them."""
    neural = (MODEL, ARCFACE) if rule.swaps_neurally else ()
    return {*MODELS, *CHOOSERS[rule.targets.chooser], *neural, *donor_names(rule)}


def plan(root: Path, params: Params, arm: str) -> list[Job]:
    """Return a job for every subject (arm `targets`), or for every clip of the arm."""
    return _plan_targets(root, params) if arm == TARGETS_ARM else _plan_clips(root, params, arm)


def _models(root: Path, rule: Deidentify, names: tuple[str, ...]) -> dict[str, str]:
    weights = shared_weights(root)
    neural = (MODEL, ARCFACE) if rule.swaps_neurally else ()
    models = {name: weights.digest(name) for name in (*names, *neural)} | donor_digests(weights, rule)
    return models | {"device": weights.inference.device}


def _seen(root: Path, clip_id: str) -> str:
    paths = keypoints_path("original", clip_id), frames_path("original", clip_id)
    return sha256_document([sha256_file(root / path) for path in paths])


def _plan_targets(root: Path, params: Params) -> list[Job]:
    rule = params.deidentify
    admitted = with_file(root, read_admitted(root), SEEN)
    models = _models(root, rule, (*MODELS, *CHOOSERS[rule.targets.chooser]))
    settled = _settled(root, rule)
    jobs = []
    for subject in admitted["subject"].unique(maintain_order=True):
        clips = admitted.filter(subject=subject).select("clip_id", "sha256").iter_rows()
        own = {clip_id: digest + _seen(root, clip_id) for clip_id, digest in clips}
        known = (
            {"settled": settled[subject]} if subject in settled else _others(root, admitted, subject, rule)
        )
        jobs.append(
            Job(
                stage="deidentify",
                arm=TARGETS_ARM,
                key=subject,
                inputs=own | models | known,
                settings={"deidentify": rule, "extract": params.extract},
                clips=tuple(own),
            )
        )
    return jobs


def _others(root: Path, admitted: pl.DataFrame, subject: str, rule: Deidentify) -> dict[str, str]:
    """Name one clip of each of a few other subjects, of all where targets are latents."""
    others = admitted.filter(pl.col("subject") != subject).unique(
        "subject", keep="first", maintain_order=True
    )
    # a latent must keep away from every subject
    count = len(others) if rule.swaps_neurally else rule.targets.others
    return {
        f"other {clip_id}": digest + _seen(root, clip_id)
        for clip_id, digest in others.head(count).select("clip_id", "sha256").rows()
    }


def _settled(root: Path, rule: Deidentify) -> dict[str, str]:
    """Return the target that each subject was given before, as long as that face is still the same."""
    if not (root / TARGETS_PATH).is_file():
        return {}
    digests = _digests(root, rule)
    given = read_table(root / TARGETS_PATH, TARGETS).filter(face=0)
    rows = given.select("subject", "target", "target_sha256").unique().iter_rows()
    return {subject: target for subject, target, digest in rows if digests.get(target) == digest}


def _digests(root: Path, rule: Deidentify) -> dict[str, str]:
    """Return the digest of every target that can be given."""
    weights = shared_weights(root)
    neural = latent_digests(weights, rule) if rule.swaps_neurally else {}
    return target_digests(weights, rule) | neural


def _plan_clips(root: Path, params: Params, arm: str) -> list[Job]:
    rule = rule_of(params.deidentify, arm)
    check_corrections(root, read_admitted(root)["clip_id"].to_list())
    models = _models(root, rule, MODELS)
    clips = clips_of_arm(root, arm, params.compare.clips_per_subject, SEEN)
    uncast = set(read_refusals(root, TARGETS_PATH.parent))
    clips = clips.filter(~pl.col("clip_id").is_in(uncast))
    return [
        Job(
            stage="deidentify",
            arm=arm,
            key=clip["clip_id"],
            inputs={
                "video": clip["sha256"],
                "keypoints": _seen(root, clip["clip_id"]),
                "targets": sha256_document(_rows_of(root, clip["clip_id"]).rows()),
                **_correction(root, clip["clip_id"]),
                **models,
            },
            settings={"deidentify": rule, "encoding": params.encoding, "extract": params.extract},
            clips=(clip["clip_id"],),
            cost=cost_of(clip),
        )
        for clip in clips.iter_rows(named=True)
    ]


def _rows_of(root: Path, clip_id: str) -> pl.DataFrame:
    return read_table(root / TARGETS_PATH, TARGETS).filter(clip_id=clip_id).sort("face", "track")


def _correction(root: Path, clip_id: str) -> dict[str, str]:
    path = root / corrections_path(clip_id)
    return {"corrections": sha256_file(path)} if path.is_file() else {}


def rule_of(rule: Deidentify, arm: str) -> Deidentify:
    """Return the arm's own rule: a compared method covers every frame by itself."""
    if arm == "released":
        return rule
    names = ("method", "method_of_others", "fallback", "unresolved")
    return rule.model_copy(update=dict.fromkeys(names, COMPARED[arm]))


def process(root: Path, job: Job) -> Row:
    """Cast a subject, or write a clip with every frame covered and its coverage table."""
    rule, extract = job.settings["deidentify"], job.settings["extract"]
    assert isinstance(rule, Deidentify)
    assert isinstance(extract, Extract)
    if job.arm == TARGETS_ARM:
        clip_ids = [name for name in job.inputs if name.startswith("clip-")]
        others = [name.removeprefix("other ") for name in job.inputs if name.startswith("other ")]
        settled = job.inputs.get("settled")
        rows = cast_subject(
            root, job.key, clip_ids, settled=settled, others=others, rule=rule, extract=extract
        )
        return {"targets": rows, "outputs": {}}
    encoding = job.settings["encoding"]
    assert isinstance(encoding, Encoding)
    cast = Cast.from_rows(_rows_of(root, job.key).select("track", "face", "target", "target_sha256").rows())
    paths = video_path(job.arm, job.key), coverage_path(job.arm, job.key)
    deidentify_clip(
        root,
        job.key,
        *(root / path for path in paths),
        cast=cast,
        rule=rule,
        encoding=encoding,
        extract=extract,
    )
    return {"clip_id": job.key, "outputs": {str(path): sha256_file(root / path) for path in paths}}


def collect(root: Path, params: Params, arm: str, rows: list[Row]) -> Collected:
    """Write the table of targets, where they were chosen."""
    if arm != TARGETS_ARM:
        return Collected()
    digests = _digests(root, params.deidentify)
    given = [row | {"target_sha256": digests[row["target"]]} for part in rows for row in part["targets"]]
    write_table(build_table(given, TARGETS), TARGETS, root / TARGETS_PATH)
    return Collected(tables=(str(TARGETS_PATH), *_store_latents(root, params, given)))


def _store_latents(root: Path, params: Params, given: list[Row]) -> list[str]:
    """Keep the latents of the targets that are given away; return where."""
    if not params.deidentify.swaps_neurally:
        return []
    latents = load_latents(shared_weights(root), params.deidentify, params.extract)
    chosen = {row["target_sha256"]: row["target"] for row in given if row["target"] in latents}
    return [str(store_latent(root, digest, latents[name])) for digest, name in sorted(chosen.items())]

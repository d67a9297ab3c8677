"""Subjects and their faces -> which target each is given."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import polars as pl

from schemas.jobs import Collected, Job, Row
from schemas.params import Params
from schemas.params.deidentify import Deidentify
from schemas.targets import TARGETS
from tasks.files.clips import SHAPES, TARGETS_PATH, keypoints_path, read_admitted, shapes_path, with_file
from tasks.files.documents import read_table, write_table
from tasks.files.hashing import sha256_file
from tasks.files.tables import build_table
from tasks.swap.kin import PREFIX, donors_in, kin_paths, kin_recipes
from tasks.swap.latents import load_latents, store_latent
from tasks.swap.needs import CHOOSERS, given_digests, model_digests
from tasks.swap.shapes import write_shapes
from tasks.targets.casting import Casting, Given, cast_subject
from tasks.targets.gathering import gather
from tasks.tracks.seen import seen_digest
from tasks.vision.sessions import shared_weights


def folder(arm: str) -> Path:
    return TARGETS_PATH.parent


def plan(root: Path, params: Params, arm: str) -> list[Job[Casting]]:
    """Return a job for every subject."""
    rule = params.deidentify
    admitted = with_file(root, read_admitted(root), partial(keypoints_path, "original"))
    models = model_digests(shared_weights(root), rule, *CHOOSERS[rule.targets.chooser])
    digests = _digests(root, admitted)
    gather(root, admitted, digests, rule)
    settled, kin = _settled(root, rule), kin_recipes(root, rule.targets.k)
    by_subject = admitted.group_by("subject", maintain_order=True).agg("clip_id").rows()
    firsts = [clips[0] for _, clips in by_subject]
    jobs = []
    for place, (subject, clips) in enumerate(by_subject):
        own = {clip_id: digests[clip_id] for clip_id in clips}
        given = settled.get(subject)
        others = {} if given else {one: digests[one] for one in _others(firsts, place, rule)}
        if given and given.is_measured:
            own["shapes"] = sha256_file(root / shapes_path(subject))
        order = Casting(
            subject=subject, clips=tuple(clips), others=tuple(others), settled=given,
            kin=tuple(sorted(name for name, recipe in kin.items() if subject not in recipe.texture)),
            deidentify=rule, extract=params.extract,
        )  # fmt: skip
        jobs.append(
            Job(
                stage="targets", arm=arm, key=subject, inputs=own | others | models, order=order,
                clips=order.clips,
            )
        )  # fmt: skip
    return jobs


def _digests(root: Path, clips: pl.DataFrame) -> dict[str, str]:
    """Return clip_id -> the digest of the clip and of what was seen of it."""
    rows = clips.select("clip_id", "sha256").iter_rows()
    return {clip_id: digest + seen_digest(root, clip_id) for clip_id, digest in rows}


def _others(firsts: list[str], place: int, rule: Deidentify) -> list[str]:
    """Return one clip of each of a few other subjects, of all where targets are latents.

    firsts: the first clip of every subject. place: the subject's own.
    """
    # a latent must keep away from every subject
    count = len(firsts) if rule.swaps_neurally else rule.targets.others
    near = firsts[: count + 1]
    return [clip_id for number, clip_id in enumerate(near) if number != place][:count]


def _settled(root: Path, rule: Deidentify) -> dict[str, Given]:
    """Return what each subject was given before, as long as that face is still the same."""
    if not (root / TARGETS_PATH).is_file():
        return {}
    digests, shares = given_digests(shared_weights(root), rule, root), rule.mesh_swap.shares
    rows = _given_before(root, shares[len(shares) // 2]).unique().iter_rows()
    return {
        subject: Given(target=target, share=share, is_measured=(root / shapes_path(subject)).is_file())
        for subject, target, digest, share in rows
        if digests.get(target) == digest
    }


def _given_before(root: Path, share: float) -> pl.DataFrame:
    """Return subject, target, digest and share; in a workspace of before nobody was given a shape yet."""
    if not (root / SHAPES).is_dir():
        former = pl.read_parquet(root / TARGETS_PATH).filter(face=0)
        return former.select("subject", "target", "target_sha256", share=pl.lit(share))
    given = read_table(root / TARGETS_PATH, TARGETS).filter(face=0)
    return given.select("subject", "target", "target_sha256", "share")


def process(root: Path, job: Job[Casting]) -> Row:
    """Return who is given which face in a subject's clips, and keep how their own are shaped."""
    cast, path = cast_subject(root, job.order, job.inputs), shapes_path(job.key)
    write_shapes(root, job.key, cast.shapes)
    outputs = {str(path): sha256_file(root / path)}
    return {"targets": [{"subject": job.key, **row} for row in cast.rows], "outputs": outputs}


def collect(root: Path, params: Params, arm: str, rows: list[Row]) -> Collected:
    """Write the table of targets."""
    digests = given_digests(shared_weights(root), params.deidentify, root)
    given = [row | {"target_sha256": digests[row["target"]]} for part in rows for row in part["targets"]]
    write_table(build_table(given, TARGETS), TARGETS, root / TARGETS_PATH)
    tables = [str(TARGETS_PATH), *map(str, kin_paths(root)), *_store_latents(root, params, given)]
    return Collected(tables=tuple(tables), notes=tuple(_tell(root, params.deidentify, given)))


def _tell(root: Path, rule: Deidentify, given: list[Row]) -> Iterator[str]:
    """Say how many agreed that a face is mixed of theirs, and who gets such a one."""
    k, agreed = rule.targets.k, len(donors_in(root))
    if k and agreed < k:
        yield f"{agreed} people agreed to be mixed and are alone in their clip, {k} are needed: nobody is"
    elif k:
        subjects = {row["subject"] for row in given if row["target"].startswith(PREFIX)}
        yield f"faces are mixed of {agreed} people who agreed; {len(subjects)} subjects get such a one"


def _store_latents(root: Path, params: Params, given: list[Row]) -> list[str]:
    """Keep the latents of the targets that are given away; return where."""
    if not params.deidentify.swaps_neurally:
        return []
    latents = load_latents(shared_weights(root), params.deidentify, params.extract)
    chosen = {row["target_sha256"]: row["target"] for row in given if row["target"] in latents}
    return [str(store_latent(root, digest, latents[name])) for digest, name in sorted(chosen.items())]

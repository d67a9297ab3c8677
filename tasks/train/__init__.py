"""Faces as the mesh swap draws them -> a network that draws them; nothing where no method asks for it."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import polars as pl

from schemas.jobs import AnyJob, Collected, Job, Row, Span
from schemas.params import Params
from schemas.params.inference import Inference
from schemas.params.sections import Section
from schemas.params.train import Train
from schemas.registry import RegisteredModel
from schemas.training import CURVE, PAIRS, Networks
from tasks.files.clips import TARGETS_PATH, cost_of, read_admitted, read_cast, read_refusals, shapes_path
from tasks.files.documents import read_table, write_json, write_table
from tasks.files.errors import InputError
from tasks.files.hashing import sha256_bytes, sha256_document, sha256_file
from tasks.files.parts import part_path
from tasks.files.tables import build_table
from tasks.files.whole import write_bytes
from tasks.swap.needs import model_digests
from tasks.swap.own import NETWORKS_PATH, STATE, SUFFIX, network_name
from tasks.tracks.seen import seen_digest
from tasks.train.pairs import Pairing, write_pairs
from tasks.vision.sessions import shared_weights

PAIRS_ARM, NETWORKS_ARM = "pairs", "networks"
LEAST_PAIRS = 16  # of whom there are fewer no face is learnt
PAIRS_TABLE, CURVE_TABLE = Path("data/train/pairs/pairs.parquet"), NETWORKS_PATH.with_name("curve.parquet")


class Learning(Section):
    """What is learnt: name of a face -> the clips that show it, and which of their faces it is."""

    faces: dict[str, tuple[tuple[str, int], ...]]
    train: Train
    inference: Inference


def folder(arm: str) -> Path:
    return PAIRS_TABLE.parent if arm == PAIRS_ARM else NETWORKS_PATH.parent


def plan(root: Path, params: Params, arm: str) -> list[AnyJob]:
    """Return a job for every clip, and one for the network; none where no method asks for it."""
    if not params.deidentify.swaps_by_own:
        return []
    require_torch()
    return [*_plan_pairs(root, params)] if arm == PAIRS_ARM else _plan_network(root, params)


def require_torch() -> None:
    """Raise InputError where the library that trains is not installed."""
    if importlib.util.find_spec("torch") is None:
        raise InputError(
            "deidentify.method is own_swap, whose training needs PyTorch: "
            "run `make train` where Guise is installed"
        )


def _plan_pairs(root: Path, params: Params) -> list[Job[Pairing]]:
    weights, rule = shared_weights(root), params.deidentify
    clips = read_admitted(root).filter(
        ~pl.col("clip_id").is_in(read_refusals(root, TARGETS_PATH.parent).keys())
    )
    # what concerns the network alone draws no pair anew
    settings = Train(side_px=params.train.side_px, faces=params.train.faces)
    return [
        Job(
            stage="train",
            arm=PAIRS_ARM,
            key=clip["clip_id"],
            inputs={
                "video": clip["sha256"],
                "seen": seen_digest(root, clip["clip_id"]),
                "targets": sha256_document(read_cast(root, clip["clip_id"]).rows()),
                "shapes": sha256_file(root / shapes_path(clip["subject"])),
            }
            | model_digests(weights, rule),
            order=Pairing(subject=clip["subject"], deidentify=rule, extract=params.extract, train=settings),
            clips=(clip["clip_id"],),
            cost=cost_of(clip),
        )
        for clip in clips.iter_rows(named=True)
        if read_cast(root, clip["clip_id"]).height
    ]


def _plan_network(root: Path, params: Params) -> list[Job[Learning]]:
    """Return the job of learning everybody's face; none where there is nothing to learn from."""
    drawn = read_table(root / PAIRS_TABLE, PAIRS)
    faces = {
        network_name(subject, face): tuple((clip_id, face) for clip_id in clips)
        for subject, face, clips, count in drawn.group_by("subject", "face", maintain_order=True)
        .agg("clip_id", pl.col("pairs").sum())
        .iter_rows()
        if count >= LEAST_PAIRS
    }
    used = sorted({clip_id for clips in faces.values() for clip_id, _ in clips})
    order = Learning(faces=faces, train=params.train, inference=params.inference)
    job = Job(
        stage="train",
        arm=NETWORKS_ARM,
        key="network",
        inputs={clip_id: sha256_file(root / _pairs_path(clip_id)) for clip_id in used},
        order=order,
        parts=_parts(params.train),
        in_turn=True,
    )
    return [job] if faces else []


def _parts(settings: Train) -> tuple[Span, ...]:
    starts = range(0, settings.steps, settings.part_steps)
    return tuple((start, min(start + settings.part_steps, settings.steps)) for start in starts)


def _pairs_path(clip_id: str) -> Path:
    return PAIRS_TABLE.parent / f"{clip_id}.npz"


def process(root: Path, job: AnyJob) -> Row:
    """Draw a clip's pairs, or learn from all of them: a part of the steps, or what is left of them."""
    if job.arm == NETWORKS_ARM:
        return _learn(root, job)
    path = _pairs_path(job.key)
    counts = write_pairs(root, job.key, job.order, root / path)
    rows = [
        {"clip_id": job.key, "subject": job.order.subject, "face": face, "pairs": count}
        for face, count in counts.items()
    ]
    return {"pairs": rows, "outputs": {str(path): sha256_file(root / path)}}


def _learn(root: Path, job: Job[Learning]) -> Row:
    from tasks.train.training import Training, training_digest

    order = job.order
    files = {
        name: [(_pairs_path(clip_id), face) for clip_id, face in clips] for name, clips in order.faces.items()
    }
    training, digest = (
        Training(root, files, order.train, order.inference),
        training_digest(job.inputs, order.train, order.inference),
    )
    last = len(job.parts) - 1 if job.part is None else job.part
    paths = [part_path(folder(job.arm), replace(job, part=number), STATE) for number in range(last + 1)]
    # from the newest state that is one of this training's
    done = next((at + 1 for at in reversed(range(last + 1)) if training.restore(root / paths[at], digest)), 0)
    for number in range(done, last + 1):
        training.learn(job.parts[number], root / paths[number], digest)
    if job.part is not None:
        return {"outputs": {str(paths[last]): sha256_file(root / paths[last])}}
    graphs = {name: training.graph(at) for at, name in enumerate(training.names)}
    outputs = {str(_network_path(name)): graph for name, graph in graphs.items()}
    for path, graph in outputs.items():
        write_bytes(graph, root / path)
    return {
        "curve": training.curve,
        "outputs": {path: sha256_bytes(graph) for path, graph in outputs.items()},
    }


def _network_path(name: str) -> Path:
    return NETWORKS_PATH.parent / f"{name}{SUFFIX}"


def collect(root: Path, params: Params, arm: str, rows: list[Row]) -> Collected:
    """Write which faces were drawn, or which networks there are and how they learnt."""
    if arm == PAIRS_ARM:
        drawn = build_table([row for part in rows for row in part["pairs"]], PAIRS)
        write_table(drawn, PAIRS, root / PAIRS_TABLE)
        return Collected(tables=(str(PAIRS_TABLE),))
    made = {Path(path).stem: digest for row in rows for path, digest in row["outputs"].items()}
    networks = {name: _registered(name, digest) for name, digest in made.items()}
    write_json(Networks(networks=networks).model_dump(mode="json"), root / NETWORKS_PATH)
    curve = build_table([point for row in rows for point in row["curve"]], CURVE)
    write_table(curve, CURVE, root / CURVE_TABLE)
    return Collected(tables=(str(NETWORKS_PATH), str(CURVE_TABLE)), notes=_tell(params, curve, made))


def _registered(name: str, digest: str) -> RegisteredModel:
    return RegisteredModel(
        path=str(_network_path(name)), sha256=digest, source="trained in this workspace",
        licence="the workspace's own data: never published", licence_class="workspace",
        purpose="draw another face (own_swap)",
    )  # fmt: skip


def _tell(params: Params, curve: pl.DataFrame, made: dict[str, str]) -> tuple[str, ...]:
    if not params.deidentify.swaps_by_own:
        return ()
    if not made:
        return ("no face was seen well enough to learn from: own_swap draws nobody",)
    return (
        f"{len(made)} faces were learnt in {curve['steps'][-1]} steps; where they were not learnt from they "
        f"are drawn {curve['colour_error'][-1]:.1f} of 255 off",
    )

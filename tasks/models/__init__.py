"""Weights and target pictures: fetch, verify, record."""

from pathlib import Path

from schemas.jobs import Collected, Job, Row
from schemas.params import Params
from schemas.params.inference import ModelSource
from schemas.registry import RegisteredModel, Registry
from tasks.files.cache import place
from tasks.files.documents import write_json
from tasks.files.hashing import sha256_file
from tasks.models.fetch import fetch_member
from tasks.vision.sessions import REGISTRY_PATH


def folder(arm: str) -> Path:
    return Path("data/models")


def plan(root: Path, params: Params, arm: str) -> list[Job[ModelSource]]:
    """Return a job for every row of the models table."""
    return [
        Job(
            stage="models",
            arm=arm,
            key=name,
            inputs={"model": source.sha256},
            order=source,
        )
        for name, source in params.models.items()
    ]


def process(root: Path, job: Job[ModelSource]) -> Row:
    """Place one verified file in the workspace. Raises ModelError where its SHA-256 differs."""
    source = job.order
    path = _path(job.key, source)
    place(fetch_member(source.source, source.member, source.sha256), root / path)
    return {"model": job.key, "outputs": {str(path): sha256_file(root / path)}}


def collect(root: Path, params: Params, arm: str, rows: list[Row]) -> Collected:
    """Record what was verified, with its licence."""
    models = {
        name: RegisteredModel(path=str(_path(name, source)), **source.model_dump(exclude={"member"}))
        for name, source in params.models.items()
    }
    write_json(
        Registry(models=models, inference=params.inference).model_dump(mode="json"), root / REGISTRY_PATH
    )
    return Collected(tables=(str(REGISTRY_PATH),))


def _path(name: str, source: ModelSource) -> Path:
    return Path("data/models") / f"{name}{Path(source.member).suffix}"

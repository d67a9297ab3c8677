"""What every stage package offers, and how it is found by name."""

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from schemas.jobs import AnyJob, Collected, Row
from schemas.keypoints import ARMS
from schemas.params import Params
from tasks.files.errors import StageError

STAGES = ("models", "ingest", "control", "extract", "targets", "train", "deidentify", "validate")

# of the stages that have any; a stage deletes what it did not write in its arm's folder
ARMS_OF = {
    "extract": ARMS,
    "train": ("pairs", "networks"),
    "deidentify": tuple(arm for arm in ARMS if arm not in ("original", "control")),
}

# several arms whose jobs are done side by side
TOGETHER = {"compared": ("blur", "pixelate", "mask")}


class Stage(Protocol):
    """What every stage package offers; paths are relative to the workspace."""

    def folder(self, arm: str) -> Path: ...
    def plan(self, root: Path, params: Params, arm: str) -> list[AnyJob]: ...
    def process(self, root: Path, job: AnyJob) -> Row: ...
    def collect(self, root: Path, params: Params, arm: str, rows: list[Row]) -> Collected: ...


def load_stage(name: str) -> Stage:
    """Import a stage package by name. Raises StageError for an unknown one."""
    if name not in STAGES:
        raise StageError(f"there is no stage {name}: choose one of {', '.join(STAGES)}")
    return cast(Stage, import_module(f"tasks.{name}"))


def arms_of(name: str, arm: str) -> tuple[str, ...]:
    """Return the arm, or those that its name stands for. Raises StageError where a stage has none of them."""
    known, arms = ARMS_OF.get(name, ("",)), TOGETHER.get(arm, (arm,))
    if not {*arms} <= {*known}:
        there = [*known, *(group for group, ones in TOGETHER.items() if {*ones} <= {*known})]
        told = ", ".join(":".join(filter(None, (name, one))) for one in there)
        raise StageError(f"there is no stage {':'.join(filter(None, (name, arm)))}: write {told}")
    return arms

"""The work of one stage on one clip, as it travels to a worker and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

# what a job returns: JSON only, and "outputs": {path in the workspace: SHA-256}
Row = dict[str, Any]
Order = TypeVar("Order", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class Job(Generic[Order]):
    """inputs: name -> SHA-256 of everything that is read; equal jobs give equal outputs.

    order: what is asked for, settings included. private: what only the private side may know, such as a file
    name; never part of a key or log. clips: whom a failure of this job refuses; with none it stops the stage.
    cost: the longest goes first.
    """

    stage: str
    arm: str
    key: str
    inputs: Mapping[str, str]
    order: Order
    private: Mapping[str, str] = field(default_factory=dict, repr=False)
    clips: tuple[str, ...] = ()
    cost: float = 0.0


AnyJob = Job[Any]


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What a stage wrote beside its jobs' outputs, and what a person should read of it."""

    tables: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

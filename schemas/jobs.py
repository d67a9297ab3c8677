"""The work of one stage on one clip, as it travels to a worker and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Self, TypeVar

from pydantic import BaseModel

# what a job returns: JSON only, and "outputs": {path in the workspace: SHA-256}
Row = dict[str, Any]
# of a clip's frames: the first, and the one after the last
Span = tuple[int, int]
Order = TypeVar("Order", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class Job(Generic[Order]):
    """inputs: name -> SHA-256 of everything that is read; equal jobs give equal outputs.

    order: what is asked for, settings included. private: what only the private side may know, such as a file
    name; never part of a key or log. clips: whom a failure of this job refuses; with none it stops the stage.
    cost: the longest goes first. parts: the stretches of a long clip that workers share; none where it is
    done whole. in_turn: whether each rests on the one before. part: which of them this job does; None: it
    joins them. made: path -> SHA-256 of the parts that were done ahead; what is missing is done by who joins.
    """

    stage: str
    arm: str
    key: str
    inputs: Mapping[str, str]
    order: Order
    private: Mapping[str, str] = field(default_factory=dict, repr=False)
    clips: tuple[str, ...] = ()
    cost: float = 0.0
    parts: tuple[Span, ...] = ()
    in_turn: bool = False
    part: int | None = None
    made: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """What a person is told of it."""
        return self.key if self.part is None else f"{self.key}, part {self.part + 1} of {len(self.parts)}"

    @property
    def frames(self) -> Span:
        """The frames of the part that this job does."""
        assert self.part is not None
        return self.parts[self.part]

    def each_part(self) -> list[Self]:
        """Return the jobs of its parts."""
        share = self.cost / max(1, len(self.parts))
        return [replace(self, part=number, cost=share) for number in range(len(self.parts))]


AnyJob = Job[Any]


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What a stage wrote beside its jobs' outputs, and what a person should read of it."""

    tables: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

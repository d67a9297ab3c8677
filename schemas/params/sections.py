"""What every section of `params.yaml` is made of."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr

Fraction01 = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
# a document has lists only
AsTuple = BeforeValidator(lambda given: tuple(given) if isinstance(given, list) else given)
Seconds = Annotated[float, Field(gt=0, le=60)]
PartSeconds = Annotated[float, Field(ge=1, le=86400)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


NOMINAL_RATE = 30.0  # frames a second; in which workspaces of before counted
RATES = (1.0, 480.0)
# measured on clips of 24 to 30 frames a second: between these rates the settings mean the same frames
MEASURED_RATES = (20.0, 40.0)


class Timed(Section):
    """A section whose seconds are so many frames of the clip at hand."""

    _frame_rate: float = PrivateAttr(NOMINAL_RATE)

    def at(self, frame_rate: float) -> Self:
        """Return the section for a clip of so many frames a second."""
        made = self.model_copy()
        is_usual = MEASURED_RATES[0] <= frame_rate <= MEASURED_RATES[1]
        made._frame_rate = NOMINAL_RATE if is_usual else min(max(frame_rate, RATES[0]), RATES[1])
        return made

    def frames(self, seconds: float, least: int = 1) -> int:
        """Return the nearest number of frames; of a slow clip no fewer than the least."""
        asked = math.floor(seconds * NOMINAL_RATE + 0.5)
        return max(min(least, asked), math.floor(seconds * self._frame_rate + 0.5))


def in_seconds(given: Any, names: tuple[str, ...]) -> Any:
    """Return what a workspace of before gives in frames, in seconds of NAME_s.

    Raises ValueError for what is given both ways, or is no number of frames.
    """
    if not isinstance(given, Mapping):
        return given  # which is wrong, and told as such
    made = dict(given)
    for name in names:
        if name not in made:
            continue
        frames = made.pop(name)
        if f"{name}_s" in made:
            raise ValueError(f"names both {name} and {name}_s: keep {name}_s, which is in seconds")
        if type(frames) is not int or frames < 0:
            raise ValueError(f"{name} is a number of frames: write {name}_s, in seconds")
        made[f"{name}_s"] = frames / NOMINAL_RATE
    return made

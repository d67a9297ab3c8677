"""What looks from close by make of a face (pure)."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

Belief = Literal["confirmed", "possible", "rejected"]
# scores of a look: good twice, or clear once, is a face; below POOR in all of them there is none
GOOD, CLEAR, POOR = 0.55, 0.75, 0.2


class Opinion(NamedTuple):
    belief: Belief
    reason: str


# (track, scene) -> what to believe of it
Beliefs = dict[tuple[int, int], Opinion]


def believe(looks: Sequence[float]) -> Opinion:
    """Say what looks from close by make of a face. Without any it is one: nobody said no."""
    if not looks:
        return Opinion("confirmed", "not looked at again")
    good, best = sum(one >= GOOD for one in looks), max(looks)
    reason = f"found again from close by in {good} of {len(looks)} looks, at best {best:.2f}"
    if good >= 2 or best >= CLEAR:
        return Opinion("confirmed", reason)
    return Opinion("possible" if best >= POOR else "rejected", reason)

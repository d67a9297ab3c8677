"""The section of `params.yaml` that says how a workspace trains a swap of its own."""

from typing import Literal

from schemas.params.sections import Count, Section


class Train(Section):
    """A network that draws faces, trained where `deidentify.method` or `method_of_others` is own_swap.

    side_px: of the aligned face that it sees and draws. faces: of everybody in a clip, how many are drawn by
    the mesh swap to learn from. steps, batch: how long it learns, and from how many faces at a time.
    part_steps: after so many it can go on where it was killed. threads: of the processor, on which the bytes
    of the weights depend.
    """

    side_px: Literal[32, 64, 96, 128] = 96
    faces: Count = 160
    steps: Count = 12000
    batch: Count = 16
    part_steps: Count = 250
    threads: Count = 2

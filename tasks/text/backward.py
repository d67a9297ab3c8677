"""Follow a line back in time through small pictures by what it looks like (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tasks.text.lines import around
from tasks.text.seeing import GreyImage, find_again, seen_part
from tasks.text.standing import MOVED
from tasks.vision.regions import Box

# one looks so far around where a line should be; least correlation with one that is there in part at least,
# as behind a hand
BACK_PX, ALIKE = 8, 0.4


@dataclass(frozen=True)
class Past:
    """The small picture of the last of some frames."""

    first_frame: int
    last_frame: int
    grey: GreyImage


Stay = tuple[int, int, Box]  # first and last frame, where


def way_back(
    box: Box, looks: GreyImage, past: Iterable[Past], *, since: int, until: int, may_be_late: bool
) -> tuple[list[Stay], int | None]:
    """Return where a line was from one frame until another: where it is followed, then where it was last.

    past: the latest first. may_be_late: it was not there before the first picture with anything like it, nor
    were its letters. Returns, too, since when it or a part of it surely was there.
    """
    stays: list[Stay] = []
    step, came, shown = np.zeros(4, np.float32), until + 1 if may_be_late else since, box
    is_sure = may_be_late
    for picture in past:
        if find_again(picture.grey, looks, box + step, BACK_PX, ALIKE) is None:
            continue
        came = min(came, picture.first_frame)
        moved = find_again(picture.grey, looks, box + step, BACK_PX, MOVED)
        if moved is not None and float(np.abs(moved - box).max()) >= 1:
            stays.append((picture.last_frame + 1, until, around(shown, moved)))
            until, box, step, shown = picture.last_frame, moved, moved - box, moved
        part = seen_part(picture.grey, looks, box) if may_be_late else box
        is_sure = is_sure and part is not None
        now = box if part is None else part
        if (now != shown).any():
            stays.append((picture.last_frame + 1, until, shown))
            until, shown = picture.last_frame, now
    return [*stays, (came, until, shown)], came if is_sure else None

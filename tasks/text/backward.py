"""Follow a line back in time through small pictures by what it looks like (pure)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce

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
    seen = list(_followed(box, looks, past))
    parts = [seen_part(one.grey, looks, place) if may_be_late else place for one, place in seen]
    came = min([since] * (not may_be_late) + [one.first_frame for one, _ in seen], default=until + 1)
    before = shown = box
    for number, (picture, place) in enumerate(seen):
        if (place != before).any():
            stays.append((picture.last_frame + 1, until, around(shown, place)))
            until, before, shown = picture.last_frame, place, place
        now = _lasting(place, parts[number : number + 2]) if may_be_late else place
        if (now != shown).any():
            stays.append((picture.last_frame + 1, until, shown))
            until, shown = picture.last_frame, now
    is_sure = may_be_late and all(part is not None for part in parts)
    return [*stays, (came, until, shown)], came if is_sure else None


def _followed(box: Box, looks: GreyImage, past: Iterable[Past]) -> Iterator[tuple[Past, Box]]:
    """Yield the pictures with anything like a line, and where it is there."""
    step = np.zeros(4, np.float32)
    for picture in past:
        if find_again(picture.grey, looks, box + step, BACK_PX, ALIKE) is None:
            continue
        moved = find_again(picture.grey, looks, box + step, BACK_PX, MOVED)
        if moved is not None and float(np.abs(moved - box).max()) >= 1:
            box, step = moved, moved - box
        yield picture, box


def _lasting(place: Box, parts: list[Box | None]) -> Box:
    """Return what of a line is there in a picture or in the one before: no letter is gone for a moment."""
    known = [part for part in parts if part is not None]
    return reduce(around, known) if len(known) == len(parts) else place

"""Lines of text in a clip: for a person to see, and to say otherwise with one line of corrections."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from flows.review.doubts import correction, film_of
from schemas.texts import COVERED_TEXTS
from tasks.files.clips import covered_texts_path
from tasks.files.documents import read_table


@dataclass(frozen=True)
class Text:
    """A line of text in frames, what it may be, whether it is covered, and what would say otherwise."""

    first: int
    last: int
    kind: str
    covered: bool
    line: str


def read_texts(root: Path, clip_id: str) -> Iterator[Text]:
    """Yield every line of text that was found in a clip, in the order of frames, never its words."""
    table = read_table(root / covered_texts_path("released", clip_id), COVERED_TEXTS)
    if table.is_empty():
        return
    film = film_of(root, clip_id)
    for (_, covered), runs in table.group_by("line", "covered", maintain_order=True):
        boxes = runs["box_xyxy"].to_numpy()
        around = [*np.floor(boxes[:, :2].min(axis=0)), *np.ceil(boxes[:, 2:].max(axis=0))]
        first, last = runs["first_frame"].min(), runs["last_frame"].max()
        line = correction(film, first, last, around, "remove," if covered else "add,mask")
        yield Text(int(str(first)), int(str(last)), str(runs["kind"][0]), bool(covered), line)


def left_in(texts: pl.DataFrame) -> list[int]:
    """Return the frames of a release in which something was read that nobody knows of."""
    return texts.filter(arm="released")["first_frame"].unique().sort().to_list()

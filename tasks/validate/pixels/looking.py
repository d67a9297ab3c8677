"""What was seen in a clip's pictures, whole or part by part, before anything is said of it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from schemas.jobs import Span
from schemas.params.validate import Validate
from tasks.files.documents import write_json
from tasks.files.seen import frames_of
from tasks.text.lines import Line
from tasks.validate.pixels.comparing import Compared, compare_frames
from tasks.validate.pixels.texts import Rereading
from tasks.vision.sessions import shared_weights


@dataclass(frozen=True)
class Look:
    """What is left of faces, and frame -> lines of text that can be read."""

    compared: Compared = field(default_factory=Compared)
    lines: dict[int, list[Line]] = field(default_factory=dict)


def look(
    root: Path,
    clip_id: str,
    settings: Validate,
    margin: float,
    text_interval_s: float,
    *,
    span: Span | None = None,
) -> Look:
    """Look at every frame of a release beside its original's, or at those of a part. Raises VideoError."""
    reading = Rereading(shared_weights(root), text_interval_s, _begin_s(root, clip_id, span))
    compared = compare_frames(root, clip_id, settings, margin, reread=reading.step, span=span)
    return Look(compared, reading.found())


def _begin_s(root: Path, clip_id: str, span: Span | None) -> float:
    if span is None:
        return 0.0
    return float(frames_of(root, "original", clip_id)["timestamp_s"][span[0]])


def keep_look(seen: Look, path: Path) -> None:
    """Write what was seen of a part."""
    lines = {
        frame: [[line.box_xyxy.tolist(), line.kind] for line in found] for frame, found in seen.lines.items()
    }
    write_json({"sure": seen.compared.sure, "unsure": seen.compared.unsure, "lines": lines}, path)


def join_looks(paths: Iterable[Path]) -> Look:
    """Return what was seen in all parts, which share no frame."""
    whole = Look()
    for path in paths:
        told = json.loads(path.read_text())
        for name, shares in (("sure", whole.compared.sure), ("unsure", whole.compared.unsure)):
            shares |= {int(frame): found for frame, found in told[name].items()}
        for frame, found in told["lines"].items():
            whole.lines[int(frame)] = [Line(np.array(box, np.float32), kind) for box, kind in found]
    return whole

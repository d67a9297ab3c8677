"""What a person says of covered regions holds over what was seen (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from schemas.params.deidentify import SWAPS, Drawn, Method
from tasks.deidentify.face_regions import HEADS, Clip, FaceRegion
from tasks.files.errors import InputError
from tasks.vision.regions import Box

Action = Literal["add", "remove", "method"]
# corrections are numbered downwards from here; one speaks of a region that lies so far inside its box
CORRECTED = -2
MEANT = 0.8


class CorrectionError(InputError):
    """A line of corrections would uncover a face, or speaks of nothing."""


@dataclass(frozen=True)
class Correction:
    """What a person says of a box, or of a track, in some frames: cover it, do not, or cover it otherwise.

    box_xyxy: in the first frame; None where a track is named. to_xyxy: in the last one, straight between;
    None where it stays. uncovers: a `remove` is meant although a face, or the subject, is known there.
    row: its place in the file, as a spreadsheet counts.
    """

    frames: range
    box_xyxy: Box | None
    action: Action
    method: Method | None = None
    uncovers: bool = False
    to_xyxy: Box | None = None
    track: int | None = None
    row: int = 0

    def box_in(self, frame: int) -> Box:
        """Return where the box is in one of the frames."""
        assert self.box_xyxy is not None
        if self.to_xyxy is None or len(self.frames) < 2:
            return self.box_xyxy
        share = (frame - self.frames[0]) / (len(self.frames) - 1)
        return np.asarray(self.box_xyxy * (1 - share) + self.to_xyxy * share, np.float32)


def correct(
    regions: list[FaceRegion], corrections: Sequence[Correction], *, add: bool = True
) -> list[FaceRegion]:
    """Apply what a person said, line by line: later lines hold over earlier ones.

    What is removed stays as a region that is not drawn, so that the table tells who decided so.
    """
    for number, line in enumerate(corrections):
        if line.action == "add" and add:
            regions = regions + [
                FaceRegion(frame, CORRECTED - number, "corrected", line.box_in(frame), line.method or "mask")
                for frame in line.frames
            ]
        elif line.action == "remove":
            regions = _change(regions, line, "none")
        elif line.action == "method" and line.method is not None:
            regions = _change(regions, line, line.method)
    return regions


def require_sound(regions: list[FaceRegion], corrections: Sequence[Correction], clip: Clip) -> None:
    """Raise CorrectionError for the first line that would uncover a face without saying so.

    Or that names a track of which nothing is covered there: numbers change when a clip is extracted anew.
    regions: as they are before anything is corrected. A face is known where it is swapped, and on the
    subject's tracks, seen or not.
    """
    known = [one for one in regions if one.method in SWAPS or _is_subjects(one, clip)]
    for line in corrections:
        if line.track is not None and not any(_speaks_of(line, one) for one in regions):
            raise CorrectionError(
                f"row {line.row} names track {line.track}, of which nothing is covered in these frames: look "
                "up its number in the coverage table again"
            )
        if line.action == "remove" and not line.uncovers:
            frames = [region.frame for region in known if _speaks_of(line, region)]
            if frames:
                raise CorrectionError(
                    f"row {line.row} would uncover a face that is known in frame {min(frames)}: make its box "
                    "smaller, or write yes in the column uncovers_a_face"
                )


def _is_subjects(region: FaceRegion, clip: Clip) -> bool:
    tracks, track = clip.subject_tracks, region.track % HEADS
    is_face = region.track >= 0 and clip.is_confirmed(track, clip.scenes[region.frame])
    return is_face and (tracks is None or track in tracks)


def _change(regions: list[FaceRegion], line: Correction, method: Drawn) -> list[FaceRegion]:
    return [
        replace(region, method=method, source="corrected", flagged=False)
        if _speaks_of(line, region)
        else region
        for region in regions
    ]


def _speaks_of(line: Correction, region: FaceRegion) -> bool:
    if region.frame not in line.frames:
        return False
    if line.track is not None:
        return region.track >= 0 and region.track % HEADS == line.track
    box = line.box_in(region.frame)
    low, high = np.maximum(box[:2], region.box_xyxy[:2]), np.minimum(box[2:], region.box_xyxy[2:])
    shared = float(np.prod(np.clip(high - low, 0, None)))
    return shared >= MEANT * float(np.prod(region.box_xyxy[2:] - region.box_xyxy[:2]))

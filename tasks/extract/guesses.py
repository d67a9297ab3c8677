"""Keypoints of a face that are guessed, since something lies before them: visibility 0 (pure)."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tasks.extract.tracking import Tracked
from tasks.vision.hidden import behind_hands
from tasks.vision.keypoints import Part
from tasks.vision.regions import Box, overlap
from tasks.vision.skin import Mask

Lent = Callable[[Box], Mask | None]


def with_guesses(
    faces: tuple[Tracked, ...], hands: tuple[Tracked, ...], lent: Lent | None = None
) -> tuple[Tracked, ...]:
    """Return faces whose keypoints behind a hand have visibility 0.

    lent: of a copy, which keypoints of the face in a box the original only guessed.
    """
    return tuple(_with_guesses(face, [hand.located.part for hand in hands], lent) for face in faces)


def _with_guesses(face: Tracked, hands: list[Part], lent: Lent | None) -> Tracked:
    part = face.located.part
    if np.isnan(part.xy).any():
        return face
    near = [hand.xy for hand in hands if overlap(hand.box_xyxy, part.box_xyxy) > 0]
    hidden = [behind_hands(part.xy, near)] if near else []
    if lent is not None and (guessed := lent(part.box_xyxy)) is not None:
        hidden.append(guessed)
    if not hidden:
        return face
    visibility = np.where(np.logical_or.reduce(hidden), np.float32(0), part.visibility)
    return replace(face, located=replace(face.located, part=replace(part, visibility=visibility)))

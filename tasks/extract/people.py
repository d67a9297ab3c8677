"""Whose face, body and hands these are (pure)."""

from collections import Counter

import numpy as np
import scipy  # its parts are opened when they are first used

from schemas.skeletons import BODY_NOSE, WRISTS
from tasks.extract.tracking import Tracked
from tasks.vision.keypoints import Part
from tasks.vision.regions import Box, Points

HAND_REACH = 1.5

FrameParts = dict[str, tuple[Tracked, ...]]


class People:
    """Who is who over a clip: a face and a body that are together in most of their frames are one person."""

    def __init__(self) -> None:
        self._votes: Counter[tuple[int, int]] = Counter()
        self._met: Counter[tuple[int, int]] = Counter()
        self._appeared: dict[tuple[str, int], None] = {}

    def meet(self, parts: FrameParts) -> None:
        """Take one frame into account."""
        for kind in ("face", "body"):
            self._appeared.update({(kind, tracked.track): None for tracked in parts[kind]})
        for body in parts["body"]:
            nose = body.located.part.xy[BODY_NOSE]
            self._met.update((face.track, body.track) for face in parts["face"])
            self._votes.update(
                (face.track, body.track)
                for face in parts["face"]
                if contains(face.located.part.box_xyxy, nose)
            )

    def numbers(self) -> dict[tuple[str, int], int]:
        """Return (kind, track) -> person number, in order of first appearance."""
        pairs: dict[int, int] = {}
        for (face, body), together in self._votes.most_common():
            # whoever leans over a patient for a moment is not the patient
            is_one = 2 * together > self._met[face, body]
            if is_one and face not in pairs and body not in pairs.values():
                pairs[face] = body
        numbers: dict[tuple[str, int], int] = {}
        for kind, track in self._appeared:
            key = ("body", pairs[track]) if kind == "face" and track in pairs else (kind, track)
            numbers.setdefault(key, len(numbers))
        return numbers | {("face", face): numbers[("body", body)] for face, body in pairs.items()}


def contains(box: Box, point: Points) -> bool:
    return bool((box[:2] <= point).all() and (point <= box[2:]).all())


def people_in(parts: FrameParts, numbers: dict[tuple[str, int], int]) -> dict[int, dict[str, Part]]:
    """Return person number -> part name -> part for one frame.

    A hand goes to the nearest wrist; one near no wrist is nobody's and is left out.
    """
    people: dict[int, dict[str, Part]] = {}
    for kind in ("face", "body"):
        for tracked in parts[kind]:
            person = people.setdefault(numbers[(kind, tracked.track)], {})
            person.setdefault(kind, tracked.located.part)
    _add_hands(people, parts["hand"])
    return people


def _add_hands(people: dict[int, dict[str, Part]], hands: tuple[Tracked, ...]) -> None:
    slots = [
        (person, f"{side}_hand", wrist)
        for person, parts in people.items()
        if "body" in parts
        for side, wrist in WRISTS.items()
    ]
    if not slots or not hands:
        return
    costs = np.array([[_misfit(people[p], s, w, hand) for p, s, w in slots] for hand in hands])
    for row, column in zip(*scipy.optimize.linear_sum_assignment(costs), strict=True):
        if costs[row, column] <= HAND_REACH:
            person, side, _ = slots[column]
            people[person][side] = hands[row].located.part


def _misfit(person: dict[str, Part], side: str, wrist: int, hand: Tracked) -> float:
    part = hand.located.part
    size = float(np.ptp(part.box_xyxy.reshape(2, 2), axis=0).max()) or 1.0
    distance = float(np.linalg.norm(person["body"].xy[wrist] - part.xy[0])) / size
    right = hand.located.right
    return distance + 0.5 * (right if side == "left_hand" else 1 - right)

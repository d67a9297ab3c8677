"""Whose face, body and hands these are (pure)."""

from collections import Counter

import numpy as np
from scipy.optimize import linear_sum_assignment

from tasks.extract.tracking import Tracked
from tasks.keypoints import Part
from tasks.regions import Box, Points

NOSE = 0
WRISTS = {"left_hand": 15, "right_hand": 16}
HAND_REACH = 1.5

FrameParts = dict[str, tuple[Tracked, ...]]


def assign_people(frames: list[FrameParts]) -> list[dict[int, dict[str, Part]]]:
    """Return, per frame, person number -> part name -> part.

    Face and body tracks that share most frames are one person; numbers follow first appearance.
    A hand goes to the nearest wrist; one near no wrist is nobody's and is left out.
    """
    person_of = _number_people(frames, _pair_tracks(frames))
    return [_people_in(parts, person_of) for parts in frames]


def _pair_tracks(frames: list[FrameParts]) -> dict[int, int]:
    votes: Counter[tuple[int, int]] = Counter()
    for parts in frames:
        for body in parts["body"]:
            nose = body.located.part.xy[NOSE]
            votes.update(
                (face.track, body.track)
                for face in parts["face"]
                if _contains(face.located.part.box_xyxy, nose)
            )
    pairs: dict[int, int] = {}
    for (face_track, body_track), _ in votes.most_common():
        if face_track not in pairs and body_track not in pairs.values():
            pairs[face_track] = body_track
    return pairs


def _contains(box: Box, point: Points) -> bool:
    return bool((box[:2] <= point).all() and (point <= box[2:]).all())


def _number_people(frames: list[FrameParts], body_of: dict[int, int]) -> dict[tuple[str, int], int]:
    numbers: dict[tuple[str, int], int] = {}
    for parts in frames:
        for kind in ("face", "body"):
            for tracked in parts[kind]:
                key = (kind, tracked.track)
                if kind == "face" and tracked.track in body_of:
                    key = ("body", body_of[tracked.track])
                numbers.setdefault(key, len(numbers))
    faces = {
        ("face", face): numbers[("body", body)] for face, body in body_of.items() if ("body", body) in numbers
    }
    return numbers | faces


def _people_in(parts: FrameParts, person_of: dict[tuple[str, int], int]) -> dict[int, dict[str, Part]]:
    people: dict[int, dict[str, Part]] = {}
    for kind in ("face", "body"):
        for tracked in parts[kind]:
            person = people.setdefault(person_of[(kind, tracked.track)], {})
            person.setdefault(kind, tracked.located.part)
    _add_hands(people, parts["hand"])
    return people


def _add_hands(people: dict[int, dict[str, Part]], hands: tuple[Tracked, ...]) -> None:
    slots = [
        (person, side, wrist)
        for person, parts in people.items()
        if "body" in parts
        for side, wrist in WRISTS.items()
    ]
    if not slots or not hands:
        return
    costs = np.array([[_misfit(people[p], s, w, hand) for p, s, w in slots] for hand in hands])
    for row, column in zip(*linear_sum_assignment(costs), strict=True):
        if costs[row, column] <= HAND_REACH:
            person, side, _ = slots[column]
            people[person][side] = hands[row].located.part


def _misfit(person: dict[str, Part], side: str, wrist: int, hand: Tracked) -> float:
    part = hand.located.part
    size = float(np.ptp(part.box_xyxy.reshape(2, 2), axis=0).max()) or 1.0
    distance = float(np.linalg.norm(person["body"].xy[wrist] - part.xy[0])) / size
    right = hand.located.right
    return distance + 0.5 * (right if side == "left_hand" else 1 - right)

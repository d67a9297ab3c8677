"""Frames in which nobody was located: somebody must be there, or nobody is (pure)."""

from collections import Counter
from dataclasses import replace

import numpy as np

from schemas.params.deidentify import Deidentify
from tasks.deidentify.face_regions import NOBODY, Clip, FaceRegion
from tasks.deidentify.leaving import may_be_there
from tasks.tracks.joining import Tracks
from tasks.tracks.sightings import Head

# a body whose head is seen in so many frames of a scene is somebody, face or not
STEADY_HEAD = 2 / 3


def answer_rest(
    regions: list[FaceRegion], tracks: Tracks, heads: list[Head], clip: Clip, rule: Deidentify
) -> list[FaceRegion]:
    """Return the whole frame, masked or flagged as it is, where nobody was located."""
    crowded, expected = _crowded(clip, rule), _expected(tracks, heads, clip, rule)
    located = {one.frame for one in regions if _is_located(one, clip)}
    located |= {head.frame for head in heads if head.box_xyxy is None}
    drawn = {one.frame for one in regions}
    blind = []
    for frame in range(len(clip.scenes)):
        if frame in crowded or (frame in expected and frame not in located):
            blind.append(_whole_frame(frame, clip))
        elif frame not in located and frame not in drawn:
            blind.append(replace(_whole_frame(frame, clip), source="nobody", method="none"))
    return blind


def _is_located(region: FaceRegion, clip: Clip) -> bool:
    if region.source == "extended" or region.method == "none":
        return False
    is_sure = clip.is_confirmed(region.track, clip.scenes[region.frame])
    return is_sure or region.source in ("head_region", "corrected")


def _expected(tracks: Tracks, heads: list[Head], clip: Clip, rule: Deidentify) -> set[int]:
    """Return the frames in which somebody must be, seen or not."""
    frames = {
        frame
        for (track, scene), seen in tracks.items()
        if clip.is_confirmed(track, scene)
        for frame in may_be_there(seen, clip, scene, rule)
    }
    fronts = Counter((head.track, clip.scenes[head.frame]) for head in heads if head.box_xyxy is not None)
    for (_, scene), count in fronts.items():
        limits = clip.scene_frames(scene)
        frames |= set(limits) if count >= STEADY_HEAD * len(limits) else set()
    return frames


def _crowded(clip: Clip, rule: Deidentify) -> set[int]:
    """Return the frames in which somebody was left out, or may have been before a search noticed."""
    return {
        near
        for frame in clip.crowded
        for near in range(max(0, frame - rule.reach), min(len(clip.scenes), frame + rule.reach + 1))
        if clip.scenes[near] == clip.scenes[frame]
    }


def _whole_frame(frame: int, clip: Clip) -> FaceRegion:
    box = np.array([0, 0, *clip.size_wh], np.float32)
    return FaceRegion(frame, NOBODY, "whole_frame", box, "mask", flagged=True)

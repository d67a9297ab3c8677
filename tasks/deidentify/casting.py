"""Choose, by trial on a subject's own frames, the targets of everyone in the subject's clips."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from schemas.covering import Deidentify, MeshSwap
from schemas.jobs import Row
from schemas.params import Extract
from tasks.clips import video_path
from tasks.deidentify.assignment import Person, Trial, choose, unit_mean, who_is_who
from tasks.deidentify.joining import Track, flat, join_tracks
from tasks.deidentify.latents import choose_latent, load_latents
from tasks.deidentify.likeness import features_alike
from tasks.deidentify.mesh_swap import Fit, Look, MeshSwapper, make_fit, make_look
from tasks.deidentify.pool import load_pool
from tasks.deidentify.reading import Meshes, read_observations, read_scenes
from tasks.deidentify.targets import Target
from tasks.faces import LEFT_EYE, MESH_SIDE_PX, RIGHT_EYE, mesh_region
from tasks.inference import shared_weights
from tasks.recognisers import Embedding, Recogniser, make_recognisers
from tasks.regions import Box, Points, RgbImage, bounding_box, crop_region, to_crop, to_picture
from tasks.video import read_frames

# how many people are given a face by trial, and on how many shots of each, spread over the clips
FACES, SHOTS = 8, 48
# around a face, as a share of its size: what a swap draws on, and what is kept of a picture
MARGIN, KEPT = 0.35, 1.0


Item = TypeVar("Item")


@dataclass(frozen=True)
class Shot:
    """One track's face in one frame: that part of the picture."""

    track: int
    rgb: RgbImage
    mesh_xy: Points


def cast_subject(
    root: Path,
    subject: str,
    clip_ids: list[str],
    *,
    settled: str | None,
    others: list[str],
    rule: Deidentify,
    extract: Extract,
) -> list[Row]:
    """Return a row for every face of a subject's clips: clip, track, face (0 is the subject), target.

    settled: the target that the subject was given before, which stays theirs. others: a clip of each of
    a few other subjects, among whom the swapped face must not be nearest to its own; where they are few,
    the donors stand among them.
    """
    weights = shared_weights(root)
    judge = weights.once("recognisers", lambda: make_recognisers(weights))[rule.targets.chooser]
    people, shots = _people(root, clip_ids, judge, rule)
    pool, latents = load_pool(weights, rule, extract), load_latents(weights, rule, extract)
    gallery = [_largest_face(root, clip_id, judge, rule) for clip_id in others]
    decoys = {f"other {number}": face for number, face in enumerate(gallery) if face is not None}
    strangers = list(decoys.values())
    if len(decoys) < rule.targets.others and rule.method == "mesh_swap":
        donors = pool.donors().items()
        decoys |= {name: unit_mean([judge(donor.rgb, donor.mesh_xy)[None]]) for name, donor in donors}
    fit = make_fit(weights, extract.landmark_score)
    given: list[str] = []
    rows: list[Row] = []
    groups = who_is_who(people, rule.targets.alike)[:FACES]
    faces = [unit_mean([one.embeddings for one in group]) for group in groups]
    for face, (group, own) in enumerate(zip(groups, faces, strict=True)):
        is_neural = (rule.method if face == 0 else rule.method_of_others) == "inswapper"
        if face == 0 and settled in (latents if is_neural else pool):
            given.append(str(settled))
        elif is_neural:
            free = [name for name in latents if name not in given] or list(latents)
            given.append(choose_latent(latents, free, [*faces, *strangers], rule.inswapper))
        else:
            free = [name for name in pool if name not in given] or list(pool)
            seen = _spread([shot for one in group for shot in shots[(one.clip_id, one.track)]], SHOTS)
            audition = Audition(
                seen, own, decoys if face == 0 else {}, judge, fit, make_look(weights), rule.mesh_swap
            )
            trials = [audition.hear(pool[name], pool.donors_of(name)) for name in free]
            given.append(choose(trials, rule.targets.tolerance))
        rows += [
            {
                "subject": subject,
                "clip_id": one.clip_id,
                "track": one.track,
                "face": face,
                "target": given[-1],
            }
            for one in group
        ]
    return rows


def _people(
    root: Path, clip_ids: list[str], judge: Recogniser, rule: Deidentify
) -> tuple[list[Person], dict[tuple[str, int], list[Shot]]]:
    people: list[Person] = []
    shots: dict[tuple[str, int], list[Shot]] = {}
    for clip_id in clip_ids:
        observations, _ = read_observations(root, clip_id, rule)
        tracks = join_tracks(observations, read_scenes(root, clip_id), rule.reach)
        usable = [track for track in tracks.values() if any(seen.is_trusted for seen in track)]
        for shot in _shoot(root, clip_id, usable, Meshes(root, clip_id, flat(tracks), rule), rule):
            shots.setdefault((clip_id, shot.track), []).append(shot)
        people += [
            Person(
                clip_id,
                track[0].track,
                _area(track),
                np.stack([judge(shot.rgb, shot.mesh_xy) for shot in shots[(clip_id, track[0].track)]]),
            )
            for track in usable
            if (clip_id, track[0].track) in shots
        ]
    return people, shots


def _largest_face(root: Path, clip_id: str, judge: Recogniser, rule: Deidentify) -> Embedding | None:
    people, _ = _people(root, [clip_id], judge, rule)
    largest = max(people, key=lambda one: one.area, default=None)
    return unit_mean([largest.embeddings]) if largest else None


def _spread(items: Sequence[Item], count: int) -> list[Item]:
    """Return at most so many of the items, evenly spread."""
    picks = np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int)
    return [items[pick] for pick in picks]


def _area(track: Track) -> float:
    return float(sum(np.prod(seen.box_xyxy[2:] - seen.box_xyxy[:2]) for seen in track))


def _shoot(root: Path, clip_id: str, tracks: list[Track], meshes: Meshes, rule: Deidentify) -> Iterable[Shot]:
    """Take a few frames of every track, evenly spread."""
    wanted: dict[int, set[int]] = {}
    for track in tracks:
        frames = [seen.frame for seen in track if seen.is_trusted]
        for frame in _spread(frames, rule.targets.frames):
            wanted.setdefault(frame, set()).add(track[0].track)
    last = max(wanted, default=-1)
    for picture in read_frames(root / video_path("original", clip_id)):
        if picture.index > last:
            return
        for number in sorted(wanted.get(picture.index, ())):
            mesh = meshes.mesh(picture.index, number)
            shot = None if mesh is None else _close_up(number, picture.rgb, mesh)
            if shot is not None and shot.rgb.size:
                yield shot


def _close_up(track: int, rgb: RgbImage, mesh_xy: Points) -> Shot:
    """Keep a face and what is around it: whole pictures of every track would fill the memory."""
    x0, y0, x1, y1 = np.round(_box_around(mesh_xy, KEPT)).astype(int)
    corner = np.array([max(0, x0), max(0, y0)])
    part = rgb[corner[1] : max(0, y1), corner[0] : max(0, x1)].copy()
    return Shot(track, part, (mesh_xy - corner).astype(np.float32))


@dataclass(frozen=True)
class Audition:
    """A person's shots, on which targets are tried, and how likeness is judged."""

    shots: list[Shot]
    own: Embedding
    decoys: dict[str, Embedding]
    judge: Recogniser
    fit: Fit
    look: Look
    settings: MeshSwap

    def hear(self, target: Target, donors: set[str]) -> Trial:
        """Swap the shots and measure how alike and how displaced the face still is.

        donors: the target's own, which cannot stand among the others.
        """
        others = [face for name, face in self.decoys.items() if name not in donors]
        results = [self._swap(shot, target, others) for shot in self.shots]
        return Trial(target.name, *(float(np.mean(column)) for column in zip(*results, strict=True)))

    def _swap(self, shot: Shot, target: Target, others: list[Embedding]) -> tuple[float, float, float, float]:
        rgb, region = shot.rgb.copy(), mesh_region(shot.mesh_xy)
        swap = MeshSwapper(self.settings, self.fit, self.look)
        swap(rgb, _box_around(shot.mesh_xy, MARGIN), 0, shot.mesh_xy, target)
        before, after = (crop_region(picture, region, MESH_SIDE_PX) for picture in (shot.rgb, rgb))
        seen, aim = self.fit(after), to_crop(shot.mesh_xy, region, MESH_SIDE_PX)
        found = aim if seen is None else seen
        eyes = float(np.linalg.norm(aim[LEFT_EYE] - aim[RIGHT_EYE]))
        error = 1.0 if seen is None else float(np.linalg.norm(found - aim, axis=1).mean()) / eyes
        face = unit_mean([self.judge(rgb, to_picture(found, region, MESH_SIDE_PX))[None]])
        nearest = max((float(face @ other) for other in others), default=1.0)
        return float(face @ self.own), nearest, features_alike(before, after, aim), error


def _box_around(mesh_xy: Points, margin: float) -> Box:
    box = bounding_box(mesh_xy).reshape(2, 2)
    reach = np.ptp(box, axis=0) * margin
    return np.asarray((box + np.stack([-reach, reach])).reshape(4), np.float32)

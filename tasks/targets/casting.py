"""Choose, by trial on a subject's own frames, the targets of everyone in the subject's clips."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from schemas.jobs import Row
from schemas.params.deidentify import Deidentify
from schemas.params.extract import Extract
from schemas.params.sections import Section
from schemas.skeletons import FACE_POINTS
from tasks.files.clips import video_path
from tasks.files.hashing import sha256_document
from tasks.swap.latents import choose_latent, load_latents
from tasks.swap.light import lightness
from tasks.swap.mesh_swap import make_fit, make_look
from tasks.swap.pool import load_pool
from tasks.swap.shape import Shape, shape_of
from tasks.swap.shapes import read_shapes
from tasks.targets.assignment import Person, Trial, choose, unit_mean, who_is_who
from tasks.targets.audition import Audition, Shot, close_up, lightness_of
from tasks.tracks.joining import Track, flat
from tasks.tracks.meshes import Meshes
from tasks.tracks.seen import read_seen
from tasks.video import read_frames, read_rate
from tasks.vision.alignment import Embedding
from tasks.vision.faces import read_shape
from tasks.vision.recognisers import Face, make_recognisers
from tasks.vision.regions import Points, RgbImage
from tasks.vision.sessions import shared_weights

# how many people are given a face by trial, and on how many shots of each, spread over the clips
FACES, SHOTS = 8, 48


Item = TypeVar("Item")


class Given(Section):
    """A target, and the share of the way to its shape; is_measured: whether the person's own is known."""

    target: str
    share: float
    is_measured: bool = False


class Casting(Section):
    """A subject's clips, and a clip of each of a few others, among whom they must not be found.

    settled: what they were given before, which stays theirs. kin: faces that are mixed of others who agreed,
    which go before the pool's.
    """

    subject: str
    clips: tuple[str, ...]
    others: tuple[str, ...]
    settled: Given | None
    kin: tuple[str, ...] = ()
    deidentify: Deidentify
    extract: Extract


@dataclass(frozen=True)
class Cast:
    """A row for every face of a subject's clips, and the shape of each of these people."""

    rows: list[Row]
    shapes: list[Shape]


def cast_subject(root: Path, order: Casting, digests: Mapping[str, str]) -> Cast:
    """Choose for everybody in a subject's clips; rows: clip, track, face (0 is the subject), gift.

    digests: of each clip and of what was seen of it.
    """
    caster = Caster(root, order, digests)
    people = [person for clip_id in order.clips for person in caster.meet(clip_id)]
    groups = who_is_who(people, order.deidentify.targets.alike)[:FACES]
    faces = [unit_mean([one.embeddings for one in group]) for group in groups]
    roles = [
        Role(number, group, faces[number], caster.shape(number, group)) for number, group in enumerate(groups)
    ]
    given: list[Given] = []
    for role in roles:
        given.append(caster.give(role, faces, {one.target for one in given}))
    rows = [
        {
            "clip_id": one.clip_id,
            "track": one.track,
            "face": role.number,
            "target": gift.target,
            "share": gift.share,
        }
        for role, gift in zip(roles, given, strict=True)
        for one in role.group
    ]
    return Cast(rows, [role.shape for role in roles])


@dataclass(frozen=True)
class Role:
    """Somebody who is given another face; number: 0 for the clips' subject. own: their embedding."""

    number: int
    group: list[Person]
    own: Embedding
    shape: Shape


class Caster:
    """Who is seen in a subject's clips, and what may be given to whom."""

    def __init__(self, root: Path, order: Casting, digests: Mapping[str, str]) -> None:
        weights, rule, extract = shared_weights(root), order.deidentify, order.extract
        self._root, self._order, self._weights, self._digests = root, order, weights, digests
        self._judge = weights.once("recognisers", lambda: make_recognisers(weights))[rule.targets.chooser]
        self._pool = load_pool(weights, rule, extract, root)
        self._latents = load_latents(weights, rule, extract)
        self._shots: dict[tuple[str, int], list[Shot]] = {}
        gallery = [found for clip_id in order.others for found in self._largest_face(clip_id)]
        self._others, self._other_shapes = [face for face, _ in gallery], [shape for _, shape in gallery]

    def meet(self, clip_id: str) -> list[Person]:
        """Return everybody whose face can be swapped in a clip, and keep shots of them."""
        people, shots = self._look_at(clip_id)
        self._shots |= {(clip_id, track): taken for track, taken in shots.items()}
        return people

    def _look_at(self, clip_id: str) -> tuple[list[Person], dict[int, list[Shot]]]:
        rule = self._order.deidentify.at(read_rate(self._root / video_path("original", clip_id)))
        tracks = read_seen(self._root, clip_id, rule).tracks
        usable = [track for track in tracks.values() if any(seen.is_trusted for seen in track)]
        meshes = Meshes(self._root, clip_id, flat(tracks), rule)
        shots: dict[int, list[Shot]] = {}
        for shot in _shoot(self._root, clip_id, usable, meshes, rule):
            shots.setdefault(shot.track, []).append(shot)
        people = [
            Person(clip_id, track[0].track, _area(track), self._embed(shots[track[0].track]))
            for track in usable
            if track[0].track in shots
        ]
        return people, shots

    def shape(self, number: int, group: list[Person]) -> Shape:
        """Return a person's static shape; that of a settled subject stays what it was."""
        settled = self._order.settled
        if number == 0 and settled is not None and settled.is_measured:
            return read_shapes(self._root, self._order.subject)[0]
        return self._read(self._shots_of(group))

    def give(self, role: Role, faces: list[Embedding], taken: set[str]) -> Given:
        """Return what somebody in the clips is given.

        faces: everybody's. taken: the targets that others were given already.
        """
        rule = self._order.deidentify
        is_neural = (rule.method if role.number == 0 else rule.method_of_others) == "inswapper"
        pool: Mapping[str, object] = self._latents if is_neural else self._pool
        settled = self._order.settled
        if role.number == 0 and settled is not None and settled.target in pool:
            return settled
        known = [name for name in pool if name not in self._pool.kin]
        free = [name for name in known if name not in taken] or known
        if is_neural:
            latent = choose_latent(self._latents, free, [*faces, *self._others], rule.inswapper)
            return Given(target=latent, share=0)
        kin = list(self._order.kin) if role.number == 0 else []
        return self._try(self._audition(role), kin or self._of_like_skin(role.group, free))

    def _of_like_skin(self, group: list[Person], free: list[str]) -> list[str]:
        """Return those targets whose skin is about as light as a person's: its detail keeps its strength."""
        own = lightness_of(self._shots_of(group))
        skins = {
            name: lightness(self._pool[name].lab, self._pool[name].mesh_xy[:FACE_POINTS]) for name in free
        }
        return sorted(free, key=lambda name: abs(skins[name] - own))[: self._order.deidentify.targets.tried]

    def _try(self, audition: Audition, free: list[str]) -> Given:
        """Choose a target by trial, then how much of its shape."""
        rule, shares = self._order.deidentify, self._order.deidentify.mesh_swap.shares

        def hear(name: str, share: float) -> Trial:
            return audition.hear(self._pool[name], self._pool.donors_of(name), share)

        middle = shares[len(shares) // 2]
        best = choose([hear(name, middle) for name in free], rule.targets.tolerance)
        trials = [best, *(hear(best.target, share) for share in shares if share != middle)]
        chosen = choose(trials, rule.targets.tolerance)
        return Given(target=chosen.target, share=chosen.share)

    def _shots_of(self, group: list[Person]) -> list[Shot]:
        return _spread([shot for one in group for shot in self._shots[one.clip_id, one.track]], SHOTS)

    def _audition(self, role: Role) -> Audition:
        fit = make_fit(self._weights, self._order.extract.landmark_score)
        decoys = self._decoys() if role.number == 0 else {}
        settings = self._order.deidentify.mesh_swap
        return Audition(
            self._shots_of(role.group), role.own, role.shape, decoys, self._shapes(),
            judge=self._judge, fit=fit, look=make_look(self._weights), read=self._read_one, settings=settings,
        )  # fmt: skip

    def _shapes(self) -> dict[str, Shape]:
        """Return how those are built among whom the swapped one must not be nearest to its own."""
        others = {f"other {number}": shape for number, shape in enumerate(self._other_shapes)}
        return others | {name: target.shape for name, target in self._pool.items()}

    def _decoys(self) -> dict[str, Embedding]:
        """Return faces among whom the swapped one must not be nearest to its own.

        Where others are few, the donors stand among them.
        """
        decoys = {f"other {number}": face for number, face in enumerate(self._others)}
        rule = self._order.deidentify
        if len(decoys) < rule.targets.others and rule.method == "mesh_swap":
            donors = self._pool.donors()
            faces = self._judge.many([Face(donor.rgb, donor.mesh_xy) for donor in donors.values()])
            decoys |= {name: unit_mean([face[None]]) for name, face in zip(donors, faces, strict=True)}
        return decoys

    def _largest_face(self, clip_id: str) -> list[tuple[Embedding, Shape]]:
        """Return the face of a clip's largest person, of which every subject's trial asks again."""
        order = [part.model_dump(mode="json") for part in (self._order.deidentify, self._order.extract)]
        key = f"largest face {self._digests[clip_id]} {sha256_document(order)}"
        found: list[tuple[Embedding, Shape]] = self._weights.shared(key, lambda: self._measure(clip_id))
        return found

    def _measure(self, clip_id: str) -> list[tuple[Embedding, Shape]]:
        people, shots = self._look_at(clip_id)
        largest = max(people, key=lambda one: one.area, default=None)
        return [(unit_mean([largest.embeddings]), self._read(shots[largest.track]))] if largest else []

    def _read(self, shots: list[Shot]) -> Shape:
        return shape_of([self._read_one(shot.rgb, shot.mesh_xy) for shot in shots])

    def _read_one(self, rgb: RgbImage, mesh_xy: Points) -> Shape:
        return read_shape(rgb, mesh_xy, self._weights)

    def _embed(self, shots: list[Shot]) -> Embedding:
        return np.asarray(self._judge.many([Face(shot.rgb, shot.mesh_xy) for shot in shots]), np.float32)


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
            shot = None if mesh is None else close_up(number, picture.rgb, mesh)
            if shot is not None and shot.rgb.size:
                yield shot

"""Every keypoint of one clip, handed on in pieces: memory must not grow with the clip."""

import pickle
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import BinaryIO

import numpy as np
import polars as pl

from schemas.frames import FRAMES
from schemas.params.extract import Extract
from schemas.skeletons import BODY_NOSE
from tasks.extract.backends import load_backend
from tasks.extract.guesses import with_guesses
from tasks.extract.hands import hand_model
from tasks.extract.people import FrameParts, People, contains, people_in
from tasks.extract.scenes import SceneCutter
from tasks.extract.schedule import Schedule
from tasks.extract.tracking import PartModel, Tracked, Tracker
from tasks.extract.weighing import Evidence, Weighing
from tasks.files.tables import build_table
from tasks.text.following import Texts
from tasks.video import Frame
from tasks.video.ahead import ahead
from tasks.vision.closeup import closeness
from tasks.vision.detectors import Detection, View
from tasks.vision.keypoints import Sighting, to_table
from tasks.vision.sessions import Weights

PIECE_FRAMES = 500
AHEAD_FRAMES = 8  # a search takes as long as some frames of bodies and hands
NOSE_VISIBLE = 0.5


@dataclass(frozen=True)
class Moment:
    """A frame, what it shows, and where it lies in the clip."""

    frame: Frame
    view: View
    scene: int
    is_cut: bool


# index, pts, timestamp_s, scene, crowded
FrameRow = tuple[int, int, float, int, bool]


@dataclass
class Survey:
    """What was seen of a clip so far: its frames, who is who, and the parts in a spool on disk.

    backends: what found faces, and what bodies. faces: what speaks for and against each of them.
    """

    spool: BinaryIO
    backends: tuple[str, str]
    faces: Evidence
    people: People = field(default_factory=People)
    frames: list[FrameRow] = field(default_factory=list)

    def add(self, frame: FrameRow, parts: FrameParts) -> None:
        """Take the next frame into account."""
        self.frames.append(frame)
        self.people.meet(parts)
        pickle.dump(parts, self.spool)

    def frame_table(self) -> pl.DataFrame:
        """Build the table of frames."""
        return build_table([dict(zip(FRAMES.columns, row, strict=True)) for row in self.frames], FRAMES)

    def keypoint_tables(self) -> Iterator[pl.DataFrame]:
        """Yield the keypoint table in pieces of so many frames; one empty piece of an empty clip.

        Rejected faces are not in it.
        """
        numbers = self.people.numbers()
        rejected = self.faces.rejected()
        self.spool.seek(0)
        for start in range(0, max(1, len(self.frames)), PIECE_FRAMES):
            yield to_table(
                [
                    Sighting(*frame[:3], person, found)
                    for frame in self.frames[start : start + PIECE_FRAMES]
                    for person, found in people_in(
                        _without(rejected, pickle.load(self.spool)), numbers
                    ).items()
                ],
                *self.backends,
            )

    def face_table(self) -> pl.DataFrame:
        """Build the table of faces: what to believe of each, and why."""
        return self.faces.face_table(self._faces_by_number())

    def followed_table(self) -> pl.DataFrame:
        """Build the table of where faces were followed without being detected."""
        return self.faces.followed_table(self._faces_by_number())

    def _faces_by_number(self) -> dict[int, int]:
        numbers = self.people.numbers()
        return {track: number for (kind, track), number in numbers.items() if kind == "face"}


def _without(rejected: set[int], parts: FrameParts) -> FrameParts:
    return parts | {"face": tuple(face for face in parts["face"] if face.track not in rejected)}


def extract_people(
    frames: Iterable[Frame],
    weights: Weights,
    settings: Extract,
    spool: BinaryIO,
    *,
    texts: Texts | None = None,
    schedule: Schedule | None = None,
    read_from: int = 0,
) -> Survey:
    """Track faces, bodies and hands over the frames and note where scenes change.

    Decoding, with a look for text, and limbs run ahead of the faces, each in a thread. schedule: of a copy,
    what its original's extraction lends. read_from: the frame from which on text is looked for.
    """
    weighing = Weighing(
        lambda rgb, box, angle_rad, others: closeness(rgb, box, angle_rad, weights, others),
        settings.search_interval,
    )
    survey = Survey(spool, backends_of(settings), weighing.evidence)
    model = load_backend("face", settings.face_backend).make_model(weights, settings)
    interval, limit, least = settings.search_interval, settings.max_people, settings.overlap
    face = Tracker(model, interval, limit, least, glances=True)
    moments = _moments(frames, settings, texts, schedule, read_from)
    limbed = _with_limbs(ahead(moments), weights, settings)
    for moment, limbs, many_bodies in ahead(limbed, AHEAD_FRAMES):
        # where nobody is known, one looks more closely
        is_hidden = _is_face_missing(limbs["body"], face.live) or not weighing.knows(face.live)
        there = None if schedule is None else schedule.faces.get(moment.frame.index, [])
        faces = face.step(moment.view, cut=moment.is_cut, hidden=is_hidden, there=there)
        weighing.step(moment.frame.index, moment.scene, moment.view, faces, cut=moment.is_cut)
        row = moment.frame.index, moment.frame.pts, moment.frame.timestamp_s, moment.scene
        lent = None if schedule is None else partial(schedule.guessed, moment.frame.index)
        faces = with_guesses(faces, limbs["hand"], lent)
        survey.add((*row, face.crowded or many_bodies), {"face": faces, **limbs})
    return survey


def backends_of(settings: Extract) -> tuple[str, str]:
    """Return what finds faces, and what bodies."""
    return settings.face_backend, settings.body_backend


def _moments(
    frames: Iterable[Frame],
    settings: Extract,
    texts: Texts | None,
    schedule: Schedule | None,
    read_from: int,
) -> Iterator[Moment]:
    cutter = SceneCutter(settings.scene_cut)
    for frame in frames:
        view = View.of(frame.picture.original, settings.search_px)
        if schedule is None:
            is_cut = cutter.step(view.small)
            scene = cutter.scene
        else:
            is_cut, scene = schedule.is_cut(frame.index), schedule.scenes[frame.index]
        if texts is not None and frame.index >= read_from:
            texts.step(frame.index, frame.timestamp_s, view.rgb, cut=is_cut)
        yield Moment(frame, view, scene, is_cut)


def _with_limbs(
    moments: Iterable[Moment], weights: Weights, settings: Extract
) -> Iterator[tuple[Moment, FrameParts, bool]]:
    limit, overlap = settings.max_people, settings.overlap
    model = load_backend("body", settings.body_backend).make_model(weights, settings)
    body = Tracker(model, settings.part_interval, limit, overlap)
    hand = Tracker(hand_model(weights, settings), settings.part_interval, 2 * limit, overlap)
    for moment, seen in _see(moments, model, settings.batch):
        limbs = {
            "body": body.step(moment.view, cut=moment.is_cut, seen=seen),
            "hand": hand.step(moment.view, cut=moment.is_cut),
        }
        yield moment, limbs, body.crowded


def _see(
    moments: Iterable[Moment], model: PartModel, batch: int
) -> Iterator[tuple[Moment, list[Detection] | None]]:
    """Yield each moment with what the model saw in it, several at once where it can."""
    if model.see is None:
        yield from ((moment, None) for moment in moments)
        return
    source = iter(moments)
    while group := list(islice(source, batch)):
        yield from zip(group, model.see([moment.view for moment in group]), strict=True)


def _is_face_missing(bodies: tuple[Tracked, ...], faces: tuple[Tracked, ...]) -> bool:
    """Return whether somebody's nose is seen where no face is."""
    boxes = [face.located.part.box_xyxy for face in faces]
    parts = [body.located.part for body in bodies]
    return any(
        part.visibility[BODY_NOSE] > NOSE_VISIBLE
        and not any(contains(box, part.xy[BODY_NOSE]) for box in boxes)
        for part in parts
        if not np.isnan(part.xy[BODY_NOSE]).any()
    )

"""Clip -> face, body and hand keypoints; one extractor for every arm."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile

import polars as pl

from schemas.faces import FACES, FOLLOWED
from schemas.frames import FRAMES
from schemas.jobs import Collected, Job, Row
from schemas.keypoints import KEYPOINTS
from schemas.params import Params
from schemas.params.extract import Extract
from schemas.texts import TEXTS
from tasks.extract.backends import chosen_models
from tasks.extract.clip import extract_people
from tasks.extract.hands import MODELS as HAND_MODELS
from tasks.files.clips import (
    VIDEO_FOLDERS,
    cost_of,
    faces_path,
    followed_path,
    frames_path,
    keypoints_path,
    read_admitted,
    texts_path,
    video_path,
    with_file,
)
from tasks.files.documents import read_table, write_pieces, write_table
from tasks.files.hashing import sha256_file
from tasks.text.following import Texts
from tasks.text.reading import MODELS as TEXT_MODELS
from tasks.text.reading import look_within
from tasks.video import Frame, read_frames, read_rate
from tasks.vision.sessions import Weights, shared_weights

# what is burned into the others is the same, covered or not
TEXT_ARM = "original"


def folder(arm: str) -> Path:
    return Path("data/keypoints") / arm


def models_of(settings: Extract) -> tuple[str, ...]:
    """Return the names of the weights that the settings need."""
    return (*chosen_models(settings), *HAND_MODELS, *TEXT_MODELS)


def plan(root: Path, params: Params, arm: str) -> list[Job[Extract]]:
    """Return a job for every clip of the arm."""
    registered = shared_weights(root)
    weights = {name: registered.digest(name) for name in models_of(params.extract)}
    if arm != TEXT_ARM:
        weights = {name: digest for name, digest in weights.items() if name not in TEXT_MODELS}
    runs_on = {"device": registered.inference.device}
    clips = with_file(root, read_admitted(root), partial(video_path, arm))
    return [
        Job(
            stage="extract",
            arm=arm,
            key=clip["clip_id"],
            inputs={**_digests(root, arm, clip["clip_id"]), **weights, **runs_on},
            order=params.extract,
            clips=(clip["clip_id"],),
            cost=cost_of(clip),
        )
        for clip in clips.iter_rows(named=True)
    ]


def _digests(root: Path, arm: str, clip_id: str) -> dict[str, str]:
    video = {"video": sha256_file(root / video_path(arm, clip_id))}
    if arm in VIDEO_FOLDERS:
        return video
    return video | {"frames": sha256_file(root / frames_path("original", clip_id))}


def process(root: Path, job: Job[Extract]) -> Row:
    """Write the clip's keypoints and the tables of its frames and faces."""
    paths = (keypoints_path, frames_path, faces_path, followed_path)
    keypoints, frames, faces, followed = written = tuple(path(job.arm, job.key) for path in paths)
    for path in (frames, faces, followed):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=(root / frames).parent) as spool:
        weights = shared_weights(root)
        pictures = read_frames(root / video_path(job.arm, job.key), weights.inference.decoder)
        if job.arm not in VIDEO_FOLDERS:
            pictures = _numbered(pictures, read_table(root / frames_path("original", job.key), FRAMES))
        texts = _texts(weights, job.order) if job.arm == TEXT_ARM else None
        settings = job.order.at(read_rate(root / video_path(job.arm, job.key)))
        survey = extract_people(pictures, weights, settings, spool, texts)
        write_pieces(survey.keypoint_tables(), KEYPOINTS, root / keypoints)
    write_table(survey.frame_table(), FRAMES, root / frames)
    write_table(survey.face_table(), FACES, root / faces)
    write_table(survey.followed_table(), FOLLOWED, root / followed)
    if texts is not None:
        (root / texts_path(job.key)).parent.mkdir(exist_ok=True)
        write_table(texts.table(), TEXTS, root / texts_path(job.key))
        written = (*written, texts_path(job.key))
    return {
        "clip_id": job.key,
        "outputs": {str(path): sha256_file(root / path) for path in written},
    }


def _texts(weights: Weights, settings: Extract) -> Texts:
    return Texts(partial(look_within, weights), settings.text_interval_s)


def _numbered(pictures: Iterable[Frame], frames: pl.DataFrame) -> Iterator[Frame]:
    """Yield an excerpt's pictures under the numbers that they have in the original."""
    number_of = dict(frames.select("pts", "frame").iter_rows())
    for picture in pictures:
        yield replace(picture, index=number_of[picture.pts])


def collect(root: Path, params: Params, arm: str, rows: list[Row]) -> Collected:
    return Collected()

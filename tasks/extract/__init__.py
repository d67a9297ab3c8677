"""Clip -> face, body and hand keypoints; one extractor for every arm."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO

import polars as pl

from schemas.jobs import Collected, Job, Row, Span
from schemas.keypoints import KEYPOINTS
from schemas.params import Params
from schemas.params.extract import Extract
from schemas.texts import TEXTS
from tasks.extract.backends import chosen_models
from tasks.extract.clip import Survey, backends_of, extract_people
from tasks.extract.hands import MODELS as HAND_MODELS
from tasks.extract.schedule import Schedule
from tasks.extract.stretches import Joiner, lead_of, read_stretch, save_stretch
from tasks.extract.weighing import Evidence
from tasks.files.clips import (
    VIDEO_FOLDERS,
    cost_of,
    keypoints_path,
    read_admitted,
    texts_path,
    video_path,
    with_file,
)
from tasks.files.documents import write_pieces, write_table
from tasks.files.errors import VideoError
from tasks.files.hashing import sha256_file
from tasks.files.parts import finish_parts, part_path
from tasks.files.seen import frames_of, seen_path, write_seen
from tasks.text.borders import join_lines
from tasks.text.following import Texts
from tasks.text.reading import MODELS as TEXT_MODELS
from tasks.text.reading import look_within
from tasks.video import Frame, frame_times, part_spans, read_frames, read_from, read_rate
from tasks.vision.sessions import Weights, shared_weights

# of which text is read, too: what is burned into the others is the same, covered or not
ORIGINAL = "original"


def folder(arm: str) -> Path:
    return Path("data/keypoints") / arm


def models_of(settings: Extract) -> tuple[str, ...]:
    """Return the names of the weights that the settings need."""
    return (*chosen_models(settings), *HAND_MODELS, *TEXT_MODELS)


def plan(root: Path, params: Params, arm: str) -> list[Job[Extract]]:
    """Return a job for every clip of the arm."""
    registered = shared_weights(root)
    weights = {name: registered.digest(name) for name in models_of(params.extract)}
    if arm != ORIGINAL:
        weights = {name: digest for name, digest in weights.items() if name not in TEXT_MODELS}
    runs_on = {"device": registered.inference.device}
    clips = with_file(root, read_admitted(root), partial(video_path, arm))
    if arm != ORIGINAL:
        clips = with_file(root, clips, partial(keypoints_path, ORIGINAL))
    return [
        Job(
            stage="extract",
            arm=arm,
            key=clip["clip_id"],
            inputs={**_digests(root, arm, clip["clip_id"]), **weights, **runs_on},
            order=params.extract,
            clips=(clip["clip_id"],),
            cost=cost_of(clip),
            parts=_parts(root, arm, clip, params.extract.part_s),
        )
        for clip in clips.iter_rows(named=True)
    ]


def _parts(root: Path, arm: str, clip: Mapping[str, Any], part_s: float) -> tuple[Span, ...]:
    """Return the parts of a clip's original or of one of its copies; excerpts are short."""
    if arm not in VIDEO_FOLDERS:
        return ()
    video = root / video_path(arm, clip["clip_id"])
    return part_spans(video, clip["frame_count"], clip["duration_s"], part_s)


def _digests(root: Path, arm: str, clip_id: str) -> dict[str, str]:
    video = {"video": sha256_file(root / video_path(arm, clip_id))}
    if arm == ORIGINAL:
        return video
    lent = {"seen": seen_path, "keypoints": keypoints_path}
    return video | {name: sha256_file(root / path(ORIGINAL, clip_id)) for name, path in lent.items()}


def process(root: Path, job: Job[Extract]) -> Row:
    """Write the clip's keypoints and the tables of its frames and faces, or what was seen of a part."""
    for path in _paths(job):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=(root / keypoints_path(job.arm, job.key)).parent) as spool:
        if job.part is not None:
            survey, texts = _look(root, job, spool)
            save_stretch(root / _part(job), job.frames[0], survey, texts)
            return _row(root, job, [_part(job)])
        survey, texts = _join(root, job, spool) if job.parts else _look(root, job, spool)
        write_pieces(survey.keypoint_tables(), KEYPOINTS, root / keypoints_path(job.arm, job.key))
    seen = root / seen_path(job.arm, job.key)
    write_seen(seen, survey.frame_table(), survey.face_table(), survey.followed_table())
    if texts is not None:
        write_table(texts, TEXTS, root / texts_path(job.key))
    return _row(root, job, _paths(job))


def _paths(job: Job[Extract]) -> list[Path]:
    if job.part is not None:
        return [_part(job)]
    tables = [path(job.arm, job.key) for path in (keypoints_path, seen_path)]
    return [*tables, *([texts_path(job.key)] if job.arm == ORIGINAL else [])]


def _part(job: Job[Extract]) -> Path:
    return part_path(folder(job.arm), job, ".seen")


def _row(root: Path, job: Job[Extract], paths: list[Path]) -> Row:
    return {"clip_id": job.key, "outputs": {str(path): sha256_file(root / path) for path in paths}}


def _look(root: Path, job: Job[Extract], spool: BinaryIO) -> tuple[Survey, pl.DataFrame | None]:
    """Look at a clip, or a part of it and what leads up to it; lines of text are read in an original only."""
    video = root / video_path(job.arm, job.key)
    weights, settings = shared_weights(root), job.order.at(read_rate(video))
    texts = _texts(weights, job.order) if job.arm == ORIGINAL else None
    survey = extract_people(
        _pictures(root, job, video, lead_of(settings)), weights, settings, spool,
        texts=texts, schedule=_schedule(root, job),
        read_from=0 if job.part is None else job.frames[0],
    )  # fmt: skip
    return survey, None if texts is None else texts.table()


def _pictures(root: Path, job: Job[Extract], video: Path, lead: int) -> Iterator[Frame]:
    decoder = shared_weights(root).inference.decoder
    if job.part is not None:
        first, end = max(0, job.frames[0] - lead), job.frames[1]
        return islice(read_from(video, first, frame_times(video)[first], decoder), end - first)
    pictures = read_frames(video, decoder)
    if job.arm in VIDEO_FOLDERS:
        return pictures
    return _numbered(pictures, frames_of(root, ORIGINAL, job.key))


def _join(root: Path, job: Job[Extract], spool: BinaryIO) -> tuple[Survey, pl.DataFrame | None]:
    """Make one of what was seen part by part. Raises VideoError where frames are missing."""
    video = root / video_path(job.arm, job.key)
    survey = Survey(spool, backends_of(job.order), Evidence())
    settings = job.order.at(read_rate(video))
    joiner = Joiner(survey, settings)
    for (path,) in finish_parts(root, job, process, lambda part: [_part(part)]):
        joiner.take(*read_stretch(path))
    joiner.end()
    if [row[1] for row in survey.frames] != frame_times(video):
        raise VideoError("the frames of its parts are not those of the video")
    reach = settings.frames(settings.text_interval_s)
    return survey, join_lines(joiner.texts, reach) if job.arm == ORIGINAL else None


def _schedule(root: Path, job: Job[Extract]) -> Schedule | None:
    """Return what the original's extraction lends to a copy's."""
    if job.arm == ORIGINAL:
        return None
    faces = pl.scan_parquet(root / keypoints_path(ORIGINAL, job.key)).drop_nulls("face_box_xyxy")
    frames = frames_of(root, ORIGINAL, job.key)
    # of a face that was found and not located, nothing is known to be hidden
    behind = faces.drop_nulls("face_xy").filter(pl.col("face_visibility").arr.min() == 0)
    return Schedule.of(
        frames,
        faces.select("frame", "person", "face_box_xyxy").collect(),
        behind.select("frame", "face_box_xyxy", "face_visibility").collect(),
    )


def _texts(weights: Weights, settings: Extract) -> Texts:
    return Texts(partial(look_within, weights), settings.text_interval_s)


def _numbered(pictures: Iterable[Frame], frames: pl.DataFrame) -> Iterator[Frame]:
    """Yield an excerpt's pictures under the numbers that they have in the original."""
    number_of = dict(frames.select("pts", "frame").iter_rows())
    for picture in pictures:
        yield replace(picture, index=number_of[picture.pts])


def collect(root: Path, params: Params, arm: str, rows: list[Row]) -> Collected:
    return Collected()

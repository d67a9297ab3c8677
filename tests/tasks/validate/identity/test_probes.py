"""Whose faces are compared: everyone's with themselves, the subject's own with the gallery."""

import numpy as np
import polars as pl
import pytest

from schemas.coverage import COVERAGE
from schemas.keypoints import KEYPOINTS
from schemas.targets import TARGETS
from tasks.files.clips import TARGETS_PATH, coverage_path, keypoints_path
from tasks.files.documents import write_table
from tasks.files.tables import build_table
from tasks.validate.identity.attack import Attacks
from tasks.validate.identity.attack import Sighting as Seen
from tasks.validate.identity.distances import make_gallery
from tasks.validate.identity.probes import make_probe
from tasks.vision.keypoints import Part, Sighting, to_table

CLIP, SUBJECT = f"clip-{1:016x}", f"subject-{1:016x}"
FRAMES, EXAMINER_X = 10, 300


def _face(left):
    xy = np.random.default_rng(0).uniform(0, 100, (468, 2)).astype(np.float32) + np.float32([left, 50])
    box = np.concatenate([xy.min(axis=0), xy.max(axis=0)])
    return {"face": Part(xy, np.ones(468, np.float32), 0.9, box)}


@pytest.fixture
def here(tmp_path):
    """A clip of two people, the subject on the left; face 0 is the subject's."""
    seen = [
        Sighting(frame, frame, frame / 25, person, _face(left))
        for frame in range(FRAMES)
        for person, left in enumerate((0, EXAMINER_X))
    ]
    write_table(to_table(seen), KEYPOINTS, tmp_path / keypoints_path("original", CLIP))
    rows = [
        {"frame": frame, "track": track, "source": "detected", "region_xyxy": box, "method": "mesh_swap",
         "in_front": 0.0, "worn": 0.0, "painted_over": False, "in_mouth": 0.0, "flagged": False}
        for frame in range(FRAMES)
        for track, box in ((4, [-20, 30, 120, 170]), (7, [280, 30, 420, 170]))
    ]  # fmt: skip
    write_table(build_table(rows, COVERAGE), COVERAGE, tmp_path / coverage_path("released", CLIP))
    _cast(tmp_path, {4: 0, 7: 1})
    return tmp_path


def _cast(root, faces):
    rows = [
        {"subject": SUBJECT, "clip_id": CLIP, "track": track, "face": face, "target": "average",
         "target_sha256": "0" * 64, "share": 1.0}
        for track, face in faces.items()
    ]  # fmt: skip
    write_table(build_table(rows, TARGETS), TARGETS, root / TARGETS_PATH)


def test_the_subjects_own_faces_are_known(here):
    probe = make_probe(here, CLIP, SUBJECT, 8)
    assert [bool(mesh[:, 0].max() < EXAMINER_X) for _, mesh in probe.faces] == probe.own.tolist()
    # as many of the subject's as were asked for, and as many of others'
    assert (probe.own.sum(), len(probe.faces)) == (8, 16)


def test_somebody_close_by_is_not_the_subject(here):
    """A child on a lap: its face lies within the cover of the subject's."""
    path = here / coverage_path("released", CLIP)
    table = pl.read_parquet(path)
    wide = pl.when(pl.col("track") == 4).then(pl.lit([-200.0, 0.0, 420.0, 200.0])).otherwise("region_xyxy")
    write_table(table.with_columns(region_xyxy=wide.cast(pl.Array(pl.Float32, 4))), COVERAGE, path)
    probe = make_probe(here, CLIP, SUBJECT, 8)
    assert [bool(mesh[:, 0].max() < EXAMINER_X) for _, mesh in probe.faces] == probe.own.tolist()


@pytest.mark.parametrize("faces", [{4: 0}, {4: 0, 9: 1}])
def test_a_bystander_whom_nobody_cast_is_not_the_subject(here, faces):
    """As in a clip in which half of the sampled faces were an examiner's, and rank-1 was halved."""
    _cast(here, faces)
    probe = make_probe(here, CLIP, SUBJECT, 20)
    assert [bool(mesh[:, 0].max() < EXAMINER_X) for _, mesh in probe.faces] == probe.own.tolist()
    assert probe.own.sum() == 10


def test_everyone_counts_where_nobody_else_is_left(here):
    _cast(here, {4: 1, 7: 2})
    assert make_probe(here, CLIP, SUBJECT, 20).own.all()


def test_an_examiner_neither_hides_nor_stands_for_the_subject(here):
    """The subject is found in all of their own faces, and the examiner's face survives."""
    probe = make_probe(here, CLIP, SUBJECT, 20)
    subject, examiner, other = np.eye(3, dtype=np.float32)
    original = np.where(probe.own[:, None], subject, examiner)
    gallery = make_gallery({SUBJECT: [original[probe.own]], "another": [other[None]]})
    attacks = Attacks("mobilefacenet", {"dlib": 0.6}, {"dlib": gallery})
    found = np.ones(20, bool)
    # the subject's faces became something like theirs, the examiner's were left as they are
    released = np.where(probe.own[:, None], np.float32([0.8, 0, 0.6]), original)
    attacks.add(probe, "released", Seen({"dlib": original}, found), Seen({"dlib": released}, found))
    (row,) = attacks.identity
    assert (row["rank1"], row["subject_frames"], row["frames"]) == (1.0, 10, 20)
    assert row["distance_min"] == 0
    frames = pl.DataFrame(attacks.identity_frames)
    assert frames.filter(pl.col("distance") == 0).height == 10
    assert attacks.recognition(12)[0]["true_match_rate"] == 1.0

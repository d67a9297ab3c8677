"""A long clip in parts: workers together give the stream that one gives, and nobody jumps at a seam."""

import shutil
from dataclasses import replace
from itertools import islice

import numpy as np
import polars as pl
import pytest
from tests_support import STAGES, admit_clips, digests_of, run_stage

from flows.stage.load import load_stage
from tasks.deidentify.clip import LEAD_S
from tasks.files.clips import coverage_path, keypoints_path, video_path
from tasks.files.documents import read_params, write_params
from tasks.files.errors import VideoError
from tasks.files.seen import faces_of, frames_of
from tasks.validate.measured import read_measured
from tasks.video import VideoWriter, frame_times, join_videos, read_frames, read_from, read_info
from tasks.vision.keypoints import stack_xy

CLIP = f"clip-{0:016x}"
PART_S = 1.0
MADE = ("data/control", "data/keypoints", "data/deidentified")


def _in_parts(params, part_s=PART_S):
    parted = {"part_s": part_s}
    return params.model_copy(
        update={name: getattr(params, name).model_copy(update=parted) for name in ("extract", "encoding")}
    )


@pytest.fixture(scope="module")
def few(params):
    """Settings with few trials: which target is chosen matters little here."""
    targets = params.deidentify.targets.model_copy(update={"frames": 1, "others": 0, "tried": 1})
    return params.model_copy(update={"deidentify": params.deidentify.model_copy(update={"targets": targets})})


@pytest.fixture(scope="module", params=["cap12", "carphone"])
def both(request, tmp_path_factory, sample, root, few):
    """Two workspaces of a clip of three seconds: one did it whole, one in parts."""
    here = tmp_path_factory.mktemp("parts")
    (here / "data").mkdir()
    (here / "data/models").symlink_to(root / "data/models")
    path = here / video_path("original", CLIP)
    path.parent.mkdir(parents=True)
    shutil.copyfile(sample(request.param, 3.0), path)
    admit_clips(here, {CLIP: f"subject-{0:016x}"})
    parted = tmp_path_factory.mktemp("parts") / "parted"
    for params, place in ((_in_parts(few, 600.0), here), (_in_parts(few), parted)):
        if place is parted:
            shutil.copytree(here, parted, symlinks=True)
            shutil.rmtree(parted / "data/targets")
        write_params(params, place)
        for stage in STAGES:
            run_stage(place, params, *stage)
    return here, parted, _in_parts(few)


def _meshes(root, arm):
    table = pl.read_parquet(root / keypoints_path(arm, CLIP)).drop_nulls("face_xy")
    return table["frame"].to_numpy(), stack_xy(table, "face")


def _errors(root):
    """Return by frame, per distance of the eyes, how far the released keypoints are from the patient's."""
    (frames, own), (again, drawn) = _meshes(root, "original"), _meshes(root, "released")
    np.testing.assert_array_equal(frames, again)
    eyes = np.linalg.norm(own[:, 33] - own[:, 263], axis=1)
    return (drawn - own) / eyes[:, None, None]


def test_the_parts_are_many(both):
    _, parted, params = both
    for stage, arm in STAGES:
        (job,) = load_stage(stage).plan(parted, params, arm)
        assert len(job.parts) == (0 if stage == "targets" else 3)


def test_the_same_people_are_seen_in_the_same_frames(both):
    whole, parted, _ = both
    for arm in ("original", "control", "released"):
        told = [frames_of(root, arm, CLIP) for root in (whole, parted)]
        assert told[0].equals(told[1])
        rows = [
            pl.read_parquet(root / keypoints_path(arm, CLIP)).select(
                "frame", "person", face=pl.col("face_xy").is_not_null(), body=pl.col("body_xy").is_not_null()
            )
            for root in (whole, parted)
        ]
        assert rows[0].equals(rows[1])
        faces = [faces_of(root, arm, CLIP) for root in (whole, parted)]
        same = ("person", "scene", "first_frame", "last_frame", "sightings", "meshes", "belief")
        assert faces[0].select(same).equals(faces[1].select(same))
        (frames, one), (_, other) = (_meshes(root, arm) for root in (whole, parted))
        size = np.ptp(one, axis=1).max(axis=1)[:, None]
        assert (np.linalg.norm(one - other, axis=2) / size).mean() < 0.01
        assert len(frames) > 70


def test_the_same_is_covered_in_the_same_way(both):
    whole, parted, _ = both
    same = ("frame", "track", "source", "method", "flagged")
    one, other = (pl.read_parquet(root / coverage_path("released", CLIP)) for root in (whole, parted))
    assert one.select(same).equals(other.select(same))
    videos = [parted / video_path(arm, CLIP) for arm in ("original", "control", "released")]
    assert len({tuple(frame_times(video)) for video in videos}) == 1
    assert len(list(read_frames(videos[2]))) == len(frame_times(videos[0]))


def test_no_face_jumps_where_parts_meet(tmp_path, sample, root, few):
    """Drawn anew, each part would read its face otherwise: tried so, seams moved two to six times as much.

    What leads up to the last parts begins in the middle of the clip.
    """
    params = _in_parts(few, 2.0)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/models").symlink_to(root / "data/models")
    path = tmp_path / video_path("original", CLIP)
    path.parent.mkdir(parents=True)
    shutil.copyfile(sample("cap12", 7.0), path)
    admit_clips(tmp_path, {CLIP: f"subject-{0:016x}"})
    drawn = [stage for stage in STAGES if "control" not in stage]
    for stage in drawn:
        run_stage(tmp_path, params, *stage)
    steps = np.linalg.norm(np.diff(_errors(tmp_path), axis=0), axis=2).mean(axis=1)
    (job,) = load_stage("deidentify").plan(tmp_path, params, "released")
    seams = [first for first, _ in job.parts[1:]]
    lead = params.deidentify.frames(LEAD_S)
    assert len([seam for seam in seams if seam > lead]) >= 2
    for seam in seams:
        assert steps[seam - 1] < 1.5 * np.quantile(steps, 0.9)


def _validation(here, params):
    """Return the job of the clip, without a search for its people."""
    *_, job = load_stage("validate").plan(here, params, "")
    return replace(job, order=job.order.model_copy(update={"lookout": None}))


def test_the_same_is_found_in_the_pictures(both):
    """Eyes begin anew with each part, and may only see more for it."""
    whole, parted, params = both
    found = []
    for here, settings in ((whole, _in_parts(params, 600.0)), (parted, params)):
        job = _validation(here, settings)
        assert len(job.parts) == (4 if here is parted else 0)  # keypoints are one
        (path,) = load_stage("validate").process(here, job)["outputs"]
        (tables,) = read_measured([here / path])
        assert tables["timeline"]["frame"].n_unique() == len(frame_times(here / video_path("released", CLIP)))
        found.append(tables["findings"].select("finding", "frames", "ranges"))
        # as if it were done alone, but for what eyes see
        alone = replace(job, parts=())
        (path,) = load_stage("validate").process(here, alone)["outputs"]
        (whole_tables,) = read_measured([here / path])
        apart = {"findings", "texts"}
        assert all(tables[name].equals(whole_tables[name]) for name in {*tables} - apart)
        assert tables["invariance"].height > 20
    assert {"surviving", "text_left", "flagged"} <= {*found[0]["finding"]}
    assert found[0].equals(found[1])


@pytest.mark.parametrize("part", range(3))
def test_a_face_that_is_bare_in_one_part_is_found(part, both, tmp_path):
    """On either side of a seam, and in the last frame of all."""
    _, parted, params = both
    here = tmp_path / "bare"
    shutil.copytree(parted, here, symlinks=True)
    job = _validation(here, params)
    first, end = job.parts[1 + part]
    bare = range(first, end)[[-1, 0, -1][part]]
    _lay_bare(here, bare)
    job = _validation(here, params)
    (path,) = load_stage("validate").process(here, job)["outputs"]
    (tables,) = read_measured([here / path])
    (surviving,) = tables["findings"].filter(finding="surviving")["ranges"]
    assert surviving == f"{bare}", surviving


def _lay_bare(here, bare):
    """Write the release again with one frame of the original in it."""
    released, own = (here / video_path(arm, CLIP) for arm in ("released", "original"))
    with VideoWriter(here / "again.mp4", read_info(released), read_params(here).encoding) as writer:
        for after, before in zip(read_frames(released), read_frames(own), strict=True):
            writer.write(before if before.index == bare else after)
    (here / "again.mp4").replace(released)


def test_parts_of_another_length_of_video_are_refused(both, tmp_path):
    """The release lacks its last part: what looks at the first ones says so, too."""
    _, parted, params = both
    here = tmp_path / "short"
    shutil.copytree(parted, here, symlinks=True)
    stage = load_stage("deidentify")
    (job,) = stage.plan(here, params, "released")
    made = [path for part in job.each_part()[:2] for path in stage.process(here, part)["outputs"]]
    join_videos([here / path for path in made if path.endswith(".mp4")], here / video_path("released", CLIP))
    job = _validation(here, params)
    for part in job.each_part()[1:]:
        with pytest.raises(VideoError, match="does not have its original's frames"):
            load_stage("validate").process(here, part)


def test_pictures_that_end_before_their_part_does_are_refused(both, monkeypatch):
    """Both arms alike: nothing differs, and nobody would miss what was not compared."""
    _, parted, params = both
    job = _validation(parted, params)
    shorter = lambda *known: islice(read_from(*known), 5)  # noqa: E731
    monkeypatch.setattr("tasks.validate.pixels.comparing.read_from", shorter)
    with pytest.raises(VideoError, match="does not have its original's frames"):
        load_stage("validate").process(parted, job.each_part()[2])


@pytest.mark.parametrize("spoilt", ["nothing", "one is gone", "one is altered", "all are there"])
def test_whoever_does_the_parts_the_bytes_are_the_same(both, tmp_path, spoilt):
    """Parts that were done ahead are used where they are as they were left; others are done again."""
    _, parted, params = both
    expected = digests_of(parted, MADE)
    here = tmp_path / "again"
    shutil.copytree(parted, here, symlinks=True)
    for stage, arm in (
        ("control", ""),
        ("extract", "original"),
        ("deidentify", "released"),
        ("validate", ""),
    ):
        part_of, (*_, job) = load_stage(stage), load_stage(stage).plan(here, params, arm)
        if stage == "validate":  # its outputs are not the fixture's
            job = _validation(here, params)
            expected |= part_of.process(parted, job)["outputs"]
        made = {}
        for part in reversed(job.each_part() if spoilt != "nothing" else []):
            made |= part_of.process(here, part)["outputs"]
        paths = [here / path for path in made]
        if spoilt == "one is gone":
            paths[1].unlink()
        if spoilt == "one is altered":
            paths[1].write_bytes(paths[2].read_bytes())
        done = part_of.process(here, replace(job, made=made))
        assert {path: expected[path] for path in done["outputs"]} == done["outputs"]

"""What happens to one clip measures no other one anew."""

import shutil

import polars as pl
import pytest
from tests_support import copy_unprocessed

import tasks.validate as validate
from schemas.coverage import COVERAGE
from schemas.targets import TARGETS
from tasks.files.clips import TARGETS_PATH, coverage_path, read_admitted, video_path
from tasks.files.documents import read_params, read_table, write_table


@pytest.fixture
def workspace(demo, tmp_path):
    return copy_unprocessed(demo[0], tmp_path / "d", ("data/evidence",))


def _inputs(root, gallery_clips=200):
    params = read_params(root)
    asked = params.validate_.model_copy(update={"gallery_clips": gallery_clips})
    jobs = validate.plan(root, params.model_copy(update={"validate_": asked}), "")
    return {job.key: (dict(job.inputs), job.order) for job in jobs}


def _flag(root, clip_id):
    path = root / coverage_path("released", clip_id)
    table = read_table(path, COVERAGE)
    path.unlink()
    write_table(table.with_columns(flagged=~pl.col("flagged")), COVERAGE, path)


def _cast_otherwise(root, clip_id):
    path = root / TARGETS_PATH
    table = read_table(path, TARGETS)
    path.unlink()
    write_table(
        table.with_columns(face=pl.when(clip_id=clip_id).then(pl.col("face") + 1).otherwise(pl.col("face"))),
        TARGETS, path,
    )  # fmt: skip


def _draw_otherwise(root, clip_id):
    path, other = root / video_path("released", clip_id), root / video_path("control", clip_id)
    path.unlink()
    shutil.copyfile(other, path)


@pytest.mark.parametrize("change", [_flag, _cast_otherwise, _draw_otherwise])
@pytest.mark.parametrize("place", [0, -1])
def test_a_change_of_one_clip_is_seen_by_it_and_by_the_cohort(workspace, change, place):
    clip_id = read_admitted(workspace)["clip_id"][place]
    before = _inputs(workspace)
    change(workspace, clip_id)
    after = _inputs(workspace)
    assert {key for key in before if before[key] != after[key]} == {clip_id, validate.COHORT}


@pytest.mark.parametrize(
    ("change", "others"), [(_flag, True), (_cast_otherwise, True), (_draw_otherwise, False)]
)
@pytest.mark.parametrize("number", range(3))
def test_a_large_cohort_asks_only_those_who_stand_for_it(workspace, change, others, number):
    """What a sampled clip shows of its subject matters to everybody; how it was drawn, to nobody else."""
    before = _inputs(workspace, 2)
    sampled = [*before[validate.COHORT][1].arms]
    clips = [key for key in before if key != validate.COHORT]
    assert len(sampled) == 2 < len(clips)
    clip_id = clips[number]
    change(workspace, clip_id)
    after = _inputs(workspace, 2)
    moved = {key for key in before if before[key] != after[key]}
    if clip_id not in sampled:
        assert moved == {clip_id}
    else:
        rest = {*clips} - {*sampled} if others else set()
        assert moved == {clip_id, validate.COHORT, *rest}

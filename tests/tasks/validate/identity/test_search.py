"""A clip of a large cohort is attacked as it is in a small one."""

import polars as pl
import pytest
from tests_support import copy_unprocessed

import tasks.validate as validate
from schemas.params.validate import ATTACKERS
from tasks.files.clips import read_admitted
from tasks.files.documents import read_params
from tasks.validate.identity.search import Search


@pytest.fixture(scope="module")
def workspace(demo, tmp_path_factory):
    return copy_unprocessed(demo[0], tmp_path_factory.mktemp("search") / "d", ("data/evidence",))


@pytest.fixture(scope="module")
def together(workspace):
    """The cohort's job, and what it gives."""
    (job,) = [
        one for one in validate.plan(workspace, read_params(workspace), "") if one.key == validate.COHORT
    ]
    return job, Search(workspace, job.order.measures, job.order.lookout).cohort(job.order.arms)


@pytest.mark.slow
@pytest.mark.parametrize("place", [0, 1, -1])
@pytest.mark.parametrize("knows_another_of_theirs", [False, True])
def test_among_the_same_people_a_clip_gets_the_same_figures(
    workspace, together, place, knows_another_of_theirs
):
    job, rows = together
    order = job.order
    clip_id = sorted(order.arms)[place]
    subject = order.lookout.subjects[clip_id]
    others = {one: who for one, who in order.lookout.subjects.items() if one != clip_id}
    if not knows_another_of_theirs:
        others = {one: who for one, who in others.items() if who != subject}
    lookout = order.lookout.model_copy(update={"subjects": others, "key": f"{clip_id} {len(others)}"})
    found = Search(workspace, order.measures, lookout).clip(clip_id, subject, order.arms[clip_id])
    asked = {
        name: [row for row in rows[name] if row["clip_id"] == clip_id and row["recogniser"] not in ATTACKERS]
        for name in found
    }
    assert len(found["identity"]) == len(asked["identity"]) > 0
    assert found["identity_frames"] == asked["identity_frames"]
    for row, same in zip(found["identity"], asked["identity"], strict=True):
        known = ("clip_id", "arm", "recogniser", "distance_min", "distance_floor", "gallery_subjects")
        assert [row[name] for name in known] == [same[name] for name in known]
        # by their own clip alone they are known no less than by several
        if knows_another_of_theirs or [*order.lookout.subjects.values()].count(subject) == 1:
            assert row == same
        elif row["arm"] == "control":
            assert row["rank_mean"] <= same["rank_mean"]


@pytest.mark.slow
def test_every_clip_of_a_large_cohort_is_judged(workspace):
    """Two clips stand for the cohort; all others get their figures, and verdicts, beside them."""
    params = read_params(workspace)
    few = params.validate_.model_copy(update={"gallery_clips": 2})
    params = params.model_copy(update={"validate_": few})
    jobs = validate.plan(workspace, params, "")
    rows = [validate.process(workspace, job) for job in jobs]
    validate.collect(workspace, params, "", rows)
    evidence = workspace / "data/evidence"
    clips = set(read_admitted(workspace)["clip_id"])
    identity = pl.read_parquet(evidence / "identity.parquet")
    assert set(identity["clip_id"]) == clips
    assert (
        identity.filter(arm="blank").height == identity.filter(arm="released", recogniser="dlib").height * 2
    )
    assert set(pl.read_parquet(evidence / "verdicts.parquet")["clip_id"]) == clips
    linked = pl.read_parquet(evidence / "linkage.parquet")
    assert len({*linked["clip_a"], *linked["clip_b"]}) == 2

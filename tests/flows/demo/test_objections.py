"""Whom a careful person would leave out of the demo's release."""

import pytest

from flows.demo.__main__ import _objection
from schemas.evidence import IDENTITY
from schemas.release import ReleaseClip
from tasks.files.documents import write_table
from tasks.files.tables import build_table

CLIP = "clip-0123456789abcdef"


def _row(recogniser, *, rank, floor, arm="released"):
    return {
        "clip_id": CLIP, "arm": arm, "recogniser": recogniser, "independent": recogniser == "dlib",
        "distance_mean": 0.7, "distance_min": 0.6, "distance_floor": 0.7, "threshold": None,
        "rank_mean": rank, "rank_floor": floor, "rank1": 0.0, "rank5": 0.1, "best_frame": False,
        "template": False, "gallery_subjects": 25, "frames": 20, "subject_frames": 20, "frames_no_face": 0,
    }  # fmt: skip


@pytest.fixture
def here(tmp_path):
    rows = [_row("dlib", rank=1.4, floor=9.5), _row("mobilefacenet", rank=2.0, floor=8.0),
            _row("shape", rank=3.0, floor=13.0)]  # fmt: skip
    write_table(build_table(rows, IDENTITY), IDENTITY, tmp_path / "data/evidence/identity.parquet")
    return tmp_path


@pytest.mark.parametrize(
    ("broken", "verdict", "says"),
    [
        ([], "pass", ""),
        (["face_motion", "head_oks"], "review", ""),
        (["hidden_from_mobilefacenet"], "review", ""),  # it chose the face, and cannot speak
        (["hidden_from_dlib"], "review",
         "dlib still finds this person: at place 1.4 of 25 on average, at 9.5 with the face filled flat"),
        (["face_motion", "hidden_from_shape"], "review", "shape still finds this person"),
        (["no_face_survives"], "fail", "it fails: no_face_survives"),
    ],
)  # fmt: skip
def test_only_what_nobody_could_defend_is_objected_to(here, params, broken, verdict, says):
    clip = ReleaseClip(clip_id=CLIP, verdict=verdict, broken_rules=broken)
    against = _objection(here, params, clip)
    assert against.startswith(says) if says else against == ""


@pytest.mark.parametrize("seen", [None, {"rank": None, "floor": 12.0}, {"rank": 2.0, "floor": None}])
def test_whom_no_recogniser_could_judge_is_left_out(here, params, seen):
    """A face too small to be compared, say, or one that nobody could locate."""
    rows = [_row("dlib", **seen)] if seen else []
    write_table(build_table(rows, IDENTITY), IDENTITY, here / "data/evidence/identity.parquet")
    clip = ReleaseClip(clip_id=CLIP, verdict="review", broken_rules=["face_motion", "hidden_from_dlib"])
    assert _objection(here, params, clip) == "nothing says whether dlib finds this person"

"""A person who blinks, nods and taps: what the tables say of a copy, and of one who does less."""

import numpy as np
import polars as pl
import pytest

from schemas.evidence import INVARIANCE, KEYPOINT_ERRORS, METHODS, SIGNALS
from schemas.keypoints import PARTS
from tasks.files.clips import keypoints_path
from tasks.files.errors import DocumentError
from tasks.files.tables import build_table, check_table
from tasks.validate.comparison import Comparison
from tasks.validate.keypoints.measuring import require_one_extractor
from tasks.validate.keypoints.people import Tracks
from tasks.validate.signals.clinical import Film
from tasks.validate.summary import compare_methods

CLIP, FRAMES, RATE = "clip-" + "0" * 16, 250, 25.0
TIME_S = np.arange(FRAMES) / RATE
NAMES = {"invariance": INVARIANCE, "keypoint_errors": KEYPOINT_ERRORS, "signals": SIGNALS}


def _person(tremor=3.0, taps=True):
    rng = np.random.default_rng(4)
    xy = {}
    for part, count in PARTS.items():
        one = rng.uniform(100, 300, (count, 2))
        xy[part] = np.repeat(one[None, None], FRAMES, axis=1).reshape(1, FRAMES, count, 2)
    face, hand, body = xy["face"][0], xy["right_hand"][0], xy["body"][0]
    face[:, [33, 133, 362, 263]] = [[120, 150], [160, 150], [200, 150], [240, 150]]
    closed = sum(np.exp(-((TIME_S - at) ** 2) / (2 * 0.05**2)) for at in (2.0, 6.0))
    for upper, lower, x in ((159, 145, 140), (386, 374, 220)):
        face[:, upper], face[:, lower] = (x, 145), (x, 155)
        face[:, upper, 1] += 10 * closed
    body[:, 16, 0] += tremor * np.sin(2 * np.pi * 5 * TIME_S)
    hand[:, [0, 9]] = [[200, 300], [200, 200]]
    hand[:, 4], hand[:, 8] = (150, 200), (150, 150)
    if taps:
        hand[:, 8, 1] += 25 * (1 - np.cos(2 * np.pi * 2 * TIME_S))
    xy = {part: values.astype(np.float32) for part, values in xy.items()}
    xy["left_hand"][:] = np.nan
    xy["head"] = xy["body"][:, :, :11]
    visibility = {part: np.ones(values.shape[:3], np.float32) for part, values in xy.items()}
    return Tracks(xy, visibility, {part: values[:, :, 0] for part, values in visibility.items()})


@pytest.fixture(scope="module")
def tables():
    comparison = Comparison(_person(), Film(TIME_S, (640, 480)), [0.02, 0.05, 0.1])
    rows = {name: [] for name in NAMES}
    less = _person(tremor=1.5, taps=False)
    less.xy["face"][0, 100:125] = np.nan
    less.visibility["body"][0, :50, 30] = 0.1
    for arm, other in (("control", _person()), ("released", less)):
        for name, found in comparison.rows(other).items():
            rows[name] += [{"clip_id": CLIP, "arm": arm} | row for row in found]
    return {
        name: check_table(build_table(rows[name], schema), schema, name) for name, schema in NAMES.items()
    }


def _signal(tables, arm, name):
    return tables["signals"].filter(arm=arm, signal=name).row(0, named=True)


def test_a_copy_agrees_with_itself(tables):
    for row in tables["signals"].filter(arm="control").iter_rows(named=True):
        assert row["difference"] == pytest.approx(0, abs=1e-9) or row["original"] is None, row
        assert row["floor"] == row["difference"]
    assert _signal(tables, "control", "blink_count")["value"] == 2
    assert _signal(tables, "control", "blinks_at_the_same_time")["value"] == 2
    assert _signal(tables, "control", "eyelid_opening")["correlation"] == pytest.approx(1)
    assert _signal(tables, "control", "right_wrist_frequency")["value"] == pytest.approx(5, abs=0.1)
    assert _signal(tables, "control", "right_tap_count")["value"] == 20
    assert tables["signals"].filter(pl.col("signal").str.starts_with("left_t")).is_empty()


def test_what_was_lost_is_told(tables):
    wrist = _signal(tables, "released", "right_wrist_amplitude")
    assert wrist["value"] == pytest.approx(wrist["original"] / 2, rel=0.01)
    taps = _signal(tables, "released", "right_tap_count")
    assert (taps["original"], taps["value"], taps["difference"]) == (20, 0, 20)
    assert _signal(tables, "released", "right_tap_irregularity")["value"] is None
    lids = _signal(tables, "released", "eyelid_opening")
    assert lids["n"] == FRAMES - 25
    assert lids["limit_low"] == pytest.approx(0, abs=1e-6)


def test_every_keypoint_has_its_missing_rate(tables):
    errors = tables["keypoint_errors"].filter(arm="released")
    assert errors.filter(part="face")["missing"].unique().to_list() == [pytest.approx(0.1)]
    assert errors.filter(part="body", keypoint=30)["missing"][0] == pytest.approx(0.2)
    assert errors.filter(part="body", keypoint=29)["missing"][0] == 0
    assert errors.filter(part="body", keypoint=16)["nme_mean"][0] > 0
    assert errors.filter(part="left_hand")["n"].max() == 0
    assert errors.filter(part="left_hand")["missing"].null_count() == 21


def test_methods_stand_side_by_side_over_the_clips_that_all_were_run_on(tables):
    more = tables["invariance"].with_columns(clip_id=pl.lit("clip-" + "1" * 16))
    both = pl.concat(
        [
            tables["invariance"],
            more,
            more.filter(arm="control").with_columns(clip_id=pl.lit("clip-" + "2" * 16)),
        ]
    )
    identity = pl.DataFrame(
        {
            "clip_id": [CLIP, "clip-" + "1" * 16],
            "arm": ["released"] * 2,
            "recogniser": ["dlib"] * 2,
            "distance_mean": [0.7, 0.9],
            "rank1": [0.0, 0.5],
        }
    )
    table = check_table(build_table(compare_methods(both, identity, {}), METHODS), METHODS, "methods")
    assert table["method"].to_list() == ["control", "released"]
    assert table["clips"].to_list() == [2, 2]
    assert table["face_nme"][0] == 0
    assert table["dlib_distance"].to_list() == [None, pytest.approx(0.8)]
    assert table["dlib_distance_low"][1] is None  # of two people


def test_arms_that_different_backends_read_are_not_compared(tmp_path):
    for arm, body in (("original", "blazepose"), ("control", "blazepose"), ("released", "yolo")):
        path = tmp_path / keypoints_path(arm, "clip-1")
        path.parent.mkdir(parents=True)
        table = pl.DataFrame({"face_backend": ["mediapipe"], "body_backend": [body]})
        table.write_parquet(path)
    require_one_extractor(tmp_path, "clip-1", ["original", "control"])
    with pytest.raises(
        DocumentError, match=r"original by mediapipe and blazepose.*released by mediapipe and yolo"
    ):
        require_one_extractor(tmp_path, "clip-1", ["original", "control", "released"])

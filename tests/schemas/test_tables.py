"""Each table refuses a bad value, and says where."""

import subprocess
import sys

import numpy as np
import pandera.errors
import pandera.polars as pa
import polars as pl
import pytest
from tests_support import REPO

from schemas.clips import MANIFEST
from schemas.corrections import CORRECTIONS
from schemas.coverage import COVERAGE
from schemas.evidence import (
    AGREEMENT,
    COHORT,
    COLLECTED,
    FINDINGS,
    IDENTITY,
    IDENTITY_FRAMES,
    INVARIANCE,
    KEYPOINT_ERRORS,
    LINKAGE,
    MEASURED,
    METHODS,
    RECOGNITION,
    ROC,
    SIGNALS,
    TIMELINE,
    VERDICTS,
)  # fmt: skip
from schemas.frames import FRAMES
from schemas.keypoints import KEYPOINTS
from schemas.targets import SHAPES, TARGETS
from schemas.texts import CLIP_TEXTS, COVERED_TEXTS, TEXTS
from tasks.files.checks import keeps
from tasks.files.documents import read_table, write_table, write_tables
from tasks.files.errors import DocumentError, FaultError
from tasks.files.tables import check_table
from tasks.vision.keypoints import to_table

CLIP = "clip-0123456789abcdef"
RUN = {"first_frame": 3, "last_frame": 9, "kind": "other", "box_xyxy": [0.0] * 4}
GOOD = {
    "manifest": (MANIFEST, {"file": "a.mp4", "subject_id": "S1", "session": "s1", "task": "gait",
                            "consent_release": "yes", "consent_expires": None, "audio_policy": None,
                            "notes": None}),
    "coverage": (COVERAGE, {"frame": 0, "track": 0, "source": "detected", "region_xyxy": [0.0] * 4,
                            "method": "mask", "in_front": 0.0, "worn": 0.0, "painted_over": False,
                            "in_mouth": 0.0, "flagged": False}),
    "invariance": (INVARIANCE, {"clip_id": CLIP, "arm": "control", "part": "face", "metric": "nme_mean",
                                "value": 0.1, "n": 3, "low": 0.0, "high": 0.2,
                                "floor": 0.1, "ratio_to_floor": 1.0}),
    "lines": (TEXTS, {"line": 0, **RUN}),
    "covered texts": (COVERED_TEXTS, {"line": 0, **RUN, "covered": True}),
    "texts": (CLIP_TEXTS, {"clip_id": CLIP, "arm": "released", **RUN, "covered": False}),
    "identity": (IDENTITY, {"clip_id": CLIP, "arm": "released", "recogniser": "dlib",
                            "distance_mean": 0.7, "distance_min": 0.6, "distance_floor": 0.7,
                            "threshold": 0.6, "independent": True,
                            "rank_mean": 2.5, "rank_floor": 3.0, "rank1": 0.5, "rank5": 1.0,
                            "best_frame": False, "template": True,
                            "gallery_subjects": 3, "frames": 20, "subject_frames": 20,
                            "frames_no_face": 0}),
    "identity_frames": (IDENTITY_FRAMES, {"clip_id": CLIP, "arm": "released", "recogniser": "arcface",
                                          "face": 0, "frame": 3, "found": True, "distance": 0.7}),
    "timeline": (TIMELINE, {"clip_id": CLIP, "arm": "released", "frame": 3, "timestamp_s": 0.12,
                            "face_nme": 0.01, "body_nme": None}),
    "keypoint_errors": (KEYPOINT_ERRORS, {"clip_id": CLIP, "arm": "control", "part": "face", "keypoint": 467,
                                          "missing": 0.0, "nme_mean": 0.01, "n": 3}),
    "signals": (SIGNALS, {"clip_id": CLIP, "arm": "released", "person": 0, "signal": "head_yaw",
                          "unit": "degrees", "original": -3.0, "value": -2.0, "difference": 1.0,
                          "floor": 0.1, "correlation": 0.9, "limit_low": -1.0, "limit_high": 1.0, "n": 3}),
    "linkage": (LINKAGE, {"arm": "released", "recogniser": "dlib", "clip_a": CLIP, "clip_b": CLIP,
                          "same_subject": True, "distance": 0.4}),
    "recognition": (RECOGNITION, {"arm": "released", "recogniser": "dlib", "false_match_rate": 0.01,
                                  "true_match_rate": None, "subjects": 3}),
    "roc": (ROC, {"arm": "released", "recogniser": "dlib", "false_match_rate": 0.0, "true_match_rate": 0.5}),
    "methods": (METHODS, {"method": "blur", "clips": 2}
                | {name: 0.5 for name in METHODS.columns if name not in ("method", "clips")}),
    "verdicts": (VERDICTS, {"clip_id": CLIP, "verdict": "pass", "rule": "x", "value": 1.0,
                            "comparison": "<=", "threshold": 2.0, "severity": "fail", "passed": True}),
    "cohort": (COHORT, {"arm": "released", "part": "face", "metric": "pck@0.02", "value": 0.9, "low": 0.8,
                        "high": 1.0, "floor": 1.0, "ratio_to_floor": 0.9, "clips": 3, "subjects": 3}),
    "agreement": (AGREEMENT, {"arm": "released", "signal": "blinks", "unit": "count", "bias": -0.5,
                              "limit_low": -2.0, "limit_high": 1.0, "correlation": 0.9, "n": 3,
                              "subjects": 3}),
    "findings": (FINDINGS, {"clip_id": CLIP, "finding": "surviving", "frames": 1, "ranges": "7",
                            "worst": 0.9}),
    "frames": (FRAMES, {"frame": 0, "pts": 0, "timestamp_s": 0.0, "scene": 0, "crowded": False}),
    "targets": (TARGETS, {"subject": "subject-0123456789abcdef", "clip_id": CLIP, "track": 0, "face": 0,
                          "target": "average", "target_sha256": "0" * 64, "share": 1.0}),
    "shapes": (SHAPES, {"face": 0, "shape_xyz": [0.0] * 1404}),
    "corrections": (CORRECTIONS, {"first_frame": 0, "last_frame": 3, "x0": 0.0, "y0": 0.0, "x1": 9.0,
                                  "y1": 9.0, "action": "add", "method": None}),
}  # fmt: skip
BAD = [
    ("findings", "finding", "odd"),
    ("findings", "worst", 1.5),
    ("lines", "line", -1),
    ("covered texts", "last_frame", -1),
    ("texts", "kind", "Schmidt, Maria"),
    ("texts", "arm", "control"),
    ("frames", "scene", -1),
    ("targets", "subject", "Patient One"),
    ("targets", "target_sha256", "short"),
    ("corrections", "action", "hide"),
    ("corrections", "method", "mesh_swap"),
    ("manifest", "consent_release", "maybe"),
    ("manifest", "session", "2024-03-01"),
    ("manifest", "consent_expires", "31.12.2030"),
    ("manifest", "audio_policy", "mute"),
    ("coverage", "source", "guessed"),
    ("coverage", "method", "nothing"),
    ("coverage", "in_front", 1.5),
    ("coverage", "in_mouth", -0.1),
    ("coverage", "worn", 1.1),
    ("invariance", "arm", "raw"),
    ("invariance", "value", -1.5),
    ("invariance", "low", -0.1),
    ("keypoint_errors", "keypoint", 468),
    ("keypoint_errors", "missing", 1.1),
    ("timeline", "arm", "blur"),
    ("timeline", "face_nme", -0.1),
    ("identity_frames", "recogniser", "nobody"),
    ("identity_frames", "distance", -0.1),
    ("signals", "correlation", 1.01),
    ("signals", "difference", -1.0),
    ("linkage", "distance", 2.5),
    ("recognition", "true_match_rate", 1.5),
    ("roc", "false_match_rate", -0.1),
    ("methods", "method", "fog"),
    ("methods", "face_nme", -2.0),
    ("methods", "dlib_rank1", 5.0),
    ("methods", "dlib_distance", -0.1),
    ("methods", "head_oks_high", float("nan")),
    ("invariance", "value", float("nan")),
    ("invariance", "value", float("inf")),
    ("invariance", "ratio_to_floor", float("nan")),
    ("cohort", "value", 7.0),
    ("cohort", "low", float("nan")),
    ("cohort", "part", "nose"),
    ("agreement", "correlation", -1.1),
    ("agreement", "bias", float("nan")),
    ("signals", "value", float("nan")),
    ("timeline", "timestamp_s", float("nan")),
    ("timeline", "body_nme", float("inf")),
    ("verdicts", "value", float("nan")),
    ("identity", "rank5", 1.2),
    ("identity", "rank1", 1.2),
    ("identity", "rank_mean", 0.5),
    ("identity", "rank_floor", 0.0),
    ("targets", "share", 2.5),
    ("shapes", "face", -1),
    ("identity", "distance_min", -0.1),
    ("verdicts", "verdict", "fine"),
    ("verdicts", "comparison", "<"),
]


def _frame(name: str, **change: object) -> pl.DataFrame:
    schema, row = GOOD[name]
    dtypes = {column: spec.dtype.type for column, spec in schema.columns.items()}
    return pl.DataFrame([row, {**row, **change}][-1:], schema=dtypes, orient="row")


@pytest.mark.parametrize("name", GOOD)
def test_a_good_row_passes(name):
    check_table(_frame(name), GOOD[name][0], name)


@pytest.mark.parametrize(("name", "column", "value"), BAD)
def test_a_bad_value_is_refused_with_table_row_and_column(name, column, value):
    with pytest.raises(DocumentError, match=rf"{name} breaks its schema: column {column} row 1"):
        check_table(_frame(name, **{column: value}), GOOD[name][0], name)


def test_every_table_of_the_evidence_is_fed_a_bad_value():
    assert {*MEASURED, *COLLECTED, "methods", "roc"} <= {name for name, _, _ in BAD}


@pytest.mark.parametrize(
    ("metric", "value", "is_good"),
    [("pck@0.02", 1.0, True), ("pck@0.02", 7.0, False), ("ap", 1.01, False), ("correlation", -0.5, True),
     ("correlation", 1.5, False), ("nme_mean", 7.0, True), ("nme_mean", -0.1, False),
     ("found_again", 1.2, False), ("lost", 12.0, True)],
)  # fmt: skip
def test_a_metric_keeps_its_own_range(metric, value, is_good):
    for column in ("value", "floor"):
        frame = _frame(
            "invariance",
            metric=metric,
            **{column: value},
            **({"floor": 0.1} if column != "floor" else {"value": 0.1}),
        )
        if is_good:
            check_table(frame, INVARIANCE, "invariance")
        else:
            with pytest.raises(DocumentError, match=f"column {column} row 1"):
                check_table(frame, INVARIANCE, "invariance")


@pytest.mark.parametrize("name", GOOD)
def test_an_extra_column_is_refused(name):
    with pytest.raises(DocumentError):
        check_table(_frame(name).with_columns(extra=1), GOOD[name][0], name)


def _strange(good):
    """Yield a table with each of its cells as it may not be, and with other rows and columns."""
    yield from (good, good.clear(), pl.concat([good, good]), good.drop(good.columns[0]))
    yield from (good.with_columns(extra=1), good.select(reversed(good.columns)))
    for column, dtype in good.schema.items():
        yield good.with_columns(pl.lit(None, dtype).alias(column))
        if dtype.is_numeric():
            yield good.with_columns(pl.lit(float("nan") if dtype.is_float() else -1, dtype).alias(column))
    yield good.with_columns(pl.lit("x").alias(good.columns[-1]))


@pytest.mark.parametrize("name", GOOD)
def test_asked_at_once_a_table_keeps_its_schema_where_pandera_says_so(name):
    schema, told = GOOD[name][0], []
    for frame in _strange(_frame(name)):
        try:
            schema.validate(frame, lazy=True)
        except pandera.errors.SchemaErrors:
            told.append(False)
        else:
            told.append(True)
        assert keeps(frame, schema) is told[-1], frame
    assert {*told} == {True, False}


@pytest.mark.parametrize("first", ["schemas.clips", "tasks.files.checks", "tasks.files.tables"])
def test_whatever_is_imported_first_a_table_can_be_asked(first):
    code = (
        f"import {first}; from schemas.clips import CLIPS; from tasks.files.checks import keeps; "
        "from tasks.files.tables import build_table; assert keeps(build_table([], CLIPS), CLIPS)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=REPO, check=True)


def test_a_kind_of_schema_that_is_not_known_is_left_to_pandera():
    frame = pl.DataFrame({"a": [1]})
    for more in ({"strict": False}, {"strict": "filter"}, {"coerce": True, "strict": True}):
        assert not keeps(frame, pa.DataFrameSchema({"a": pa.Column(pl.Int64)}, **more))
    for column in (pa.Column(pl.Int64, required=False), pa.Column(pl.Int64, coerce=True)):
        assert not keeps(frame, pa.DataFrameSchema({"a": column}, strict=True))
    assert keeps(frame, pa.DataFrameSchema({"a": pa.Column(pl.Int64)}, strict=True))


def test_a_check_that_nothing_may_escape_is_asked_of_what_is_missing():
    frame = pl.DataFrame({"a": [1, None]})
    for ignores in (True, False):
        check = pa.Check.ge(0, ignore_na=ignores)
        schema = pa.DataFrameSchema({"a": pa.Column(pl.Int64, check, nullable=True)}, strict=True)
        assert keeps(frame, schema) is ignores


def test_a_wrong_type_is_not_coerced():
    frame = _frame("coverage").with_columns(pl.col("frame").cast(pl.Int64))
    with pytest.raises(DocumentError, match="column frame"):
        check_table(frame, COVERAGE, "coverage")


def test_a_bad_value_cannot_be_written_or_read(tmp_path):
    bad = _frame("coverage", source="guessed")
    with pytest.raises(DocumentError):
        write_table(bad, COVERAGE, tmp_path / "coverage.parquet")
    assert list(tmp_path.iterdir()) == []
    bad.write_parquet(tmp_path / "coverage.parquet")
    with pytest.raises(DocumentError, match="column source row 1"):
        read_table(tmp_path / "coverage.parquet", COVERAGE)


def test_a_table_that_guise_made_wrong_is_told_as_a_fault_of_guise(tmp_path):
    good = _frame("cohort")
    bad = good.with_columns(high=pl.lit(float(np.nextafter(1, 2))), metric=pl.lit("pck@0.02"))
    paths = tmp_path / "cohort.parquet", tmp_path / "other.parquet"
    with pytest.raises(FaultError) as caught:
        write_tables({paths[0]: (good, COHORT), paths[1]: (bad, COHORT)})
    for said in ("other.parquet", "column high row 1", "but it is 1.0000000000000002", "metric pck@0.02",
                 "a fault of Guise, not of your data", "carries on at this stage"):  # fmt: skip
        assert said in str(caught.value), said
    # nothing was written, since not all of it is sound
    assert list(tmp_path.iterdir()) == []


def test_words_of_a_row_are_not_told():
    with pytest.raises(DocumentError) as caught:
        check_table(_frame("manifest", task="Mueller 1961"), MANIFEST, "manifest.csv")
    assert "column task row 1" in str(caught.value)
    assert "Mueller" not in str(caught.value)


def test_a_file_that_is_no_table_is_one_sentence(tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"not parquet")
    with pytest.raises(DocumentError, match=r"x.parquet is not a readable table"):
        read_table(tmp_path / "x.parquet", COVERAGE)


def test_an_empty_keypoint_table_is_valid():
    check_table(to_table([]), KEYPOINTS, "keypoints")

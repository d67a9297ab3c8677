"""A name that is burned into a clip: through extraction, rendering and the check on the release."""

import shutil

import cv2
import numpy as np
import polars as pl
import pytest
from tests_support import STAGES, admit_clips, run_stage, write_pictures

from flows.stage.load import load_stage
from schemas.texts import CLIP_TEXTS, COVERED_TEXTS
from tasks.files.clips import corrections_path, covered_texts_path, read_admitted, texts_path, video_path
from tasks.files.documents import read_table
from tasks.files.tables import build_table, check_table
from tasks.text.reading import read_lines
from tasks.validate.measured import measured_path, read_measured
from tasks.validate.pixels.texts import frames_of
from tasks.validate.verdicts import judge
from tasks.video import read_frames
from tools.benchmark.text import FONTS, face

pytestmark = pytest.mark.slow
FRAMES, SIZE_WH = 24, (480, 270)
NAME, SIGN = "Schmidt, Maria 12.03.1957", "please wash your hands"
STILL, MOVING, NONE = (f"clip-{number:016x}" for number in range(3))


def _picture(frame, texts):
    """Return a moving wall with words on it: words -> corner."""
    wall = np.random.default_rng(7).integers(40, 110, (SIZE_WH[1] + FRAMES, SIZE_WH[0], 3)).astype(np.uint8)
    rgb = np.ascontiguousarray(cv2.GaussianBlur(wall, (0, 0), 6)[frame : frame + SIZE_WH[1]])
    for words, corner_xy in texts.items():
        cv2.putText(rgb, words, corner_xy, (245, 245, 245), face(FONTS[0]), 22)
    return rgb


CLIPS = {
    STILL: lambda frame: {NAME: (40, 60), SIGN: (120, 200)},
    # it comes in the middle of a scene, and moves
    MOVING: lambda frame: {NAME: (20 + 2 * frame, 100 + 2 * frame)} if frame >= 11 else {},
    NONE: lambda frame: {},
}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory, root, params):
    here = tmp_path_factory.mktemp("texts")
    (here / "data").mkdir()
    (here / "data/models").symlink_to(root / "data/models")
    for clip_id, words in CLIPS.items():
        path = here / video_path("original", clip_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_pictures(path, [_picture(frame, words(frame)) for frame in range(FRAMES)])
    admit_clips(here, {clip_id: f"subject-{clip_id[5:]}" for clip_id in CLIPS})
    soon = params.extract.model_copy(update={"text_interval_s": 0.4})
    params = params.model_copy(update={"extract": soon})
    for stage in STAGES:
        run_stage(here, params, *stage)
    return here, params


def _with_rule(params, text):
    return params.model_copy(update={"deidentify": params.deidentify.model_copy(update={"text": text})})


def _check(here, params, clip_ids=tuple(CLIPS)):
    """Return clip -> its findings on text; the evidence on text; clip -> the verdict of the rules on text."""
    stage = load_stage("validate")
    for job in stage.plan(here, params, ""):
        if job.key in clip_ids:
            stage.process(here, job)
    (measured,) = read_measured(here / measured_path(clip_id) for clip_id in clip_ids)
    rows = {name: table.to_dicts() for name, table in measured.items()}
    told = {clip_id: {} for clip_id in clip_ids}
    for row in rows["findings"]:
        if row["finding"].startswith("text") and row["frames"]:
            told[row["clip_id"]][row["finding"]] = row["ranges"]
    texts = check_table(build_table(rows["texts"], CLIP_TEXTS), CLIP_TEXTS, "texts")
    rules = {
        name: rule for name, rule in params.validate_.rules.items() if rule.finding in ("text", "text_left")
    }
    tables = {name: pl.DataFrame(rows[name]) for name in ("invariance", "findings")}
    verdicts = judge(sorted(clip_ids), rules, tables)
    return told, texts, {row["clip_id"]: row["verdict"] for row in verdicts}


def _read(here, clip_id, weights, every=7):
    frames = [
        frame for frame in read_frames(here / video_path("released", clip_id)) if frame.index % every == 0
    ]
    return {frame.index: [line.kind for line in read_lines(frame.rgb, weights)] for frame in frames}


def test_what_identifies_is_covered_from_its_first_frame_to_its_last_and_a_sign_is_told(cohort, weights):
    here, params = cohort
    assert set(map(tuple, _read(here, STILL, weights).values())) == {("other",)}
    assert set(map(tuple, _read(here, MOVING, weights, every=3).values())) == {()}
    findings, texts, verdict = _check(here, params)
    assert findings == {STILL: {"text": f"0-{FRAMES - 1}"}, MOVING: {}, NONE: {}}
    assert verdict == {STILL: "review", MOVING: "pass", NONE: "pass"}
    assert set(texts.select("clip_id", "kind", "covered").rows()) == {
        (STILL, "identifying", True), (STILL, "other", False), (MOVING, "identifying", True),
    }  # fmt: skip


def test_nothing_else_of_the_picture_is_changed(cohort):
    here, _ = cohort
    for clip_id in CLIPS:
        texts = read_table(here / covered_texts_path("released", clip_id), COVERED_TEXTS).filter("covered")
        arms = [read_frames(here / video_path(arm, clip_id)) for arm in ("control", "released")]
        for control, released in zip(*arms, strict=True):
            apart = np.abs(control.rgb.astype(int) - released.rgb.astype(int)).max(axis=2)
            here_now = texts.filter(
                pl.col("first_frame") <= control.index, pl.col("last_frame") >= control.index
            )
            for x0, y0, x1, y1 in here_now["box_xyxy"].to_list():
                apart[max(0, int(y0) - 16) : int(y1) + 17, max(0, int(x0) - 16) : int(x1) + 17] = 0
            assert np.percentile(apart, 99.9) < 40, (clip_id, control.index)


@pytest.mark.parametrize(("rule", "verdict"), [("flag", "review"), ("keep", "pass")])
def test_the_rule_may_be_to_flag_or_to_keep(cohort, weights, tmp_path, rule, verdict):
    made, params = cohort
    here, params = shutil.copytree(made, tmp_path / "w", symlinks=True), _with_rule(params, rule)
    run_stage(here, params, "deidentify", "released")
    assert all("identifying" in kinds for kinds in _read(here, STILL, weights, every=12).values())
    findings, _, verdicts = _check(here, params, [STILL])
    assert verdicts == {STILL: verdict}
    assert findings[STILL] == ({"text": f"0-{FRAMES - 1}"} if rule == "flag" else {})


def test_a_name_that_was_not_found_in_the_original_fails_the_clip(cohort, tmp_path):
    made, params = cohort
    here = shutil.copytree(made, tmp_path / "w", symlinks=True)
    for clip_id in (STILL, MOVING):
        shutil.copyfile(here / video_path("original", clip_id), here / video_path("released", clip_id))
    findings, _, verdict = _check(here, params)
    assert {clip_id: "text_left" in told for clip_id, told in findings.items()} == {
        STILL: True,
        MOVING: True,
        NONE: False,
    }
    assert verdict == {STILL: "fail", MOVING: "fail", NONE: "pass"}


def test_a_person_says_of_a_box_that_it_stays_and_is_asked_to_look_at_it(cohort, weights, tmp_path):
    made, params = cohort
    here = shutil.copytree(made, tmp_path / "w", symlinks=True)
    path = here / corrections_path(STILL)
    path.parent.mkdir()
    path.write_text("first_frame,last_frame,x0,y0,x1,y1,action,method\n8,15,0,20,480,100,remove,\n")
    run_stage(here, params, "deidentify", "released")
    read = _read(here, STILL, weights)
    assert {frame for frame, kinds in read.items() if "identifying" in kinds} == {14}
    assert _check(here, params, [STILL])[0][STILL] == {"text": f"0-{FRAMES - 1}"}


def test_words_are_nowhere_in_the_workspace(cohort):
    here, _ = cohort
    for path in here.rglob("*.parquet"):
        content = path.read_bytes() + str(pl.read_parquet(path).to_dicts()).encode()
        for words in (b"Schmidt", b"Maria", b"1957", b"wash"):
            assert words not in content, path
    assert (here / texts_path(STILL)).is_file()
    assert len(read_admitted(here)) == len(CLIPS)


@pytest.mark.parametrize(
    ("rule", "kind", "covered", "arm", "expected"),
    [
        ("cover", "identifying", False, "released", ([3], [])),
        # a word that may be a shop's asks, a name fails
        ("cover", "word", False, "released", ([], [3])),
        ("cover", "other", False, "released", ([], [3])),
        ("cover", "identifying", True, "original", ([], [])),
        ("cover", "other", False, "original", ([], [3])),
        # a person took its cover away
        ("cover", "identifying", False, "original", ([], [3])),
        ("flag", "identifying", False, "original", ([], [3])),
        ("flag", "identifying", False, "released", ([], [3])),
        ("keep", "identifying", False, "released", ([], [])),
    ],
)
def test_what_is_left_fails_and_what_stays_asks(rule, kind, covered, arm, expected):
    row = {"clip_id": STILL, "arm": arm, "first_frame": 3, "last_frame": 3, "kind": kind, "covered": covered}
    assert frames_of([row], rule) == expected

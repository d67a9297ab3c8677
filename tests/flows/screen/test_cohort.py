"""A cohort on the screen: all of a small one, of a large one those that need somebody."""

import pytest
from tests_support import REPO

from flows.screen import cohort
from flows.workspace.graph import NodeResult
from schemas.clips import CLIPS, SOURCES
from schemas.evidence import IDENTITY, INVARIANCE, VERDICTS
from schemas.reports import StageReport
from tasks.files.clips import CLIPS_PATH, evidence_path
from tasks.files.documents import read_params, write_params, write_table
from tasks.files.tables import build_table
from tasks.ingest import SOURCES_PATH


def _cohort(root, verdicts):
    """Clips with these verdicts, in this order."""
    clips = [f"clip-{number:016x}" for number in range(len(verdicts))]
    rows = [
        {"clip_id": clip_id, "verdict": verdict, "rule": "face_motion", "value": 3.0, "comparison": "<=",
         "threshold": 1.5, "severity": verdict if verdict != "pass" else "review",
         "passed": verdict == "pass"}
        for clip_id, verdict in zip(clips, verdicts, strict=True)
    ]  # fmt: skip
    write_table(build_table(rows, VERDICTS), VERDICTS, root / evidence_path("verdicts"))
    for name, schema in (("invariance", INVARIANCE), ("identity", IDENTITY)):
        write_table(build_table([], schema), schema, root / evidence_path(name))
    known = [
        {"clip_id": clip_id, "file": f"visit-{number}.mp4", "raw_sha256": None}
        for number, clip_id in enumerate(clips)
    ]
    write_table(build_table(known, SOURCES), SOURCES, root / SOURCES_PATH)
    write_params(read_params(REPO), root)


def _told(root, capsys):
    cohort.show_clips(root)
    lines = capsys.readouterr().out.splitlines()
    return [line.split()[0] for line in lines if " is clip-" in line], " ".join(lines)


@pytest.mark.parametrize("verdicts", [["pass", "fail", "review"], ["review"] * cohort.MOST_CLIPS])
def test_a_small_cohort_is_told_whole_and_in_its_order(tmp_path, capsys, verdicts):
    _cohort(tmp_path, verdicts)
    files, text = _told(tmp_path, capsys)
    assert files == [f"visit-{number}.mp4" for number in range(len(verdicts))]
    assert "shows all" not in text


@pytest.mark.parametrize("place", [0, 40, 119])
def test_of_a_large_cohort_those_come_first_that_need_somebody(tmp_path, capsys, place):
    verdicts = ["pass"] * 120
    verdicts[place], verdicts[place // 2 + 7] = "fail", "review"
    _cohort(tmp_path, verdicts)
    files, text = _told(tmp_path, capsys)
    assert files[:2] == [f"visit-{place}.mp4", f"visit-{place // 2 + 7}.mp4"]
    assert len(files) == len(set(files)) == cohort.MOST_CLIPS
    assert "120 clips: " in text
    assert all(said in text for said in ("118 pass", "1 review", "1 fail", "`guise review` shows all"))


@pytest.mark.parametrize(("count", "more"), [(0, None), (100, None), (101, 1), (5000, 4900)])
def test_no_screen_is_flooded_with_notes(capsys, count, more):
    report = StageReport(stage="validate", arm="", jobs=1, notes=tuple(f"note {n}" for n in range(count)))
    cohort.show_node(NodeResult("validate", (report,)))
    lines = capsys.readouterr().out.splitlines()
    assert sum("note " in line for line in lines) == min(count, cohort.MOST_NOTES)
    assert any(f"and {more} more" in line for line in lines) == (more is not None)


@pytest.mark.parametrize(
    ("missing", "there", "meant"),
    [
        ("Visit1.mp4", ["visit1.MP4"], "visit1.MP4"),
        ("visit1", ["visit1.mp4", "visit2.mp4"], "visit1.mp4"),
        ("p/visit1.mp4", ["day 1/p/visit1.mp4"], "day 1/p/visit1.mp4"),
        ("visit1.mp4", ["visit2.mp4", "visit11.mp4"], None),  # may be another patient's
        ("visit1.mp4", ["a/visit1.mp4", "b/visit1.mp4"], None),
        ("visit1.mp4", [], None),
    ],
)
def test_a_file_that_is_missing_may_be_there_in_another_spelling(tmp_path, missing, there, meant):
    row = dict.fromkeys(CLIPS.columns) | {"subject": None, "status": "refused", "has_audio": None}
    told = [(missing, "file missing"), *((file, "not named in the manifest") for file in there)]
    rows = [
        row | {"clip_id": f"clip-{number:016x}", "reason": why, "audio": "none", "may_be_mixed": False}
        for number, (_, why) in enumerate(told)
    ]
    files = [
        {"clip_id": f"clip-{number:016x}", "file": file, "raw_sha256": None}
        for number, (file, _) in enumerate(told)
    ]
    write_table(build_table(rows, CLIPS), CLIPS, tmp_path / CLIPS_PATH)
    write_table(build_table(files, SOURCES), SOURCES, tmp_path / SOURCES_PATH)
    first, *others = cohort.refused(tmp_path)
    assert first["file"] == missing
    assert first["detail"] == (f"is it {meant}, which no row names?" if meant else "")
    assert not any(one["detail"] for one in others)


def test_what_two_rows_may_mean_is_offered_to_neither():
    told = [("A/visit1.mp4", "file missing"), ("B/visit1.mp4", "file missing"), ("c.mp4", "file missing"),
            ("visit1.mp4", "not named in the manifest"), ("C.MP4", "not named in the manifest")]  # fmt: skip
    rows = [{"file": file, "reason": reason, "detail": ""} for file, reason in told]
    found = {row["file"]: row["detail"] for row in cohort._with_guesses(rows)}
    assert {file for file, detail in found.items() if detail} == {"c.mp4"}

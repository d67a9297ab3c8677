"""A file a clip, joined to the tables of the cohort."""

import polars as pl
import pytest
from tests_support import copy_unprocessed

import tasks.validate as validate
from schemas.evidence import COLLECTED
from tasks.files.clips import evidence_path, read_admitted
from tasks.files.documents import read_params
from tasks.files.errors import DocumentError, FaultError
from tasks.validate import measured
from tasks.validate.evidence import write_evidence
from tasks.validate.measured import COHORT, TABLES, measured_path, read_measured, write_measured

CLIP = "clip-{:016x}"


def _found(number, frames=0):
    finding = {"finding": "flagged", "frames": frames, "ranges": "", "worst": None}
    return {"findings": [{"clip_id": CLIP.format(number)} | finding]}


def test_tables_come_back_with_those_that_are_empty(tmp_path):
    write_measured(_found(1, 3), tmp_path / measured_path(CLIP.format(1)))
    write_measured({}, tmp_path / measured_path(COHORT))
    (tables,) = read_measured([tmp_path / measured_path(key) for key in (COHORT, CLIP.format(1))])
    assert set(tables) == set(measured.TABLES)
    assert tables["findings"].to_dicts() == _found(1, 3)["findings"]
    assert all(table.is_empty() for name, table in tables.items() if name != "findings")


def test_what_breaks_its_schema_is_not_written(tmp_path):
    with pytest.raises(FaultError, match="findings breaks its schema"):
        write_measured(_found(1, -1), tmp_path / measured_path(CLIP.format(1)))
    assert not (tmp_path / measured_path(CLIP.format(1))).exists()


@pytest.mark.parametrize(
    ("files", "size", "sizes"), [(200, 1 << 30, [5]), (2, 1 << 30, [2, 2, 1]), (200, 1, [1] * 5)]
)
def test_no_more_is_held_than_a_few_files(tmp_path, monkeypatch, files, size, sizes):
    monkeypatch.setattr(measured, "MOST_FILES", files)
    monkeypatch.setattr(measured, "MOST_BYTES", size)
    paths = [tmp_path / measured_path(CLIP.format(number)) for number in range(5)]
    for number, path in enumerate(paths):
        write_measured(_found(number), path)
    read = [tables["findings"]["clip_id"].to_list() for tables in read_measured(paths)]
    assert [len(batch) for batch in read] == sizes
    assert [clip_id for batch in read for clip_id in batch] == [CLIP.format(number) for number in range(5)]


@pytest.mark.parametrize("content", [b"", b"no table", None])
def test_a_damaged_file_is_named_and_nothing_is_written(tmp_path, content):
    path = tmp_path / measured_path(CLIP.format(7))
    write_measured({}, path)
    path.write_bytes(path.read_bytes()[:-40] if content is None else content)
    with pytest.raises(DocumentError, match="run `guise run` again"):
        list(read_measured([path]))


@pytest.fixture
def workspace(demo, tmp_path):
    return copy_unprocessed(demo[0], tmp_path / "d", ())


@pytest.mark.parametrize("files", [1, 2])
def test_evidence_is_the_same_however_many_files_are_read_at_once(workspace, monkeypatch, files):
    clips, settings = read_admitted(workspace), read_params(workspace).validate_
    paths = {name: evidence_path(name) for name in (*TABLES, *COLLECTED, "methods")}
    before = {name: (workspace / path).read_bytes() for name, path in paths.items()}
    (workspace / evidence_path("cohort")).unlink()
    monkeypatch.setattr(measured, "MOST_FILES", files)
    written, found = write_evidence(workspace, settings, clips)
    assert {name: (workspace / path).read_bytes() for name, path in paths.items()} == before
    assert found and all(row["frames"] for row in found)
    assert all((workspace / path).is_file() for path in written)


def test_a_clip_that_could_not_be_measured_is_told(workspace):
    params = read_params(workspace)
    clips = read_admitted(workspace)["clip_id"].to_list()
    gone = clips[1]
    (workspace / measured_path(gone)).unlink()
    rows = [{"outputs": {str(measured_path(key)): ""}} for key in (COHORT, *clips) if key != gone]
    told = validate.collect(workspace, params, "", rows)
    assert f"{gone} is refused: its figures could not be measured" in told.notes
    assert gone not in pl.read_parquet(workspace / evidence_path("verdicts"))["clip_id"]

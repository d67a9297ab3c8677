"""Tables that are read together are asked as each would be by itself."""

import pytest

from schemas.coverage import COVERAGE
from tasks.files import documents
from tasks.files.documents import read_table, read_together, write_table
from tasks.files.errors import DocumentError
from tasks.files.tables import build_table

ROW = {
    "track": 0, "source": "detected", "region_xyxy": [0.0, 0.0, 9.0, 9.0], "method": "mesh_swap",
    "in_front": 0.0, "worn": 0.0, "painted_over": False, "in_mouth": 0.0, "flagged": False,
}  # fmt: skip


def _write(folder, rows):
    """A table of as many frames as each number says."""
    paths = [folder / f"clip-{number:02}.parquet" for number in range(len(rows))]
    for path, count in zip(paths, rows, strict=True):
        frames = [ROW | {"frame": frame} for frame in range(count)]
        write_table(build_table(frames, COVERAGE), COVERAGE, path)
    return paths


@pytest.mark.parametrize("together", [1, 2, 3, 200])
def test_all_rows_come_in_the_order_of_the_files(tmp_path, monkeypatch, together):
    """The same frames in several clips break no rule of a table."""
    monkeypatch.setattr(documents, "TOGETHER", together)
    paths = _write(tmp_path, [3, 0, 2, 5, 0])
    rows = [row for table in read_together(paths, COVERAGE) for row in table.rows()]
    assert rows == [row for path in paths for row in read_table(path, COVERAGE).rows()]


def test_of_no_table_nothing_comes():
    assert [*read_together([], COVERAGE)] == []


@pytest.mark.parametrize("at", [0, 3, 4])
@pytest.mark.parametrize("wrong", [{"method": "nothing"}, {"in_front": 2.0}, {"frame": 0}, None])
def test_one_wrong_table_among_many_is_told(tmp_path, at, wrong):
    paths = _write(tmp_path, [2] * 5)
    rows = [ROW | {"frame": 0}, ROW | {"frame": 1} | (wrong or {})]
    table = build_table(rows, COVERAGE)
    (table if wrong else table.drop("worn")).write_parquet(paths[at])
    with pytest.raises(DocumentError):
        [*read_together(paths, COVERAGE)]


@pytest.mark.parametrize("at", [0, 2])
def test_a_missing_and_an_unreadable_table_are_told(tmp_path, at):
    paths = _write(tmp_path, [2] * 3)
    paths[at].write_bytes(b"no table")
    with pytest.raises(DocumentError, match="is not a readable table"):
        [*read_together(paths, COVERAGE)]
    paths[at].unlink()
    with pytest.raises(DocumentError, match=f"{paths[at].name} is missing"):
        [*read_together(paths, COVERAGE)]

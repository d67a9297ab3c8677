"""Several tables in one file: each comes back as it was, and what is no such file is told."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests_support import seen_tables

from schemas.frames import FRAMES
from tasks.files.errors import DocumentError, FaultError
from tasks.files.nested import read_nested, write_nested
from tasks.files.seen import SEEN, faces_of, followed_of, frames_of, seen_path, write_seen

CLIP = "clip-" + "0" * 16
READ = {"frames": frames_of, "faces": faces_of, "followed": followed_of}


def _frame(number):
    return {"frame": number, "pts": 512 * number, "timestamp_s": number / 25, "scene": 0, "crowded": False}


def _face(number):
    return {
        "person": number, "scene": 0, "first_frame": 0, "last_frame": number, "sightings": 1, "meshes": 0,
        "looks": [0.5] * number, "likeliest_frame": 0, "around_xyxy": [0.0, 1.0, 2.0, 3.5],
        "first_rgb": [number] * 48, "last_rgb": [255] * 48, "belief": "possible", "reason": "made",
    }  # fmt: skip


def _followed(number):
    return {"frame": number, "person": 0, "agreement": 0.25, "box_xyxy": [0.0, 0.5, 9.0, 9.0]}


@given(st.lists(st.integers(0, 5), min_size=3, max_size=3))
def test_each_table_comes_back_as_it_was_the_empty_ones_too(tmp_path_factory, counts):
    root = tmp_path_factory.mktemp("seen")
    rows = {
        name: [make(number) for number in range(count)]
        for (name, make), count in zip(
            {"frames": _frame, "faces": _face, "followed": _followed}.items(), counts, strict=True
        )
    }
    tables = seen_tables(**rows)
    write_seen(root / seen_path("control", CLIP), *tables)
    for name, table in zip(SEEN, tables, strict=True):
        found = READ[name](root, "control", CLIP)
        assert found.equals(table) and found.schema == table.schema


def test_a_table_that_breaks_its_schema_is_not_written(tmp_path):
    path = tmp_path / "seen.parquet"
    frames, faces, followed = seen_tables(frames=[_frame(1)])
    with pytest.raises(FaultError, match="frames"):
        write_seen(path, pl.concat([frames, frames]), faces, followed)
    with pytest.raises(KeyError):
        write_nested({"frames": frames}, SEEN, path)
    assert not path.exists()


def _as_it_was(path):
    """What an earlier version wrote: one table alone."""
    seen_tables(frames=[_frame(1)])[0].write_parquet(path)


DAMAGE = {
    "is missing": lambda path: path.unlink(),
    "is not a readable table": lambda path: path.write_bytes(path.read_bytes()[:-9]),
    "not a readable table": _as_it_was,
    "at-odds.parquet, frames": lambda path: pl.DataFrame(
        {"frames": [[{"frame": -1, "pts": 0, "timestamp_s": 0.0, "scene": 0, "crowded": False}]]},
        schema={"frames": pl.List(pl.Struct({name: one.dtype.type for name, one in FRAMES.columns.items()}))},
    ).write_parquet(path),
}


@pytest.mark.parametrize("sentence", DAMAGE)
def test_what_is_no_such_file_is_told_in_a_sentence(tmp_path, sentence):
    path = tmp_path / "at-odds.parquet"
    write_seen(path, *seen_tables(frames=[_frame(1)]))
    DAMAGE[sentence](path)
    with pytest.raises(DocumentError, match=sentence):
        read_nested(path, "frames", FRAMES)

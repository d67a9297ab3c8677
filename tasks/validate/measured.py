"""What was measured of a clip or of the cohort, in one file: a table is a column, its rows a list."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

import polars as pl

from schemas.evidence import MEASURED, ROC
from schemas.jobs import Row
from tasks.files.clips import EVIDENCE
from tasks.files.errors import DocumentError
from tasks.files.nested import unnest, write_nested
from tasks.files.tables import build_table, check_table

FOLDER = EVIDENCE / "measured"
COHORT = "cohort"  # beside the clips'
TABLES = MEASURED | {"roc": ROC}
# so many files, or bytes of them, are held at once
MOST_FILES, MOST_BYTES = 200, 32 << 20
Tables = dict[str, pl.DataFrame]


def measured_path(key: str) -> Path:
    """Return where it lies what was measured of a clip, or of the cohort."""
    return FOLDER / f"{key}.parquet"


def write_measured(rows: Mapping[str, list[Row]], path: Path) -> None:
    """Write the rows of a clip's or of the cohort's tables, those without any, too. Raises FaultError."""
    keep_measured(measure(rows), path)


def measure(rows: Mapping[str, list[Row]]) -> Tables:
    """Return all tables of a clip, those without rows, too."""
    return {name: build_table(rows.get(name, []), schema) for name, schema in TABLES.items()}


def keep_measured(found: Mapping[str, pl.DataFrame], path: Path) -> None:
    """Write all tables of a clip or of the cohort. Raises FaultError."""
    write_nested(found, TABLES, path)


def read_measured(paths: Iterable[Path]) -> Iterator[Tables]:
    """Yield the validated tables of some files after the other. Raises DocumentError."""
    for batch in _batches(paths):
        try:
            nested = pl.read_parquet(batch)
        except pl.exceptions.PolarsError as error:
            raise DocumentError(f"{batch[0].name} is not readable: run `guise run` again") from error
        yield {name: check_table(unnest(nested[name]), schema, name) for name, schema in TABLES.items()}


def _batches(paths: Iterable[Path]) -> Iterator[list[Path]]:
    batch: list[Path] = []
    size_bytes = 0
    for path in paths:
        batch.append(path)
        size_bytes += path.stat().st_size
        if len(batch) == MOST_FILES or size_bytes > MOST_BYTES:
            yield batch
            batch, size_bytes = [], 0
    if batch:
        yield batch


def by_clip(tables: Mapping[str, pl.DataFrame], clip_ids: Collection[str]) -> Iterator[tuple[str, Tables]]:
    """Yield the rows of each clip."""
    parts = {name: table.partition_by("clip_id", as_dict=True) for name, table in tables.items()}
    for clip_id in clip_ids:
        yield clip_id, {name: parts[name].get((clip_id,), tables[name].clear()) for name in tables}

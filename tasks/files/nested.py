"""Several tables in one file: a table is a column, its rows a list."""

from collections.abc import Mapping
from pathlib import Path

import pandera.polars as pa
import polars as pl

from tasks.files.errors import DocumentError
from tasks.files.tables import check_own_table, check_table, encode
from tasks.files.whole import write_bytes

Schemas = Mapping[str, pa.DataFrameSchema]


def write_nested(tables: Mapping[str, pl.DataFrame], schemas: Schemas, path: Path) -> None:
    """Validate the tables of all schemas, then write them as one file. Raises FaultError."""
    nest({name: check_own_table(tables[name], schema, name) for name, schema in schemas.items()}, path)


def nest(tables: Mapping[str, pl.DataFrame], path: Path) -> None:
    """Write tables that hold what their schemas ask."""
    nested = pl.DataFrame({name: table.to_struct(name).implode() for name, table in tables.items()})
    write_bytes(encode(nested, as_parquet=True), path)


def read_nested(path: Path, name: str, schema: pa.DataFrameSchema) -> pl.DataFrame:
    """Read one of a file's tables and validate it. Raises DocumentError."""
    if not path.is_file():
        raise DocumentError(f"{path.name} is missing: run `guise run` first")
    try:
        column = pl.read_parquet(path, columns=[name])[name]
    except pl.exceptions.PolarsError as error:
        raise DocumentError(f"{path.name} is not a readable table") from error
    return check_table(unnest(column), schema, f"{path.name}, {name}")


def unnest(column: pl.Series) -> pl.DataFrame:
    """Return the table that a column is, or the rows of several files' after each other."""
    return column.explode().struct.unnest()

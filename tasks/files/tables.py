"""Tables: built, held against their schemas, encoded (pure)."""

from collections.abc import Mapping, Sequence
from io import BytesIO

import pandera.errors
import pandera.polars as pa
import polars as pl

from tasks.files.checks import keeps
from tasks.files.errors import DocumentError, FaultError

# what a row speaks of, where it may be told to anybody
TOLD_KEYS = ("clip_id", "clip_a", "clip_b", "arm", "recogniser", "part", "metric", "signal", "rule")


def check_table(
    frame: pl.DataFrame, schema: pa.DataFrameSchema, name: str, rows: Sequence[int] = ()
) -> pl.DataFrame:
    """Return the table if it keeps its schema. Raises DocumentError naming row, column and number.

    rows: what a spreadsheet calls them; without, they are counted from 1.
    """
    if keeps(frame, schema):
        return frame
    try:
        return schema.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        cases = errors.failure_cases.rows(named=True)
        numbers = rows or range(1, len(frame) + 1)
        shown = "; ".join(_describe_case(case, frame, numbers) for case in cases[:5])
        raise DocumentError(f"{name} breaks its schema: {shown}") from errors


def check_own_table(frame: pl.DataFrame, schema: pa.DataFrameSchema, name: str) -> pl.DataFrame:
    """Return a table that Guise has just made, if it keeps its schema. Raises FaultError."""
    try:
        return check_table(frame, schema, name)
    except DocumentError as error:
        raise FaultError(
            f"{error}. This is a fault of Guise, not of your data: please report this sentence. What was "
            "computed is kept, and `guise run` carries on at this stage"
        ) from error


def _describe_case(case: dict[str, object], frame: pl.DataFrame, numbers: Sequence[int]) -> str:
    column, row = case["column"], case.get("index")
    if row is None:
        return f"column {column}: {case['check']}"
    number = int(str(row))
    about = ", ".join(f"{name} {frame[number, name]}" for name in TOLD_KEYS if name in frame.columns)
    speaks = f" ({about})" if about else ""
    if column is None:
        return f"row {numbers[number]}: {case['check']}{speaks}"
    # words may name a patient, numbers do not
    is_number = frame.schema[str(column)].is_numeric()
    value = f", but it is {frame[number, str(column)]}" if is_number else ""
    return f"column {column} row {numbers[number]}: {case['check']}{value}{speaks}"


def build_table(rows: Sequence[Mapping[str, object]], schema: pa.DataFrameSchema) -> pl.DataFrame:
    """Build a table whose columns have the schema's types, also where a column is all empty."""
    dtypes = {name: column.dtype.type for name, column in schema.columns.items()}
    return pl.DataFrame(rows, schema=dtypes, orient="row")


def table_bytes(frame: pl.DataFrame, schema: pa.DataFrameSchema, name: str, *, as_parquet: bool) -> bytes:
    """Validate a table and return it as CSV or parquet; equal tables give equal bytes."""
    return encode(check_own_table(frame, schema, name), as_parquet=as_parquet)


def encode(table: pl.DataFrame, *, as_parquet: bool) -> bytes:
    """Return a table as CSV or parquet."""
    if not as_parquet:
        return table.write_csv().encode()
    with BytesIO() as stream:
        table.write_parquet(stream, compression="zstd", statistics=False)
        return stream.getvalue()

"""Tables and documents at every boundary: validated when written and when read."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pandera.errors
import pandera.polars as pa
import polars as pl
import yaml
from pydantic import BaseModel, ValidationError

from schemas.params import Params
from tasks.errors import DocumentError, FaultError

Document = TypeVar("Document", bound=BaseModel)
PIECE_ROWS = 500
PARAMS = "params.yaml"
PARAMS_TABLES = ("params/models.yaml", "params/targets.yaml")
# what a row speaks of, where it may be told to anybody
TOLD_KEYS = ("clip_id", "clip_a", "clip_b", "arm", "recogniser", "part", "metric", "signal", "rule")


def check_table(frame: pl.DataFrame, schema: pa.DataFrameSchema, name: str) -> pl.DataFrame:
    """Return the table if it keeps its schema. Raises DocumentError naming row, column and number."""
    try:
        return schema.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        cases = errors.failure_cases.rows(named=True)
        shown = "; ".join(_describe_case(case, frame) for case in cases[:5])
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


def _describe_case(case: dict[str, object], frame: pl.DataFrame) -> str:
    column, row = case["column"], case.get("index")
    if row is None:
        return f"column {column}: {case['check']}"
    number = int(str(row))
    about = ", ".join(f"{name} {frame[number, name]}" for name in TOLD_KEYS if name in frame.columns)
    speaks = f" ({about})" if about else ""
    if column is None:
        return f"row {number + 1}: {case['check']}{speaks}"
    # words may name a patient, numbers do not
    is_number = frame.schema[str(column)].is_numeric()
    value = f", but it is {frame[number, str(column)]}" if is_number else ""
    return f"column {column} row {number + 1}: {case['check']}{value}{speaks}"


def build_table(rows: Sequence[Mapping[str, object]], schema: pa.DataFrameSchema) -> pl.DataFrame:
    """Build a table whose columns have the schema's types, also where a column is all empty."""
    dtypes = {name: column.dtype.type for name, column in schema.columns.items()}
    return pl.DataFrame(rows, schema=dtypes, orient="row")


def write_table(frame: pl.DataFrame, schema: pa.DataFrameSchema, path: Path) -> None:
    """Validate, then write parquet that appears whole or not at all. Raises FaultError."""
    write_tables({path: (frame, schema)})


def write_tables(tables: Mapping[Path, tuple[pl.DataFrame, pa.DataFrameSchema]]) -> None:
    """Write tables as CSV or parquet once all of them keep their schemas. Raises FaultError."""
    checked = {path: check_own_table(frame, schema, path.name) for path, (frame, schema) in tables.items()}
    for path, table in checked.items():
        write_bytes(_encode(table, as_parquet=path.suffix == ".parquet"), path)


def _encode(table: pl.DataFrame, *, as_parquet: bool) -> bytes:
    if not as_parquet:
        return table.write_csv().encode()
    with BytesIO() as stream:
        table.write_parquet(stream, compression="zstd", statistics=False)
        return stream.getvalue()


def read_table(path: Path, schema: pa.DataFrameSchema) -> pl.DataFrame:
    """Read a parquet table and validate it. Raises DocumentError."""
    if not path.is_file():
        raise DocumentError(f"{path.name} is missing: run `guise run` first")
    try:
        frame = pl.read_parquet(path)
    except pl.exceptions.PolarsError as error:
        raise DocumentError(f"{path.name} is not a readable table") from error
    return check_table(frame, schema, path.name)


def read_csv_table(path: Path, schema: pa.DataFrameSchema) -> pl.DataFrame:
    """Read and validate a CSV table. Raises DocumentError."""
    kinds = {name: column.dtype.type for name, column in schema.columns.items()}
    try:
        frame = pl.read_csv(path, schema_overrides=kinds)
    except FileNotFoundError:
        raise DocumentError(f"{path.name} is missing: run `guise run` first") from None
    except pl.exceptions.PolarsError as error:
        raise DocumentError(f"{path.name} is not a readable table") from error
    return check_table(frame, schema, path.name)


def table_bytes(frame: pl.DataFrame, schema: pa.DataFrameSchema, name: str, *, as_parquet: bool) -> bytes:
    """Validate a table and return it as CSV or parquet; equal tables give equal bytes."""
    return _encode(check_own_table(frame, schema, name), as_parquet=as_parquet)


def write_pieces(pieces: Iterable[pl.DataFrame], schema: pa.DataFrameSchema, path: Path) -> None:
    """Validate and write a table that is too long to hold, piece by piece; whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.part")
    with TemporaryDirectory(dir=path.parent, prefix=".pieces-") as folder:
        try:
            for number, piece in enumerate(pieces):
                checked = check_own_table(piece, schema, path.name)
                checked.write_parquet(Path(folder) / f"{number:06}.parquet", statistics=False)
            pl.scan_parquet(f"{folder}/*.parquet").sink_parquet(
                partial, compression="zstd", statistics=False, row_group_size=PIECE_ROWS
            )
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)


def read_pieces(path: Path, schema: pa.DataFrameSchema) -> Iterator[pl.DataFrame]:
    """Yield a long table in validated pieces, at least one. Raises DocumentError."""
    if not path.is_file():
        raise DocumentError(f"{path.name} is missing: run `guise run` first")
    try:
        table = pl.scan_parquet(path)
        rows = table.select(pl.len()).collect().item()
        for start in range(0, max(1, rows), PIECE_ROWS):
            yield check_table(table.slice(start, PIECE_ROWS).collect(), schema, path.name)
    except pl.exceptions.PolarsError as error:
        raise DocumentError(f"{path.name} is not a readable table") from error


def write_bytes(data: bytes, path: Path) -> None:
    """Write a small file that appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.part")
    try:
        partial.write_bytes(data)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_json(document: object, path: Path) -> None:
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_bytes(f"{text}\n".encode(), path)


def read_document(path: Path, model: type[Document]) -> Document:
    """Read JSON or YAML through its model. Raises DocumentError naming file and field."""
    return _through(model, _read_yaml(path), path.name)


def _read_yaml(path: Path) -> Any:
    try:
        return yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)
    except FileNotFoundError:
        raise DocumentError(f"{path.name} is missing") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DocumentError(f"{path.name} cannot be read: {_first_line(error)}") from error


def _through(model: type[Document], content: object, name: str) -> Document:
    try:
        return model.model_validate_json(json.dumps(content, default=str))
    except ValidationError as error:
        raise DocumentError(f"{name}: {describe_errors(error)}") from error


def describe_errors(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, item['loc'])) or 'document'}: {_explain(item['type'], item['msg'])}"
        for item in error.errors()[:5]
    )


def _explain(kind: str, message: str) -> str:
    return "no such key (is it misspelt?)" if kind == "extra_forbidden" else message


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())


def read_params(root: Path) -> Params:
    """Read `params.yaml` of a workspace, and the tables of `params/` that belong into it.

    Raises DocumentError for a missing or misspelt key, or one that stands in two files.
    """
    whole = _read_yaml(root / PARAMS)
    for path in PARAMS_TABLES:
        if (root / path).is_file():
            whole = _joined(whole, _read_yaml(root / path), f"{PARAMS} and {path}")
    return _through(Params, whole, PARAMS)


def _joined(first: Any, second: Any, where: str, key: str = "") -> Any:
    if not isinstance(first, dict) or not isinstance(second, dict):
        raise DocumentError(f"{key or 'everything'} stands in {where}: keep it in the second of them")
    shared = {name: _joined(first[name], second[name], where, name) for name in first.keys() & second.keys()}
    return first | second | shared


def write_params(params: Params, root: Path) -> None:
    """Write all parameters as one `params.yaml`."""
    document = params.model_dump(mode="json", by_alias=True)
    write_bytes(yaml.safe_dump(document, sort_keys=False).encode(), root / PARAMS)

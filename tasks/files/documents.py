"""Tables and documents at every boundary: validated when written and when read."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pandera.polars as pa
import polars as pl
import yaml
from pydantic import BaseModel, ValidationError

from schemas.params import Params
from tasks.files.errors import DocumentError
from tasks.files.tables import check_own_table, check_table, encode
from tasks.files.whole import whole, write_bytes

Document = TypeVar("Document", bound=BaseModel)
PIECE_ROWS, LEAN_ROWS, TOGETHER, PART_ITEMS = 500, 200_000, 200, 500
OTHER_LINE = re.compile(r"\n(?![ \n#]|- |$)")  # one that is no part of an item, as a second key
FROM = "file"  # in which a row of several tables stands
PARAMS = "params.yaml"
PARAMS_TABLES = ("params/models.yaml", "params/targets.yaml")


def write_table(frame: pl.DataFrame, schema: pa.DataFrameSchema, path: Path) -> None:
    """Validate, then write parquet that appears whole or not at all. Raises FaultError."""
    write_tables({path: (frame, schema)})


def write_tables(tables: Mapping[Path, tuple[pl.DataFrame, pa.DataFrameSchema]]) -> None:
    """Write tables as CSV or parquet once all of them keep their schemas. Raises FaultError."""
    checked = {path: check_own_table(frame, schema, path.name) for path, (frame, schema) in tables.items()}
    for path, table in checked.items():
        write_bytes(encode(table, as_parquet=path.suffix == ".parquet"), path)


def read_table(path: Path, schema: pa.DataFrameSchema) -> pl.DataFrame:
    """Read a parquet table and validate it. Raises DocumentError."""
    if not path.is_file():
        raise DocumentError(f"{path.name} is missing: run `guise run` first")
    try:
        frame = pl.read_parquet(path)
    except pl.exceptions.PolarsError as error:
        raise DocumentError(f"{path.name} is not a readable table") from error
    return check_table(frame, schema, path.name)


def read_together(paths: Sequence[Path], schema: pa.DataFrameSchema) -> Iterator[pl.DataFrame]:
    """Yield the validated rows of some tables of one kind after the other. Raises DocumentError.

    Each is asked as it would be by itself: a check of many takes hardly longer than one of few.
    """
    alike = schema.add_columns({FROM: pa.Column(pl.String)})
    alike.unique = [FROM, *schema.unique] if schema.unique else None
    for start in range(0, len(paths), TOGETHER):
        some = [*paths[start : start + TOGETHER]]
        for missing in (path for path in some if not path.is_file()):
            raise DocumentError(f"{missing.name} is missing: run `guise run` first")
        try:
            frame = pl.scan_parquet(some, include_file_paths=FROM).collect()
        except pl.exceptions.PolarsError as error:
            raise DocumentError(f"{some[0].name}, or one like it, is not a readable table") from error
        yield check_table(frame, alike, some[0].parent.name).drop(FROM)


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


def write_pieces(pieces: Iterable[pl.DataFrame], schema: pa.DataFrameSchema, path: Path) -> None:
    """Validate and write a table that is too long to hold, piece by piece."""
    with piecewise(schema, path, PIECE_ROWS) as add:
        for piece in pieces:
            add(piece)


@contextmanager
def piecewise(
    schema: pa.DataFrameSchema, path: Path, group_rows: int | None = None
) -> Iterator[Callable[[pl.DataFrame], None]]:
    """Give the block what takes a long table's pieces, at least one; all are written when it ends well.

    As CSV or parquet; group_rows: of parquet, how many rows are read together. Raises FaultError.
    """
    with whole(path) as partial, TemporaryDirectory(dir=path.parent, prefix=".pieces-") as folder:
        numbers = count()

        def add(piece: pl.DataFrame) -> None:
            checked = check_own_table(piece, schema, path.name)
            checked.write_parquet(Path(folder) / f"{next(numbers):06}.parquet", statistics=False)

        yield add
        table = pl.scan_parquet(f"{folder}/*.parquet")
        if path.suffix == ".csv":
            table.sink_csv(partial)
        else:
            table.sink_parquet(partial, compression="zstd", statistics=False, row_group_size=group_rows)


def read_pieces(
    path: Path, schema: pa.DataFrameSchema, piece_rows: int = PIECE_ROWS, keep: pl.Expr | None = None
) -> Iterator[pl.DataFrame]:
    """Yield a long table, or some of its rows, in validated pieces, at least one. Raises DocumentError."""
    if not path.is_file():
        raise DocumentError(f"{path.name} is missing: run `guise run` first")
    try:
        table = pl.scan_parquet(path) if keep is None else pl.scan_parquet(path).filter(keep)
        rows = table.select(pl.len()).collect().item()
        for start in range(0, max(1, rows), piece_rows):
            yield check_table(table.slice(start, piece_rows).collect(), schema, path.name)
    except pl.exceptions.PolarsError as error:
        raise DocumentError(f"{path.name} is not a readable table") from error


def read_lean(
    path: Path,
    schema: pa.DataFrameSchema,
    columns: Sequence[str] | None = None,
    keep: pl.Expr | None = None,
) -> pl.DataFrame:
    """Return columns and rows of a long table, validated in pieces, with words that are held once each.

    Raises DocumentError.
    """
    words, wanted = pl.col(pl.String).cast(pl.Categorical), pl.lit(True) if keep is None else keep
    return pl.concat(
        piece.filter(wanted).select(columns or piece.columns).with_columns(words)
        for piece in read_pieces(path, schema, LEAN_ROWS)
    )


def read_some(path: Path, schema: pa.DataFrameSchema, keep: pl.Expr) -> pl.DataFrame:
    """Return those rows of a long table that are wanted, validated. Raises DocumentError."""
    if not path.is_file():
        raise DocumentError(f"{path.name} is missing: run `guise run` first")
    try:
        return check_table(pl.scan_parquet(path).filter(keep).collect(), schema, path.name)
    except pl.exceptions.PolarsError as error:
        raise DocumentError(f"{path.name} is not a readable table") from error


def write_json(document: object, path: Path) -> None:
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_bytes(f"{text}\n".encode(), path)


def read_document(path: Path, model: type[Document]) -> Document:
    """Read JSON or YAML through its model. Raises DocumentError naming file and field."""
    if path.suffix == ".json":
        with suppress(OSError, ValidationError):  # what is wrong is said below
            return model.model_validate_json(path.read_bytes())
    return _through(model, _read(path), path.name)


def read_parts(path: Path, model: type[Document]) -> list[Document]:
    """Read YAML that is one list under one key as documents of some of its items each.

    What is parsed takes many times the room of its text. Written in another manner it is one document.
    Raises DocumentError.
    """
    text = _text(path)
    key, *items = text.split("\n- ")
    parts = ["\n- ".join([key, *items[at : at + PART_ITEMS]]) for at in range(0, len(items), PART_ITEMS)]
    if len(parts) < 2 or OTHER_LINE.search(text):
        return [read_document(path, model)]
    try:
        return [_through(model, yaml.load(part, yaml.CSafeLoader), path.name) for part in parts]
    except (yaml.YAMLError, DocumentError):
        return [read_document(path, model)]  # which says what is wrong, and where


def _read(path: Path) -> Any:
    text = _text(path)
    try:
        # YAML takes no key of more than 1,024 characters, as a path may be
        return json.loads(text) if path.suffix == ".json" else yaml.load(text, yaml.CSafeLoader)
    except (yaml.YAMLError, json.JSONDecodeError) as error:
        raise DocumentError(f"{path.name} cannot be read: {_first_line(error)}") from error


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise DocumentError(f"{path.name} is missing") from None
    except UnicodeDecodeError as error:
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
    whole = _read(root / PARAMS)
    for path in PARAMS_TABLES:
        if (root / path).is_file():
            whole = _joined(whole, _read(root / path), f"{PARAMS} and {path}")
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

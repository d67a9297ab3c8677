"""Ask at once whether a table keeps its schema: pandera asks one column after the other (pure)."""

from collections.abc import Iterator

import pandera.polars as pa
import polars as pl
from pandera.api.checks import Check
from pandera.api.polars.types import PolarsData
from pandera.backends.polars.checks import PolarsCheckBackend
from pandera.backends.polars.register import register_polars_backends

register_polars_backends()


def keeps(frame: pl.DataFrame, schema: pa.DataFrameSchema) -> bool:
    """Return whether a table keeps its schema; a schema of kinds that are not known here is never kept."""
    columns = schema.columns.values()
    if schema.strict is not True or schema.dtype or schema.coerce:
        return False
    if any(one.regex or one.coerce or not one.required for one in columns):
        return False
    kinds = {one.name: one.dtype.type for one in columns}
    if dict(frame.schema) != kinds or (schema.ordered and frame.columns != [*kinds]):
        return False
    return all(answer.to_series().all() for answer in pl.collect_all([*_questions(frame.lazy(), schema)]))


def _questions(table: pl.LazyFrame, schema: pa.DataFrameSchema) -> Iterator[pl.LazyFrame]:
    """Yield what must be true in every row."""
    for column in schema.columns.values():
        value = pl.col(column.name)
        if not column.nullable:
            yield table.select(value.is_not_null())
            if column.dtype.type.is_float():
                yield table.select(value.is_not_nan())
        if column.unique:
            yield table.select(value.is_unique())
        yield from (_asked(check, table, column.name) for check in column.checks)
    if schema.unique:
        yield table.select(pl.struct(schema.unique).is_unique())
    yield from (_asked(check, table, "*") for check in schema.checks)


def _asked(check: Check, table: pl.LazyFrame, column: str) -> pl.LazyFrame:
    # a check that was made before its backend was registered does not know it: pandera looks anew, too
    name = getattr(check._check_fn, "__name__", "")
    if Check.is_builtin_check(name):
        check._check_fn = Check.get_builtin_check_fn(name)
    answer: pl.LazyFrame = PolarsCheckBackend(check).apply(PolarsData(table, column))
    return answer.select(pl.all().fill_null(check.ignore_na))

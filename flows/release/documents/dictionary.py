"""The data dictionary: every published table, from its schema (pure)."""

from collections.abc import Iterator

import pandera.polars as pa

from schemas.dictionary import ABOUT, meaning_of, published_tables


def describe_tables() -> str:
    """Write what every column of every published table is."""
    lines = ["# Data dictionary", "", "A CSV table holds an empty field where a value is not known.", ""]
    for name, (path, schema) in published_tables().items():
        lines += [
            f"## `{path}`",
            "",
            ABOUT[name],
            "",
            "| column | type | meaning | rule |",
            "|---|---|---|---|",
        ]
        lines += [*_rows(name, schema), ""]
    return "\n".join(lines)


def _rows(table: str, schema: pa.DataFrameSchema) -> Iterator[str]:
    for name, column in schema.columns.items():
        rules = [str(check.error or check.name).replace("|", "or") for check in column.checks]
        rules += ["may be empty"] if column.nullable else []
        yield f"| {name} | {column.dtype} | {meaning_of(table, name)} | {'; '.join(rules)} |"

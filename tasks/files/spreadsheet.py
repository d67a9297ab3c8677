"""A table as spreadsheets and people save it -> its columns and rows (pure)."""

import codecs
import csv
import io
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from unicodedata import category

from tasks.files.errors import DocumentError

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
SEPARATOR_LINE = re.compile(r'"?sep= ?(.)\1*"?[,;\t|]*(?:\r\n|\r|\n)', re.IGNORECASE)
LONGEST_CELL = 10_000_000
FIRST_LINES = 20  # among which a header is looked for
ELSEWHERE = "cp1252"  # what Excel writes on Windows where it is not asked for UTF-8


@dataclass(frozen=True)
class Sheet:
    """Rows by the number that a spreadsheet shows, without blank ones.

    told: in which ways the file is not as one would write it. above: rows over the names of the columns.
    delimiter: what separates them.
    """

    columns: tuple[str, ...]
    rows: dict[int, list[str]]
    told: tuple[str, ...]
    above: dict[int, list[str]]
    delimiter: str


def read_sheet(content: bytes, name: str, names: frozenset[str] = frozenset()) -> Sheet:
    """Read a CSV file in whatever dialect, encoding and case. Raises DocumentError where it is none.

    names: of columns, by which their row is known; else it is the first.
    """
    text, encoding = _decode(content, name)
    line = SEPARATOR_LINE.match(text)
    text = text[line.end() :] if line else text
    # what a line of `sep=` promises need not be kept by whoever saved the file again
    delimiter = line[1] if line and line[1] in _first_line(text) else _delimiter(text, names)
    records = _records(text, delimiter, name)
    rows = {number: record for number, record in enumerate(records, 1) if any(map(str.strip, record))}
    if not rows:
        raise DocumentError(f"{name} is empty: it needs a line with the names of the columns")
    first = next((number for number, row in rows.items() if names <= {*map(_column, row)}), min(rows))
    raw, above = rows[first], {number: row for number, row in rows.items() if number < first}
    rows = {number: row for number, row in rows.items() if number > first}
    header, wide = [_column(cell) for cell in raw], max(map(len, records))
    values = [[_cell(row, at).strip() for row in rows.values()] for at in range(wide)]
    used = [at for at in range(wide) if _name(header, at) or any(values[at])]
    told = {
        f"is in {encoding}": encoding != "UTF-8",
        f"is separated by {DELIMITERS.get(delimiter, delimiter)}": delimiter != ",",
        "has columns without a name or a value": len(used) < wide,
        "has blank rows": len(rows) < len(records) - first,
        "spells names of columns otherwise": header != raw,
    }
    return Sheet(
        tuple(_name(header, at) for at in used),
        {number: [_cell(row, at) for at in used] for number, row in rows.items()},
        tuple(what for what, is_so in told.items() if is_so),
        above,
        delimiter,
    )


def _decode(content: bytes, name: str) -> tuple[str, str]:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _as(content, "utf-16", name), "UTF-16"
    if b"\0" in content[:2]:
        return _as(content, "utf-16-be" if content[:1] == b"\0" else "utf-16-le", name), "UTF-16"
    try:
        return content.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError:
        return _as(content, ELSEWHERE, name), "Windows-1252"


def _as(content: bytes, encoding: str, name: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise DocumentError(f"{name} is no text: save it as CSV, in UTF-8") from None


def _delimiter(text: str, names: frozenset[str]) -> str:
    """Return what parts the names of columns from one another, or else is most often in the first line."""
    for line in re.split(r"[\r\n]+", text)[:FIRST_LINES] if names else ():
        for delimiter in DELIMITERS:
            if names <= {_column(cell.strip('"')) for cell in line.split(delimiter)}:
                return delimiter
    return max(DELIMITERS, key=_first_line(text).count)


def _first_line(text: str) -> str:
    return re.split(r"[\r\n]", text.lstrip("\r\n"), maxsplit=1)[0]


def _records(text: str, delimiter: str, name: str) -> list[list[str]]:
    csv.field_size_limit(LONGEST_CELL)
    records: list[list[str]] = []
    try:
        records.extend(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        with suppress(csv.Error):
            loose = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
            # a quote inside a cell is harmless where none swallows the end of its line
            if len(loose) == len(text.splitlines()):
                return loose
        raise DocumentError(
            f"{name} is not a readable CSV table: after row {len(records)}, {error}"
        ) from None
    return records


def _column(cell: str) -> str:
    seen = "".join(char for char in cell if category(char) != "Cf")
    return re.sub(r"[\s-]+", "_", seen.strip().casefold())


def _name(header: Sequence[str], at: int) -> str:
    return header[at] if at < len(header) else ""


def _cell(row: Sequence[str], at: int) -> str:
    return row[at] if at < len(row) else ""

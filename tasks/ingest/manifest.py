"""The manifest as it was handed in -> rows that hold, and rows that do not, each with what to type."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from unicodedata import normalize

import pandera.errors
import polars as pl

from schemas.clips import DATE, MANIFEST, OPTIONAL
from tasks.files.errors import DocumentError
from tasks.files.pseudonyms import canonical_id
from tasks.files.spreadsheet import DELIMITERS, Sheet, read_sheet
from tasks.ingest.names import plain

MANIFEST_NAME = "manifest.csv"
LEAST_NAME = 3  # in characters: shorter ones stand in any text
CONSENTS = ("yes", "no")
DAY = re.compile(r"(\d{1,4})[-./](\d{1,2})[-./](\d{1,4})")
SEPARATORS = re.compile(r"[,;|\t\r\n]")
FOLDED = ("consent_release", "audio_policy", "consent_mix")  # words of ours, in whatever case
LEAST_SEPARATORS = [*MANIFEST.columns].index("consent_release")
OTHERWISE = "its cells are separated otherwise than the names in the first row: use the same sign in both"
EMPTY = {"not_nullable": "it is empty"}


@dataclass(frozen=True)
class WrongRow:
    """A row that does not hold. row: as a spreadsheet counts. detail: what to type, not what was typed.

    cells: all that it says, also where they slipped, or stand in one.
    """

    row: int
    file: str
    detail: str
    cells: tuple[str, ...] = ()


@dataclass(frozen=True)
class HandedIn:
    """The manifest's rows; told: in which ways it is not as one would write it."""

    rows: pl.DataFrame
    wrong: tuple[WrongRow, ...]
    told: tuple[str, ...]


def find_manifest(inbox: Path) -> Path:
    """Return where the manifest lies in an inbox, whose capitals do not matter where there is but one."""
    paths = inbox.iterdir() if inbox.is_dir() else ()
    found = [path for path in paths if path.name.casefold() == MANIFEST_NAME]
    return found[0] if len(found) == 1 else inbox / MANIFEST_NAME


def read_manifest(path: Path) -> pl.DataFrame:
    """Read a manifest every row of which holds. Raises DocumentError naming row and column."""
    found = read_handed_in(path)
    for one in found.wrong:
        raise DocumentError(f"{MANIFEST_NAME} row {one.row}: {one.detail}")
    return found.rows


def read_handed_in(path: Path) -> HandedIn:
    """Read a manifest as people save it. Raises DocumentError where it lacks a column, or is no table."""
    if not path.is_file():
        raise DocumentError(f"{MANIFEST_NAME} is missing: put it beside the videos")
    try:
        content = path.read_bytes()
    except PermissionError:
        raise DocumentError(f"you may not read {MANIFEST_NAME}: give yourself the right to") from None
    sheet = read_sheet(content, MANIFEST_NAME, frozenset(MANIFEST.columns) - {*OPTIONAL})
    _check_columns(sheet)
    table = _as_table(sheet)
    wrong = _wrong_rows(table)
    wrong |= {row: [OTHERWISE] for row in wrong if _is_otherwise_separated(sheet, row)}
    good = table.filter(~pl.col("row").is_in(list(wrong)))
    rows = good.drop("row", "more").unique(maintain_order=True)
    told = sheet.told + (("has rows that are there twice",) if len(rows) < len(good) else ())
    titles = {number for number, row in sheet.above.items() if _is_title(row)}
    told += ("has a title above the names of its columns",) * bool(titles)
    files = dict(table.select("row", "file").iter_rows())
    return HandedIn(
        rows,
        tuple(
            WrongRow(row, files[row] or "", "; ".join(said), _cells(sheet.rows[row]))
            for row, said in sorted(wrong.items())
        )
        + tuple(
            WrongRow(number, "", "it stands above the names of the columns: move it below", _cells(row))
            for number, row in sheet.above.items()
            if number not in titles
        ),
        tuple(f"{MANIFEST_NAME} {what}" for what in told),
    )


def _cells(row: list[str]) -> tuple[str, ...]:
    parts = (part.strip() for cell in row for part in (cell, *SEPARATORS.split(cell)))
    return tuple(dict.fromkeys(filter(None, parts)))


def _is_otherwise_separated(sheet: Sheet, row: int) -> bool:
    """Return whether what a row says stands in its first cell, between signs that separate nothing else."""
    first, *others = sheet.rows[row]
    signs = max(first.count(sign) for sign in DELIMITERS if sign != sheet.delimiter)
    return signs >= LEAST_SEPARATORS > sum(bool(cell.strip()) for cell in others)


def _is_title(row: list[str]) -> bool:
    parts = [part for cell in row for part in SEPARATORS.split(cell) if part.strip()]
    return len(parts) == 1


def _check_columns(sheet: Sheet) -> None:
    missing = sorted(set(MANIFEST.columns) - {*OPTIONAL, *sheet.columns})
    if missing:
        needed = ", ".join(name for name in MANIFEST.columns if name not in OPTIONAL)
        raise DocumentError(
            f"{MANIFEST_NAME} lacks the column {', '.join(missing)}: its first row names {needed}"
        )
    twice = sorted(name for name, count in Counter(sheet.columns).items() if count > 1 and name)
    if twice:
        raise DocumentError(f"{MANIFEST_NAME} has the column {', '.join(twice)} twice: take one out")
    unknown = len(set(sheet.columns) - {"", *MANIFEST.columns})
    if unknown:
        raise DocumentError(
            f"{MANIFEST_NAME} has {unknown} columns that are not known: take them out, or move what they say "
            "to notes"
        )


def _as_table(sheet: Sheet) -> pl.DataFrame:
    """Return the known columns as text, days as 2027-12-31, the row, and whether it has more than that."""
    at = {name: sheet.columns.index(name) for name in MANIFEST.columns if name in sheet.columns}
    rest = [place for place, name in enumerate(sheet.columns) if not name and not _counts(sheet, place)]
    rows = [
        {name: _value(name, cells[place]) for name, place in at.items()}
        | {"row": number, "more": any(cells[place] for place in rest)}
        for number, cells in sheet.rows.items()
    ]
    schema = dict.fromkeys(MANIFEST.columns, pl.String) | {"row": pl.Int64, "more": pl.Boolean}
    table = pl.DataFrame(rows, schema=schema, orient="row")
    return table.with_columns(
        pl.col(FOLDED).str.to_lowercase(),
        pl.col("consent_expires").map_elements(_day, return_dtype=pl.String),
    )


def _counts(sheet: Sheet, place: int) -> bool:
    """Return whether a column without a name only counts the rows, as some programs write it."""
    numbers = [cells[place].strip() for cells in sheet.rows.values()]
    return any(numbers == [str(n) for n in range(begin, begin + len(numbers))] for begin in (0, 1))


def _value(column: str, cell: str) -> str | None:
    # how a person's id is spelt is told, and a file may be called as it will
    kept = cell if column in ("file", "subject_id") else cell.strip()
    return kept or None


def _day(text: str) -> str:
    """Return a day as 2027-12-31 where it can be read in one way only, else as it stands."""
    found = DAY.fullmatch(text)
    if not found:
        return text
    first, second, third = map(int, found.groups())
    if len(found[1]) == 4:
        return f"{first:04}-{second:02}-{third:02}"
    if len(found[3]) != 4 or (first <= 12 and second <= 12 and first != second):
        return text
    day, month = (first, second) if second <= 12 else (second, first)
    return f"{third:04}-{month:02}-{day:02}"


def _wrong_rows(table: pl.DataFrame) -> dict[int, list[str]]:
    wrong: dict[int, list[str]] = {}
    breaches = _breaches(table)
    slipped = {row["row"] for row in table.iter_rows(named=True) if _has_slipped(row)}
    for row, said in (*breaches, *_wrong_values(table, slipped), *_twice(table)):
        wrong.setdefault(row, []).append(said)
    return wrong


def _breaches(table: pl.DataFrame) -> list[tuple[int, str]]:
    """Return what each row breaks of the schema."""
    loose = MANIFEST.update_column("file", unique=False)
    try:
        loose.validate(table.drop("row", "more"), lazy=True)
    except pandera.errors.SchemaErrors as errors:
        return [
            (table["row"][int(case["index"])], f"{case['column']}: {EMPTY.get(case['check'], case['check'])}")
            for case in errors.failure_cases.rows(named=True)
            if case["index"] is not None
        ]
    return []


def _wrong_values(table: pl.DataFrame, slipped: set[int]) -> list[tuple[int, str]]:
    kept = table.filter(~pl.col("row").is_in(list(slipped)))
    ids = Names(one for one in kept["subject_id"] if one)
    found = []
    for row in table.iter_rows(named=True):
        if row["more"]:
            found.append((row["row"], "it has more cells than the header: look for a comma too many"))
        if row["subject_id"] and not canonical_id(row["subject_id"]):
            found.append((row["row"], "subject_id: it holds nothing that can be seen"))
        if not _is_day(row["consent_expires"]):
            found.append((row["row"], "consent_expires: no such day"))
        for column in ("session", "task"):
            if ids.any_in(row[column] or ""):
                found.append(
                    (row["row"], f"{column}: a label is published, and this one holds a subject's id: write "
                                 "what was done, or which visit it was")
                )  # fmt: skip
    return found


def _has_slipped(row: dict[str, str]) -> bool:
    """Return whether a row's cells stand a place off, so that its subject_id may be anything.

    Its word on consent stands elsewhere then. Where that is only mistyped, the id is somebody's, which no
    label may hold.
    """
    others = (row[name] for name in ("subject_id", "session", "task", "consent_expires"))
    said = row["consent_release"] or ""
    return said not in CONSENTS and (
        DAY.fullmatch(said) is not None or any((one or "").strip().casefold() in CONSENTS for one in others)
    )


def _is_day(text: str | None) -> bool:
    if not text or not re.fullmatch(DATE, text):
        return True  # the schema says what is wrong with it
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _twice(table: pl.DataFrame) -> list[tuple[int, str]]:
    """Return the rows that name a file which another row names, too, and are not the same to the letter."""
    told = table.drop("row", "more").unique()["file"].drop_nulls()
    names = Counter(map(plain, told))
    both = [row for row, file in table.select("row", "file").iter_rows() if names[plain(file or "")] > 1]
    return [(row, "file: another row names it, too, and is not the same: leave one of them") for row in both]


class Names:
    """Names to look for in a text, however they are spelt; a very short one only as the very word."""

    def __init__(self, names: Iterable[str]) -> None:
        self._words: set[str] = set()
        self._by_length: dict[int, set[str]] = {}
        for name in names:
            bare = _bare(name)
            if len(bare) < LEAST_NAME:
                self._words.add(name.strip())
            else:
                self._by_length.setdefault(len(bare), set()).add(bare)

    def any_in(self, text: str) -> bool:
        """Return whether a text holds one of them. Of many names no more is asked than of one a length."""
        bare = _bare(text)
        return not self._words.isdisjoint(text.split()) or any(
            bare[start : start + length] in known
            for length, known in self._by_length.items()
            for start in range(len(bare) - length + 1)
        )


def _bare(text: str) -> str:
    return "".join(char for char in normalize("NFKD", text).casefold() if char.isalnum())

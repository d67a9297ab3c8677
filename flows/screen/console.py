"""Sentences and tables, plain where there is no terminal."""

import sys
import textwrap

from rich.console import Console
from rich.table import Table

PLAIN_WIDTH = 120
LONGEST_NAME = 28  # a longer one goes over several lines
LONGEST_FIGURE = 14  # a longer one is a sentence
BESIDE = 3  # a column: its border, and what is left free

console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)


def say(sentence: str = "", *, whole: bool = False) -> None:
    """Print a sentence. whole: as one line however long, as what is to be copied must be."""
    console.print(sentence, markup=False, soft_wrap=whole)


def say_below(sentence: str, indent: int) -> None:
    """Print a sentence that belongs to what stands above it, further lines of it deeper in."""
    first, further = " " * indent, " " * (indent + 2)
    lines = textwrap.wrap(
        sentence, min(console.width, PLAIN_WIDTH), initial_indent=first, subsequent_indent=further,
        break_on_hyphens=False,  # a clip's name is one
    )  # fmt: skip
    say("\n".join(lines))


def counted(count: int, thing: str) -> str:
    """Return so many things in words, of which there may be one."""
    return f"{count} {thing}{'s' * (count != 1)}"


def heading(title: str) -> None:
    console.print(f"\n{title}", style="bold", markup=False)


def show_table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """Print a table, or, where the terminal is too narrow for one, each of its rows in words."""
    narrow = [columns[0], *("\n".join(column.split()) for column in columns[1:])]
    headings = next((one for one in (columns, narrow) if _width(one, rows) <= console.width), None)
    if headings is None:
        _show_rows(title, columns, rows)
        return
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column(headings[0], overflow="fold", min_width=_first_width(rows))
    for place, heading in enumerate(headings[1:], 1):
        table.add_column(heading, justify="right", no_wrap=_are_figures(rows, place))
    for row in rows:
        table.add_row(*row)
    console.print()
    console.print(table, markup=False)


def _width(headings: list[str], rows: list[list[str]]) -> int:
    """Return how wide a table is at least in which no word and no figure is cut."""
    width = _first_width(rows) + BESIDE * len(headings) + 1
    for place, heading in enumerate(headings[1:], 1):
        cells = [row[place] for row in rows]
        parts = cells if _are_figures(rows, place) else [part for cell in cells for part in cell.split()]
        width += max(map(len, [*parts, *heading.split("\n")]))
    return width


def _first_width(rows: list[list[str]]) -> int:
    return min(max((len(row[0]) for row in rows), default=0), LONGEST_NAME)


def _are_figures(rows: list[list[str]], place: int) -> bool:
    return all(len(row[place]) <= LONGEST_FIGURE for row in rows)


def _show_rows(title: str, columns: list[str], rows: list[list[str]]) -> None:
    heading(title)
    names = [" ".join(column.split()) for column in columns[1:]]
    for first, *cells in rows:
        say_below(first, 2)
        say_below("; ".join(f"{name} {cell}" for name, cell in zip(names, cells, strict=True) if cell), 4)


def number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"

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
    first = min(max((len(row[0]) for row in rows), default=0), LONGEST_NAME)
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column(columns[0], overflow="fold", min_width=first)
    needed = first + BESIDE * len(columns) + 1
    for place, column in enumerate(columns[1:], 1):
        cells = [row[place] for row in rows]
        is_figure = all(len(cell) <= LONGEST_FIGURE for cell in cells)
        table.add_column(column, justify="right", no_wrap=is_figure)
        parts = [part for cell in cells for part in ([cell] if is_figure else cell.split())]
        needed += max(map(len, [*parts, *column.split("\n")]))
    if needed > console.width:
        _show_rows(title, columns, rows)
        return
    for row in rows:
        table.add_row(*row)
    console.print()
    console.print(table, markup=False)


def _show_rows(title: str, columns: list[str], rows: list[list[str]]) -> None:
    heading(title)
    names = [" ".join(column.split()) for column in columns[1:]]
    for first, *cells in rows:
        say_below(first, 2)
        say_below("; ".join(f"{name} {cell}" for name, cell in zip(names, cells, strict=True) if cell), 4)


def number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"

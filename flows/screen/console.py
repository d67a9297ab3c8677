"""Sentences and tables, plain where there is no terminal."""

import sys
import textwrap

from rich.console import Console
from rich.table import Table

PLAIN_WIDTH = 120
LONGEST_NAME = 28  # a longer one goes over several lines

console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)


def say(sentence: str = "") -> None:
    console.print(sentence, markup=False)


def say_below(sentence: str, indent: int) -> None:
    """Print a sentence that belongs to what stands above it, further lines of it deeper in."""
    say(
        textwrap.fill(
            sentence, PLAIN_WIDTH, initial_indent=" " * indent, subsequent_indent=" " * (indent + 2)
        )
    )


def heading(title: str) -> None:
    console.print(f"\n{title}", style="bold", markup=False)


def show_table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    table = Table(title=title, title_justify="left", title_style="bold")
    first = min(max((len(row[0]) for row in rows), default=0), LONGEST_NAME)
    table.add_column(columns[0], overflow="fold", min_width=first)
    for column in columns[1:]:
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*row)
    console.print()
    console.print(table, markup=False)


def number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"

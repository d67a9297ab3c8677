"""Sentences and tables, plain where there is no terminal."""

import sys

from rich.console import Console
from rich.table import Table

PLAIN_WIDTH = 150

console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)


def say(sentence: str = "") -> None:
    console.print(sentence, markup=False)


def heading(title: str) -> None:
    console.print(f"\n{title}", style="bold", markup=False)


def show_table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    table = Table(title=title, title_justify="left", title_style="bold")
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right", no_wrap=index == 0)
    for row in rows:
        table.add_row(*row)
    console.print()
    console.print(table, markup=False)


def number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"

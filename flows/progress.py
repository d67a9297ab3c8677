"""A progress bar where there is a terminal, silence where there is none."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from schemas.jobs import Job


@contextmanager
def clip_progress(jobs: list[Job]) -> Iterator[Callable[[], None]]:
    """Show how many of a stage's jobs are done; call the given function after each."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    title = f"{jobs[0].stage} {jobs[0].arm}".strip() if jobs else ""
    with Progress(
        *columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task(title, total=len(jobs))
        yield lambda: bar.advance(task)

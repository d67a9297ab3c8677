"""A progress bar where there is a terminal, silence where there is none."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

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
    with (
        _terminal() as console,
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar,
    ):
        task = bar.add_task(title, total=len(jobs))
        yield lambda: bar.advance(task)


@contextmanager
def _terminal() -> Iterator[Console]:
    # DVC's own words go to a log; the bar goes past it to the person's terminal, if there is one
    try:
        with Path("/dev/tty").open("w") as terminal:
            yield Console(file=terminal)
    except OSError:
        yield Console(stderr=True)

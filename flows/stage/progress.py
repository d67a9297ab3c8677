"""A progress bar where there is a terminal, silence where there is none."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from schemas.jobs import AnyJob

STEP_S = 2.0  # so often Prefect's page is told


@contextmanager
def clip_progress(title: str, jobs: list[AnyJob]) -> Iterator[Callable[[], None]]:
    """Show how many jobs and parts of a stage are done, here and on Prefect's page; call it after each."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with (
        _terminal() as console,
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar,
    ):
        total = sum(1 + len(job.parts) for job in jobs)
        task, page = bar.add_task(title, total=total), _Page(title, total)

        def advance() -> None:
            bar.advance(task)
            page.advance()

        yield advance


class _Page:
    """A progress artifact of the flow run, told of now and then; what takes no longer needs none."""

    def __init__(self, title: str, total: int) -> None:
        self._title, self._total, self._done, self._told_s = title, total, 0, time.monotonic()
        self._artifact: UUID | None = None

    def advance(self) -> None:
        self._done += 1
        share, now = self._done / self._total, time.monotonic()
        if now - self._told_s >= STEP_S or (share == 1 and self._artifact):
            self._told_s = now
            self._tell(100 * share)

    def _tell(self, percent: float) -> None:
        if self._artifact:
            update_progress_artifact(self._artifact, progress=percent)
            return
        key = re.sub(r"[^a-z0-9]+", "-", f"progress {self._title}".lower()).strip("-")
        self._artifact = cast(UUID, create_progress_artifact(percent, key=key, description=self._title))


@contextmanager
def _terminal() -> Iterator[Console]:
    # DVC's own words go to a log; the bar goes past it to the person's terminal, if there is one
    try:
        with Path("/dev/tty").open("w") as terminal:
            yield Console(file=terminal)
    except OSError:
        yield Console(stderr=True)

"""An upload as a person watches it: bytes, speed, time left."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

from flows.release.record import Record, published
from tasks.publish import Step


@dataclass
class Transfer:
    """created, there: keys that this run uploaded, and that were in the bucket already."""

    bar: Progress
    total_bytes: int
    created: list[str] = field(default_factory=list)
    there: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.task = self.bar.add_task("", total=self.total_bytes)

    def tell(self, step: Step) -> None:
        """Take note of a step; called from several threads."""
        if step.state != "part":
            (self.created if step.state == "created" else self.there).append(step.key)
        self.bar.advance(self.task, step.bytes)


@contextmanager
def showing_transfer(record: Record) -> Iterator[Transfer]:
    """Show a release's upload on stderr; a bar only where somebody looks."""
    with _bar() as bar:
        yield Transfer(bar, _bytes_of(record))


@contextmanager
def showing_audit(root: Path, record: Record | None) -> Iterator[Callable[[int], None]]:
    """Show how much of one release, or of all, was read back; yield what is told of bytes."""
    records = [record] if record else published(root)
    with _bar() as bar:
        task = bar.add_task("", total=sum(map(_bytes_of, records)))
        yield lambda count: bar.advance(task, count)


def _bytes_of(record: Record) -> int:
    return sum(file.bytes for file in record.candidate().files)


def _bar() -> Progress:
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())

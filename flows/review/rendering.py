"""A run that a reviewer begins on the page, so that what was corrected is rendered again."""

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tasks.files.errors import GuiseError

# of what a run prints only how its nodes went: the rest may name files as they were handed in
NODE = re.compile(r"  [\w@]+( [\w@]+)* {2,}(\d+ done, \d+ cached, [\d.]+ s|unchanged, nothing to do)")
TROUBLE = "guise: "
STOP_S = 20.0


@dataclass
class Rendering:
    """At most one run at a time. renew: called when one has ended well."""

    root: Path
    renew: Callable[[], None] = lambda: None
    lines: list[str] = field(default_factory=list)
    trouble: str = ""

    def __post_init__(self) -> None:
        self._lock, self._thread = threading.Lock(), threading.Thread()
        self._process: subprocess.Popen[str] | None = None

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def begin(self) -> None:
        """Begin a run, unless one works already."""
        with self._lock:
            if self.is_running:
                return
            self.lines, self.trouble = [], ""
            self._process = subprocess.Popen(
                [sys.executable, "-m", "flows.cli", "run"], cwd=self.root, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )  # fmt: skip
            self._thread = threading.Thread(target=self._follow, args=(self._process,), daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End a run that still works; what it finished is kept."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)  # as Ctrl-C does, which leaves nothing running
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()

    def _follow(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout
        trouble = ""
        for line in process.stdout:
            if NODE.match(line):
                self.lines.append(" ".join(line.split()))
            elif line.startswith(TROUBLE):
                trouble = line.removeprefix(TROUBLE).strip()
        if process.wait():
            self.trouble = trouble or "the run did not end: begin it at the terminal, with `guise run`"
            return
        try:
            self.renew()
        except GuiseError as error:
            self.trouble = f"it was rendered; {error}"

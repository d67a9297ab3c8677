"""Run stages in turn: `python -m flows.stage NAME[:ARM] ...`, the command of every node of dvc.yaml.

Where a standing process of this workspace waits for work, it does them, and nothing is imported here.
"""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from flows.stage.ask import STANDING, ask_standing


def main(*stages: str) -> int:
    """Run the stages until one fails, and leave a report of each. Returns the process's exit code."""
    if not stages:
        print("guise: name a stage, such as extract:original", file=sys.stderr)
        return 2
    if os.environ.get(STANDING):
        return _until_one_fails(partial(ask_standing, os.environ[STANDING]), stages)
    from flows.host.lifetime import end_with_parent
    from flows.host.servers import prefect_server
    from flows.stage.run import run_and_report
    from tasks.files.errors import InputError

    end_with_parent()
    with ExitStack() as stack:
        # one for all: what Prefect has left to tell a server that is gone keeps this process for ever
        with suppress(InputError):  # each stage says by itself why there is none
            stack.enter_context(prefect_server(Path.cwd()))
        return _until_one_fails(run_and_report, stages)


def _until_one_fails(run: Callable[[str, str], int], stages: Sequence[str]) -> int:
    for stage in stages:
        name, _, arm = stage.partition(":")
        if code := run(name, arm):
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

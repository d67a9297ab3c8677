"""Run stages in turn: `python -m flows.stage NAME[:ARM] ...`, the command of every node of dvc.yaml.

Where a standing process of this workspace waits for work, it does them, and nothing is imported here.
"""

import os
import sys

from flows.stage.ask import STANDING, ask_standing


def main(*stages: str) -> int:
    """Run the stages until one fails, and leave a report of each. Returns the process's exit code."""
    if not stages:
        print("guise: name a stage, such as extract:original", file=sys.stderr)
        return 2
    for stage in stages:
        name, _, arm = stage.partition(":")
        if code := _run(name, arm):
            return code
    return 0


def _run(name: str, arm: str) -> int:
    if os.environ.get(STANDING):
        return ask_standing(os.environ[STANDING], name, arm)
    from flows.host.lifetime import end_with_parent
    from flows.stage.run import run_and_report

    end_with_parent()
    return run_and_report(name, arm)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

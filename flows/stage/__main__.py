"""Run one stage: `python -m flows.stage NAME [ARM]`, the command of every node of dvc.yaml.

Where a standing process of this workspace waits for work, it does the stage, and nothing is imported here.
"""

import os
import sys

from flows.stage.ask import STANDING, ask_standing


def main(name: str, arm: str) -> int:
    """Run the stage and leave a report. Returns the process's exit code."""
    if os.environ.get(STANDING):
        return ask_standing(os.environ[STANDING], name, arm)
    from flows.host.lifetime import end_with_parent
    from flows.stage.run import run_and_report

    end_with_parent()
    return run_and_report(name, arm)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], "".join(sys.argv[2:3])))

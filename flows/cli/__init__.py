"""The `guise` command.

Exit codes: 0 done; 1 the answer is no (a gate refused, an audit failed); 2 wrong use or bad input.
"""

from flows.cli import cohort, release
from flows.cli.app import app

__all__ = ["app", "cohort", "release"]

"""Run the command; what a user can cause ends in one sentence, never in a traceback."""

from flows.cli import app
from flows.host.environment import collect_seldom, keep_to_ourselves
from flows.host.failures import exit_code_of
from flows.host.lifetime import run_and_leave

if __name__ == "__main__":
    collect_seldom()
    keep_to_ourselves()
    run_and_leave(lambda: exit_code_of(lambda: int(app(prog_name="guise") or 0)))

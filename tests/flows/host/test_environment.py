"""What every process of a workspace is told before it starts."""

import subprocess
import sys

import pytest
from tests_support import command_environment

ASK = "import flows, cv2, os; print(cv2.getNumThreads(), os.environ['OPENBLAS_NUM_THREADS'])"


@pytest.mark.parametrize(("own", "told"), [({}, "1 1"), ({"OPENBLAS_NUM_THREADS": "2"}, "1 2")])
def test_a_clip_is_not_shared_out_among_threads_unless_somebody_says_so(own, told):
    environment = {
        name: value
        for name, value in command_environment().items()
        if not name.startswith(("OPENBLAS", "OPENCV"))
    }
    done = subprocess.run([sys.executable, "-c", ASK], env=environment | own, capture_output=True, text=True,
                          check=True)  # fmt: skip
    assert done.stdout.strip() == told


def test_what_prefects_threads_say_of_themselves_is_nobodys_concern():
    """On a busy machine they warn that something waits to be sent, as a line before Guise's own."""
    say = (
        "import flows, logging; from prefect.logging.configuration import setup_logging; setup_logging(); "
        "logging.getLogger('EventsWorker').warning('Still processing items: 1 items remaining...')"
    )
    command = [sys.executable, "-c", say]
    done = subprocess.run(command, env=command_environment(), capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")

"""A command ends at once, and nothing that it had to do or say is lost."""

import subprocess
import sys

import pytest
from tests_support import command_environment

COMMAND = """
import atexit, sys, threading, time
from flows.host.lifetime import run_and_leave

class Torn:
    def __del__(self):
        print("torn", flush=True)

kept = Torn()

def later():
    time.sleep(0.3)
    print("thread")

def run():
    atexit.register(lambda: print("registered"))
    threading.Thread(target=later).start()
    print("said", end="")
    {}

run_and_leave(run)
"""


@pytest.mark.parametrize(
    ("ends", "code", "told"),
    [("return 0", 0, ""), ("return 3", 3, ""), ("sys.exit()", 0, ""), ("sys.exit(2)", 2, ""),
     ("sys.exit('a sentence')", 1, "a sentence\n"), ("raise KeyError", 1, "KeyError")],
)  # fmt: skip
def test_its_code_its_words_and_its_threads_are_as_ever(ends, code, told):
    command = [sys.executable, "-c", COMMAND.format(ends)]
    done = subprocess.run(command, env=command_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert done.stdout == "saidthread\nregistered\n"
    assert told in done.stderr
    assert bool(done.stderr) == bool(told)


def test_nobody_who_listens_is_told_as_python_tells_it():
    words = "from flows.host.lifetime import run_and_leave; run_and_leave(lambda: bool(print('said')))"
    kept = {name: value for name, value in command_environment().items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen([sys.executable, "-c", words], env=kept, stdout=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.wait(60) == 120

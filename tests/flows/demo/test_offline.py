"""Nothing goes out: no telemetry, and a demo that needs loopback alone once its weights are there."""

import json
import subprocess
import sys

import pytest
from tests_support import REPO, command_environment, loopback_only

TELEMETRY = """
import json, os
from flows.host.environment import keep_to_ourselves
keep_to_ourselves()
from dvc import analytics
from prefect.settings import get_current_settings
settings = get_current_settings()
print(json.dumps({
    "prefect server": settings.server.analytics_enabled,
    "prefect cloud": settings.cloud.enable_orchestration_telemetry,
    "dvc": analytics.is_enabled(),
    "variables": [os.environ.get(name) for name in ("DO_NOT_TRACK", "ORT_DISABLE_TELEMETRY")],
}))
"""


def test_telemetry_is_off(tmp_path):
    command = [sys.executable, "-c", TELEMETRY]
    environment = command_environment() | {"PYTHONPATH": str(REPO)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert told.pop("variables") == ["1", "1"]
    assert told == {"prefect server": False, "prefect cloud": False, "dvc": False}


@pytest.mark.slow
def test_the_demo_reaches_nothing_but_loopback(demo):
    prefix = loopback_only()
    if not prefix:
        pytest.skip("this machine does not allow to make a network namespace")
    _, done = demo
    assert done.args[: len(prefix)] == prefix
    assert done.returncode == 0
    # and there is nothing else to be reached in there
    ask = "import socket; socket.create_connection(('192.0.2.1', 80), 2)"
    refused = subprocess.run(
        [*prefix, sys.executable, "-c", ask], capture_output=True, text=True, check=False
    )
    assert "Network is unreachable" in refused.stderr

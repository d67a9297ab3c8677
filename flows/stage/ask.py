"""Ask the standing process of a workspace for a stage; light, since each command imports it."""

import json
import os
import socket

from flows.host.environment import API_URL, RELEASE

STANDING = "GUISE_STANDING"  # the socket of the standing process, in the workspace
TOLD = (API_URL, RELEASE)  # what may change from stage to stage
GONE, STOPPED = 2, 130


def ask_standing(place: str, name: str, arm: str) -> int:
    """Let the standing process run a stage. Returns its exit code, GONE where it ended before."""
    environment = {name: os.environ[name] for name in TOLD if os.environ.get(name)}
    words = {"name": name, "arm": arm, "environment": environment}
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(place)
            link.sendall(json.dumps(words).encode() + b"\n")
            answer = link.makefile().readline()
    except OSError:
        return GONE
    except KeyboardInterrupt:
        return STOPPED
    return int(answer) if answer else GONE

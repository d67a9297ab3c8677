"""Servers that Guise starts on loopback and stops again."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flows.environment import API_URL, LOGS
from flows.lifetime import ending_with_parent
from tasks.documents import write_json
from tasks.errors import InputError

HOST = "127.0.0.1"
START_S = 120
STOP_S = 15


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def serve(
    command: list[str], is_ready: Callable[[], bool], log: Path, name: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends. Raises InputError where it is not ready in time."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as sink:
        process = subprocess.Popen(
            ending_with_parent(command),
            stdout=sink,
            stderr=sink,
            stdin=subprocess.DEVNULL,
        )
    try:
        _await(process, is_ready, name, log)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(process: subprocess.Popen[bytes], is_ready: Callable[[], bool], name: str, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if is_ready():
            return
        time.sleep(0.2)
    raise InputError(f"the {name} did not start: see {log}")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except urllib.error.HTTPError:
        return True  # also a refusal is an answer
    except OSError:
        return False


def _has_volume_server(master: str) -> bool:
    # until a volume server has reported to it, S3 answers but can neither read nor write
    try:
        with urllib.request.urlopen(f"{master}/dir/status", timeout=2) as answer:
            topology = json.load(answer)["Topology"]
    except (OSError, ValueError, KeyError):
        return False
    return bool(topology.get("DataCenters"))


@contextmanager
def prefect_server(root: Path) -> Iterator[str]:
    """Give the block a Prefect API: the one that is configured, or a server of its own."""
    configured = os.environ.get(API_URL)
    if configured:
        if not _answers(f"{configured}/health"):
            raise InputError(
                f"the Prefect server that {API_URL} names does not answer: start it, or unset it"
            )
        yield configured
        return
    from prefect.settings import PREFECT_API_URL, temporary_settings

    port = free_port()
    url = f"http://{HOST}:{port}/api"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", HOST]
    command += ["--port", str(port)]
    with serve(command, lambda: _answers(f"{url}/health"), root / LOGS / "prefect.log", "Prefect server"):
        os.environ[API_URL] = url
        try:
            with temporary_settings({PREFECT_API_URL: url}):
                yield url
        finally:
            del os.environ[API_URL]


@dataclass(frozen=True)
class ObjectStore:
    """A running S3 server and the credentials that it accepts."""

    endpoint: str
    access_key: str
    secret_key: str

    def environment(self) -> dict[str, str]:
        """Return what boto3's own chain reads."""
        return {
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
        }


@contextmanager
def object_store(folder: Path) -> Iterator[ObjectStore]:
    """Run SeaweedFS's S3 server over a folder; credentials are new each time."""
    folder.mkdir(parents=True, exist_ok=True)
    ports = [free_port() for _ in range(9)]
    store = ObjectStore(f"http://{HOST}:{ports[0]}", secrets.token_hex(10), secrets.token_hex(20))
    identity = {
        "name": "guise",
        "credentials": [{"accessKey": store.access_key, "secretKey": store.secret_key}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    config = folder / "s3.json"
    write_json({"identities": [identity]}, config)
    config.chmod(0o600)
    flags = {
        "ip": HOST, "ip.bind": HOST, "s3.config": config, "s3.port": ports[0], "s3.port.grpc": ports[1],
        "filer.port": ports[2], "filer.port.grpc": ports[3], "master.port": ports[4],
        "master.port.grpc": ports[5], "volume.port": ports[6], "volume.port.grpc": ports[7],
        "dir": folder, "volume.max": 400, "master.volumeSizeLimitMB": 256, "s3.port.iceberg": 0,
        "s3.port.lance": 0, "master.telemetry": "false",
    }  # fmt: skip
    weed = str(Path(sys.executable).parent / "weed")
    command = [weed, "server", "-s3", *(f"-{name}={value}" for name, value in flags.items())]
    master = f"http://{HOST}:{ports[4]}"

    def is_ready() -> bool:
        return _answers(f"{store.endpoint}/healthz") and _has_volume_server(master)

    with serve(command, is_ready, folder / "weed.log", "S3 server"):
        yield store

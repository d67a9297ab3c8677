"""Servers that Guise starts on loopback and stops again."""

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from flows.host.environment import API_URL, LOGS
from flows.host.lifetime import ending_with_parent
from flows.host.prefect_database import keep_database, lend_database
from flows.host.prefect_settings import api_setting, prefect_settings, without_heartbeat
from tasks.files.errors import InputError

HOST = "127.0.0.1"
START_S = 120
STOP_S = 15
TRIES = 3
Given = TypeVar("Given")


def free_ports(count: int) -> list[int]:
    """Return so many different ports that nobody listens on."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((HOST, 0))
        return [int(probe.getsockname()[1]) for probe in probes]


@dataclass(frozen=True)
class Server:
    """How a server is started on given ports, and how it says that it is ready.

    folder: where it stands. stop_s: after which it is killed. leaves: what it leaves behind when it ends.
    """

    name: str
    log: Path
    command: Callable[[list[int]], list[str]]
    is_ready: Callable[[list[int]], bool]
    folder: Path | None = None
    stop_s: float = STOP_S
    leaves: Callable[[list[int]], list[Path]] = lambda ports: []


@contextmanager
def serve_on_free_ports(server: Server, count: int) -> Iterator[list[int]]:
    """Run a server on so many free ports until the block ends; yield them.

    Another program may take a port first: then others are tried. Raises InputError where none will do.
    """
    with ExitStack() as stack:
        for tries_left in reversed(range(TRIES)):
            ports = free_ports(count)
            is_ready = partial(server.is_ready, ports)
            running = serve(
                server.command(ports), is_ready, server.log, server.name,
                folder=server.folder, stop_s=server.stop_s,
            )  # fmt: skip
            try:
                stack.callback(_remove, server.leaves(ports))
                stack.enter_context(running)
                break
            except InputError:
                if not tries_left:
                    raise
        yield ports


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


@contextmanager
def serve(
    command: list[str],
    is_ready: Callable[[], bool],
    log: Path,
    name: str,
    *,
    folder: Path | None = None,
    stop_s: float = STOP_S,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends. Raises InputError where it is not ready in time."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as sink:
        process = subprocess.Popen(
            ending_with_parent(command),
            stdout=sink,
            stderr=sink,
            stdin=subprocess.DEVNULL,
            cwd=folder,
        )
    try:
        _await(process, is_ready, name, log)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(stop_s)
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


def answers(url: str) -> bool:
    """Return whether a server answers at an address, be it with a refusal."""
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return True
    except OSError:
        return False


@contextmanager
def prefect_server(root: Path, meanwhile: Callable[[], object] = lambda: None) -> Iterator[str]:
    """Give the block a Prefect API: the one that is configured, or a server of its own.

    meanwhile: what may be done while that starts, once or more often.
    """
    configured = os.environ.get(API_URL)
    if configured:
        if not answers(f"{configured}/health"):
            raise InputError(
                f"the Prefect server that {API_URL} names does not answer: start it, or unset it"
            )
        with prefect_settings(api_setting()):
            yield configured
        return
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port"]
    server = Server(
        "Prefect server",
        root / LOGS / "prefect.log",
        lambda ports: [*command, str(ports[0])],
        lambda ports: (meanwhile(), answers(f"http://{HOST}:{ports[0]}/api/health"))[1],
    )
    is_new = lend_database()
    with serve_on_free_ports(server, 1) as (port,):
        if is_new:
            keep_database()
        url = f"http://{HOST}:{port}/api"
        os.environ[API_URL] = url
        try:
            # nobody else looks at a server that ends with this run
            with prefect_settings({**api_setting(), **without_heartbeat()}):
                yield url
        finally:
            del os.environ[API_URL]


@contextmanager
def starting_aside(manager: AbstractContextManager[Given]) -> Iterator[Callable[[], Given]]:
    """Enter a context manager while the block begins, and leave it when the block ends.

    Yields what waits for that which the manager gives.
    """
    given: Future[Given] = Future()
    over = threading.Event()

    def hold() -> None:
        try:
            with manager as found:
                given.set_result(found)
                over.wait()
        except Exception as error:
            if given.done():
                raise
            given.set_exception(error)

    # a server ends with the thread that started it
    holder = threading.Thread(target=hold)
    holder.start()
    try:
        yield given.result
    finally:
        over.set()
        holder.join()

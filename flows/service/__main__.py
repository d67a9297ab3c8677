"""What stays up beside the command: a Prefect server, a worker of its pool, a dask worker on a GPU host.

    python -m flows.service server [--port 4200]
    python -m flows.service worker POOL      (deploys the flows of prefect.yaml first)
    python -m flows.service gpu-worker SCHEDULER [--provider cpu] [--workers 1]

Each runs in a workspace and becomes the program that it starts.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from flows.host.environment import API_URL, keep_to_ourselves
from flows.host.failures import exit_code_of
from flows.host.servers import HOST
from flows.workspace.place import require_workspace
from tasks.files.documents import read_params
from tasks.files.errors import InputError
from tasks.vision.providers import PROVIDERS, require_provider


def server_command(port: int) -> list[str]:
    """Return the Prefect server; its database is SQLite, or what Prefect's own setting names."""
    return [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)]


def worker_command(pool: str) -> list[str]:
    """Return a worker that runs the deployed flows of this workspace.

    It has no limit: a worker of Prefect 3.8 that has one ends where a run is resumed before the process that
    suspended it has. The flows wait for each other by themselves.
    """
    return [sys.executable, "-m", "prefect", "worker", "start", "--pool", pool, "--type", "process"]


def deploy(pool: str) -> None:
    """Make the pool unless it is there, and let it run the flows of this workspace."""
    environment = os.environ | {"GUISE_WORKSPACE": str(Path.cwd()), "GUISE_POOL": pool}
    prefect = [sys.executable, "-m", "prefect", "--no-prompt"]
    for words in (
        ["work-pool", "create", pool, "--type", "process", "--overwrite"],
        ["deploy", "--all", "--prefect-file", "prefect.yaml"],
    ):
        done = subprocess.run(
            [*prefect, *words], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
            raise InputError(f"prefect {words[0]} failed: {said[-1] if said else done.returncode}")


def gpu_worker_command(root: Path, scheduler: str, provider: str, workers: int) -> list[str]:
    """Return dask workers, each with its own model sessions.

    Raises InputError where the provider is not here, or not the one that the workspace's settings ask for.
    """
    require_provider(provider)
    wanted = read_params(root).inference.provider
    if provider != wanted:
        raise InputError(
            f"inference.provider in params.yaml is {wanted}: start the worker with PROVIDER={wanted}, "
            "or change the setting"
        )
    words = ["dask", "worker", scheduler, "--nworkers", str(workers), "--nthreads", "1"]
    return [sys.executable, "-m", *words]


def become(command: list[str]) -> int:
    os.environ["PYTHONPATH"] = str(Path.cwd())
    os.execv(command[0], command)


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="guise service")
    kinds = parser.add_subparsers(dest="kind", required=True)
    server = kinds.add_parser("server")
    server.add_argument("--port", type=int, default=4200)
    worker = kinds.add_parser("worker")
    worker.add_argument("pool")
    gpu = kinds.add_parser("gpu-worker")
    gpu.add_argument("scheduler")
    gpu.add_argument("--provider", choices=sorted(PROVIDERS), default="cpu")
    gpu.add_argument("--workers", type=int, default=1)
    told = parser.parse_args(words)
    require_workspace(Path.cwd())
    if told.kind == "server":
        # otherwise its page asks the port that Prefect has by default
        os.environ.setdefault("PREFECT_SERVER_UI_API_URL", f"http://{HOST}:{told.port}/api")
        return become(server_command(told.port))
    if told.kind == "gpu-worker":
        return become(gpu_worker_command(Path.cwd(), told.scheduler, told.provider, told.workers))
    if not os.environ.get(API_URL):
        raise InputError(f"set {API_URL} to the server's address, http://{HOST}:4200/api for `make server`")
    deploy(told.pool)
    return become(worker_command(told.pool))


if __name__ == "__main__":
    keep_to_ourselves()
    sys.exit(exit_code_of(lambda: main(sys.argv[1:])))

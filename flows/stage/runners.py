"""Where clip tasks run: in threads of this process, or on dask workers that stand in the workspace."""

import os
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.host.environment import RUNNER
from tasks.files.errors import InputError

SCHEDULER, RESOURCES = "GUISE_DASK_SCHEDULER", "GUISE_DASK_RESOURCES"
ANSWER_S = 10


def worker_count() -> int:
    """Return GUISE_WORKERS, or the number of cores that this process may use."""
    wanted = os.environ.get("GUISE_WORKERS", str(len(os.sched_getaffinity(0))))
    if not wanted.isdigit() or int(wanted) < 1:
        raise InputError(f"GUISE_WORKERS is {wanted}: it must be a number from 1 upwards")
    return int(wanted)


def clip_runner() -> TaskRunner[Any]:
    """Return the runner that GUISE_RUNNER names. Raises InputError where it cannot work."""
    kind = os.environ.get(RUNNER, "threads")
    if kind == "threads":
        return ThreadPoolTaskRunner[Any](max_workers=worker_count())
    if kind != "dask":
        raise InputError(f"{RUNNER} is {kind}: it must be threads or dask")
    address = os.environ.get(SCHEDULER)
    if not address:
        raise InputError(f"{RUNNER} is dask: set {SCHEDULER} to the scheduler's address, tcp://HOST:8786")
    _require_workers(address, resources())
    from prefect_dask import DaskTaskRunner

    runner: TaskRunner[Any] = DaskTaskRunner(address=address, client_kwargs={"timeout": ANSWER_S})
    return runner


def resources() -> dict[str, float]:
    """Return what each clip takes of a worker, such as {"GPU": 1}, as GUISE_DASK_RESOURCES says."""
    told = os.environ.get(RESOURCES, "")
    try:
        pairs = [part.split("=") for part in told.split(",") if part]
        return {name.strip(): float(amount) for name, amount in pairs}
    except ValueError:
        raise InputError(f"{RESOURCES} is {told}: write it as GPU=1") from None


def placement() -> AbstractContextManager[None]:
    """Let what is submitted inside run only where the resources are."""
    wanted = resources()
    if os.environ.get(RUNNER) != "dask" or not wanted:
        return nullcontext()
    import dask

    placed: AbstractContextManager[None] = dask.annotate(resources=wanted)
    return placed


def _require_workers(address: str, wanted: dict[str, float]) -> None:
    from distributed import Client

    try:
        with Client(address, timeout=ANSWER_S, set_as_default=False) as client:
            workers = client.scheduler_info(n_workers=-1)["workers"].values()
    except (OSError, ValueError):
        raise InputError(
            f"no dask scheduler answers at {address}: start it, or set {RUNNER} to threads"
        ) from None
    able = [
        worker
        for worker in workers
        if all(worker["resources"].get(name, 0) >= amount for name, amount in wanted.items())
    ]
    if not able:
        what = ",".join(f"{name}={amount:g}" for name, amount in wanted.items())
        raise InputError(
            f"no dask worker{f' with {what}' if what else ''} has joined {address}: start one in this "
            "workspace with `make gpu-worker`, or with `dask worker`"
        )

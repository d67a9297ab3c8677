"""Where clip tasks run."""

import os
from typing import Any

from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from tasks.errors import InputError


def worker_count() -> int:
    """Return GUISE_WORKERS, or the number of cores that this process may use."""
    wanted = os.environ.get("GUISE_WORKERS", str(len(os.sched_getaffinity(0))))
    if not wanted.isdigit() or int(wanted) < 1:
        raise InputError(f"GUISE_WORKERS is {wanted}: it must be a number from 1 upwards")
    return int(wanted)


def clip_runner() -> TaskRunner[Any]:
    return ThreadPoolTaskRunner[Any](max_workers=worker_count())

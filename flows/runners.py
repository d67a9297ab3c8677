"""Where clip tasks run."""

import os

from prefect.task_runners import ThreadPoolTaskRunner

from schemas.jobs import Row


def worker_count() -> int:
    """Return GUISE_WORKERS, or the number of cores that this process may use."""
    return int(os.environ.get("GUISE_WORKERS", len(os.sched_getaffinity(0))))


def clip_runner() -> ThreadPoolTaskRunner[Row]:
    return ThreadPoolTaskRunner(max_workers=worker_count())

"""One clip's share of a stage as a Prefect task, cached by content."""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from prefect import task
from prefect.client.schemas.objects import State
from prefect.context import TaskRunContext

from flows.host.failures import describe_failure
from flows.stage.code import code_digest, newest_change, stage_modules
from flows.stage.libraries import installed
from flows.stage.load import load_stage
from schemas.jobs import AnyJob, Row
from tasks.files.errors import ClipFailedError, DiskError, FaultError, GuiseError, StageError, VideoError
from tasks.files.hashing import sha256_document

# what may pass by itself: a network folder that is gone for a moment, memory that others use
HEALING = (OSError, MemoryError, EOFError)
WAITS_S = [2.0, 10.0]
STARTED_S = time.time()


def key_of(job: AnyJob, code: str) -> str:
    """Return the digest of everything that a job's outputs depend on."""
    return sha256_document(
        {
            "stage": job.stage,
            "arm": job.arm,
            "key": job.key,
            "inputs": dict(job.inputs),
            "order": job.order.model_dump(mode="json"),
            "parts": job.parts,
            "part": job.part,
            "code": code,
        }
    )


def job_cache_key(context: TaskRunContext, parameters: dict[str, Any]) -> str:
    """Return the key under which Prefect keeps what a job gave."""
    return key_of(parameters["job"], parameters["code"])


@cache
def code_here(stage: str) -> str:
    """Return the digest of the code and the libraries that this process runs for a stage.

    Raises StageError where the code was changed after this process took it up.
    """
    root = Path.cwd()
    modules = stage_modules(root, stage)
    if newest_change(root, *modules) > STARTED_S:
        raise StageError(f"the code of {stage} was changed while this process ran: start it again")
    return sha256_document({"code": code_digest(root, *modules), "libraries": installed()})


def can_heal(_task: object, _run: object, state: State[Any]) -> bool:
    """Return whether a failed job is worth another try."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, ClipFailedError) and error.heals


@task(
    task_run_name="{job.stage} {job.name}",
    cache_key_fn=job_cache_key,
    persist_result=True,
    result_serializer="json",
    retries=len(WAITS_S),
    retry_delay_seconds=WAITS_S,
    retry_condition_fn=can_heal,
)
def process_job(job: AnyJob, code: str, parts: Sequence[Row] = ()) -> Row:
    """Run one job; whatever fails leaves as a sentence that names no file. parts: what its parts gave."""
    where = f"{job.stage} {job.name}"
    job = replace(job, made={path: digest for row in parts for path, digest in row["outputs"].items()})
    if code_here(job.stage) != code:
        raise StageError(f"{where}: the worker runs other code than this workspace: start it there again")
    try:
        return load_stage(job.stage).process(Path.cwd(), job)
    except (VideoError, FaultError) as error:
        raise ClipFailedError(f"{where}: {error}") from None
    except GuiseError as error:
        raise StageError(f"{where}: {error}") from None
    except Exception as error:
        known = describe_failure(error, where)
        if isinstance(known, DiskError):
            raise known from None
        raise ClipFailedError(str(known), heals=isinstance(error, HEALING)) from None

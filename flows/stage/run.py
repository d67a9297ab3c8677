"""Fan a stage's clips out, collect its table."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from prefect import Task, flow, tags
from prefect.context import TagsContext
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run

from flows.host.environment import JOB_RESULTS, RELEASE, REPORTS, let_go
from flows.host.failures import describe_failure
from flows.host.prefect_settings import prefect_settings, without_heartbeat
from flows.host.servers import prefect_server
from flows.stage.job import code_here, key_of, process_job
from flows.stage.libraries import require_noted
from flows.stage.load import arms_of, load_stage
from flows.stage.progress import clip_progress
from flows.stage.runners import clip_runner, placement
from schemas.jobs import AnyJob, Collected, Row
from schemas.refusals import REFUSALS
from schemas.reports import StageReport
from tasks.files.clips import refusals_path
from tasks.files.documents import read_params, write_json, write_table
from tasks.files.errors import ClipFailedError, GuiseError, StageError
from tasks.files.hashing import sha256_file
from tasks.files.tables import build_table


def run_name(name: str, arm: str) -> str:
    """Return what a person reads on Prefect's page: for which release a stage runs, where it does for one."""
    version = os.environ.get(RELEASE)
    return " ".join(filter(None, (f"release {version} -" if version else "", name, arm)))


@flow(name="stage", validate_parameters=False, persist_result=False)
def run_stage(name: str, arm: str) -> StageReport:
    """Do every job of a stage, reuse what is unchanged, and write the stage's table.

    An unforeseen error leaves as a sentence: its own words may name a patient's file, and Prefect keeps them.
    """
    try:
        return _do_stage(name, arm)
    except GuiseError:
        raise
    except Exception as error:
        raise describe_failure(error, name) from None


def _do_stage(name: str, arm: str) -> StageReport:
    started = time.monotonic()
    root, stage = Path.cwd(), load_stage(name)
    arms = arms_of(name, arm)
    require_noted(root)
    params = read_params(root)
    jobs = {one: stage.plan(root, params, one) for one in arms}
    done = _run_jobs(f"{name} {arm}".strip(), [job for one in arms for job in jobs[one]], code_here(name))
    notes: list[str] = []
    for one in arms:
        rows, refused = done.rows.get(one, []), done.refused.get(one, {})
        (root / stage.folder(one)).mkdir(parents=True, exist_ok=True)
        collected = stage.collect(root, params, one, rows)
        _keep_only(root / stage.folder(one), rows, collected)
        _write_refusals(root, stage.folder(one), name, refused)
        notes += [*collected.notes, *(f"refused: {reason}" for reason in dict.fromkeys(refused.values()))]
    count = sum(map(len, jobs.values()))
    if done.cached < count:
        let_go()
    seconds = round(time.monotonic() - started, 2)
    return StageReport(
        stage=name, arm=arm, jobs=count, cached=done.cached, seconds=seconds, notes=tuple(notes),
        run_id=str(flow_run.id or ""),
    )  # fmt: skip


def _write_refusals(root: Path, folder: Path, stage: str, refused: dict[str, str]) -> None:
    rows = [{"clip_id": clip, "stage": stage, "reason": reason} for clip, reason in sorted(refused.items())]
    if rows:
        write_table(build_table(rows, REFUSALS), REFUSALS, root / refusals_path(folder))


@dataclass
class _Done:
    """By arm: rows, and clip_id -> why it was refused. cached: how many jobs were not done anew."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    refused: dict[str, dict[str, str]] = field(default_factory=dict)
    cached: int = 0


def _run_jobs(title: str, jobs: list[AnyJob], code: str) -> _Done:
    """Do jobs side by side. Raises what stops the stage, or why an arm has nothing left."""
    done = _Done()
    failures: list[Exception] = []
    with clip_progress(title, jobs) as advance:
        for job, row, was_cached in _outcomes(jobs, code, advance):
            if isinstance(row, ClipFailedError) and job.clips:
                done.refused.setdefault(job.arm, {}).update(dict.fromkeys(job.clips, str(row)))
            elif isinstance(row, Exception):
                failures.append(row)
            else:
                done.rows.setdefault(job.arm, []).append(row)
                done.cached += was_cached
    empty = {job.arm for job in jobs} - {*done.rows}
    if empty and not failures:
        told = {reason: None for arm in sorted(empty) for reason in done.refused.get(arm, {}).values()}
        failures = [StageError(reason) for reason in told]
    if failures:
        raise _all_of(failures)
    return done


def _all_of(failures: list[Exception]) -> Exception:
    if len(failures) == 1 or not all(isinstance(error, StageError) for error in failures):
        return failures[0]
    return StageError(f"{len(failures)} failed: {'; '.join(map(str, failures))}")


@dataclass(frozen=True)
class _Sent:
    """A job, the futures of its parts where workers share it, and its own."""

    job: AnyJob
    parts: list[PrefectFuture[Row]]
    whole: PrefectFuture[Row]

    def outcome(self, advance: Callable[[], None]) -> Row | Exception:
        """Wait for it, and tell of each part as it comes; what a part failed by is what the job failed by."""
        failures = []
        for future in self.parts:
            row = _result_of(self.job, future)
            advance()
            failures += [row] if isinstance(row, Exception) else []
            if failures and self.job.in_turn:
                break  # those behind it never begin
        row = failures[0] if failures else _result_of(self.job, self.whole)
        for _ in range(1 + len(self.job.parts) - len(self.parts)):
            advance()
        return row


def _outcomes(
    jobs: list[AnyJob], code: str, advance: Callable[[], None]
) -> Iterator[tuple[AnyJob, Row | Exception, bool]]:
    """Yield each job, its row or why there is none, and whether it was done before.

    What was done before, but has lost its outputs, is done again, side by side like the others.
    """
    lost: list[AnyJob] = []
    for sent in _send(jobs, process_job, code):
        row = sent.outcome(advance)
        was_cached = sent.whole.state.name == "Cached"
        if was_cached and not isinstance(row, Exception) and not _outputs_stand(row):
            lost.append(sent.job)
        else:
            yield sent.job, row, was_cached
    for sent in _send(lost, process_job.with_options(refresh_cache=True), code, anew=True):
        yield sent.job, sent.outcome(lambda: None), False


def _send(jobs: list[AnyJob], work: Task[..., Row], code: str, *, anew: bool = False) -> list[_Sent]:
    """Send every job, the dearest first, and parts before who joins them. anew: whatever was done before."""
    shared = {_arm_and_key(job): job.each_part() for job in jobs if anew or not _is_done(job, code)}
    single = [part for job in jobs for part in shared.get(_arm_and_key(job)) or [job]]
    # Prefect asks its server for a slot of each tag of a task, which takes up to two seconds
    with placement(), TagsContext(current_tags=set()):
        futures: dict[tuple[str, str, int | None], PrefectFuture[Row]] = {}
        for one in sorted(single, key=lambda one: -one.cost):
            place = (*_arm_and_key(one), one.part)
            before = [futures[*place[:2], one.part - 1]] if one.in_turn and one.part else []
            futures[place] = work.submit(job=one, code=code, wait_for=before)
        parts = {
            _arm_and_key(job): [
                futures[(*_arm_and_key(job), one.part)] for one in shared.get(_arm_and_key(job), [])
            ]
            for job in jobs
        }
        whole = {
            _arm_and_key(job): work.submit(job=job, code=code, parts=parts[_arm_and_key(job)])
            if parts[_arm_and_key(job)]
            else futures[(*_arm_and_key(job), None)]
            for job in jobs
        }
    return [_Sent(job, parts[_arm_and_key(job)], whole[_arm_and_key(job)]) for job in jobs]


def _arm_and_key(job: AnyJob) -> tuple[str, str]:
    return job.arm, job.key


def _is_done(job: AnyJob, code: str) -> bool:
    """Return whether what a job gave is kept: then its parts need not be done."""
    return (Path.cwd() / JOB_RESULTS / key_of(job, code)).is_file()


def _result_of(job: AnyJob, future: PrefectFuture[Row]) -> Row | Exception:
    try:
        return future.result(raise_on_failure=False)
    except Exception as error:
        match type(error).__name__:  # dask's, which need not be there
            case "KilledWorker":
                return ClipFailedError(f"{job.stage} {job.key}: every worker that took it on was killed")
            case "FutureCancelledError" | "CancelledError":
                raise StageError(
                    "the dask scheduler is gone: start it and its workers, then run the same command "
                    "again, finished clips are kept"
                ) from None
        raise


def _outputs_stand(row: Row) -> bool:
    return all(
        Path(path).is_file() and sha256_file(Path(path)) == digest for path, digest in row["outputs"].items()
    )


def _keep_only(folder: Path, rows: list[Row], collected: Collected) -> None:
    """Delete what an earlier run left in the stage's folder: a stale video must not travel on."""
    kept = {str(path) for row in rows for path in row["outputs"]} | set(collected.tables)
    for path in folder.rglob("*"):
        if path.is_file() and str(path.relative_to(Path.cwd())) not in kept:
            path.unlink()


def run_and_report(name: str, arm: str) -> int:
    """Run a stage and leave a report. Returns the exit code of its command."""
    report_path = REPORTS / f"{'-'.join(filter(None, (name, arm)))}.json"
    try:
        told = tags(*filter(None, (name, os.environ.get(RELEASE))))
        with prefect_server(Path.cwd()), prefect_settings(without_heartbeat()), told:
            named = run_stage.with_options(
                task_runner=clip_runner(),
                flow_run_name=run_name(name, arm),
                # wherever a server, a profile or the environment would keep them
                result_storage=Path.cwd() / JOB_RESULTS,
            )
            report = named(name, arm)
    except Exception as error:
        known = error if isinstance(error, GuiseError) else describe_failure(error, name)
        report = StageReport(stage=name, arm=arm, failure=str(known), exit_code=known.exit_code)
        print(f"guise: {known}", file=sys.stderr)
    write_json(report.model_dump(mode="json"), report_path)
    return report.exit_code

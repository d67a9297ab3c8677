"""The sample cohort from inbox to audited bucket, in a workspace of its own.

    python -m flows.demo [--serve]

`guise demo` prepares the workspace and then runs this module inside it.
"""

import os
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from flows.audit.findings import audit_release
from flows.audit.lineage import trace_clip
from flows.demo.memory import PeakMemory
from flows.demo.object_store import ObjectStore, object_store
from flows.host.environment import STATE
from flows.host.failures import exit_code_of
from flows.host.servers import prefect_server, starting_aside
from flows.release.approval import approve
from flows.release.candidate import freeze
from flows.release.decisions import decide, waiting_clips
from flows.release.publication import publish
from flows.release.record import Record
from flows.release.wording import tell_floor
from flows.screen.cohort import (
    handed_in,
    show_clips,
    show_methods,
    show_node,
    show_refused,
)
from flows.screen.console import heading, say, show_table
from flows.screen.release import show_audit, show_candidate, show_lineage
from flows.screen.transfer import showing_transfer
from flows.workspace.graph import NodeResult
from flows.workspace.inbox import take_inbox
from flows.workspace.ready import make_ready
from flows.workspace.replay import replay
from schemas.evidence import IDENTITY
from schemas.params import Params
from schemas.params.validate import ATTACKERS
from schemas.release import ReleaseClip
from tasks.files.documents import read_params, read_table
from tasks.files.hashing import sha256_document
from tasks.publish import open_bucket
from tasks.publish.plan import candidate_digest

BUCKET = "guise-demo"
APPROVER = "Demo Approver (automatic, the sample cohort is public)"
REASON = (
    "no recogniser that had no part in choosing the face finds this person more easily than with the face "
    "filled flat; the sample cohort is public"
)
KNOWING = "; somebody who has Guise and other photographs of them does"
LEFT_OUT, ACCEPTED = "left out", "accepted"


def run(root: Path, *, serve: bool) -> int:
    """Release the cohort on local servers and show what came of it; return the exit code."""
    started = time.monotonic()
    with ExitStack() as stack:
        memory = stack.enter_context(PeakMemory())
        started_store = stack.enter_context(starting_aside(object_store(root / STATE / "s3")))
        api = stack.enter_context(prefect_server(root))
        store = started_store()
        os.environ.update(store.environment())
        code = _release(root, serve=serve)
        seconds = time.monotonic() - started
        heading("Figures of this run")
        say(f"  {seconds:.0f} s in all, peak memory {memory.peak_bytes / 1e9:.2f} GB over all processes")
        if serve:
            _wait(store, api.removesuffix("/api"))
    say("  the Prefect and S3 servers of this run are stopped")
    return code


def _release(root: Path, *, serve: bool) -> int:
    heading("1  Inbox -> data/raw, under DVC")
    take_inbox(root, root / "data/inbox")
    say("  the inbox is in data/raw")
    heading("2  The graph of dvc.yaml, replayed by Prefect")
    results = replay(root, make_ready(root, None), show_node)
    show_refused(root)
    show_clips(root)
    show_methods(root)
    _tell_times(results)
    record = Record(root, next_version(root))
    version, params = record.version, read_params(root)
    heading(f"3  Decisions on single clips, then candidate {version}")
    _decide(root, params)
    candidate = freeze(root, version, params)
    show_candidate(candidate, candidate_digest(candidate))
    heading("4  Approval and publication")
    _approve_and_publish(record, params)
    heading("5  What is in the bucket")
    objects = open_bucket(f"s3://{BUCKET}").keys("")
    show_table("", ["object", "bytes"], [[key, str(objects[key])] for key in sorted(objects)])
    heading("6  Audit: every object read back")
    audit = audit_release(record, params.publish)
    show_audit(audit)
    heading("7  Lineage of one released clip, back to its raw file")
    show_lineage(trace_clip(record, candidate.clips[0].clip_id))
    _show_where_to_look(record, serve=serve)
    return 1 if audit.findings else 0


def _tell_times(results: list[NodeResult]) -> None:
    reports = [report for result in results for report in result.reports]
    extract, validate = (
        sum(report.seconds for report in reports if report.stage == stage and report.cached < report.jobs)
        for stage in ("extract", "validate")
    )
    if extract and validate:
        say(f"  extraction {extract:.0f} s, evidence {validate:.0f} s: {validate / extract:.2f} of it")


def _decide(root: Path, params: Params) -> None:
    """Do what a careful person would: leave out whoever is still found, and say so."""
    rows, files = [], handed_in(root)
    for clip in waiting_clips(root):
        against = _objection(root, params, clip)
        reason = against or REASON + KNOWING * _is_known_to_who_has_guise(params, clip)
        decide(root, [clip.clip_id], accepted=not against, by=APPROVER, reason=reason)
        told = LEFT_OUT if against else ACCEPTED
        rows.append([clip.clip_id, files[clip.clip_id], told, reason])
    if rows:
        show_table(f"Decided by {APPROVER}", ["clip", "handed in as", "decision", "because"], rows)


def _is_known_to_who_has_guise(params: Params, clip: ReleaseClip) -> bool:
    return any(params.validate_.rules[name].recogniser in ATTACKERS for name in clip.broken_rules)


def _objection(root: Path, params: Params, clip: ReleaseClip) -> str:
    """Return why nobody could defend a clip; empty where somebody could."""
    if clip.verdict == "fail":
        return f"it fails: {', '.join(clip.broken_rules)}"
    rules = params.validate_.rules
    identity = read_table(root / "data/evidence/identity.parquet", IDENTITY)
    told = {row["recogniser"]: row for row in identity.iter_rows(named=True)
            if (row["clip_id"], row["arm"]) == (clip.clip_id, "released")}  # fmt: skip
    for name in filter(None, (rules[name].recogniser for name in clip.broken_rules)):
        if name in ATTACKERS:
            continue
        row = told.get(name)
        if row is None or row["rank_mean"] is None or row["rank_floor"] is None:
            return f"nothing says whether {name} finds this person"
        if name != params.deidentify.targets.chooser:
            return (
                f"{name} still finds this person: at place "
                f"{row['rank_mean']:.1f} of {row['gallery_subjects']} on average, "
                f"{tell_floor(name, row['rank_floor'])}"
            )
    return ""


def _approve_and_publish(record: Record, params: Params) -> None:
    version = record.version
    if record.is_published:
        say(f"  {version} was approved and published by an earlier run")
    else:
        digest = candidate_digest(record.candidate())
        approve(record, params, APPROVER, REASON, [], digest=digest)
        say(f"  approved by {APPROVER}")
        say(f"  because: {REASON}")
    open_bucket(f"s3://{BUCKET}").make()
    with showing_transfer(record) as transfer:
        publication = publish(record, params.publish, f"s3://{BUCKET}", transfer.tell)
    say(f"  {publication.to}/releases/{version}/: {len(transfer.created)} objects uploaded")


def _show_where_to_look(record: Record, *, serve: bool) -> None:
    root, version = record.root, record.version
    heading("Where to look next")
    say(f"  the released videos   {root / 'data/deidentified/videos'}")
    say(f"  the review page       in {root}: `guise review {version}` shows clips and evidence side by side")
    say(f"  the evidence          {root / 'data/evidence'} (in {root}: `dvc metrics show`)")
    say(f"  what was released     {record.files / 'datasheet.md'}")
    if not serve:
        say("  the servers           `guise demo --serve` keeps them up and prints their addresses")


def next_version(root: Path) -> str:
    """Return the newest demo version if it speaks of the same results, else a new one."""
    folder = root / "data/releases"
    present = sorted(folder.glob("demo-*"), key=lambda path: int(path.name.split("-")[1]))
    state = {name: (root / name).read_text() for name in ("dvc.lock", "params.yaml")}
    marker = root / STATE / "demo-version.txt"
    digest = sha256_document(state)
    if present and marker.is_file() and marker.read_text() == f"{present[-1].name} {digest}":
        return present[-1].name
    version = f"demo-{len(present) + 1}"
    marker.write_text(f"{version} {digest}")
    return version


def _wait(store: ObjectStore, page: str) -> None:
    say(f"  Prefect page  {page}")
    say(f"  S3 endpoint   {store.endpoint}  bucket {BUCKET}")
    say("  for another terminal, to use `guise audit` there: its keys live as long as the server")
    for name, value in store.environment().items():
        say(f"    export {name}={value}", whole=True)
    say("  press Ctrl-C to stop the servers")
    try:
        signal.pause()
    except KeyboardInterrupt:
        say("")


if __name__ == "__main__":
    sys.exit(exit_code_of(lambda: run(Path.cwd(), serve="--serve" in sys.argv[1:])))

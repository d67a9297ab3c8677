"""The flows that a Prefect server runs in a workspace, on a schedule or by hand: see prefect.yaml."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from prefect.runtime import flow_run
from pydantic import Field

from flows.audit.findings import audit_all
from flows.host.environment import keep_to_ourselves
from flows.host.failures import describe_failure
from flows.release.approval import approve, missing_approvals
from flows.release.candidate import freeze
from flows.release.decisions import decide, waiting_clips, waiting_digest
from flows.release.publication import publish as send
from flows.release.record import Record
from flows.release.withdrawal import withdraw as take_out
from flows.service import artifacts
from flows.service.resuming import workspace_tag
from flows.service.webhook import tell
from flows.workspace.exclusive import alone
from flows.workspace.inbox import take_inbox
from flows.workspace.place import require_workspace
from flows.workspace.ready import make_ready
from flows.workspace.replay import replay_graph
from schemas.params import Params
from schemas.release import Candidate, Version
from tasks.files.documents import read_params
from tasks.files.errors import AuditFailedError, GateRefusedError, GuiseError
from tasks.publish.plan import candidate_digest

Pseudonym = Annotated[
    str, Field(pattern=r"^subject-[0-9a-f]{16}$", description="never the hospital's own name")
]
Name = Annotated[str, Field(min_length=1, max_length=200, title="Your name")]
Form = TypeVar("Form", bound=RunInput)
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", title="The digest of what you looked at")]
Reason = Annotated[str, Field(min_length=1, max_length=2000, title="Why")]


class ClipWord(RunInput):
    """A person's word on the clips that wait: all are accepted but those that are left out."""

    by: Name
    reason: Reason
    left_out: Annotated[list[str], Field(title="Clips to leave out, by clip id")] = []
    digest: Digest


class Word(RunInput):
    """A person's word on one candidate."""

    by: Name
    decision: Literal["approve", "refuse"]
    reason: Reason
    rejected: Annotated[list[str], Field(title="Clips to leave out, by clip id")] = []
    digest: Digest


def _enter() -> Path:
    keep_to_ourselves()
    root = Path.cwd()
    require_workspace(root)
    return root


def _say(event: str, text: str) -> None:
    trouble = tell(event, flow_run.name or "guise", text)
    if trouble:
        artifacts.show_trouble(trouble)


@flow(name="ingest", flow_run_name="ingest", persist_result=False)
def ingest() -> None:
    """Admit what lies in data/inbox."""
    root = _enter()
    with telling_failures(), alone(root, before_waiting=artifacts.show_wait):
        take_inbox(root, root / "data/inbox")
        replay_graph(root, make_ready(root, "ingest"), lambda _: None)


@flow(name="release", flow_run_name="release {version}", persist_result=True, result_serializer="json")
def release(version: Version, to: str | None = None) -> None:
    """Replay the graph, freeze a candidate, wait for a person's word, publish.

    version: name of the release, such as 2026.11. to: s3://bucket/prefix (default: params.yaml).
    """
    root = _enter()
    record = Record(root, version)
    _tag(f"version:{version}", workspace_tag(root))
    with telling_failures(), alone(root, before_waiting=artifacts.show_wait):
        params = read_params(root)
        artifacts.show_graph(version, replay_graph(root, make_ready(root, None), lambda _: None, version))
        artifacts.show_evidence(root, version)
        _hear_about_clips(root)
        candidate = _hear_about_candidate(record, params, freeze(root, version, params))
        publication = send(record, params.publish, to, lambda _: None)
        artifacts.show_lineage(root, candidate)
        _say("finished", f"{version} is published at {publication.to}")


@flow(name="publish", flow_run_name="publish {version}", persist_result=False)
def publish(version: Version, to: str | None = None) -> None:
    """Send an approved candidate to S3."""
    root = _enter()
    with telling_failures(), alone(root, before_waiting=artifacts.show_wait):
        publication = send(Record(root, version), read_params(root).publish, to, lambda _: None)
        _say("finished", f"{version} is published at {publication.to}")


@flow(name="audit", flow_run_name="audit", persist_result=False)
def audit() -> None:
    """Read every object of every release back. Fails where anything is not what was approved."""
    root = _enter()
    with telling_failures():
        settings = read_params(root).publish
        findings = [f"{one.version}: {said}" for one in audit_all(root, settings) for said in one.findings]
        if findings:
            _say("unsound", "; ".join(findings))
            raise AuditFailedError("; ".join(findings))


@flow(name="withdraw", flow_run_name="withdraw", persist_result=False)
def withdraw(subject: Pseudonym, reason: Reason, delete_published: bool = False) -> None:
    """Take a person who withdrew their consent out of everything."""
    root = _enter()

    def reingest() -> None:
        replay_graph(root, make_ready(root, "ingest"), lambda _: None)

    with telling_failures(), alone(root, before_waiting=artifacts.show_wait):
        settings = read_params(root).publish
        take_out(root, settings, subject, reason, delete_published=delete_published, reingest=reingest)


@contextmanager
def telling_failures() -> Iterator[None]:
    """Tell people of a failure of the block; waiting for a person is none."""
    try:
        yield
    except GuiseError as error:
        _say("failed", str(error))
        raise
    except Exception as error:
        known = describe_failure(error, "release")
        _say("failed", str(known))
        raise known from None


def _tag(*tags: str) -> None:
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(flow_run.id)
        client.update_flow_run(run.id, tags={*run.tags, *tags})


def _hear_about_clips(root: Path) -> None:
    """Ask for a word on the clips that wait, until there is one on each."""
    for number in count(1):
        waiting = waiting_clips(root)
        if not waiting:
            return
        told = [f"- {clip.clip_id}: {clip.verdict}, {', '.join(clip.broken_rules)}" for clip in waiting]
        text = "\n".join(["These clips wait for a person. Look with `guise review`.", "", *told])
        digest = waiting_digest(root)
        word = _ask(ClipWord, f"clips-{number}", text, digest=digest)
        if word.digest != digest:
            continue  # the word was on other clips, or on other videos of them
        failing = [clip.clip_id for clip in waiting if clip.verdict == "fail"]
        left_out = sorted({*word.left_out, *failing} & {clip.clip_id for clip in waiting})
        if left_out:
            decide(root, left_out, accepted=False, by=word.by, reason=word.reason)
        if len(left_out) < len(waiting):
            decide(root, [], accepted=True, by=word.by, reason=word.reason)


def _hear_about_candidate(record: Record, params: Params, candidate: Candidate) -> Candidate:
    """Ask until as many people as params.yaml demands have approved; return what they approved."""
    trouble, number = "", 0
    while missing_approvals(record, candidate, params.publish.approvals):
        number += 1
        digest = candidate_digest(candidate)
        text = "\n\n".join(filter(None, (trouble, artifacts.show_candidate(candidate))))
        word = _ask(Word, f"candidate-{number}", text, digest=digest)
        if word.decision == "refuse":
            raise GateRefusedError(f"{word.by} refused {candidate.version}: {word.reason}")
        try:
            candidate = approve(record, params, word.by, word.reason, word.rejected, digest=word.digest)
            trouble = ""
        except GuiseError as error:
            trouble = f"**The last word did not count: {error}**"
    return candidate


def _ask(form: type[Form], key: str, text: str, **known: str) -> Form:
    """Suspend this run until a person has filled the form in; the answer of an earlier run is kept."""
    _say("waiting", text)
    asked = form.with_initial_data(description=text, **known)
    answer = suspend_flow_run(wait_for_input=asked, key=key)
    assert answer is not None
    return answer

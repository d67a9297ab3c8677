"""From evidence to a release, and back: decide, freeze, approve, publish, audit, withdraw."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.app import Version, answer, app, check_version, here, settings


@app.command()
def candidate(version: Version) -> None:
    """Freeze what the evidence speaks of; a person approves its digest."""
    root = here()
    from flows.candidate import freeze
    from flows.exclusive import alone
    from flows.screen import show_candidate, show_next
    from tasks.publish.plan import candidate_digest

    with alone(root):
        frozen = freeze(root, version)
    digest = candidate_digest(frozen)
    document = frozen.model_dump(mode="json") | {"digest": digest}

    def show() -> None:
        show_candidate(frozen, digest)
        show_next(frozen, digest)

    answer(document, show)


@app.command()
def review(
    version: Annotated[
        str | None,
        typer.Argument(help="a candidate (default: the results as they are)", callback=check_version),
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="on this machine (default: a free one)", min=1, max=65535)
    ] = None,
) -> None:
    """Show results in a browser on this machine: both videos in step, flags, evidence."""
    root = here()
    from flows.review import review as show

    def tell(url: str) -> None:
        sentence = f"Open {url} in a browser on this machine; Ctrl-C ends the review."
        print(json.dumps({"url": url}) if settings.as_json else sentence, flush=True)

    show(root, version, port, tell)


@app.command()
def decide(
    accept: Annotated[bool, typer.Option("--accept/--reject", help="release, or leave out")],
    by: Annotated[str, typer.Option(help="your name")],
    reason: Annotated[str, typer.Option(help="why")],
    clips: Annotated[list[str] | None, typer.Argument(help="clip ids (default: all that wait)")] = None,
) -> None:
    """Decide on clips that ask for a person: accept them, or leave them out."""
    root = here()
    from flows.decisions import decide as record
    from flows.decisions import waiting_clips, waiting_digest
    from flows.exclusive import alone
    from flows.resuming import resume_waiting
    from flows.screen import say

    with alone(root):
        digest = waiting_digest(root)
        records = record(root, clips or [], accepted=accept, by=by, reason=reason)
    waiting = [clip.clip_id for clip in waiting_clips(root)]
    if not waiting:
        resume_waiting(root, "clips", {"by": by, "reason": reason, "digest": digest})

    def show() -> None:
        for one in records:
            say(f"  {one.clip_id} {'accepted' if one.accepted else 'left out'} by {one.by}")
        say(f"  {len(waiting)} clips still wait for a decision")

    answer({"decided": [one.model_dump(mode="json") for one in records], "waiting": waiting}, show)


@app.command()
def approve(
    version: Version,
    by: Annotated[str, typer.Option(help="your name")],
    reason: Annotated[str, typer.Option(help="why this may be released")],
    digest: Annotated[
        str, typer.Option(help="of what you looked at, as `guise candidate` and the review page show it")
    ] = "",
    reject: Annotated[list[str] | None, typer.Option(help="a clip to leave out; may be repeated")] = None,
) -> None:
    """Approve the candidate that you looked at, named by its digest, with your name."""
    root = here()
    from flows.approval import approve as record
    from flows.approval import missing_approvals
    from flows.exclusive import alone
    from flows.resuming import resume_waiting
    from flows.screen import say, show_candidate
    from tasks.publish.plan import candidate_digest

    with alone(root):
        approved = record(root, version, by, reason, reject or [], digest=digest)
    digest, missing = candidate_digest(approved), missing_approvals(root, approved)
    word = {"by": by, "decision": "approve", "reason": reason, "digest": digest}
    resumed = 0 if missing else resume_waiting(root, "candidate", word, version)

    def show() -> None:
        show_candidate(approved, digest)
        say(f"  {version} is approved by {by}")
        if missing:
            say(f"  {missing} more people must approve it")
        if resumed:
            say("  the release run that waited for it goes on")

    answer({"version": version, "digest": digest, "by": by, "missing": missing, "resumed": resumed}, show)


@app.command()
def publish(
    version: Version,
    to: Annotated[str | None, typer.Option(help="s3://bucket/prefix (default: params.yaml)")] = None,
) -> None:
    """Send an approved candidate to S3: objects, then the manifest, then latest.json."""
    root = here()
    from flows.exclusive import alone
    from flows.publication import publish as send
    from flows.transfer import showing_transfer

    with alone(root), showing_transfer(root, version) as transfer:
        publication = send(root, version, to, transfer.tell)
    uploaded, there = transfer.created, transfer.there
    document = publication.model_dump(mode="json") | {"uploaded": uploaded, "already_there": there}
    sentence = (
        f"{version} is published at {publication.to}: {len(uploaded)} objects uploaded, "
        f"{len(there)} were there already"
    )
    answer(document, lambda: print(sentence))


@app.command()
def audit(
    version: Annotated[str | None, typer.Argument(help="the release", callback=check_version)] = None,
    all_: Annotated[bool, typer.Option("--all", help="every release of this workspace")] = False,
    clip: Annotated[str | None, typer.Option(help="also show the lineage of this clip")] = None,
    picture: Annotated[
        Path | None, typer.Option(help="write the lineage as a picture: FILE.svg or FILE.dot")
    ] = None,
) -> None:
    """Read every published object back; exit 1 where anything is not what was approved."""
    root = here()
    if (version is None) != all_ or (all_ and clip) or (picture and not clip):
        raise typer.BadParameter(
            "name one VERSION, or --all; --clip goes with a VERSION, --picture with --clip"
        )
    from flows.audit import audit_all, audit_release
    from flows.lineage import Lineage, trace_clip
    from flows.pictures import write_picture
    from flows.screen import say, show_audit, show_lineage
    from flows.transfer import showing_audit

    with showing_audit(root, version) as tell:
        outcomes = [audit_release(root, version, tell)] if version else [*audit_all(root, tell)]
    lineage = trace_clip(root, version, clip) if version and clip else Lineage()
    if picture:
        write_picture(lineage, picture)

    def show() -> None:
        for outcome in outcomes:
            show_audit(outcome)
        if not outcomes:
            say("  nothing was published from this workspace")
        show_lineage(lineage)

    answer({"releases": [asdict(one) for one in outcomes], "lineage": asdict(lineage)}, show)
    if lineage.findings or any(outcome.findings for outcome in outcomes):
        raise typer.Exit(1)


@app.command()
def withdraw(
    subject: Annotated[str, typer.Argument(help="as in manifest.csv, or the pseudonym")],
    reason: Annotated[str, typer.Option(help="why, without naming the person")],
    delete_published: Annotated[
        bool, typer.Option(help="also remove their clips from published releases")
    ] = False,
) -> None:
    """Take a person who withdrew their consent out of everything; the record keeps a pseudonym."""
    root = here()
    from flows.exclusive import alone
    from flows.host.servers import prefect_server
    from flows.replay import replay
    from flows.screen import show_withdrawal
    from flows.withdrawal import withdraw as take_out

    def reingest() -> None:
        with prefect_server(root):
            replay(root, "ingest", lambda _: None)

    with alone(root):
        done = take_out(root, subject, reason, delete_published=delete_published, reingest=reingest)
    answer(asdict(done) | {"record": done.record.model_dump(mode="json")}, lambda: show_withdrawal(done))

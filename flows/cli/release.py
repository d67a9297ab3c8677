"""From evidence to a release, and back: decide, freeze, approve, publish, audit, withdraw."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.app import Version, answer, app, check_version, here, here_with_params
from flows.cli.app import settings as asked


@app.command()
def candidate(version: Version) -> None:
    """Freeze what the evidence speaks of; a person approves its digest."""
    root, params = here_with_params()
    from flows.release.candidate import freeze
    from flows.release.record import Record
    from flows.screen.release import show_candidate, show_next
    from flows.workspace.exclusive import alone
    from tasks.publish.plan import candidate_digest

    with alone(root):
        frozen = freeze(root, version, params)
    digest = candidate_digest(frozen)
    document = frozen.model_dump(mode="json") | {"digest": digest}

    def show() -> None:
        show_candidate(frozen, digest)
        show_next(frozen, digest, Record(root, version).approvals())

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
    released_only: Annotated[
        bool, typer.Option("--released-only", help="show no original, as to a second reviewer")
    ] = False,
) -> None:
    """Show results in a browser on this machine: both videos in step, flags, evidence, and decide there."""
    root, params = here_with_params()
    from flows.release.record import Record
    from flows.review import Words
    from flows.review import review as show
    from flows.service.deciding import approve_now, decide_now, mend_now, take_back_now

    def approve(by: str, reason: str, digest: str) -> int:
        return approve_now(Record(root, version or ""), params, by, reason, digest=digest)[1]

    def tell(url: str) -> None:
        sentence = f"Open {url} in a browser on this machine; Ctrl-C ends the review."
        print(json.dumps({"url": url}) if asked.as_json else sentence, flush=True)

    words = Words(decide_now, take_back_now, mend_now, approve)
    show(root, params, version, port, tell=tell, words=words, released_only=released_only)


@app.command()
def decide(
    by: Annotated[str, typer.Option(help="your name")] = "",
    reason: Annotated[str, typer.Option(help="why")] = "",
    accept: Annotated[bool | None, typer.Option("--accept/--reject", help="release, or leave out")] = None,
    take_back: Annotated[
        bool, typer.Option("--take-back", help="take the newest word on the clips back, before a candidate")
    ] = False,
    clips: Annotated[list[str] | None, typer.Argument(help="clip ids (default: all that wait)")] = None,
) -> None:
    """Decide on clips that ask for a person: accept them, or leave them out."""
    root = here()
    if (accept is None) != take_back:
        raise typer.BadParameter("say one of --accept, --reject and --take-back")
    if accept is None:
        _take_back(root, clips or [])
        return
    from flows.screen.console import counted, say, say_below
    from flows.service.deciding import decide_now

    records, waiting = decide_now(root, clips or [], accepted=accept, by=by, reason=reason)

    def show() -> None:
        for one in records:
            say(f"  {one.clip_id} {'accepted' if one.accepted else 'left out'} by {one.by}")
        if accept:
            say_below("what of them was watched nobody can tell here: the record leaves it open", 2)
        say_below(f"{counted(len(waiting), 'clip')} still to be decided on", 2)

    answer({"decided": [one.model_dump(mode="json") for one in records], "waiting": waiting}, show)


def _take_back(root: Path, clips: list[str]) -> None:
    if not clips:
        raise typer.BadParameter("name the clips whose decision is taken back")
    from flows.screen.console import say
    from flows.service.deciding import take_back_now

    taken = take_back_now(root, clips)

    def show() -> None:
        for one in taken:
            say(f"  {one.clip_id}: the word of {one.by} is taken back")

    answer({"taken_back": [one.model_dump(mode="json") for one in taken]}, show)


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
    root, params = here_with_params()
    from flows.release.record import Record
    from flows.screen.release import show_approval, show_candidate
    from flows.service.deciding import approve_now
    from tasks.publish.plan import candidate_digest

    approved, missing, resumed = approve_now(
        Record(root, version), params, by, reason, digest=digest, rejected=tuple(reject or ())
    )
    digest = candidate_digest(approved)

    def show() -> None:
        show_candidate(approved, digest)
        show_approval(version, by, missing, resumed)

    answer({"version": version, "digest": digest, "by": by, "missing": missing, "resumed": resumed}, show)


@app.command()
def publish(
    version: Version,
    to: Annotated[str | None, typer.Option(help="s3://bucket/prefix (default: params.yaml)")] = None,
) -> None:
    """Send an approved candidate to S3: objects, then the manifest, then latest.json."""
    root, params = here_with_params()
    from flows.release.publication import publish as send
    from flows.release.record import Record
    from flows.screen.transfer import showing_transfer
    from flows.workspace.exclusive import alone

    record, settings = Record(root, version), params.publish
    with alone(root), showing_transfer(record) as transfer:
        publication = send(record, settings, to, transfer.tell)
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
    root, params = here_with_params()
    if (version is None) != all_ or (all_ and clip) or (picture and not clip):
        raise typer.BadParameter(
            "name one VERSION, or --all; --clip goes with a VERSION, --picture with --clip"
        )
    from flows.audit.findings import audit_all, audit_release
    from flows.audit.lineage import Lineage, trace_clip
    from flows.audit.pictures import write_picture
    from flows.release.record import Record
    from flows.screen.release import show_audits
    from flows.screen.transfer import showing_audit

    record, settings = Record(root, version) if version else None, params.publish
    with showing_audit(root, record) as tell:
        outcomes = [audit_release(record, settings, tell)] if record else [*audit_all(root, settings, tell)]
    lineage = trace_clip(record, clip) if record and clip else Lineage()
    if picture:
        write_picture(lineage, picture)

    document = {"releases": [asdict(one) for one in outcomes], "lineage": asdict(lineage)}
    answer(document, lambda: show_audits(outcomes, lineage))
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
    root, params = here_with_params()
    from flows.host.servers import prefect_server
    from flows.release.withdrawal import withdraw as take_out
    from flows.screen.release import show_withdrawal
    from flows.workspace.exclusive import alone
    from flows.workspace.ready import make_ready
    from flows.workspace.replay import replay

    def reingest() -> None:
        with prefect_server(root):
            replay(root, make_ready(root, "ingest"), lambda _: None)

    with alone(root):
        done = take_out(
            root, params.publish, subject, reason, delete_published=delete_published, reingest=reingest
        )
    answer(asdict(done) | {"record": done.record.model_dump(mode="json")}, lambda: show_withdrawal(done))

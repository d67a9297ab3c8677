"""The `guise` command.

Exit codes: 0 done; 1 the answer is no (a gate refused, an audit failed); 2 wrong use or bad input.
"""

import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.environment import keep_to_ourselves
from flows.failures import exit_code_of
from schemas.release import VERSION

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Release clinical video without releasing the patient.",
)  # fmt: skip


def _check_version(version: str) -> str:
    if not re.fullmatch(VERSION, version):
        raise typer.BadParameter("a version is letters, digits, dots, hyphens and underscores")
    return version


Version = Annotated[str, typer.Argument(help="name of the release, such as 2026.11", callback=_check_version)]


@dataclass
class Settings:
    as_json: bool = False


settings = Settings()


@app.callback()
def enter(
    workspace: Annotated[Path | None, typer.Option(help="the workspace (default: where you stand)")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the outcome as JSON")] = False,
) -> None:
    settings.as_json = as_json
    if workspace is not None:
        _go_to(workspace)


def _go_to(workspace: Path) -> None:
    if not workspace.is_dir():
        raise typer.BadParameter(f"there is no folder {workspace}")
    words = list(sys.argv[1:])
    place = next(i for i, word in enumerate(words) if word.startswith("--workspace"))
    del words[place : place + (1 if "=" in words[place] else 2)]
    os.chdir(workspace)
    os.environ.pop("PREFECT_HOME", None)
    # a workspace runs its own copy of the code
    os.execv(sys.executable, [sys.executable, "-m", "flows.cli", *words])


def _answer(document: dict[str, Any], show: Callable[[], None]) -> None:
    if settings.as_json:
        print(json.dumps(document, indent=2, ensure_ascii=False, default=str))
    else:
        show()


def _here() -> Path:
    from flows.workspace import require_workspace

    root = Path.cwd()
    require_workspace(root)
    return root


@app.command()
def demo(
    folder: Annotated[Path, typer.Option("--dir", help="the demo's own workspace")] = Path(".demo"),
    full: Annotated[bool, typer.Option(help="take the sample clips whole")] = False,
    seconds: Annotated[float, typer.Option(min=0.5, help="length of the excerpts")] = 10.0,
    serve: Annotated[bool, typer.Option(help="leave the servers up to look at")] = False,
) -> None:
    """Release the sample cohort, end to end, on local servers."""
    from flows.sample import prepare_demo

    prepare_demo(folder, None if full else seconds)
    os.chdir(folder)
    for name in ("PREFECT_HOME", "PREFECT_API_URL", "PYTHONPATH"):
        os.environ.pop(name, None)
    os.execv(sys.executable, [sys.executable, "-m", "flows.demo", *(["--serve"] if serve else [])])


@app.command()
def workspace(folder: Annotated[Path, typer.Argument(help="a new or earlier workspace")]) -> None:
    """Make a fresh release workspace: git, DVC, this code, a pseudonym key."""
    from flows.workspace import make_workspace

    told = make_workspace(folder)
    _answer({"workspace": str(folder), "told": told}, lambda: print("\n".join(told)))


@app.command()
def ingest(
    inbox: Annotated[Path, typer.Option(help="folder with manifest.csv and the videos")] = Path("data/inbox"),
) -> None:
    """Admit the raw clips that manifest.csv names; say which are refused and why."""
    root = _here()
    from flows.inbox import take_inbox

    take_inbox(root, inbox)
    _replay(root, "ingest")


@app.command()
def run(
    stage: Annotated[str | None, typer.Argument(help="the last stage to run (default: all)")] = None,
) -> None:
    """Replay the graph of dvc.yaml, up to STAGE; what is unchanged is not done again."""
    _replay(_here(), stage)


def _replay(root: Path, stage: str | None) -> None:
    from flows import screen
    from flows.replay import replay
    from flows.servers import prefect_server

    with prefect_server(root):
        results = replay(root, stage, (lambda _: None) if settings.as_json else screen.show_node)
    nodes = {result.node: [report.model_dump(mode="json") for report in result.reports] for result in results}
    _answer({"nodes": nodes, "refused": screen.refused(root)}, lambda: screen.show_outcome(root, results))


@app.command()
def candidate(version: Version) -> None:
    """Freeze what the evidence speaks of; a person approves its digest."""
    root = _here()
    from flows.approval import earlier_rejections
    from flows.candidate import freeze, read_candidate, release_folder
    from flows.screen import show_candidate
    from tasks.publish.plan import candidate_digest

    known = (root / release_folder(version) / "candidate.json").is_file()
    rejected = earlier_rejections(read_candidate(root, version)) if known else {}
    frozen = freeze(root, version, rejected)
    digest = candidate_digest(frozen)
    document = frozen.model_dump(mode="json") | {"digest": digest}
    _answer(document, lambda: show_candidate(frozen, digest))


@app.command()
def review(
    version: Version,
    port: Annotated[
        int | None, typer.Option(help="on this machine (default: a free one)", min=1, max=65535)
    ] = None,
) -> None:
    """Show a candidate in a browser on this machine: both videos in step, flags, evidence."""
    root = _here()
    from flows.review import review as show

    def tell(url: str) -> None:
        sentence = f"Open {url} in a browser on this machine; Ctrl-C ends the review."
        print(json.dumps({"url": url}) if settings.as_json else sentence, flush=True)

    show(root, version, port, tell)


@app.command()
def approve(
    version: Version,
    by: Annotated[str, typer.Option(help="your name")],
    reason: Annotated[str, typer.Option(help="why this may be released")],
    reject: Annotated[list[str] | None, typer.Option(help="a clip to leave out; may be repeated")] = None,
) -> None:
    """Approve a candidate with your name."""
    root = _here()
    from flows.approval import approve as record
    from flows.screen import say, show_candidate
    from tasks.publish.plan import candidate_digest

    approved = record(root, version, by, reason, reject or [])
    digest = candidate_digest(approved)

    def show() -> None:
        show_candidate(approved, digest)
        say(f"  {version} is approved by {by}")

    _answer({"version": version, "digest": digest, "by": by}, show)


@app.command()
def publish(
    version: Version,
    to: Annotated[str | None, typer.Option(help="s3://bucket/prefix (default: params.yaml)")] = None,
) -> None:
    """Send an approved candidate to S3: objects, then the manifest, then latest.json."""
    root = _here()
    from flows.publication import publish as send

    uploaded: list[str] = []
    there: list[str] = []
    publication = send(root, version, to, lambda upload, new: (uploaded if new else there).append(upload.key))
    document = publication.model_dump(mode="json") | {"uploaded": uploaded, "already_there": there}
    sentence = (
        f"{version} is published at {publication.to}: {len(uploaded)} objects uploaded, "
        f"{len(there)} were there already"
    )
    _answer(document, lambda: print(sentence))


@app.command()
def audit(
    version: Version,
    clip: Annotated[str | None, typer.Option(help="also show the lineage of this clip")] = None,
) -> None:
    """Read every published object back; exit 1 where anything is not what was approved."""
    root = _here()
    from flows.audit import Lineage, audit_release, trace_clip
    from flows.screen import show_audit, show_lineage

    outcome = audit_release(root, version)
    lineage = trace_clip(root, version, clip) if clip else Lineage((), ())
    findings = outcome.findings + lineage.findings

    def show() -> None:
        show_audit(outcome)
        show_lineage(lineage)

    _answer(asdict(outcome) | {"findings": findings, "lineage": lineage.steps}, show)
    if findings:
        raise typer.Exit(1)


@app.command()
def benchmark(
    clips: Annotated[list[Path] | None, typer.Argument(help="videos (default: two sample clips)")] = None,
    height: Annotated[int | None, typer.Option(help="measure at this height in pixels", min=16)] = None,
    frames: Annotated[int | None, typer.Option(help="repeat or cut to so many frames", min=1)] = None,
    peer: Annotated[
        str | None, typer.Option(help="another tool's command, with {input} and {output}")
    ] = None,
) -> None:
    """Measure frames per second and memory beside the codec alone, and beside a peer where one is named."""
    root = _here()
    from flows.benchmark import Options
    from flows.benchmark import benchmark as measure
    from flows.sample import sample_clips
    from flows.screen import show_measures

    found = measure(root, clips or sample_clips(), Options(height, frames, peer))
    _answer({"measures": [asdict(one) for one in found]}, lambda: show_measures(found))


@app.command()
def doctor() -> None:
    """Say what is missing before a release can run."""
    from flows.doctor import examine

    findings = examine(Path.cwd())

    def show() -> None:
        for finding in findings:
            print(f"{'good   ' if finding.good else 'MISSING'}  {finding.what}: {finding.advice}")

    _answer({"findings": [asdict(finding) for finding in findings]}, show)
    if not all(finding.good for finding in findings):
        raise typer.Exit(1)


def main() -> int:
    """Run the command; what a user can cause ends in one sentence, never in a traceback."""
    keep_to_ourselves()
    return exit_code_of(lambda: int(app(prog_name="guise") or 0))


if __name__ == "__main__":
    sys.exit(main())

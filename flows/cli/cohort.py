"""From an inbox to evidence: the commands of a workspace."""

import os
import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.app import answer, app, here, here_with_params, settings
from flows.host.environment import RUNNER

if TYPE_CHECKING:
    from flows.workspace.graph import NodeResult
    from flows.workspace.replay import Tell


@app.command()
def demo(
    folder: Annotated[Path, typer.Option("--dir", help="the demo's own workspace")] = Path(".demo"),
    full: Annotated[bool, typer.Option(help="take the sample clips whole")] = False,
    seconds: Annotated[float, typer.Option(min=0.5, help="length of the excerpts")] = 10.0,
    serve: Annotated[bool, typer.Option(help="leave the servers up to look at")] = False,
) -> None:
    """Release the sample cohort, end to end, on local servers."""
    from flows.demo.sample import prepare_demo

    prepare_demo(folder, None if full else seconds)
    os.chdir(folder)
    for name in ("PREFECT_HOME", "PREFECT_API_URL", "PYTHONPATH"):
        os.environ.pop(name, None)
    os.execv(sys.executable, [sys.executable, "-m", "flows.demo", *(["--serve"] if serve else [])])


@app.command()
def workspace(folder: Annotated[Path, typer.Argument(help="a new or earlier workspace")]) -> None:
    """Make a fresh release workspace: git, DVC, this code, a pseudonym key."""
    from flows.workspace.make import make_workspace

    told = make_workspace(folder)
    answer({"workspace": str(folder), "told": told}, lambda: print("\n".join(told)))


@app.command()
def ingest(
    inbox: Annotated[Path, typer.Option(help="folder with manifest.csv and the videos")] = Path("data/inbox"),
) -> None:
    """Admit the raw clips that manifest.csv names; say which are refused and why."""
    root = here()
    from flows.workspace.exclusive import alone
    from flows.workspace.inbox import take_inbox
    from flows.workspace.ready import require_clips

    with alone(root):
        take_inbox(root, inbox)
        _replay(root, "ingest")
        require_clips(root)


@app.command()
def run(
    stage: Annotated[str | None, typer.Argument(help="the last stage to run (default: all)")] = None,
    retry_refused: Annotated[
        bool, typer.Option("--retry-refused", help="try clips again that a stage could not process")
    ] = False,
) -> None:
    """Replay the graph of dvc.yaml, up to STAGE; what is unchanged is not done again."""
    from flows.workspace.exclusive import alone

    root = here()
    with alone(root):
        if retry_refused:
            from flows.workspace.replay import forget_refusals

            forget_refusals(root)
        _replay(root, stage)


def _replay(root: Path, stage: str | None) -> None:
    from flows.stage.standing import standing_process

    if os.environ.get(RUNNER, "threads") != "threads":
        from flows.stage.runners import clip_runner

        clip_runner()  # a worker that is missing is told before anything starts
    # it takes a while, and so does what follows
    with standing_process(root):
        from flows.screen import cohort as screen

        results = _reproduced(root, stage, (lambda _: None) if settings.as_json else screen.show_node)
    nodes = {result.node: [report.model_dump(mode="json") for report in result.reports] for result in results}
    answer({"nodes": nodes, "refused": screen.refused(root)}, lambda: screen.show_outcome(root, results))


def _reproduced(root: Path, stage: str | None, tell: "Tell") -> "list[NodeResult]":
    """Bring the graph up to date; where it is, Prefect's server need not start."""
    from flows.host.servers import prefect_server
    from flows.workspace.graph import NodeResult
    from flows.workspace.ready import is_done, make_ready, require_clips

    nodes = make_ready(root, stage)
    if not is_done(root, nodes):
        with prefect_server(root, lambda: import_module("flows.workspace.replay")):
            from flows.workspace.replay import replay

            return replay(root, nodes, tell)
    if len(nodes) > 1:
        require_clips(root)
    results = [NodeResult(node.name) for node in nodes]
    for result in results:
        tell(result)
    return results


@app.command()
def train() -> None:
    """Train the workspace's own network, where deidentify.method is own_swap, and what it needs before."""
    run("train", retry_refused=False)


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
    root = here()
    from flows.benchmark import Options
    from flows.benchmark import benchmark as measure
    from flows.demo.sample import sample_clips
    from flows.screen.cohort import show_measures

    found = measure(root, clips or sample_clips(), Options(height, frames, peer))
    answer({"measures": [asdict(one) for one in found]}, lambda: show_measures(found))


@app.command()
def models() -> None:
    """List the weights: which are here, which are missing, what each allows."""
    from flows.screen.cohort import show_weights
    from flows.workspace.weights import inventory, trained

    root, params = here_with_params()
    weights = inventory(params) + trained(root, params)
    answer({"models": [asdict(one) for one in weights]}, lambda: show_weights(weights))
    raise typer.Exit(any(one.is_wanting for one in weights))


@app.command()
def doctor() -> None:
    """Say what is missing before a release can run."""
    from flows.workspace.doctor import examine

    findings = examine(Path.cwd())

    def show() -> None:
        for finding in findings:
            print(f"{'good   ' if finding.good else 'MISSING'}  {finding.what}: {finding.advice}")

    answer({"findings": [asdict(finding) for finding in findings]}, show)
    if not all(finding.good for finding in findings):
        raise typer.Exit(1)

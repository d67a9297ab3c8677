"""What a person sees of a release on Prefect's page: stages, verdicts, methods, lineage, what to do next."""

import re
from pathlib import Path

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from flows.audit.lineage import trace_clip
from flows.release.decisions import judged_clips, refused_clips
from flows.release.record import Record
from flows.workspace.graph import NodeResult
from schemas.evidence import METHODS
from schemas.release import Candidate
from tasks.files.documents import read_csv_table
from tasks.publish.plan import candidate_digest

FIGURES = (
    "method",
    "face_found_again",
    "face_motion",
    "face_shape",
    "head_nme",
    "dlib_distance",
    "dlib_rank1",
)


def key_of(kind: str, version: str) -> str:
    """Return an artifact's key: lower-case letters, digits and hyphens only."""
    return re.sub(r"[^a-z0-9]+", "-", f"{kind}-{version}".lower()).strip("-")


def show_graph(version: str, results: list[NodeResult]) -> None:
    """Show each stage of the graph with a link to its run."""
    lines = ["| stage | done | cached | seconds | run |", "|---|---|---|---|---|"]
    for result in results:
        if result.unchanged:
            lines.append(f"| {result.node} | unchanged | | | |")
        for report in result.reports:
            done, link = report.jobs - report.cached, f"[open](/runs/flow-run/{report.run_id})"
            lines.append(f"| {report.name} | {done} | {report.cached} | {report.seconds:.1f} | {link} |")
    notes = [f"- {note}" for result in results for report in result.reports for note in report.notes]
    text = "\n".join([*lines, "", *notes])
    create_markdown_artifact(text, key=key_of("graph", version), description="The stages of this run")


def show_evidence(root: Path, version: str) -> None:
    """Show the verdicts and the methods side by side."""
    clips: list[dict[str, object]] = [
        {"clip": clip.clip_id, "verdict": clip.verdict, "broken rules": ", ".join(clip.broken_rules)}
        for clip in judged_clips(root)
    ]
    clips += [
        {"clip": clip_id, "verdict": "refused", "broken rules": why}
        for clip_id, why in refused_clips(root).items()
    ]
    create_table_artifact(clips, key=key_of("verdicts", version), description="Verdicts, clip by clip")
    methods = read_csv_table(root / "data/evidence/methods.csv", METHODS).select(FIGURES).to_dicts()
    create_table_artifact(methods, key=key_of("methods", version), description="The methods side by side")


def show_candidate(candidate: Candidate) -> str:
    """Show what is to be approved, and how to look at it; return the same text."""
    version = candidate.version
    lines = [
        f"# Candidate {version}",
        f"digest `{candidate_digest(candidate)}`",
        "",
        f"{len(candidate.clips)} clips, {len(candidate.files)} files. **Watch every clip before you approve "
        f"it**: `guise review {version}` on the workspace's machine shows them.",
        "",
        *(f"- {clip.clip_id}: {clip.verdict} {', '.join(clip.broken_rules)}" for clip in candidate.clips),
        *(f"- left out: {left.clip_id}, {left.reason}" for left in candidate.left_out),
    ]
    text = "\n".join(lines)
    create_markdown_artifact(text, key=key_of("candidate", version), description="What is to be approved")
    return text


def show_trouble(text: str) -> None:
    """Show that people could not be told."""
    create_markdown_artifact(text, key="webhook", description="Nobody was told")


def show_wait() -> None:
    """Show that this run goes on when another one has ended."""
    text = "Another run is at work in this workspace: this one goes on when that one has ended."
    create_markdown_artifact(text, key="wait", description="Why nothing happens yet")


def show_lineage(root: Path, candidate: Candidate) -> None:
    """Show where each clip of a release came from."""
    lines = []
    record = Record(root, candidate.version)
    for clip in candidate.clips:
        lineage = trace_clip(record, clip.clip_id)
        lines += [f"## {clip.clip_id}", "", "```"]
        for thing in lineage.things:
            source = ", ".join(other.title for other in lineage.things if other.key in thing.came_from)
            lines += [
                f"{thing.title}{f'  <- {source}' if source else ''}",
                *(f"    {one}" for one in thing.says),
            ]
        lines += ["```", ""]
    create_markdown_artifact(
        "\n".join(lines), key=key_of("lineage", candidate.version), description="Where each clip came from"
    )

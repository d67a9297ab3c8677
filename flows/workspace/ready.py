"""What a run needs before it begins, and whether there is anything to do."""

from pathlib import Path

from flows.stage.libraries import note_libraries
from flows.workspace.graph import Node, graph_order, open_repo
from flows.workspace.looking import looking_once
from tasks.files.clips import read_clips
from tasks.files.documents import read_params
from tasks.files.errors import InputError
from tasks.ingest import RAW_PATH


def make_ready(root: Path, upto: str | None) -> list[Node]:
    """Return the nodes of a run up to a stage, and note by which libraries it computes.

    Raises DocumentError, and InputError where nothing was handed in.
    """
    read_params(root)
    note_libraries(root)
    nodes = graph_order(root, upto)
    if any(node.name == "ingest" for node in nodes) and not (root / RAW_PATH).is_dir():
        raise InputError("nothing was handed in yet: fill data/inbox and use `guise ingest`")
    return nodes


def require_clips(root: Path) -> None:
    """Raise InputError where no clip is admitted."""
    if read_clips(root).filter(status="admitted").is_empty():
        raise InputError("no clip is admitted, so that nothing can be released: see `guise ingest`")


def is_done(root: Path, nodes: list[Node]) -> bool:
    """Return whether DVC would run none of the nodes; the first that it would run ends the question."""
    with open_repo(root) as repo, looking_once(repo) as stages:
        named = {stage.addressing: stage for stage in stages}
        return not any(named[node.name].changed() for node in nodes)

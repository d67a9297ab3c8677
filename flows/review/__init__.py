"""`guise review`: what a reviewer looks at before deciding and approving, in a browser on this machine."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flows.host.servers import HOST
from flows.release.record import Record
from flows.review.approving import Approve, Approving
from flows.review.contents import Contents, read_contents
from flows.review.desk import Decide, Desk, TakeBack
from flows.review.mending import Mend
from flows.review.server import listening, make_app, serve
from flows.workspace.graph import changed_nodes
from schemas.params import Params
from schemas.release import Candidate
from tasks.files.clips import evidence_path
from tasks.files.errors import GateRefusedError
from tasks.files.hashing import sha256_file


@dataclass(frozen=True)
class Words:
    """How a person's word is put down: on clips, taken back, in corrections, on the candidate."""

    decide: Decide
    take_back: TakeBack
    mend: Mend
    approve: Approve


def review(
    root: Path,
    params: Params,
    version: str | None,
    port: int | None,
    *,
    tell: Callable[[str], None],
    words: Words | None = None,
    released_only: bool = False,
) -> None:
    """Serve the pages of a candidate, or of the results as they are, on this machine until interrupted.

    tell: is given the address, whose token nobody else knows. words: how a person's word is put down;
    without them the pages only show. released_only: they show no original. Raises InputError where there is
    no candidate or the port is taken, GateRefusedError where its results are not the workspace's any more.
    """
    candidate = Record(root, version).candidate() if version else None
    if candidate:
        check_unchanged(root, candidate)
    else:
        check_reproduced(root, "in the evidence")
    contents = read_contents(root, params.purpose, candidate)
    token = secrets.token_urlsafe(24)
    with listening(HOST, port or 0) as place:
        tell(f"http://{HOST}:{place.getsockname()[1]}/{token}/")
        writing = _writing_side(root, params, contents, words)
        try:
            serve(make_app(root, contents, token, writing, released_only=released_only), place)
        finally:
            if isinstance(writing, Desk):
                writing.rendering.stop()


def _writing_side(
    root: Path, params: Params, contents: Contents, words: Words | None
) -> Desk | Approving | None:
    """Return what takes a person's word: on a candidate, or on clips before there is one."""
    if not words:
        return None
    if contents.version:
        return Approving(Record(root, contents.version), params.publish.approvals, words.approve)
    return Desk(root, contents, words.decide, words.take_back, words.mend)


def check_reproduced(root: Path, where: str) -> None:
    """Raise GateRefusedError where the workspace holds something else than its results."""
    if not (root / evidence_path("verdicts")).is_file():
        raise GateRefusedError("nothing was measured yet: use `guise run` first")
    changed = changed_nodes(root)
    if changed:
        raise GateRefusedError(f"{', '.join(changed)} is not what is spoken of {where}: run `guise run`")


def check_unchanged(root: Path, candidate: Candidate) -> None:
    """Raise GateRefusedError where a person would watch something else than what is approved."""
    if sha256_file(root / "dvc.lock") != candidate.dvc_lock_sha256:
        raise GateRefusedError(
            f"the results are not those of {candidate.version} any more: "
            f"freeze it again with `guise candidate {candidate.version}`"
        )
    check_reproduced(root, f"in {candidate.version}")
    for file in candidate.files:
        source = root / file.source
        if not source.is_file() or sha256_file(source) != file.sha256:
            raise GateRefusedError(f"{file.source} is not what {candidate.version} names: run `guise run`")

"""A person's word, at the terminal or on the page: on record, and told to whoever waits for it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from flows.release.approval import approve, missing_approvals
from flows.release.decisions import decide, take_back, waiting_clips, waiting_digest
from flows.release.record import Record
from flows.service.resuming import resume_waiting
from flows.workspace.exclusive import alone
from flows.workspace.git import commit
from schemas.params import Params
from schemas.release import Candidate, Decision, Watched
from tasks.deidentify.corrections import Film, write_rows
from tasks.files.clips import CORRECTIONS as FOLDER
from tasks.publish.plan import candidate_digest


def decide_now(
    root: Path, clip_ids: list[str], *, accepted: bool, by: str, reason: str, watched: Watched | None = None
) -> tuple[list[Decision], list[str]]:
    """Put a word down and let the release runs go on that waited for the last one.

    Returns the records, and the clips that still wait. Raises InputError while a run works, and whatever
    `decide` raises.
    """
    with alone(root):
        digest = waiting_digest(root)
        records = decide(root, clip_ids, accepted=accepted, by=by, reason=reason, watched=watched)
    waiting = [clip.clip_id for clip in waiting_clips(root)]
    if not waiting:
        resume_waiting(root, "clips", {"by": by, "reason": reason, "digest": digest})
    return records, waiting


def take_back_now(root: Path, clip_ids: list[str]) -> list[Decision]:
    """Take the newest words on clips back; see `take_back`. Raises InputError while a run works, too."""
    with alone(root):
        return take_back(root, clip_ids)


def mend_now(root: Path, clip_id: str, rows: Sequence[Mapping[str, str]], film: Film) -> None:
    """Write a clip's corrections and keep them in git; see `write_rows`.

    Raises InputError while a run works, and whatever `write_rows` raises.
    """
    with alone(root):
        write_rows(root, clip_id, rows, film)
        commit(root, "Correct a clip", [str(FOLDER)])


def approve_now(
    record: Record, params: Params, by: str, reason: str, *, digest: str, rejected: tuple[str, ...] = ()
) -> tuple[Candidate, int, int]:
    """Put an approval down and let the release runs go on that waited for the last one.

    Returns what is approved, how many more people must approve it, and how many runs went on. Raises
    InputError while a run works, and whatever `approve` raises.
    """
    with alone(record.root):
        approved = approve(record, params, by, reason, list(rejected), digest=digest)
    missing = missing_approvals(record, approved, params.publish.approvals)
    word = {"by": by, "decision": "approve", "reason": reason, "digest": candidate_digest(approved)}
    resumed = 0 if missing else resume_waiting(record.root, "candidate", word, record.version)
    return approved, missing, resumed

"""A person's word on a candidate, kept in git."""

from datetime import UTC, datetime
from pathlib import Path

import yaml

from flows.candidate import freeze, publication_path, read_candidate, release_folder
from flows.decisions import check_words, decide
from flows.git import commit
from schemas.release import Approval, Approvals, Candidate
from tasks.documents import read_document, write_bytes
from tasks.errors import GateRefusedError, InputError
from tasks.hashing import sha256_file
from tasks.publish.plan import candidate_digest


def approvals_path(version: str) -> Path:
    return release_folder(version) / "approvals.yaml"


def read_approvals(root: Path, version: str) -> list[Approval]:
    path = root / approvals_path(version)
    return read_document(path, Approvals).approvals if path.is_file() else []


def approve(root: Path, version: str, by: str, reason: str, rejected: list[str]) -> Candidate:
    """Record that a person approves the candidate without the rejected clips; return what remains.

    Raises InputError for an empty name or reason or an unknown clip.
    """
    check_words(by, reason)
    candidate = read_candidate(root, version)
    known = {clip.clip_id for clip in candidate.clips}
    unknown = sorted(set(rejected) - known)
    if unknown:
        raise InputError(f"{unknown[0]} is no clip of candidate {version}")
    if (root / publication_path(version)).is_file():
        raise GateRefusedError(f"{version} is published already: freeze a new version")
    if rejected:
        candidate = _without(root, candidate, rejected, by, reason)
    record = Approval(
        digest=candidate_digest(candidate),
        by=by.strip(),
        reason=reason.strip(),
        rejected=sorted(rejected),
        at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    _append(root, version, record)
    return candidate


def _without(root: Path, candidate: Candidate, rejected: list[str], by: str, reason: str) -> Candidate:
    if sha256_file(root / "dvc.lock") != candidate.dvc_lock_sha256:
        raise GateRefusedError(
            f"the results changed since {candidate.version} was frozen: freeze it and look at it again"
        )
    decide(root, rejected, accepted=False, by=by, reason=reason)
    return freeze(root, candidate.version)


def _append(root: Path, version: str, record: Approval) -> None:
    kept = [*read_approvals(root, version), record]
    document = Approvals(approvals=kept).model_dump(mode="json")
    write_bytes(
        yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode(), root / approvals_path(version)
    )
    commit(root, f"Approve {version}", [str(approvals_path(version))])


def require_approval(root: Path, candidate: Candidate) -> Approval:
    """Return the approval that names this very candidate. Raises GateRefusedError without one."""
    digest = candidate_digest(candidate)
    for record in reversed(read_approvals(root, candidate.version)):
        if record.digest == digest:
            return record
    raise GateRefusedError(
        f"nobody has approved candidate {candidate.version} as it is now: "
        f"use `guise approve {candidate.version}`"
    )

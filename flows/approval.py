"""A person's word on a candidate, kept in git."""

from datetime import UTC, datetime
from pathlib import Path

import yaml

from flows.decisions import check_names, check_words, decide
from flows.git import commit
from flows.record import publication_path, read_candidate, release_folder
from schemas.release import Approval, Approvals, Candidate
from tasks.documents import read_document, read_params, write_bytes
from tasks.errors import GateRefusedError, InputError
from tasks.hashing import sha256_file
from tasks.publish.plan import candidate_digest

LEAST_DIGEST = 12  # characters


def approvals_path(version: str) -> Path:
    return release_folder(version) / "approvals.yaml"


def read_approvals(root: Path, version: str) -> list[Approval]:
    path = root / approvals_path(version)
    return read_document(path, Approvals).approvals if path.is_file() else []


def approve(root: Path, version: str, by: str, reason: str, rejected: list[str], *, digest: str) -> Candidate:
    """Record that a person approves the candidate without the rejected clips; return what remains.

    digest: of what the person looked at, or its first twelve or more characters: what was frozen since is not
    what was seen. Raises InputError for an empty name or reason or an unknown clip, GateRefusedError for a
    stale digest, somebody who may not approve, or who has approved it already.
    """
    check_words(by, reason)
    check_names(root, reason)
    candidate = read_candidate(root, version)
    _check_person(root, candidate, by)
    if len(digest) < LEAST_DIGEST:
        raise InputError(
            "say what you looked at: --digest, as the review page and `guise candidate` show it, "
            f"at least its first {LEAST_DIGEST} characters"
        )
    if not candidate_digest(candidate).startswith(digest.lower()):
        raise GateRefusedError(f"the digest is not that of {version} any more: look at it again")
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


def _check_person(root: Path, candidate: Candidate, by: str) -> None:
    rule = read_params(root).publish.approvals
    if rule.approvers and _name(by) not in map(_name, rule.approvers):
        raise GateRefusedError(
            f"{by.strip()} is not among those who may approve (publish.approvals in params.yaml)"
        )
    if rule.people > 1 and _name(by) in {_name(record.by) for record in standing_approvals(root, candidate)}:
        raise GateRefusedError(
            f"{by.strip()} has approved {candidate.version} already: another person must, too"
        )


def _name(by: str) -> str:
    return " ".join(by.casefold().split())


def _without(root: Path, candidate: Candidate, rejected: list[str], by: str, reason: str) -> Candidate:
    if sha256_file(root / "dvc.lock") != candidate.dvc_lock_sha256:
        raise GateRefusedError(
            f"the results changed since {candidate.version} was frozen: freeze it and look at it again"
        )
    decide(root, rejected, accepted=False, by=by, reason=reason)
    # it brings all of the graph with it, which an approval of the whole does not need
    from flows.candidate import freeze

    return freeze(root, candidate.version)


def _append(root: Path, version: str, record: Approval) -> None:
    kept = [*read_approvals(root, version), record]
    document = Approvals(approvals=kept).model_dump(mode="json")
    write_bytes(
        yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode(), root / approvals_path(version)
    )
    commit(root, f"Approve {version}", [str(approvals_path(version))])


def standing_approvals(root: Path, candidate: Candidate) -> list[Approval]:
    """Return the approvals that name this very candidate, the newest of each person who may approve."""
    rule, digest = read_params(root).publish.approvals, candidate_digest(candidate)
    allowed = set(map(_name, rule.approvers))
    newest = {
        _name(record.by): record
        for record in read_approvals(root, candidate.version)
        if record.digest == digest and (not allowed or _name(record.by) in allowed)
    }
    return list(newest.values())


def missing_approvals(root: Path, candidate: Candidate) -> int:
    """Return how many more people must approve the candidate."""
    return max(0, read_params(root).publish.approvals.people - len(standing_approvals(root, candidate)))


def require_approvals(root: Path, candidate: Candidate) -> list[Approval]:
    """Return the approvals that name this very candidate. Raises GateRefusedError where there are too few."""
    if missing_approvals(root, candidate):
        found = len(standing_approvals(root, candidate))
        asked = read_params(root).publish.approvals.people
        so_far = "nobody has approved" if not found else f"{found} of {asked} people have approved"
        raise GateRefusedError(
            f"{so_far} candidate {candidate.version} as it is now: use `guise approve {candidate.version}`"
        )
    return standing_approvals(root, candidate)

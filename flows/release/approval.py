"""A person's word on a candidate, kept in git."""

from datetime import UTC, datetime

from flows.release.decisions import check_names, check_words, decide
from flows.release.record import Record
from schemas.params import Params
from schemas.params.publish import Approvals as ApprovalRule
from schemas.release import Approval, Candidate
from tasks.files.errors import GateRefusedError, InputError
from tasks.files.hashing import sha256_file
from tasks.files.pseudonyms import canonical_id
from tasks.publish.plan import candidate_digest

LEAST_DIGEST = 12  # characters


def approve(
    record: Record, params: Params, by: str, reason: str, rejected: list[str], *, digest: str
) -> Candidate:
    """Record that a person approves the candidate without the rejected clips; return what remains.

    digest: of what the person looked at, or its first twelve or more characters: what was frozen since is not
    what was seen. Raises InputError for an empty name or reason or an unknown clip, GateRefusedError for a
    stale digest, somebody who may not approve, or who has approved it already.
    """
    check_words(by, reason)
    check_names(record.root, reason)
    candidate, version = record.candidate(), record.version
    _check_person(record, candidate, by, params.publish.approvals)
    _check_digest(candidate, digest)
    known = {clip.clip_id for clip in candidate.clips}
    unknown = sorted(set(rejected) - known)
    if unknown:
        raise InputError(f"{unknown[0]} is no clip of candidate {version}")
    if record.is_published:
        raise GateRefusedError(f"{version} is published already: freeze a new version")
    if rejected:
        candidate = _without(record, params, rejected, by, reason)
    approval = Approval(
        digest=candidate_digest(candidate),
        by=by.strip(),
        reason=reason.strip(),
        rejected=sorted(rejected),
        at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    record.keep_approval(approval)
    return candidate


def _check_person(record: Record, candidate: Candidate, by: str, rule: ApprovalRule) -> None:
    if rule.approvers and canonical_id(by) not in map(canonical_id, rule.approvers):
        raise GateRefusedError(
            f"{by.strip()} is not among those who may approve (publish.approvals in params.yaml)"
        )
    if rule.people > 1 and canonical_id(by) in {
        canonical_id(one.by) for one in standing_approvals(record, candidate, rule)
    }:
        raise GateRefusedError(
            f"{by.strip()} has approved {candidate.version} already: another person must, too"
        )


def _check_digest(candidate: Candidate, digest: str) -> None:
    if len(digest) < LEAST_DIGEST:
        raise InputError(
            "say what you looked at: --digest, as the review page and `guise candidate` show it, "
            f"at least its first {LEAST_DIGEST} characters"
        )
    if not candidate_digest(candidate).startswith(digest.lower()):
        raise GateRefusedError(
            f"the digest is not that of {candidate.version} as it is now: look at it again"
        )


def _without(record: Record, params: Params, rejected: list[str], by: str, reason: str) -> Candidate:
    root, version = record.root, record.version
    if sha256_file(root / "dvc.lock") != record.candidate().dvc_lock_sha256:
        raise GateRefusedError(
            f"the results changed since {version} was frozen: freeze it and look at it again"
        )
    decide(root, rejected, accepted=False, by=by, reason=reason)
    # it brings all of the graph with it, which an approval of the whole does not need
    from flows.release.candidate import freeze

    return freeze(root, version, params)


def standing_approvals(record: Record, candidate: Candidate, rule: ApprovalRule) -> list[Approval]:
    """Return the approvals that name this very candidate, the newest of each person who may approve."""
    digest, allowed = candidate_digest(candidate), set(map(canonical_id, rule.approvers))
    newest = {
        canonical_id(one.by): one
        for one in record.approvals()
        if one.digest == digest and (not allowed or canonical_id(one.by) in allowed)
    }
    return list(newest.values())


def missing_approvals(record: Record, candidate: Candidate, rule: ApprovalRule) -> int:
    """Return how many more people must approve the candidate."""
    return max(0, rule.people - len(standing_approvals(record, candidate, rule)))


def require_approvals(record: Record, candidate: Candidate, rule: ApprovalRule) -> list[Approval]:
    """Return the approvals that name this very candidate. Raises GateRefusedError where there are too few."""
    found = standing_approvals(record, candidate, rule)
    if len(found) < rule.people:
        version = candidate.version
        so_far = "nobody has approved" if not found else f"{len(found)} of {rule.people} people have approved"
        raise GateRefusedError(f"{so_far} candidate {version} as it is now: use `guise approve {version}`")
    return found

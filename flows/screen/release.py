"""A release on the screen: candidate, audit, lineage, withdrawal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flows.screen.console import counted, say, say_below
from schemas.release import Approval, Candidate

# each command imports this, and few of these
if TYPE_CHECKING:
    from flows.audit.findings import Audit
    from flows.audit.lineage import Lineage
    from flows.release.withdrawal import Withdrawn


def show_candidate(candidate: Candidate, digest: str) -> None:
    counts = f"{counted(len(candidate.clips), 'clip')}, {counted(len(candidate.files), 'file')}"
    say(f"  {counts}, digest {digest}", whole=True)
    for entry in candidate.left_out:
        say_below(f"left out: {entry.clip_id}, {entry.reason}", 2)
    reviewed = [clip for clip in candidate.clips if clip.verdict == "review"]
    for clip in reviewed:
        say_below(
            f"accepted by a person: {clip.clip_id}, although it broke {', '.join(clip.broken_rules)}", 2
        )


def show_next(candidate: Candidate, digest: str, approvals: Sequence[Approval] = ()) -> None:
    """Say how to look at a candidate, and how to approve just that; approvals: on record of its version."""
    version = candidate.version
    void = sum(one.digest != digest for one in approvals)
    if void:
        say_below(f"{counted(void, 'approval')} of another candidate {version}, void for this one", 2)
    approvers = [one.by for one in approvals if one.digest == digest]
    if approvers:
        say_below(f"approved by {', '.join(approvers)}; when enough have: guise publish {version}", 2)
    say(f"  look at it: guise review {version}")
    say(f'  then: guise approve {version} --digest {digest[:16]} --by "NAME" --reason "WHY"', whole=True)


def show_approval(version: str, by: str, missing: int, resumed: int) -> None:
    """Say whose word it is, how many are missing, and whether a release run goes on with it."""
    say(f"  {version} is approved by {by}")
    if missing:
        say(f"  {'one more person' if missing == 1 else f'{missing} more people'} must approve it")
    elif not resumed:
        say(f"  next: guise publish {version}")
    if resumed:
        say("  the release run that waited for it goes on")


def show_audits(audits: "list[Audit]", lineage: "Lineage") -> None:
    for audit in audits:
        show_audit(audit)
    if not audits:
        say("  nothing was published from this workspace")
    show_lineage(lineage)


def show_audit(audit: "Audit") -> None:
    for sentence in (*audit.findings, *audit.notes):
        say(f"  {sentence}")
    if audit.is_bucket:
        say(f"  {audit.version}: {'see above' if audit.findings else 'nothing lies beside these releases'}")
        return
    verdict = "every object is what was approved" if not audit.findings else "this release is not sound"
    say(f"  {audit.version}: {audit.objects} objects, {audit.bytes} bytes read back; {verdict}")


def show_lineage(lineage: "Lineage") -> None:
    """Print what a clip came from, newest first, each thing under what was made of it."""
    for thing in lineage.things:
        source = ", ".join(other.title for other in lineage.things if other.key in thing.came_from)
        say(f"  {thing.title}{f'  <- {source}' if source else ''}")
        for line in thing.says:
            say(f"      {line}")
    for finding in lineage.findings:
        say(f"  {finding}")


def show_withdrawal(done: "Withdrawn") -> None:
    record = done.record
    say(f"  {record.subject}: {len(record.clips)} clips; {done.removed_files} files removed here, "
        f"{done.removed_objects} from DVC's cache and the remote `private`")  # fmt: skip
    if record.published_in:
        say(f"  published in {', '.join(record.published_in)}: each has a tombstone, "
            f"{done.removed_published} objects were removed")  # fmt: skip
    else:
        say("  no published version holds them")
    say_below("their files and rows are gone from data/inbox, too, whose manifest.csv was written anew", 2)
    say_below("next: `guise run`, then a new version; remove their videos from your own folders, too", 2)

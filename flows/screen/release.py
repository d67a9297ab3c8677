"""A release on the screen: candidate, audit, lineage, withdrawal."""

from typing import TYPE_CHECKING

from flows.screen.console import say
from schemas.release import Candidate

# each command imports this, and few of these
if TYPE_CHECKING:
    from flows.audit.findings import Audit
    from flows.audit.lineage import Lineage
    from flows.release.withdrawal import Withdrawn


def show_candidate(candidate: Candidate, digest: str) -> None:
    say(f"  {len(candidate.clips)} clips, {len(candidate.files)} files, digest {digest}")
    for entry in candidate.left_out:
        say(f"  left out: {entry.clip_id}, {entry.reason}")
    reviewed = [clip for clip in candidate.clips if clip.verdict == "review"]
    for clip in reviewed:
        say(f"  accepted by a person: {clip.clip_id}, although it broke {', '.join(clip.broken_rules)}")


def show_next(candidate: Candidate, digest: str) -> None:
    """Say how to look at a candidate, and how to approve just that."""
    say(f"  look at it: guise review {candidate.version}")
    say(f'  then: guise approve {candidate.version} --digest {digest[:16]} --by "NAME" --reason "WHY"')


def show_approval(version: str, by: str, missing: int, resumed: int) -> None:
    """Say whose word it is, how many are missing, and whether a release run goes on with it."""
    say(f"  {version} is approved by {by}")
    if missing:
        say(f"  {missing} more people must approve it")
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
    say("  next: `guise run`, then a new version; remove their videos from your own folders, too")

"""Does git still tell of a release what it told when it was published?"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

from flows.release.record import Record
from flows.workspace.git import git, git_bytes
from schemas.release import Candidate, Publication
from tasks.files.errors import GuiseError
from tasks.files.hashing import sha256_bytes
from tasks.publish.plan import candidate_digest


def record_findings(record: Record, candidate: Candidate, publication: Publication) -> Iterator[str]:
    """Yield what of tag -> revision -> dvc.lock does not agree, a sentence each."""
    root, version = record.root, record.version
    if candidate_digest(candidate) != publication.candidate_sha256:
        yield "the candidate in git is not the one that was published"
    try:
        tagged = git(root, "rev-parse", "--verify", "--quiet", f"release/{version}^{{commit}}")
        published = record.publishing_commit()
        lock = git_bytes(root, f"{candidate.code_revision}:dvc.lock")
        frozen = git_bytes(root, f"{tagged}:{record.place}/candidate.json")
    except (GuiseError, ValueError):
        yield f"git does not hold the tag release/{version} or the revision it names"
        return
    if tagged != published:
        yield f"the tag release/{version} was moved: it is not on the commit of the publication"
    elif Candidate.model_validate_json(frozen) != candidate or not _follows(root, tagged, candidate):
        yield f"the tag release/{version} does not hold the revision that was approved"
    if sha256_bytes(lock) != candidate.dvc_lock_sha256:
        yield "dvc.lock of the named revision is not the one that was approved"


def _follows(root: Path, tagged: str, candidate: Candidate) -> bool:
    words = ["git", "merge-base", "--is-ancestor", candidate.code_revision, tagged]
    return subprocess.run(words, cwd=root, capture_output=True, check=False).returncode == 0

"""Does git still tell of a release what it told when it was published?"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

from flows.git import git, git_bytes
from flows.record import publication_path, release_folder
from schemas.release import Candidate, Publication
from tasks.errors import GuiseError
from tasks.hashing import sha256_bytes
from tasks.publish.plan import candidate_digest


def publishing_commit(root: Path, version: str) -> str:
    """Return the first revision whose record says that all of a version is published. Raises InputError."""
    path = publication_path(version)
    revisions = git(root, "log", "--reverse", "--format=%H", "--", str(path)).splitlines()
    records = ((revision, git_bytes(root, f"{revision}:{path}")) for revision in revisions)
    return next(
        (one for one, record in records if Publication.model_validate_json(record).complete), "nowhere"
    )


def record_findings(root: Path, candidate: Candidate, publication: Publication) -> Iterator[str]:
    """Yield what of tag -> revision -> dvc.lock does not agree, a sentence each."""
    version = candidate.version
    if candidate_digest(candidate) != publication.candidate_sha256:
        yield "the candidate in git is not the one that was published"
    try:
        tagged = git(root, "rev-parse", "--verify", "--quiet", f"release/{version}^{{commit}}")
        published = publishing_commit(root, version)
        lock = git_bytes(root, f"{candidate.code_revision}:dvc.lock")
        frozen = git_bytes(root, f"{tagged}:{release_folder(version)}/candidate.json")
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

"""Does git still tell of a release what it told when it was published?"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import yaml

from flows.candidate import publication_path, release_folder
from flows.git import git
from schemas.release import Candidate, Publication
from tasks.errors import GuiseError
from tasks.hashing import sha256_bytes
from tasks.publish.plan import candidate_digest


def record_findings(root: Path, candidate: Candidate, publication: Publication) -> Iterator[str]:
    """Yield what of tag -> revision -> dvc.lock -> stages does not agree, a sentence each."""
    version = candidate.version
    if candidate_digest(candidate) != publication.candidate_sha256:
        yield "the candidate in git is not the one that was published"
    try:
        tagged = git(root, "rev-parse", "--verify", "--quiet", f"release/{version}^{{commit}}")
        # where it was first published; a withdrawal changes the record later
        first = git(root, "log", "--format=%H", "--diff-filter=A", "--", str(publication_path(version)))
        lock = git_bytes(root, f"{candidate.code_revision}:dvc.lock")
        frozen = git_bytes(root, f"{tagged}:{release_folder(version)}/candidate.json")
    except GuiseError:
        yield f"git does not hold the tag release/{version} or the revision it names"
        return
    if tagged not in first.splitlines():
        yield f"the tag release/{version} was moved: it is not on the commit of the publication"
    elif Candidate.model_validate_json(frozen) != candidate or not _follows(root, tagged, candidate):
        yield f"the tag release/{version} does not hold the revision that was approved"
    if sha256_bytes(lock) != candidate.dvc_lock_sha256:
        yield "dvc.lock of the named revision is not the one that was approved"
    yield from _lock_findings(lock)


def _follows(root: Path, tagged: str, candidate: Candidate) -> bool:
    words = ["git", "merge-base", "--is-ancestor", candidate.code_revision, tagged]
    return subprocess.run(words, cwd=root, capture_output=True, check=False).returncode == 0


def git_bytes(root: Path, name: str) -> bytes:
    """Return a file as a revision holds it. Raises InputError."""
    git(root, "cat-file", "-e", name)
    return subprocess.run(["git", "show", name], cwd=root, capture_output=True, check=True).stdout


def _lock_findings(lock: bytes) -> Iterator[str]:
    """Yield where a stage used something else than another stage made."""
    stages = yaml.safe_load(lock)["stages"]
    made = {out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", ())}
    for name, stage in sorted(stages.items()):
        for dep in stage.get("deps", ()):
            if made.get(dep["path"], dep["md5"]) != dep["md5"]:
                yield f"dvc.lock: {name} used another {dep['path']} than was made"

"""Where a version lies in the workspace, and what is on record of it: candidate and publication."""

from pathlib import Path

from schemas.release import Candidate, Publication
from tasks.documents import read_document
from tasks.errors import InputError


def release_folder(version: str) -> Path:
    return Path("data/releases") / version


def publication_path(version: str) -> Path:
    return release_folder(version) / "published.json"


def read_candidate(root: Path, version: str) -> Candidate:
    """Return a frozen candidate. Raises InputError where there is none."""
    path = root / release_folder(version) / "candidate.json"
    if not path.is_file():
        raise InputError(f"there is no candidate {version}: freeze one with `guise candidate {version}`")
    return read_document(path, Candidate)


def read_publication(root: Path, version: str) -> Publication | None:
    path = root / publication_path(version)
    return read_document(path, Publication) if path.is_file() else None


def published_versions(root: Path) -> list[str]:
    """Return every version that was published from this workspace."""
    return sorted(path.parent.name for path in (root / "data/releases").glob("*/published.json"))


def newest_versions(root: Path, to: str) -> list[str]:
    """Return which of the versions that are complete at an address was begun last.

    More than one where the records of before do not tell.
    """
    known = filter(None, (read_publication(root, version) for version in published_versions(root)))
    there = [one for one in known if one.to == to and one.complete]
    last = max((one.begun_at for one in there), default="")
    return [one.version for one in there if one.begun_at == last]

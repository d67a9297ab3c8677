"""What is on record of a version in its workspace: candidate, approvals, publication."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from flows.workspace.git import commit, git, git_bytes
from schemas.release import Approval, Approvals, Candidate, Publication
from tasks.files.documents import read_document, write_json
from tasks.files.errors import InputError
from tasks.files.hashing import sha256_file
from tasks.files.whole import write_bytes

RELEASES = Path("data/releases")
PUBLISHED = "published.json"


@dataclass(frozen=True)
class Record:
    """One version's folder in a workspace; what is kept of a publication is under git."""

    root: Path
    version: str

    @property
    def folder(self) -> Path:
        return self.root / RELEASES / self.version

    @property
    def place(self) -> Path:
        """The folder's path in the workspace."""
        return RELEASES / self.version

    @property
    def files(self) -> Path:
        """The documents that are released."""
        return self.folder / "files"

    @property
    def is_published(self) -> bool:
        """Whether its publication was begun."""
        return (self.folder / PUBLISHED).is_file()

    def candidate(self) -> Candidate:
        """Return the frozen candidate. Raises InputError where there is none."""
        path = self.folder / "candidate.json"
        if not path.is_file():
            raise InputError(
                f"there is no candidate {self.version}: freeze one with `guise candidate {self.version}`"
            )
        return read_document(path, Candidate)

    def keep_candidate(self, candidate: Candidate) -> None:
        """Write the candidate and commit it with its documents."""
        write_json(candidate.model_dump(mode="json"), self.folder / "candidate.json")
        self.commit(f"Freeze candidate {self.version}")

    def approvals(self) -> list[Approval]:
        path = self.folder / "approvals.yaml"
        return read_document(path, Approvals).approvals if path.is_file() else []

    def keep_approval(self, approval: Approval) -> None:
        """Write one more approval and commit it."""
        path = self.folder / "approvals.yaml"
        kept = Approvals(approvals=[*self.approvals(), approval])
        write_bytes(in_yaml(kept.model_dump(mode="json")), path)
        commit(self.root, f"Approve {self.version}", [str(self.place / path.name)])

    def publication(self) -> Publication | None:
        """Return what is known of its publication, None where none was begun."""
        return read_document(self.folder / PUBLISHED, Publication) if self.is_published else None

    def keep_publication(self, publication: Publication) -> None:
        write_json(publication.model_dump(mode="json"), self.folder / PUBLISHED)

    def clips(self) -> pl.DataFrame:
        """Return the table of its clips as it is released, all columns as words."""
        return pl.read_csv(self.files / "clips.csv", infer_schema=False)

    def commit(self, message: str) -> None:
        commit(self.root, message, [str(self.place)])

    def publishing_commit(self) -> str:
        """Return the first revision whose record says that all of it is published. Raises InputError."""
        path = self.place / PUBLISHED
        revisions = git(self.root, "log", "--reverse", "--format=%H", "--", str(path)).splitlines()
        records = ((revision, git_bytes(self.root, f"{revision}:{path}")) for revision in revisions)
        return next(
            (one for one, record in records if Publication.model_validate_json(record).complete), "nowhere"
        )


def in_yaml(document: dict[str, Any]) -> bytes:
    """Return a record as a person reads it."""
    return yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True).encode()


def published(root: Path) -> list[Record]:
    """Return the record of every version that was published from a workspace, or began to be."""
    return [Record(root, path.parent.name) for path in sorted((root / RELEASES).glob(f"*/{PUBLISHED}"))]


def frozen_now(root: Path) -> list[Candidate]:
    """Return every candidate that was frozen of the results as they are."""
    lock = root / "dvc.lock"
    digest = sha256_file(lock) if lock.is_file() else ""
    found = [
        Record(root, path.parent.name).candidate()
        for path in sorted((root / RELEASES).glob("*/candidate.json"))
    ]
    return [one for one in found if one.dvc_lock_sha256 == digest]


def newest_publications(root: Path, to: str) -> list[Publication]:
    """Return which of the publications that are complete at an address was begun last.

    More than one where the records of before do not tell.
    """
    known = [record.publication() for record in published(root)]
    there = [one for one in known if one and one.to == to and one.complete]
    last = max((one.begun_at for one in there), default="")
    return [one for one in there if one.begun_at == last]

"""The documents of a release: candidate, approvals, manifest, publication."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from schemas.params import Purpose
from schemas.params.sections import Sha256

VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")
# what git takes for no tag, and what lies beside the releases
NO_VERSIONS = re.compile(r".*\.lock|allowed_signers")


def check_version(version: str) -> str:
    """Return a version's name, which is a folder, a key and a git tag, too. Raises ValueError."""
    if len(version) > 64 or not VERSION.fullmatch(version) or NO_VERSIONS.fullmatch(version):
        raise ValueError(
            f"{version[:64]} is no name of a version: take letters, digits, hyphens and underscores, with "
            "single dots between them, such as 2026.11"
        )
    return version


Version = Annotated[str, AfterValidator(check_version)]
Sentence = Annotated[str, Field(min_length=1, max_length=2000)]


class ReleaseDocument(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ReleaseFile(ReleaseDocument):
    """path: below the release; source: where the bytes lie in the workspace."""

    path: str
    source: str
    sha256: Sha256
    bytes: int


class ReleaseClip(ReleaseDocument):
    clip_id: str
    verdict: str
    broken_rules: list[str]


class LeftOut(ReleaseDocument):
    clip_id: str
    reason: str


class Candidate(ReleaseDocument):
    """What a person approves; its digest is that of this document."""

    version: Version
    purpose: Purpose
    code_revision: str
    dvc_lock_sha256: Sha256
    clips: list[ReleaseClip]
    left_out: list[LeftOut]
    files: list[ReleaseFile]


class Watched(ReleaseDocument):
    """How many of a released video's frames were shown, and of its flags, at least a frame of each."""

    frames: int
    of_frames: int
    flags: int
    of_flags: int

    @property
    def is_enough(self) -> bool:
        """Whether that will do for a person's word: nine frames of ten, and every flag."""
        return 10 * self.frames >= 9 * self.of_frames and self.flags == self.of_flags

    @property
    def says(self) -> str:
        flags = f" and {self.flags} of {self.of_flags} flags" if self.of_flags else ""
        return f"{self.frames} of {self.of_frames} frames{flags}"


class Decision(ReleaseDocument):
    """One person's word on one released video, while it is the same and breaks no rule more, nor further.

    values: of the broken rules, as the person saw them; decisions of former versions have none.
    watched: what of it was shown on the review page; None where it was decided elsewhere.
    """

    clip_id: str
    video_sha256: Sha256
    rules: list[str]
    values: dict[str, float | None] = {}
    accepted: bool
    by: Sentence
    reason: Sentence
    at: str
    watched: Watched | None = None

    @property
    def says(self) -> str:
        """The decision in a sentence."""
        return f"{'accepted' if self.accepted else 'left out'} by {self.by}: {self.reason}"


class Decisions(ReleaseDocument):
    decisions: list[Decision]


class Approval(ReleaseDocument):
    """One person's word on one candidate, named by its digest."""

    digest: Sha256
    by: Sentence
    reason: Sentence
    rejected: list[str]
    at: str


class Approvals(ReleaseDocument):
    approvals: list[Approval]


class PublishedFile(ReleaseDocument):
    path: str
    sha256: Sha256
    bytes: int


class Manifest(ReleaseDocument):
    """The last object of a release: what is not named here is not part of it.

    approvals_hmac_sha256: of every approval, its name and all, that only the workspace's key can make.
    withdrawn: what was part of it and is gone.
    """

    version: Version
    candidate_sha256: Sha256
    code_revision: str
    dvc_lock_sha256: Sha256
    approvals_hmac_sha256: list[Sha256]
    files: list[PublishedFile]
    withdrawn: list[PublishedFile] = []


class Tombstone(ReleaseDocument):
    """What a reader of a release should delete: consent was withdrawn."""

    version: Version
    clips: list[str]


class Latest(ReleaseDocument):
    """Which release a reader should take."""

    version: Version
    manifest_sha256: Sha256


class Publication(ReleaseDocument):
    """Where a version went; withdrawn_clips: whose people withdrew their consent since.

    complete: whether all of it is there; what is not may have begun. begun_at: ISO 8601, by which releases
    are older or newer; empty in records from before it was noted.
    """

    version: Version
    to: str
    manifest_sha256: Sha256
    candidate_sha256: Sha256
    code_revision: str
    complete: bool = True
    begun_at: str = ""
    withdrawn_clips: list[str] = []


class Withdrawal(ReleaseDocument):
    """A person who takes their consent back, by pseudonym; clips: all that were ever admitted of them."""

    subject: str
    clips: list[str]
    reason: Sentence
    at: str
    published_in: list[str]


class Withdrawals(ReleaseDocument):
    withdrawals: list[Withdrawal]

"""A person's word on the candidate, said on its page as `guise approve` says it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from flows.release.approval import missing_approvals, standing_approvals
from flows.release.record import Record
from flows.review.guard import Guard
from flows.review.stamps import CHANGED
from schemas.params.publish import Approvals as ApprovalRule
from tasks.files.errors import GuiseError, InputError

# by, why and digest -> how many more people must approve
Approve = Callable[[str, str, str], int]


class Word(BaseModel):
    """What the page says: who approves what, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: str = Field("", max_length=10_000)
    reason: str = Field("", max_length=10_000)
    digest: str = Field("", max_length=100)


@dataclass
class Approving:
    """The writing side of a candidate's review. rule: who must approve."""

    record: Record
    rule: ApprovalRule
    approve: Approve
    guard: Guard = field(default_factory=Guard)

    @property
    def names(self) -> list[str]:
        """Who has approved this very candidate so far."""
        return [one.by for one in standing_approvals(self.record, self.record.candidate(), self.rule)]

    @property
    def missing(self) -> int:
        """How many more people must."""
        return missing_approvals(self.record, self.record.candidate(), self.rule)

    async def put_down(self, request: Request) -> Response:
        """Put an approval on record."""
        word = await self.guard.read(request, Word)
        return await run_in_threadpool(self._put_down, word)

    def _put_down(self, word: Word) -> Response:
        trouble = ""
        try:
            self.approve(word.by, word.reason, word.digest)
        except GuiseError as error:
            trouble = str(error)
        try:
            return JSONResponse({"trouble": trouble, "names": self.names, "missing": self.missing})
        except InputError:  # there is no candidate any more
            raise HTTPException(409, CHANGED) from None

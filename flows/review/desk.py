"""What a reviewer says on the page: decisions, and what was watched; only this page may say it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from flows.release.decisions import DECISIONS_PATH
from flows.review.contents import PASSES, WAITS, Clip, Contents, places
from flows.review.guard import Guard
from flows.review.mending import Mend, Mending
from flows.review.rendering import Rendering
from flows.review.stamps import CHANGED, stamp
from flows.review.watching import Run, Watching
from schemas.release import Decision, Watched
from tasks.files.clips import evidence_path, video_path
from tasks.files.errors import GuiseError

RENDERED = "this clip was rendered anew: load the page again, and watch what it is now"


class Decide(Protocol):
    """How a word is put down; returns the records, and the clips that still wait."""

    def __call__(
        self,
        root: Path,
        clip_ids: list[str],
        *,
        accepted: bool,
        by: str,
        reason: str,
        watched: Watched | None,
    ) -> tuple[list[Decision], list[str]]: ...


TakeBack = Callable[[Path, list[str]], list[Decision]]


class Said(BaseModel):
    """What a page may say of a clip.

    place: what the page says of the clip. video: the digest of what it shows. by: whose word it is, and who
    was shown it. runs: shown since it last said so. unseen: the person knows it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    clip_id: str
    place: str
    video: str
    accepted: bool = False
    by: str = Field("", max_length=10_000)
    reason: str = Field("", max_length=10_000)
    unseen: bool = False
    runs: list[Run] = []


class Asked(BaseModel):
    """What a page may ask of a run. begin: to begin one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    begin: bool = False


@dataclass
class Desk:
    """One review's writing side."""

    root: Path
    contents: Contents
    decide: Decide
    take_back: TakeBack
    mend: Mend
    guard: Guard = field(default_factory=Guard)
    by: str = ""

    def __post_init__(self) -> None:
        self.mending = Mending(self.root, self.mend, self.guard)
        self.rendering = Rendering(self.root)
        self.begin(self.contents)

    def begin(self, contents: Contents) -> None:
        """Take words on these results from now on."""
        self.contents = self.mending.contents = contents
        self.watching = Watching(self.root)
        self._places: dict[str, str] = {}
        self._decided_at: tuple[int, int] | None = None
        videos = [self.root / video_path("released", clip_id) for clip_id in contents.clips]
        self._stamps = {path: stamp(path) for path in (*videos, self.root / evidence_path("verdicts"))}

    @property
    def places(self) -> dict[str, str]:
        """What was decided of each clip so far, here or at the terminal."""
        now = stamp(self.root / DECISIONS_PATH)
        if not self._places or now != self._decided_at:
            known = places(self.root)
            self._places = {clip_id: known.get(clip_id, PASSES) for clip_id in self.contents.clips}
            self._decided_at = now
        return self._places

    def next_waiting(self, clip: Clip) -> str | None:
        """Return the clip after this one, or else before it, that waits for a decision."""
        order = list(self.contents.clips)
        at = order.index(clip.clip_id)
        return next((one for one in order[at + 1 :] + order[:at] if self.places[one] == WAITS), None)

    async def watch(self, request: Request) -> Response:
        """Take frames for shown."""
        said, clip = await self._said(request)
        if self._is_of_another(said, clip):
            return self._tell(said, clip, RENDERED)
        await run_in_threadpool(self.watching.add, clip, said.runs, said.by)
        return self._tell(said, clip)

    async def put_down(self, request: Request) -> Response:
        """Put a decision on record, as `guise decide` does."""
        said, clip = await self._said(request)
        return await run_in_threadpool(self._put_down, said, clip)

    async def withdraw(self, request: Request) -> Response:
        """Take the newest decision on a clip back."""
        said, clip = await self._said(request)
        return await run_in_threadpool(self._take_back, said, clip)

    async def render(self, request: Request) -> Response:
        """Begin a run where that is asked for; tell how the one that works, or the last one, goes."""
        said = await self.guard.read(request, Asked)
        if said.begin:
            await run_in_threadpool(self.rendering.begin)
        run = self.rendering
        return JSONResponse({"running": run.is_running, "lines": run.lines, "trouble": run.trouble})

    def _put_down(self, said: Said, clip: Clip) -> Response:
        if any(stamp(path) != begun for path, begun in self._stamps.items()):
            return self._tell(said, clip, CHANGED)
        if self._is_of_another(said, clip):
            return self._tell(said, clip, RENDERED)
        watched = self.watching.add(clip, said.runs, said.by)
        if trouble := self._meanwhile(said):
            return self._tell(said, clip, trouble)
        if said.accepted and not watched.is_enough and not said.unseen:
            trouble = f"you have seen {watched.says}: watch it, or say that you accept it unseen"
            return self._tell(said, clip, trouble)
        try:
            records, _ = self.decide(
                self.root,
                [clip.clip_id],
                accepted=said.accepted,
                by=said.by,
                reason=said.reason,
                watched=watched,
            )
        except GuiseError as error:
            return self._tell(said, clip, str(error))
        self.by = records[-1].by
        return self._tell(said, clip)

    def _is_of_another(self, said: Said, clip: Clip) -> bool:
        """Return whether a page still shows a video that was rendered anew since."""
        return said.video != self.watching.digest(clip)

    def _meanwhile(self, said: Said) -> str:
        """Return what a person has not seen of the words on a clip; empty where they have seen all."""
        now = self.places[said.clip_id]
        return "" if said.place == now else f"meanwhile it is otherwise ({now}): say it again, or not"

    def _take_back(self, said: Said, clip: Clip) -> Response:
        if trouble := self._meanwhile(said):
            return self._tell(said, clip, trouble)
        if self.places[clip.clip_id] in (WAITS, PASSES):
            return self._tell(said, clip, "no word on this clip stands that could be taken back")
        try:
            self.take_back(self.root, [clip.clip_id])
        except GuiseError as error:
            return self._tell(said, clip, str(error))
        return self._tell(said, clip)

    def _tell(self, said: Said, clip: Clip, trouble: str = "") -> Response:
        watched = self.watching.of(clip, said.by)
        told = {
            "place": self.places[clip.clip_id], "by": self.by, "trouble": trouble, "watched": watched.says,
            "enough": watched.is_enough, "next": self.next_waiting(clip),
        }  # fmt: skip
        return JSONResponse(told)

    async def _said(self, request: Request) -> tuple[Said, Clip]:
        said = await self.guard.read(request, Said)
        clip = self.contents.clips.get(said.clip_id)
        if clip is None:
            raise HTTPException(404)
        return said, clip

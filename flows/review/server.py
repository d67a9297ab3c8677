"""The review pages over HTTP, for whoever holds the token, on this machine only."""

import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import uvicorn
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from flows.review import charts
from flows.review.approving import Approving
from flows.review.choosing import SHOWN, choose
from flows.review.contents import Clip, Contents, read_contents, stands
from flows.review.desk import Desk
from flows.review.pictures import draw_small
from flows.review.stamps import CHANGED, stamp
from schemas.keypoints import PARTS
from tasks.files.clips import coverage_path, keypoints_path, video_path
from tasks.files.errors import InputError
from tasks.vision.keypoints import stack_xy

ARMS = ("original", "released")
STAND_IN = "control"  # for an original that browsers cannot play
PIECE_FRAMES = 100
LONGEST_NUMBER = 6  # digits of a page's
# nothing is kept by the browser, nothing comes from elsewhere, nothing is told to anybody
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; media-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
Next = Callable[[Request], Awaitable[Response]]


@dataclass
class Pages:
    """The answers to a reviewer's requests; what a run changes meanwhile is not shown any more."""

    root: Path
    contents: Contents
    writing: Desk | Approving | None = None
    arms: tuple[str, ...] = ARMS

    def __post_init__(self) -> None:
        self._templates = self._open_templates()
        self._begin(self.contents)
        if isinstance(self.writing, Desk):
            self.writing.rendering.renew = self._renew

    def _open_templates(self) -> Environment:
        templates = Environment(
            loader=PackageLoader("flows.review", "pages"),
            autoescape=select_autoescape(),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        templates.globals |= {
            "charts": charts,
            "desk": self.writing if isinstance(self.writing, Desk) else None,
            "approving": self.writing if isinstance(self.writing, Approving) else None,
            "writing": self.writing,
            "place_of": self._place_of,
            "arms": self.arms,
            "shown": SHOWN,
        }
        return templates

    def _begin(self, contents: Contents) -> None:
        """Show these results from now on."""
        self.contents = contents
        self._templates.filters["brief"] = contents.brief
        paths = [
            self.root / path_of(arm, clip_id)
            for clip_id in contents.clips
            for arm in (*ARMS, STAND_IN)
            for path_of in (video_path, keypoints_path, coverage_path)
        ]
        self._stamps = {path: stamp(path) for path in paths}
        self._small: dict[str, bytes] = {}

    def _renew(self) -> None:
        """Show what a run that was begun on the page has made."""
        assert isinstance(self.writing, Desk)
        contents = read_contents(self.root, self.contents.purpose, None)
        self.writing.begin(contents)
        self._begin(contents)

    def cohort(self, request: Request) -> Response:
        """Answer with a page of the cohort's list."""
        self._require_frozen()
        asked = request.query_params
        page, clips = asked.get("page", "1"), list(self.contents.clips.values())
        if not (page.isdecimal() and len(page) <= LONGEST_NUMBER):
            raise HTTPException(404)
        listing = choose(clips, self._place_of, asked.get("show", "all"), asked.get("rule", ""), int(page))
        if listing is None:
            raise HTTPException(404)
        told = self._templates.get_template("cohort.html").render(contents=self.contents, listing=listing)
        return HTMLResponse(told)

    def small(self, request: Request) -> Response:
        """Answer with a small picture of a clip's released video, never of its original."""
        clip = self._clip_of(request)
        self._require_unchanged(self.root / video_path("released", clip.clip_id))
        if clip.clip_id not in self._small:
            self._small[clip.clip_id] = draw_small(self.root, clip)
        return Response(self._small[clip.clip_id], media_type="image/jpeg")

    def clip(self, request: Request) -> Response:
        """Answer with a clip's page."""
        self._require_frozen()
        clip, order = self._clip_of(request), list(self.contents.clips)
        self._require_unchanged(self.root / video_path("released", clip.clip_id))
        place = order.index(clip.clip_id)
        page = self._templates.get_template("clip.html").render(
            contents=self.contents,
            clip=clip,
            before=order[place - 1] if place else None,
            after=order[place + 1] if place + 1 < len(order) else None,
            piece_frames=PIECE_FRAMES,
        )
        return HTMLResponse(page)

    def video(self, request: Request) -> Response:
        """Answer with a video, or the part of it that is asked for."""
        return FileResponse(self._file(request, video_path), media_type="video/mp4")

    def keypoints(self, request: Request) -> Response:
        """Answer with the keypoints of some frames."""
        return JSONResponse(read_points(self._file(request, keypoints_path), request.path_params["first"]))

    def covers(self, request: Request) -> Response:
        """Answer with who is covered where, in some frames."""
        clip = self._clip_of(request)
        self._require_unchanged(self.root / coverage_path(ARMS[1], clip.clip_id))
        assert isinstance(self.writing, Desk)
        return JSONResponse(self.writing.mending.covers(clip, request.path_params["first"], PIECE_FRAMES))

    def _place_of(self, clip: Clip) -> str:
        return self.writing.places[clip.clip_id] if isinstance(self.writing, Desk) else clip.place

    def _clip_of(self, request: Request) -> Clip:
        clip = self.contents.clips.get(request.path_params["clip_id"])
        arm = request.path_params.get("arm", ARMS[1])
        if clip is None or arm not in ARMS:
            raise HTTPException(404)
        if arm not in self.arms:
            raise HTTPException(403, "this review shows no original")
        return clip

    def _file(self, request: Request, path_of: Callable[[str, str], Path]) -> Path:
        clip, arm = self._clip_of(request), request.path_params["arm"]
        is_shown = path_of is video_path and arm == ARMS[0]
        path = self.root / path_of(STAND_IN if is_shown and clip.stand_in else arm, clip.clip_id)
        self._require_unchanged(path)
        return path

    def _require_frozen(self) -> None:
        """Refuse to show a candidate that was frozen anew meanwhile, or is gone."""
        if not stands(self.root, self.contents):
            raise HTTPException(409, CHANGED)

    def _require_unchanged(self, path: Path) -> None:
        if self._stamps.get(path) != stamp(path):
            raise HTTPException(409, CHANGED)


def make_app(
    root: Path,
    contents: Contents,
    token: str,
    writing: Desk | Approving | None = None,
    *,
    released_only: bool = False,
) -> Starlette:
    """Bind the pages to their addresses, all of which begin with the token.

    writing: what takes words. released_only: no original is shown, nor given to who asks for it.
    """
    pages = Pages(root, contents, writing, ARMS[1:] if released_only else ARMS)
    routes = [
        Route("/", pages.cohort),
        Route("/clips/{clip_id}", pages.clip),
        Route("/clips/{clip_id}/small.jpg", pages.small),
        Route("/clips/{clip_id}/{arm}.mp4", pages.video),
        *_own_routes(pages, writing),
        Route("/clips/{clip_id}/{arm}/{first:int}.json", pages.keypoints),
        Mount("/assets", StaticFiles(directory=Path(__file__).parent / "assets")),
    ]
    return Starlette(
        routes=[Mount(f"/{token}", routes=routes)],
        middleware=[
            Middleware(BaseHTTPMiddleware, dispatch=_add_headers),
            Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"]),
        ],
    )


def _own_routes(pages: Pages, writing: Desk | Approving | None) -> list[Route]:
    """Return what only a review answers that takes words, and a review of this kind."""
    read = []
    match writing:
        case Desk():
            read = [Route("/clips/{clip_id}/covers/{first:int}.json", pages.covers)]
            said = {"watched": writing.watch, "decision": writing.put_down, "taken-back": writing.withdraw,
                    "correction": writing.mending.write, "rendering": writing.render}  # fmt: skip
        case Approving():
            said = {"approval": writing.put_down}
        case _:
            said = {}
    return [*read, *(Route(f"/desk/{name}", answer, methods=["POST"]) for name, answer in said.items())]


async def _add_headers(request: Request, follow: Next) -> Response:
    answer = await follow(request)
    answer.headers.update(HEADERS)
    return answer


def read_points(path: Path, first: int) -> dict[int, list[list[tuple[float, float]]]]:
    """Return frame -> the points of every part of everyone, in pixels, for one piece of frames."""
    table = pl.scan_parquet(path)
    # the table is in the order of its frames
    low, high = np.searchsorted(table.select("frame").collect()["frame"], [first, first + PIECE_FRAMES])
    rows = table.slice(int(low), int(high - low)).collect()
    points: dict[int, list[list[tuple[float, float]]]] = {}
    for part in PARTS:
        seen = rows.drop_nulls(f"{part}_xy")
        for frame, xy in zip(seen["frame"], stack_xy(seen, part), strict=True):
            points.setdefault(frame, []).append(xy.astype(np.float64).round(1).tolist())
    return points


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Take a port, a free one for 0. Raises InputError where it is taken."""
    with socket.socket() as place:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            place.bind((host, port))
            place.listen()
        except OSError as error:
            raise InputError(f"port {port} cannot be used: name another one, or none") from error
        yield place


def serve(app: Starlette, place: socket.socket) -> None:
    """Serve until interrupted; whoever is still reading then is cut off."""
    config = uvicorn.Config(app, log_level="critical", access_log=False, timeout_graceful_shutdown=1)
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[place])

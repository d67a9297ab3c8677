"""Who may write on the review page: the page itself, and nobody else."""

import json
import secrets
from typing import TypeVar

from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request

HEADER = "guise-desk"
LONGEST = 100_000  # bytes
Said = TypeVar("Said", bound=BaseModel)


class Guard:
    """Knows a review's pages by a secret that stands in them and in no address."""

    def __init__(self) -> None:
        self.secret = secrets.token_urlsafe(24)

    async def read(self, request: Request, kind: type[Said]) -> Said:
        """Return what a page of this review says. Raises HTTPException for whatever else comes."""
        self._check(request)
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > LONGEST:
                raise HTTPException(413)
        try:
            return kind.model_validate(json.loads(body))
        except (ValueError, RecursionError):
            raise HTTPException(400) from None

    def _check(self, request: Request) -> None:
        here = f"{request.url.scheme}://{request.headers.get('host', '')}"
        origin, site, said = (request.headers.get(name, "") for name in ("origin", "sec-fetch-site", HEADER))
        is_ours = origin == here and site in ("", "same-origin")
        if not is_ours or not secrets.compare_digest(said.encode(), self.secret.encode()):
            raise HTTPException(403)

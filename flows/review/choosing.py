"""Which clips a list shows: what needs eyes first, filtered, a page at a time."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from flows.review.contents import WAITS, Clip

PAGE_CLIPS = 50
# what may be shown -> its name on the page
SHOWN: dict[str, str] = {
    "all": "all",
    "waits": "wait for a decision",
    "eyes": "need eyes",
    "fail": "failed",
    "review": "for a person to decide",
    "pass": "pass",
}


@dataclass(frozen=True)
class Listing:
    """A page of the list. counts: of what may be shown. rules: broken -> clips. page: from 1 to pages."""

    show: str
    rule: str
    page: int
    pages: int
    clips: list[Clip]
    total: int
    counts: Mapping[str, int]
    rules: Mapping[str, int]

    def link(self, **words: str | int) -> str:
        """Return the address of another list, or of another page of this one."""
        if set(words) == {"page"}:
            words = {"show": self.show, "rule": self.rule, **words}
        return "?" + urlencode({name: word for name, word in words.items() if word})


def choose(
    clips: list[Clip], place_of: Callable[[Clip], str], show: str, rule: str, page: int
) -> Listing | None:
    """Return the page of a list; None where there is no such list, or page of it."""
    kinds = {clip.clip_id: _kinds(clip, place_of(clip)) for clip in clips}
    counts = Counter(kind for found in kinds.values() for kind in found)
    rules = Counter(name for clip in clips for name in clip.broken)
    chosen = [clip for clip in clips if show in kinds[clip.clip_id] and (not rule or rule in clip.broken)]
    pages = max(1, -(-len(chosen) // PAGE_CLIPS))
    if show not in SHOWN or (rule and rule not in rules) or not 1 <= page <= pages:
        return None
    here = chosen[(page - 1) * PAGE_CLIPS : page * PAGE_CLIPS]
    return Listing(show, rule, page, pages, here, len(chosen), counts, dict(rules.most_common()))


def _kinds(clip: Clip, place: str) -> set[str]:
    return {"all", clip.verdict} | {
        kind for kind, holds in {"waits": place == WAITS, "eyes": clip.needs_eyes}.items() if holds
    }

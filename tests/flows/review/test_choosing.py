"""A list of many clips: filtered, a page at a time, and soon there."""

import time

import polars as pl
import pytest
from review_support import outline_of
from starlette.exceptions import HTTPException
from starlette.requests import Request
from tests_support import REPO

from flows.release.wording import FINDINGS as WORDS
from flows.review import contents
from flows.review.choosing import PAGE_CLIPS, SHOWN, choose
from flows.review.contents import PASSES, WAITS, Clip, Contents, Details
from flows.review.outlines import Outline
from flows.review.pictures import ORDER, worst_frame
from flows.review.server import Pages
from schemas.evidence import FINDINGS, MEASURED, METHODS, VERDICTS
from tasks.files.documents import read_params
from tasks.files.tables import build_table

EMPTY = {name: build_table([], schema) for name, schema in MEASURED.items()}
RULES = {"fail": "no_face_survives", "review": "face_motion"}


def _clip(number, verdict="pass", flags=(), timeline=()):
    clip_id = f"clip-{number:016x}"
    row = {"clip_id": clip_id, "verdict": verdict, "rule": RULES.get(verdict, "head_oks"),
           "value": 1.0, "comparison": "<=", "threshold": 2.0, "severity": "review",
           "passed": verdict == "pass"}  # fmt: skip
    found = [{"clip_id": clip_id, "finding": name, "frames": 1, "ranges": ranges, "worst": None}
             for name, ranges in flags]  # fmt: skip
    errors = [{"clip_id": clip_id, "arm": arm, "frame": frame, "timestamp_s": 0.1 * frame, "face_nme": error,
               "body_nme": None} for arm, frame, error in timeline]  # fmt: skip
    tables = EMPTY | {
        "verdicts": build_table([row], VERDICTS),
        "findings": build_table(found, FINDINGS),
        "timeline": build_table(errors, MEASURED["timeline"]),
    }
    place = PASSES if verdict == "pass" else WAITS
    details = Details([0.1 * n for n in range(20)], tables=tables)
    return Clip(clip_id, place, (64, 48), "h264", outline_of(tables)[clip_id], lambda: details)


@pytest.fixture(scope="module")
def clips():
    kinds = ["fail"] * 7 + ["review"] * 120 + ["pass"] * 873
    return [_clip(number, verdict) for number, verdict in enumerate(kinds)]


def _listing(clips, show="all", rule="", page=1):
    return choose(clips, lambda clip: clip.place, show, rule, page)


@pytest.mark.parametrize(("show", "total"), [
    ("all", 1000), ("fail", 7), ("review", 120), ("pass", 873), ("waits", 127), ("eyes", 127),
])  # fmt: skip
def test_each_clip_that_is_asked_for_is_on_one_page(clips, show, total):
    first = _listing(clips, show)
    pages = [_listing(clips, show, page=number) for number in range(1, first.pages + 1)]
    shown = [clip.clip_id for page in pages for clip in page.clips]
    assert len(shown) == len(set(shown)) == total == first.total == first.counts[show]
    assert all(len(page.clips) <= PAGE_CLIPS for page in pages)
    assert _listing(clips, show, page=first.pages + 1) is None
    assert _listing(clips, show, page=0) is None
    assert set(SHOWN) >= set(first.counts)


def test_a_rule_leads_to_who_breaks_it(clips):
    listing = _listing(clips)
    assert listing.rules == {"face_motion": 120, "no_face_survives": 7}
    assert _listing(clips, rule="no_face_survives").total == 7
    assert _listing(clips, rule="head_oks") is None
    assert _listing(clips, "nobody") is None
    second = _listing(clips, rule="face_motion", page=2)
    assert second.link(page=3) == "?show=all&rule=face_motion&page=3"
    assert second.link(show="pass") == "?show=pass"


def test_a_thousand_clips_are_listed_in_under_a_second(clips, tmp_path):
    rules = read_params(REPO).validate_.rules
    contents = Contents(
        None, "research", None, {clip.clip_id: clip for clip in clips}, build_table([], METHODS), rules
    )
    pages = Pages(tmp_path, contents)
    for query in ("", "show=review&page=2", "rule=face_motion"):
        took_s = []
        # the machine may be busy with something else
        for _ in range(3):
            begun = time.monotonic()
            told = pages.cohort(_asking(query)).body.decode()
            took_s.append(time.monotonic() - begun)
        assert min(took_s) < 1
        assert told.count("<img ") == PAGE_CLIPS
        assert told.count("original.mp4") == 0
    for query in ("show=none", "page=21", "page=-1", "page=x", "page=", "rule=x", "page=٣"):
        with pytest.raises(HTTPException):
            pages.cohort(_asking(query))


def _asking(query):
    return Request({"type": "http", "method": "GET", "query_string": query.encode(), "headers": []})


def test_the_picture_is_of_the_worst_frame():
    assert set(ORDER) == set(WORDS)
    flags = [("in_front", "2-3"), ("surviving", "11,14-18"), ("flagged", "5-9")]
    assert worst_frame(_clip(0, "fail", flags)) == 16
    assert worst_frame(_clip(0, "review", flags[::2])) == 7
    errors = [("control", 3, 9.0), ("released", 4, 0.1), ("released", 6, 0.3), ("released", 7, None)]
    assert worst_frame(_clip(0, "pass", timeline=errors)) == 6
    assert worst_frame(_clip(0, "pass")) == 10
    assert worst_frame(_clip(0, "pass", [("in_mouth", "1-2")])) == 10


@pytest.mark.parametrize("judged", [(), (0,), (1, 2)])
def test_a_clip_that_nobody_judged_fails_for_want_of_evidence(monkeypatch, tmp_path, judged):
    """As one that was admitted since the evidence was written."""
    clips = [f"clip-{number:016x}" for number in range(3)]
    sizes = {"width": [64] * 3, "height": [48] * 3, "codec": ["h264"] * 3}
    monkeypatch.setattr(contents, "read_outlines", lambda _: {clips[at]: Outline("pass") for at in judged})
    monkeypatch.setattr(contents, "read_admitted", lambda _: pl.DataFrame({"clip_id": clips} | sizes))
    monkeypatch.setattr(contents, "refused_clips", lambda _: {})
    read = {clip.clip_id: clip for clip in contents._read_clips(tmp_path, {})}
    assert {clip_id: clip.verdict for clip_id, clip in read.items()} == {
        clip_id: "pass" if at in judged else "fail" for at, clip_id in enumerate(clips)
    }
    assert all(clip.needs_eyes == (clip.broken == ("no evidence",)) for clip in read.values())

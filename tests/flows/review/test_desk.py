"""Decisions on the review page, in a real browser by keyboard alone; nobody but the page may take them.

With GUISE_DESK=FOLDER pictures of the page are taken.
"""

import html
import http.server
import json
import os
import re
import shutil
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import playwright.sync_api
import polars as pl
import psutil
import pytest
import yaml
from review_support import (
    chromium,
    clean_page,
    copy_undecided,
    desk_of,
    faults,
    keep_in_git,
    open_clip,
    reviewing,
    tell_dvc,
    until,
)
from tests_support import DEMO_S

from flows.demo.sample import cohort
from flows.release.candidate import freeze
from flows.release.decisions import decide, decided, waiting_clips
from flows.review.contents import Flag, read_contents
from flows.review.guard import Guard
from flows.review.mending import Mending
from flows.review.watching import PLACE, Watching
from flows.workspace.exclusive import alone
from flows.workspace.git import git
from schemas.coverage import COVERAGE
from schemas.evidence import VERDICTS
from schemas.release import Watched
from tasks.deidentify.corrections import Film, read_corrections, write_rows
from tasks.deidentify.face_regions import HEADS
from tasks.files.clips import corrections_path, coverage_path, read_admitted, video_path
from tasks.files.documents import read_params, read_table, write_table
from tasks.files.errors import InputError
from tasks.files.hashing import sha256_file
from tasks.files.pseudonyms import canonical_id
from tasks.publish.plan import candidate_digest

pytestmark = pytest.mark.slow
VERDICTS_PATH = "data/evidence/verdicts.parquet"
NAME, REASON = "Dr. Ada Beispiel", "gait is not told by so short a walk"


@pytest.fixture(scope="module")
def copy(tmp_path_factory, release):
    """A copy of the demo, on whose clips nobody has decided: one fails, the others ask."""
    root = tmp_path_factory.mktemp("desk") / "d"
    copy_undecided(release, root)
    verdicts = read_table(root / VERDICTS_PATH, VERDICTS)
    moves, first = pl.col("rule") == "face_motion", verdicts["clip_id"].min()
    changed = verdicts.with_columns(
        verdict=pl.when(clip_id=first).then(pl.lit("fail")).otherwise(pl.lit("review")),
        value=pl.when(moves).then(1.7).otherwise("value"),
        passed=pl.col("passed") & ~moves,
    )
    (root / VERDICTS_PATH).unlink()
    write_table(changed, VERDICTS, root / VERDICTS_PATH)
    tell_dvc(root, "validate")
    keep_in_git(root, "Nobody has decided")
    return root


@pytest.fixture
def workspace(copy):
    """The same; what a test decides is undone."""
    head = git(copy, "rev-parse", "HEAD")
    yield copy
    git(copy, "reset", "--quiet", "--hard", head)
    (copy / PLACE).unlink(missing_ok=True)


@pytest.fixture
def url(workspace):
    with desk_of(workspace) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser, url):
    with clean_page(browser, url, width=1280) as opened:
        yield opened


def _records(root):
    path = root / "data/decisions.yaml"
    return yaml.safe_load(path.read_text())["decisions"] if path.is_file() else []


def _asking(root):
    return [clip.clip_id for clip in waiting_clips(root) if clip.verdict == "review"]


def _failing(root):
    return next(clip.clip_id for clip in waiting_clips(root) if clip.verdict == "fail")


def _answers(page, words):
    until(page, f"document.querySelector('#answer').textContent.includes({words!r})")


def _picture(page, name):
    if folder := os.environ.get("GUISE_DESK"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def _fill(page):
    page.focus("#by")
    page.keyboard.type(NAME)
    page.keyboard.press("Tab")
    page.keyboard.type(REASON)
    page.keyboard.press("Escape")


def _watch(page, frames):
    """Step through the whole clip, and again where the browser was too busy to show what it was asked for."""
    for _ in range(5):
        page.keyboard.press("Home")
        for _ in range(frames):
            page.wait_for_timeout(120)
            page.keyboard.press("ArrowRight")
        for _ in range(page.locator("#flags li").count()):
            page.keyboard.press("p")
            page.wait_for_timeout(200)
        page.wait_for_timeout(1500)
        if page.evaluate("document.querySelector('#blind').hidden"):
            return


def test_clips_are_watched_and_decided_on_by_keyboard_alone(page, url, workspace):
    first, *others = _asking(workspace)
    open_clip(page, url, first)
    frames = page.evaluate("JSON.parse(document.querySelector('#times').textContent).length")
    page.keyboard.press("a")
    assert page.inner_text("#answer") == "say your name"
    _fill(page)
    page.keyboard.press("a")
    _answers(page, f"of {frames} frames")
    assert page.is_visible("#unseen")
    assert _records(workspace) == []
    _picture(page, "unseen")
    _watch(page, frames)
    until(page, "document.querySelector('#blind').hidden")
    page.keyboard.press("a")
    _answers(page, "on record")
    _picture(page, "decided")
    (record,) = _records(workspace)
    assert (record["clip_id"], record["accepted"], record["by"], record["reason"]) == (
        first, True, NAME, REASON
    )  # fmt: skip
    assert record["watched"]["of_frames"] == frames
    assert record["watched"]["frames"] >= 0.9 * frames
    assert record["watched"]["flags"] == record["watched"]["of_flags"]
    assert git(workspace, "log", "-1", "--format=%s") == "Decide on clips"
    assert decided(workspace)[first].by == NAME
    assert all(f"accepted by {NAME}: {REASON}" in told for told in page.locator(".place").all_inner_texts())
    # on to the next one, whose reviewer is known by now
    page.keyboard.press("w")
    page.wait_for_url(lambda address: not address.endswith(first))
    assert page.input_value("#by") == NAME
    page.focus("#why")
    page.keyboard.type("a name on the door")
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    _answers(page, "on record")
    assert [one["accepted"] for one in _records(workspace)] == [True, False]
    page.keyboard.press("u")
    _answers(page, "taken back")
    assert page.locator(".place").first.inner_text() == "waits for a decision"
    assert _records(workspace) == [record]
    assert git(workspace, "log", "-1", "--format=%s") == "Take decisions back"
    page.goto(url)
    _picture(page, "cohort")
    assert page.locator("#clips small").filter(has_text=f"accepted by {NAME}").count() == 1
    assert page.locator("#clips small").filter(has_text="waits").count() == len(others) + 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nobody_is_kept_from_reading_or_using_the_page(browser, url, workspace, scheme):
    for place in ("", "?show=waits", f"clips/{_asking(workspace)[0]}", f"clips/{_failing(workspace)}"):
        assert faults(browser, f"{url}{place}", scheme) == []


def _seen(page):
    page.wait_for_timeout(1500)
    return int(page.inner_text("#watched").split()[0])


def _play(page):
    page.evaluate("document.querySelector('#play').click()")
    until(page, "document.querySelector('#released video').ended")


def test_what_is_scrolled_away_or_lies_under_the_original_was_not_seen(page, url, workspace):
    open_clip(page, url, _asking(workspace)[0])
    before = _seen(page)
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    _play(page)
    assert _seen(page) == before
    page.evaluate("window.scrollTo(0, 0)")
    page.keyboard.press("b")
    _play(page)
    assert _seen(page) == before
    page.keyboard.press("b")
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    # who asks for a frame by key is brought to it
    for _ in range(6):
        page.keyboard.press("ArrowLeft")
        page.wait_for_timeout(250)
    assert page.evaluate("document.querySelector('#released video').getBoundingClientRect().top") > -1
    assert _seen(page) >= before + 2


def test_nobody_decides_against_a_word_that_they_have_not_seen(page, url, workspace, guise):
    clip_id = _asking(workspace)[0]
    open_clip(page, url, clip_id)
    why = "a tattoo: <b>left</b> arm\nand a name"
    said = guise(workspace, "decide", clip_id, "--reject", "--by", "Dr. B", "--reason", why)
    assert said.returncode == 0, said.stderr
    _fill(page)
    # who gives a name is told it, too, and a second key says nothing while the first waits for its answer
    with page.expect_response("**/desk/decision"):
        page.keyboard.press("r")
    _answers(page, "say it again, or not")
    assert [one["by"] for one in _records(workspace)] == ["Dr. B"]
    page.keyboard.press("r")
    _answers(page, "on record")
    assert [one["by"] for one in _records(workspace)] == ["Dr. B", NAME]
    said = guise(workspace, "decide", clip_id, "--reject", "--by", "Dr. C", "--reason", "a scar")
    assert said.returncode == 0, said.stderr
    page.keyboard.press("u")
    _answers(page, "left out by Dr. C: a scar")
    assert len(_records(workspace)) == 3
    page.reload()
    page.keyboard.press("u")
    _answers(page, "taken back")
    assert [one["by"] for one in _records(workspace)] == ["Dr. B", NAME]


def test_a_page_of_a_former_video_says_nothing(page, url, workspace):
    clip_id = _asking(workspace)[0]
    page.goto(f"{url}clips/{clip_id}")
    secret = page.get_attribute("meta[name=desk]", "content")
    assert page.get_attribute("#desk", "data-video") == sha256_file(
        workspace / video_path("released", clip_id)
    )
    former = {
        "clip_id": clip_id,
        "runs": [[0, 9]],
        "video": "0" * 64,
        "by": "A",
        "reason": "B",
        "unseen": True,
    }
    for to in ("watched", "decision"):
        told = _say(url, secret, to, **former, accepted=True)
        assert "rendered anew" in told["trouble"]
        assert told["watched"].startswith("0 of ")
    assert _records(workspace) == []


def test_a_page_that_plays_tells_of_a_word_and_does_not_take_note_of_it(page, url, workspace, guise):
    clip_id = _asking(workspace)[0]
    open_clip(page, url, clip_id)
    said = guise(workspace, "decide", clip_id, "--reject", "--by", "Dr. B", "--reason", "a tattoo")
    assert said.returncode == 0, said.stderr
    _play(page)
    _answers(page, "meanwhile it is otherwise (left out by Dr. B: a tattoo)")
    page.keyboard.press("u")
    _answers(page, "say it again, or not")
    assert len(_records(workspace)) == 1


def test_a_word_that_does_not_stand_is_not_taken_back(page, url, workspace):
    clip_id = _asking(workspace)[0]
    decide(workspace, [clip_id], accepted=False, by="Dr. B", reason="seen")
    path = workspace / "data/decisions.yaml"
    document = yaml.safe_load(path.read_text())
    document["decisions"][0]["video_sha256"] = "0" * 64
    path.write_text(yaml.safe_dump(document))
    open_clip(page, url, clip_id)
    page.keyboard.press("u")
    _answers(page, "no word on this clip stands")
    assert len(_records(workspace)) == 1


def test_an_end_belongs_to_its_own_box(page, url, workspace):
    open_clip(page, url, _asking(workspace)[0])
    page.keyboard.press("c")
    _draw(page, 20, 20, 60, 60)
    page.click("#draw-end")
    _draw(page, 40, 30, 80, 70)
    assert len(_row(page)) == 13
    page.mouse.click(*page.evaluate(CENTRE, [90, 70]))
    page.wait_for_timeout(300)
    assert page.input_value("#track") == ""
    page.keyboard.press("c")
    _draw(page, 30, 20, 60, 60)
    assert len(_row(page)) == 8
    page.fill("#first_frame", "9")
    page.click("#draw-end")
    _draw(page, 40, 30, 80, 70)
    assert _row(page)[:2] == [9, 0]
    page.click("#save")
    until(page, "document.querySelector('#mended').textContent.includes('row 2')")
    assert _rows(workspace, _asking(workspace)[0]) == []


def test_a_key_that_is_held_down_says_nothing_twice(page, url, workspace):
    open_clip(page, url, _asking(workspace)[0])
    _fill(page)
    for _ in range(4):
        page.keyboard.down("r")
        page.wait_for_timeout(700)
    page.keyboard.up("r")
    _answers(page, "on record")
    page.wait_for_timeout(1000)
    assert len(_records(workspace)) == 1


def test_twice_the_speed_and_back_is_a_key(page, url, workspace):
    open_clip(page, url, _asking(workspace)[0])
    for speed in (2, 1):
        page.keyboard.press("2")
        assert page.evaluate("document.querySelector('#released video').playbackRate") == speed
    page.focus("#why")
    page.keyboard.type("2 arms")
    assert page.evaluate("document.querySelector('#released video').playbackRate") == 1
    assert page.input_value("#why") == "2 arms"


def test_what_is_accepted_unseen_says_so_in_the_record(page, url, workspace):
    clip_id = _asking(workspace)[-1]
    open_clip(page, url, clip_id)
    _fill(page)
    page.keyboard.press("a")
    _answers(page, "say that you accept it unseen")
    page.focus("#unseen")
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    _answers(page, "on record")
    (record,) = _records(workspace)
    assert record["watched"]["frames"] < 0.1 * record["watched"]["of_frames"]


def test_a_clip_that_fails_is_left_out_and_never_accepted(page, url, workspace):
    clip_id = _failing(workspace)
    open_clip(page, url, clip_id)
    assert "it can be left out, or mended by a correction" in page.inner_text("#desk")
    assert page.is_disabled("#accept")
    _fill(page)
    page.keyboard.press("a")
    page.wait_for_timeout(300)
    secret = page.get_attribute("meta[name=desk]", "content")
    told = _say(url, secret, clip_id=clip_id, accepted=True, by="A", reason="B", unseen=True)
    assert f"{clip_id} fails" in told["trouble"]
    assert _records(workspace) == []
    page.keyboard.press("r")
    _answers(page, "on record")
    assert [one["accepted"] for one in _records(workspace)] == [False]


def _post(url, body, **headers):
    request = urllib.request.Request(
        url, body, {name.replace("_", "-"): said for name, said in headers.items()}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def _refused(url, body, **headers):
    """Return the status of what is refused; None where it is not."""
    try:
        _post(url, body, **headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    return None


def _get(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read().decode()


def _say(url, secret, to="decision", **words):
    """Say something, of a clip as its page says it now."""
    origin = "/".join(url.split("/")[:3])
    if to in ("decision", "taken-back", "watched"):
        words = _shown(url, words["clip_id"]) | words
    return _post(f"{url}desk/{to}", json.dumps(words).encode(), Origin=origin, Guise_Desk=secret)


def _shown(url, clip_id):
    """Return what a clip's page shows: the word on it, and which video."""
    told = _get(f"{url}clips/{clip_id}")
    place = html.unescape(re.search('class="place">(.*?)</span>', told, re.DOTALL)[1])
    return {"place": place, "video": re.search('data-video="(.*?)"', told)[1]}


def test_only_the_page_itself_may_say_anything(page, url, workspace):
    clip_id = _asking(workspace)[0]
    page.goto(f"{url}clips/{clip_id}")
    secret = page.get_attribute("meta[name=desk]", "content")
    assert secret not in url
    origin = "/".join(url.split("/")[:3])
    words = {"clip_id": clip_id, "accepted": True, "by": "A", "reason": "B", "unseen": True}
    words |= _shown(url, clip_id)
    row = {"clip_id": clip_id, "cells": {"action": "add", "x0": "0", "y0": "0", "x1": "9", "y1": "9"}}
    ours = {"Origin": origin, "Guise_Desk": secret}
    for to, said in (("decision", words), ("taken-back", words), ("watched", words), ("correction", row)):
        body = json.dumps(said).encode()
        strange = {
            "from elsewhere": (body, ours | {"Origin": "http://evil.example"}, 403),
            "from another port": (body, ours | {"Origin": "http://127.0.0.1:1"}, 403),
            "from nowhere": (body, {"Guise_Desk": secret}, 403),
            "without the secret": (body, {"Origin": origin}, 403),
            "with another secret": (body, ours | {"Guise_Desk": secret[:-1] + "!"}, 403),
            "from another site": (body, ours | {"Sec_Fetch_Site": "cross-site"}, 403),
            "no words": (b"{", ours, 400),
            "words within words": (b"[" * 50_000, ours, 400),
            "other words": (json.dumps(said | {"more": 1}).encode(), ours, 400),
            "another clip": (json.dumps(said | {"clip_id": "clip-0"}).encode(), ours, 404),
            "endless": (b" " * 200_000, ours, 413),
        }  # fmt: skip
        for why, (sent, headers, status) in strange.items():
            assert _refused(f"{url}desk/{to}", sent, **headers) == status, (to, why)
        assert _refused(f"{url}desk/{to}", None) == 405
    begin = json.dumps({"begin": True}).encode()
    for headers in (ours | {"Origin": "http://evil.example"}, {"Guise_Desk": secret}, {"Origin": origin}):
        assert _refused(f"{url}desk/rendering", begin, **headers) == 403
    assert not _say(url, secret, "rendering")["running"]
    other = row | {"cells": row["cells"] | {"file": "../x"}}
    assert _refused(f"{url}desk/correction", json.dumps(other).encode(), **ours) == 404
    assert not (workspace / corrections_path(clip_id)).exists()
    assert _records(workspace) == []
    assert _say(url, secret, **words)["trouble"] == ""
    assert [one["by"] for one in _records(workspace)] == ["A"]


def test_a_page_from_another_origin_cannot_decide(browser, url, workspace, tmp_path):
    """It knows the address and the secret, which is more than it could."""
    clip_id = _asking(workspace)[0]
    known = browser.new_page()
    known.goto(f"{url}clips/{clip_id}")
    secret = known.get_attribute("meta[name=desk]", "content")
    known.close()
    (tmp_path / "index.html").write_text("<title>elsewhere</title>")
    handler = lambda *told: http.server.SimpleHTTPRequestHandler(*told, directory=tmp_path)  # noqa: E731
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as elsewhere:
        threading.Thread(target=elsewhere.serve_forever, daemon=True).start()
        stranger = browser.new_page()
        stranger.goto(f"http://127.0.0.1:{elsewhere.server_address[1]}/")
        words = json.dumps({"clip_id": clip_id, "by": "A", "reason": "B"} | _shown(url, clip_id))
        for mode, headers in (("cors", {"Guise-Desk": secret}), ("no-cors", {})):
            told = stranger.evaluate(
                "async ([to, mode, headers, body]) => {"
                " try { return (await fetch(to, {method: 'POST', mode, headers, body})).type }"
                " catch { return 'refused' } }",
                [f"{url}desk/decision", mode, headers, words],
            )
            assert told in ("refused", "opaque")
        stranger.close()
        elsewhere.shutdown()
    assert _records(workspace) == []


def test_nothing_is_decided_while_a_run_works_or_once_results_have_changed(page, url, workspace):
    clip_id = _asking(workspace)[0]
    page.goto(f"{url}clips/{clip_id}")
    secret = page.get_attribute("meta[name=desk]", "content")
    words = {"clip_id": clip_id, "by": "A", "reason": "B"}
    decide(workspace, [clip_id], accepted=False, by="Dr. B", reason="seen")
    with alone(workspace):
        for to in ("decision", "taken-back"):
            assert "another run is at work" in _say(url, secret, to, **words)["trouble"]
        row = {"clip_id": clip_id, "cells": {"action": "add", "x0": "0", "y0": "0", "x1": "9", "y1": "9"}}
        assert "another run is at work" in _say(url, secret, "correction", **row)["trouble"]
    verdicts = workspace / VERDICTS_PATH
    kept = verdicts.stat()
    os.utime(verdicts, ns=(kept.st_atime_ns, kept.st_mtime_ns + 1))
    assert "the results have changed" in _say(url, secret, **words)["trouble"]
    os.utime(verdicts, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    assert [one["by"] for one in _records(workspace)] == ["Dr. B"]
    assert _say(url, secret, **words)["trouble"] == ""


def test_a_patients_name_and_an_empty_reason_are_refused_with_the_same_sentence(page, url, workspace):
    clip_id = _asking(workspace)[0]
    page.goto(f"{url}clips/{clip_id}")
    secret = page.get_attribute("meta[name=desk]", "content")
    subject = pl.read_csv(workspace / "data/raw/manifest.csv")["subject_id"][0]
    words = {"clip_id": clip_id, "by": "A"}
    assert "without naming a patient" in _say(url, secret, **words, reason=f"{subject} is fine")["trouble"]
    assert "needs a name and a reason" in _say(url, secret, **words, reason=" ")["trouble"]
    assert _records(workspace) == []


def test_what_was_said_at_the_terminal_stands_on_the_page(page, url, workspace, guise):
    clip_id = _asking(workspace)[0]
    page.goto(f"{url}clips/{clip_id}")
    said = guise(workspace, "decide", clip_id, "--reject", "--by", "Dr. B", "--reason", "a tattoo")
    assert said.returncode == 0, said.stderr
    page.reload()
    assert page.locator(".place").first.inner_text() == "left out by Dr. B: a tattoo"
    assert "watched" not in _records(workspace)[0]
    taken = guise(workspace, "decide", clip_id, "--take-back")
    assert (taken.returncode, taken.stdout) == (0, f"  {clip_id}: the word of Dr. B is taken back\n")
    page.reload()
    assert page.locator(".place").first.inner_text() == "waits for a decision"
    both = guise(workspace, "decide", clip_id, "--take-back", "--accept", "--by", "A", "--reason", "B")
    assert both.returncode == 2
    # all of several or none
    assert guise(workspace, "decide", clip_id, "--reject", "--by", "A", "--reason", "B").returncode == 0
    some = guise(workspace, "decide", clip_id, _failing(workspace), "--take-back")
    assert (some.returncode, len(_records(workspace))) == (2, 1)
    assert guise(workspace, "decide", clip_id, "--take-back").returncode == 0
    again = guise(workspace, "decide", clip_id, "--take-back")
    assert (again.returncode, again.stderr) == (2, f"guise: nobody has decided on {clip_id}\n")


@pytest.fixture
def frozen(workspace, guise, monkeypatch):
    """A candidate that two people must approve, without the clip that fails; yields its digest."""
    monkeypatch.setattr("flows.release.candidate.changed_nodes", lambda _: [])
    for word in ("--reject", "--accept"):
        clips = [_failing(workspace)] if word == "--reject" else []
        done = guise(workspace, "decide", *clips, word, "--by", "Dr. B", "--reason", "seen")
        assert done.returncode == 0, done.stderr
    params = workspace / "params.yaml"
    params.write_text(params.read_text().replace("    people: 1 ", "    people: 2 "))
    yield candidate_digest(freeze(workspace, "frozen-1", read_params(workspace)))
    shutil.rmtree(workspace / "data/releases/frozen-1")


def test_two_people_approve_a_candidate_on_its_page(browser, frozen, workspace):
    with reviewing(workspace, "frozen-1") as address:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        troubles = []
        page.on("console", lambda told: troubles.append(told.text) if told.type == "error" else None)
        page.goto(address)
        said = page.inner_text("#approval")
        assert f"{len(cohort(DEMO_S)) - 1} clips are in the release" in said.replace("\n", " ")
        assert frozen in said
        page.focus("#approve")
        page.keyboard.press("Enter")
        assert page.inner_text("#answer") == "say your name"
        for by, told, missing in (
            ("Dr. A", "another person must approve", "1"),
            ("dr. a ", "has approved frozen-1 already", "1"),
            ("Dr. B", "it may be published", "0"),
        ):
            page.fill("#by", "")
            page.focus("#by")
            page.keyboard.type(by)
            page.keyboard.press("Tab")
            page.fill("#why", "seen")
            page.keyboard.press("Tab")
            page.keyboard.press("Enter")
            _answers(page, told)
            assert page.inner_text("#missing") == missing
        assert page.inner_text("#names") == "Dr. A, Dr. B"
        _picture(page, "approved")
        secret = page.get_attribute("meta[name=desk]", "content")
        words = {"by": "Dr. C", "reason": "seen", "digest": frozen}
        other = _say(address, secret, "approval", **words | {"digest": "0" * 64})
        assert "the digest is not that of frozen-1 as it is now" in other["trouble"]
        with alone(workspace):
            assert "another run is at work" in _say(address, secret, "approval", **words)["trouble"]
        origin = "/".join(address.split("/")[:3])
        for headers in ({"Guise_Desk": secret}, {"Origin": origin}, {"Origin": "null", "Guise_Desk": secret}):
            assert _refused(f"{address}desk/approval", json.dumps(words).encode(), **headers) == 403
        page.close()
    assert troubles == []
    kept = yaml.safe_load((workspace / "data/releases/frozen-1/approvals.yaml").read_text())["approvals"]
    assert [(one["by"], one["reason"], one["digest"]) for one in kept] == [
        ("Dr. A", "seen", frozen), ("Dr. B", "seen", frozen)
    ]  # fmt: skip
    assert git(workspace, "log", "-1", "--format=%s") == "Approve frozen-1"


@pytest.mark.parametrize("becomes", ["another", "none"])
def test_a_candidate_that_is_not_what_a_page_shows_is_not_shown_nor_approved(frozen, workspace, becomes):
    clip_id = _asking_once(workspace)
    with reviewing(workspace, "frozen-1") as address:
        secret = _secret(address, clip_id)
        path = workspace / "data/releases/frozen-1/candidate.json"
        before = path.read_text()
        path.unlink() if becomes == "none" else path.write_text(before.replace('"research"', '"commercial"'))
        assert '"research"' in before
        words = json.dumps({"by": "Dr. C", "reason": "seen", "digest": frozen}).encode()
        for place in ("", f"clips/{clip_id}"):
            with pytest.raises(urllib.error.HTTPError, match="409") as refused:
                _get(f"{address}{place}")
            with refused.value as answer:
                assert "the results have changed" in answer.read().decode()
        ours = {"Origin": "/".join(address.split("/")[:3]), "Guise_Desk": secret}
        if becomes == "none":
            assert _refused(f"{address}desk/approval", words, **ours) == 409
        else:
            assert (
                "is not that of frozen-1 as it is now"
                in _post(f"{address}desk/approval", words, **ours)["trouble"]
            )
        path.write_text(before)
        assert frozen in _get(address)
    assert not (workspace / "data/releases/frozen-1/approvals.yaml").exists()


def _asking_once(root):
    """Return a clip on which somebody has decided."""
    return _records(root)[-1]["clip_id"]


def test_what_a_candidate_was_frozen_with_is_not_taken_back(frozen, workspace, guise):
    clip_id = _records(workspace)[-1]["clip_id"]
    refused = guise(workspace, "decide", clip_id, "--take-back")
    assert refused.returncode == 1
    assert "frozen-1 was frozen with the word on" in refused.stderr
    with reviewing(workspace, "frozen-1") as address:
        assert 'id="desk"' not in _get(f"{address}clips/{clip_id}")
        origin = "/".join(address.split("/")[:3])
        assert _refused(f"{address}desk/decision", b"{}", Origin=origin) == 404


def test_what_was_watched_is_kept_for_the_same_video(page, url, workspace):
    clip_id = _asking(workspace)[0]
    page.goto(f"{url}clips/{clip_id}")
    secret = page.get_attribute("meta[name=desk]", "content")
    for runs, seen in (([[0, 4]], 5), ([[3, 9], [12, 12]], 11), ([[-5, 1]], 11), ([[10**9, 10**12]], 11)):
        told = _say(url, secret, "watched", clip_id=clip_id, runs=runs, by=NAME)
        assert told["watched"].startswith(f"{seen} of ")
    assert oct((workspace / PLACE).parent.stat().st_mode)[-3:] == "700"
    with reviewing(workspace) as again:
        told = _say(again, _secret(again, clip_id), "watched", clip_id=clip_id, by=NAME.upper())
        assert told["watched"].startswith("11 of ")
    kept = json.loads((workspace / PLACE).read_text())
    kept["clips"][clip_id]["video_sha256"] = "0" * 64
    (workspace / PLACE).write_text(json.dumps(kept))
    with desk_of(workspace) as again:
        told = _say(again, _secret(again, clip_id), "watched", clip_id=clip_id, by=NAME)
        assert told["watched"].startswith("0 of ")


def _secret(url, clip_id):
    return re.search('name="desk" content="(.*?)"', _get(f"{url}clips/{clip_id}"))[1]


def test_what_somebody_else_has_watched_does_not_count(browser, url, workspace):
    first, second = _asking(workspace)[:2]
    secret = _secret(url, first)
    told = _say(url, secret, "watched", clip_id=first, runs=[[0, 10**6]])
    assert told["watched"].startswith("0 of ")  # nobody's
    assert _say(url, secret, "watched", clip_id=first, runs=[[0, 10**6]], by="Dr. A")["enough"]
    told = _say(url, secret, clip_id=first, accepted=True, by="Dr. B", reason="seen")
    assert "you have seen 0 of" in told["trouble"]
    told = _say(url, secret, clip_id=first, accepted=True, by="Dr. B", reason="seen", unseen=True)
    assert told["trouble"] == ""
    assert _records(workspace)[0]["watched"]["frames"] == 0
    assert _say(url, secret, clip_id=second, by="Dr. A", reason="a tattoo")["trouble"] == ""
    # on the page: what was played before its reader said who they are is theirs, what A was shown is not B's
    with desk_of(workspace) as again, clean_page(browser, again, width=1280) as page:
        open_clip(page, again, second)
        assert page.input_value("#by") == ""
        _play(page)
        frames = page.evaluate("JSON.parse(document.querySelector('#times').textContent).length")
        until(
            page,
            "document.querySelector('#watched').textContent.endsWith('(kept once you say who you are)')",
        )
        assert _seen(page) >= 0.5 * frames
        page.fill("#by", "Dr. C")
        page.focus("#why")
        until(page, "!document.querySelector('#watched').textContent.includes('kept once')")
        assert _seen(page) >= 0.5 * frames
        page.fill("#by", "Dr. D")
        page.focus("#why")
        until(page, "document.querySelector('#watched').textContent.startsWith('0 of')")
    kept = json.loads((workspace / PLACE).read_text())["clips"][second]["people"]
    assert list(kept) == [canonical_id("Dr. C")]


def test_a_page_takes_note_of_no_word_that_it_has_not_told(page, url, workspace, guise):
    clip_id = _asking(workspace)[0]
    open_clip(page, url, clip_id)
    _fill(page)
    decide(workspace, [clip_id], accepted=False, by="Dr. B", reason="a tattoo")
    verdicts = workspace / VERDICTS_PATH
    kept = verdicts.stat()
    os.utime(verdicts, ns=(kept.st_atime_ns, kept.st_mtime_ns + 1))
    page.keyboard.press("r")
    _answers(page, "the results have changed")
    # a frame that is shown asks again, and is told of the other's word
    page.keyboard.press("ArrowRight")
    _answers(page, "meanwhile it is otherwise (left out by Dr. B: a tattoo")
    _answers(page, "the results have changed")
    os.utime(verdicts, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    page.keyboard.press("r")
    _answers(page, "say it again, or not")
    assert [one["by"] for one in _records(workspace)] == ["Dr. B"]


@pytest.mark.parametrize("missing", ["place", "video"])
def test_a_word_that_does_not_say_what_its_page_shows_is_none(url, workspace, missing):
    clip_id = _asking(workspace)[0]
    words = {"clip_id": clip_id, "by": "A", "reason": "B"} | _shown(url, clip_id)
    del words[missing]
    origin, secret = "/".join(url.split("/")[:3]), _secret(url, clip_id)
    for to in ("decision", "taken-back", "watched"):
        sent = json.dumps(words).encode()
        assert _refused(f"{url}desk/{to}", sent, Origin=origin, Guise_Desk=secret) == 400
    assert _records(workspace) == []


def test_who_goes_on_is_not_led_to_what_was_decided_meanwhile(page, url, workspace):
    first = _asking(workspace)[0]
    open_clip(page, url, first)
    led = page.get_attribute("#next-waiting", "href")
    decide(workspace, [led], accepted=False, by="Dr. B", reason="a tattoo")
    page.keyboard.press("w")
    page.wait_for_url(lambda address: not address.endswith(first))
    assert not page.url.endswith(led)
    assert page.locator(".place").first.inner_text() == "waits for a decision"


@pytest.mark.parametrize("letters", ["a" * 1900, "\u6f22" * 1900])
def test_an_endless_word_widens_no_page(page, url, workspace, letters):
    clip_id = _asking(workspace)[0]
    decide(workspace, [clip_id], accepted=False, by="Dr. B", reason=letters)
    for place in (url, f"{url}clips/{clip_id}"):
        page.goto(place)
        assert letters in page.content()
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_nobody_accepts_unseen_by_the_word_of_somebody_else(page, url, workspace):
    open_clip(page, url, _asking(workspace)[0])
    for name, is_told in (("Dr. A", True), ("Dr. B", False)):
        page.fill("#by", name)
        page.fill("#why", "seen")
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("a")
        until(page, "!document.querySelector('#blind').hidden")
        _answers(page, "say that you accept it unseen")
        assert not page.is_checked("#unseen")
        page.set_checked("#unseen", is_told)
    assert _records(workspace) == []
    # nor by one's own, once it was watched and somebody else comes
    page.set_checked("#unseen", True)
    page.evaluate("window.scrollTo(0, 0)")
    _play(page)
    page.fill("#by", "Dr. C")
    page.focus("#why")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("a")
    until(page, "!document.querySelector('#blind').hidden")
    assert _records(workspace) == []


def test_what_could_not_be_said_of_one_person_is_not_said_of_the_next(browser, url, workspace):
    page = browser.new_page()
    open_clip(page, url, _asking(workspace)[0])
    page.fill("#by", "Dr. A")
    page.focus("#why")
    held = []
    page.evaluate("window.scrollTo(0, 0)")
    page.route("**/desk/watched", lambda route: held.append(route))  # noqa: PLW0108
    _play(page)
    page.wait_for_timeout(1200)
    page.fill("#by", "Dr. B")
    page.focus("#why")
    assert any('"runs":[[' in route.request.post_data for route in held)
    for route in held:
        route.abort()
    page.unroute("**/desk/watched")
    page.wait_for_timeout(2500)
    assert canonical_id("Dr. B") not in _watchers(workspace)
    page.close()


def _watchers(root):
    path = root / PLACE
    clips = json.loads(path.read_text())["clips"].values() if path.is_file() else ()
    return {name for shown in clips for name in shown["people"]}


def test_two_reviews_at_once_forget_nothing(workspace):
    clips = list(read_contents(workspace, "research", None).clips.values())
    one, other = Watching(workspace), Watching(workspace)
    one.add(clips[0], [(0, 4)], "A")
    other.add(clips[1], [(0, 2)], "B")
    other.add(clips[0], [(5, 6)], "B")
    one.add(clips[0], [(9, 9)], "A")
    for watching in (one, other, Watching(workspace)):
        assert [watching.of(clips[0], who).frames for who in "AB"] == [6, 2]
        assert watching.of(clips[1], "B").frames == 3


def test_a_box_is_drawn_on_the_frame_that_is_named_while_it_plays(page, url, workspace):
    open_clip(page, url, _asking(workspace)[0])
    for number in range(6):
        button, field = (("#draw", "#first_frame"), ("#draw-end", "#last_frame"))[number % 2]
        page.evaluate("document.querySelector('#play').click()")
        page.wait_for_timeout(250 + 37 * number)
        page.evaluate(f"document.querySelector('{button}').click()")
        written = page.input_value(field)
        page.wait_for_timeout(500)
        assert page.get_attribute("#timeline", "aria-valuenow") == page.input_value(field) == written
        page.keyboard.press("Escape")
        page.focus("#timeline")
        page.keyboard.press("Home")
        page.wait_for_timeout(200)


def test_a_drawing_that_is_given_up_changes_no_row(page, url, workspace):
    open_clip(page, url, _asking(workspace)[0])
    said = dict(zip(("first_frame", "last_frame", "x0", "y0", "x1", "y1", "to_x0", "to_y0", "to_x1", "to_y1"),
                    ("2", "20", "10", "10", "60", "60", "30", "30", "80", "80"), strict=True))  # fmt: skip
    for name, value in said.items():
        page.fill(f"#{name}", value)
    before = page.inner_text("#row")
    page.evaluate("document.activeElement.blur()")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(100)
    for begin in ("#draw", "#draw-end"):
        page.click(begin)
        page.keyboard.press("Escape")
        assert page.inner_text("#row") == before


def test_escape_ends_drawing(page, url, workspace):
    open_clip(page, url, _asking(workspace)[0])
    for begin in ("c", "#draw-end"):
        page.keyboard.press(begin) if len(begin) == 1 else page.click(begin)
        assert page.locator(".screen.drawing").count() == 1
        page.keyboard.press("Escape")
        assert page.locator(".screen.drawing").count() == 0
        assert page.locator("[aria-pressed=true]").count() == 0
        _draw(page, 20, 20, 60, 60)
        assert page.input_value("#x0") == page.input_value("#to_x0") == ""


def test_what_comes_otherwise_is_refused_with_the_same_safeguards(url):
    for place, host, status in (("?page=" + "9" * 5000, None, 404), ("?page=\u0663", None, 404),
                                ("", "evil.example", 400), ("clips/clip-0", None, 404)):  # fmt: skip
        asked = urllib.request.Request(url + urllib.parse.quote(place, safe="?=/"))
        if host:
            asked.add_header("Host", host)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(asked, timeout=60)
        with refused.value as answer:
            assert answer.code == status
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
            assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("frames", "flags", "enough"),
    [(90, 2, True), (89, 2, False), (90, 1, False), (100, 2, True), (0, 0, False)],
)
def test_nine_frames_of_ten_and_every_flag_will_do(frames, flags, enough):
    assert Watched(frames=frames, of_frames=100, flags=flags, of_flags=2).is_enough == enough


def test_a_flag_was_seen_where_one_of_its_frames_was(workspace):
    clip = next(iter(read_contents(workspace, "research", None).clips.values()))
    flags = (Flag(3, 5, "flagged"), Flag(9, 9, "flagged"))
    clip = replace(clip, outline=replace(clip.outline, flags=flags))
    watching = Watching(workspace)
    assert watching.of(clip, NAME).flags == 0
    assert watching.add(clip, [(0, 3)], NAME).flags == 1
    assert watching.add(clip, [(8, 8), (10, 10)], NAME).flags == 1
    assert watching.add(clip, [(9, 9)], NAME).flags == 2
    assert np.isclose(watching.of(clip, NAME).frames, 7)
    assert (workspace / video_path("released", clip.clip_id)).is_file()


CENTRE = """([x, y]) => {
  const video = document.querySelector('#released video'), box = video.getBoundingClientRect();
  const scale = Math.min(box.width / video.videoWidth, box.height / video.videoHeight);
  return [box.left + box.width / 2 + (x - video.videoWidth / 2) * scale,
          box.top + box.height / 2 + (y - video.videoHeight / 2) * scale];
}"""


def _draw(page, x0, y0, x1, y1):
    """Draw a box in the released picture, from corner to corner in its own pixels."""
    page.mouse.move(*page.evaluate(CENTRE, [x0, y0]))
    page.mouse.down()
    page.mouse.move(*page.evaluate(CENTRE, [(x0 + x1) / 2, y1]))
    page.mouse.move(*page.evaluate(CENTRE, [x1, y1]))
    page.mouse.up()


def _row(page):
    return [float(cell) if cell.replace(".", "").isdigit() else cell
            for cell in page.inner_text("#row").split(",")]  # fmt: skip


def _rows(workspace, clip_id):
    path = workspace / corrections_path(clip_id)
    return path.read_text().splitlines()[1:] if path.is_file() else []


@pytest.fixture
def own(tmp_path, release):
    """A copy of the release of its own, of which a run may make what it will."""
    root = tmp_path / "d"
    shutil.copytree(release[0], root, symlinks=True, ignore=shutil.ignore_patterns("s3", "prefect"))
    return root


DARKEST = """() => {
  const video = document.querySelector('#released video'), pen = new OffscreenCanvas(1, 1).getContext('2d');
  pen.drawImage(video, 8, 8, 8, 8, 0, 0, 1, 1);
  return pen.getImageData(0, 0, 1, 1).data[0];
}"""


def test_what_was_corrected_is_rendered_again_on_the_page(browser, own):
    clip_id = read_admitted(own)["clip_id"].min()
    untouched = {path.name: path.read_bytes() for path in (own / "data/deidentified/videos").iterdir()}
    with reviewing(own) as address, clean_page(browser, address, width=1280) as page:
        open_clip(page, address, clip_id)
        assert page.evaluate(DARKEST) > 30
        said = {"x0": "0", "y0": "0", "x1": "40", "y1": "30", "first_frame": "0", "last_frame": "9"}
        for name, value in said.items():
            page.fill(f"#{name}", value)
        page.click("#save")
        until(page, "document.querySelector('#mended').textContent.startsWith('saved')")
        page.click("#render")
        until(page, "document.querySelector('#mended').textContent === 'rendering'")
        secret = page.get_attribute("meta[name=desk]", "content")
        while _say(address, secret, "rendering")["running"]:
            page.wait_for_timeout(500)
        assert _say(address, secret, "rendering")["trouble"] == ""
        lines = _say(address, secret, "rendering")["lines"]
        assert [line.split()[0] for line in lines][-1] == "validate"
        assert "ingest unchanged, nothing to do" in lines
        _says(page, lambda said: not said)  # by itself the page is loaded anew
        open_clip(page, address, clip_id)
        until(page, f"({DARKEST})() < 20")
        page.goto(address)
        until(page, "[...document.querySelectorAll('#clips img')].every((one) => one.naturalWidth > 50)")
        open_clip(page, address, clip_id)
        # a row that would uncover a face is refused by the run, in its own words
        page.select_option("#action", "remove")
        for name, value in said.items():
            page.fill(f"#{name}", value)
        page.fill("#x1", "5000")
        page.fill("#y1", "5000")
        page.click("#save")
        until(page, "document.querySelector('#mended').textContent.startsWith('saved')")
        page.click("#render")
        _says(page, lambda said: "row 3 would uncover a face" in said)
    now = {path.name: path.read_bytes() for path in (own / "data/deidentified/videos").iterdir()}
    assert {name for name in now if now[name] != untouched[name]} == {f"{clip_id}.mp4"}


def test_a_run_ends_with_the_review_that_began_it(browser, own):
    clip_id = read_admitted(own)["clip_id"].min()
    with reviewing(own) as address, clean_page(browser, address, width=1280) as page:
        open_clip(page, address, clip_id)
        for name, value in {"x0": "0", "y0": "0", "x1": "9", "y1": "9"}.items():
            page.fill(f"#{name}", value)
        page.click("#save")
        until(page, "document.querySelector('#mended').textContent.startsWith('saved')")
        page.click("#render")
        until(page, "document.querySelector('#mended').textContent === 'rendering'")
        for _ in range(600):
            if _is_at_work(own):
                break
            page.wait_for_timeout(100)
        assert _is_at_work(own)
    assert not _is_at_work(own)
    for _ in range(100):
        if not _left(own):
            break
        time.sleep(0.1)
    assert _left(own) == []


def _left(root):
    """Return what still runs in a workspace."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        if str(process.info["cwd"]).startswith(str(root)):
            found.append(process.info["cmdline"])
    return found


def _says(page, is_so):
    """Wait until the page says of a correction what it should; it may be loaded anew meanwhile."""
    for _ in range(240):
        with suppress(playwright.sync_api.Error):
            if is_so(page.inner_text("#mended")):
                return
        page.wait_for_timeout(500)
    raise AssertionError(page.inner_text("#mended"))


def _is_at_work(root):
    try:
        with alone(root):
            return False
    except InputError:
        return True


@pytest.mark.parametrize("width", [1280, 1920])
def test_a_box_that_is_drawn_becomes_a_row(browser, url, workspace, width):
    clip_id = _asking(workspace)[0]
    with clean_page(browser, url, width=width) as page:
        open_clip(page, url, clip_id)
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        until(page, "document.querySelector('#timeline').ariaValueNow == 3")
        page.keyboard.press("c")
        _draw(page, 90, 70, 30, 20)  # from whichever corner
        assert _row(page)[:2] == [3, 3]
        assert _row(page)[2:6] == pytest.approx([30, 20, 90, 70], abs=1)
        assert page.is_visible("#released .drawn")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        until(page, "document.querySelector('#timeline').ariaValueNow == 5")
        page.click("#draw-end")
        _draw(page, 40, 30, 100, 80)
        page.select_option("#method", "pixelate")
        row = _row(page)
        assert (row[:2], row[6:9]) == ([3, 5], ["add", "pixelate", ""])
        assert row[9:] == pytest.approx([40, 30, 100, 80], abs=1)
        _picture(page, f"correction-{width}")
        page.click("#save")
        until(page, "document.querySelector('#mended').textContent.startsWith('saved')")
        assert _rows(workspace, clip_id) == [page.inner_text("#row") + ","]
        assert page.inner_text("#rows code") == page.inner_text("#row")
        assert git(workspace, "status", "--porcelain", "data/corrections") == ""
        assert clip_id in git(workspace, "show", "--stat", "HEAD")
        page.reload()
        page.click("#rows .out")
        until(page, "document.querySelector('#mended').textContent.startsWith('taken out')")
        assert not (workspace / corrections_path(clip_id)).exists()
        assert git(workspace, "status", "--porcelain", "data/corrections") == ""


def test_a_track_is_named_in_place_of_a_box_and_what_does_not_hold_is_refused(page, url, workspace):
    clip_id = _asking(workspace)[0]
    open_clip(page, url, clip_id)
    page.select_option("#action", "method")
    page.select_option("#track", index=1)
    page.fill("#first_frame", "0")
    page.fill("#last_frame", "4")
    page.click("#save")
    until(page, "document.querySelector('#mended').textContent.startsWith('saved')")
    track = page.input_value("#track")
    assert _rows(workspace, clip_id) == [f"0,4,,,,,method,mask,,,,,,{track}"]
    page.fill("#last_frame", "99999")
    page.click("#save")
    until(page, "document.querySelector('#mended').textContent.includes('row 3: frames go from 0 to')")
    page.select_option("#track", "")
    page.fill("#last_frame", "4")
    page.click("#save")
    until(page, "document.querySelector('#mended').textContent.includes('write a box')")
    assert len(_rows(workspace, clip_id)) == 1


def _covers(workspace, clip_id):
    """Return frame -> the number of each track and the box that covers it."""
    told = read_table(workspace / coverage_path("released", clip_id), COVERAGE).filter(pl.col("track") >= 0)
    return {frame: [(row["track"] % HEADS, row["region_xyxy"]) for row in rows]
            for frame, rows in told.rows_by_key("frame", named=True).items()}  # fmt: skip


def test_who_is_pressed_on_is_meant_for_as_long_as_they_are_covered(page, url, workspace):
    for clip_id in _asking(workspace)[:2]:
        covers = _covers(workspace, clip_id)
        open_clip(page, url, clip_id)
        for frame in (min(covers), min(covers) + 5):
            page.select_option("#track", "")
            page.fill("#first_frame", "0")
            page.evaluate("document.querySelector('#player').scrollIntoView()")
            page.focus("#timeline")
            page.keyboard.press("Home")
            for _ in range(frame):
                page.keyboard.press("ArrowRight")
                page.wait_for_timeout(150)
            until(page, f"document.querySelector('#timeline').ariaValueNow == {frame}")
            track, box = covers[frame][0]
            nobody = [box[0] - 6, box[1] - 6] if min(box[:2]) > 10 else [box[2] + 6, box[3] + 6]
            page.mouse.click(*page.evaluate(CENTRE, nobody))
            page.wait_for_timeout(300)
            assert page.input_value("#track") == ""
            page.mouse.click(*page.evaluate(CENTRE, [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]))
            until(page, f"document.querySelector('#track').value === '{track}'")
            until(page, "!document.querySelector('#released .drawn').hidden")
            stay = [frame for frame in covers if track in [number for number, _ in covers[frame]]]
            assert _row(page)[:2] == [min(stay), max(stay)]
            assert (_row(page)[6], _row(page)[-1]) == ("method", track)
        _picture(page, "picked")


@pytest.mark.parametrize(("aspect", "stretch"), [(1.0, (1, 1)), (2.0, (2, 1)), (0.5, (1, 2))])
def test_who_is_covered_is_told_in_pixels_as_a_player_shows_them(workspace, monkeypatch, aspect, stretch):
    clip = next(iter(read_contents(workspace, "research", None).clips.values()))
    monkeypatch.setattr("flows.review.mending.film_of", lambda *_: Film(0, (64, 48), aspect))
    told = Mending(workspace, write_rows, Guard()).covers(clip, 3, 4)
    covers = _covers(workspace, clip.clip_id)
    assert sorted(told) == [frame for frame in range(3, 7) if frame in covers]
    for frame, found in told.items():
        for (number, *box), (track, stored) in zip(found, covers[frame], strict=True):
            assert number == track
            assert box == pytest.approx(np.array(stored) * np.tile(stretch, 2), abs=0.06)


def test_a_row_that_somebody_else_took_out_takes_no_other_with_it(page, url, workspace):
    clip_id = _asking(workspace)[0]
    header = "first_frame,last_frame,x0,y0,x1,y1,action,method\n"
    first, second = "0,2,1,2,30,40,add,blur", "0,2,5,5,30,40,add,mask"
    (workspace / corrections_path(clip_id)).write_text(f"{header}{first}\n{second}\n")
    open_clip(page, url, clip_id)
    (workspace / corrections_path(clip_id)).write_text(f"{header}{second}\n")
    page.click("#rows .out >> nth=0")
    until(page, "document.querySelector('#mended').textContent.includes('not there any more')")
    assert page.inner_text("#rows code") == second
    assert (workspace / corrections_path(clip_id)).read_text() == f"{header}{second}\n"
    page.click("#rows .out")
    until(page, "document.querySelector('#mended').textContent.startsWith('taken out')")
    assert not (workspace / corrections_path(clip_id)).exists()


def test_rows_that_a_person_saved_in_a_spreadsheet_stay_what_they_say(page, url, workspace):
    clip_id = _asking(workspace)[0]
    header = "First_frame;last_frame;x0;y0;x1;y1;action;method\n"
    (workspace / corrections_path(clip_id)).write_bytes(
        f"{header}\n0;2;1,5;2;30;40;add;blur\n".encode("utf-16")
    )
    open_clip(page, url, clip_id)
    assert page.inner_text("#rows code") == "0,2,1.5,2,30,40,add,blur"
    page.fill("#x0", "0")
    page.fill("#y0", "0")
    page.fill("#x1", "9")
    page.fill("#y1", "9")
    page.click("#save")
    until(page, "document.querySelectorAll('#rows li').length === 2")
    film = Film(1000, (10_000, 10_000))
    before, after = read_corrections(workspace, clip_id, film)
    assert (before.frames, before.box_xyxy.tolist(), before.method) == (range(3), [1.5, 2, 30, 40], "blur")
    assert (after.frames, after.box_xyxy.tolist(), after.method) == (range(1), [0, 0, 9, 9], "mask")


@pytest.mark.parametrize("content", [
    "first_frame,last_frame,x0,y0,x1,y1,action,method,seen by\n0,2,1,2,30,40,add,blur,Ada\n",
    "first_frame,last_frame,x0,y0,x1,y1,action,method\n0,2,1,2,30,40,add,blur,,7\n",
    "0,2,1,2,30,40,add,blur\n",
])  # fmt: skip
def test_a_file_that_does_not_hold_is_told_and_never_written_over(page, url, workspace, content):
    clip_id = _asking(workspace)[0]
    path = workspace / corrections_path(clip_id)
    path.write_text(content)
    open_clip(page, url, clip_id)
    assert clip_id in page.inner_text("#mended")
    assert page.locator("#rows li").count() == 0
    for name in ("x0", "y0"):
        page.fill(f"#{name}", "0")
    for name in ("x1", "y1"):
        page.fill(f"#{name}", "9")
    page.evaluate("document.querySelector('#mended').textContent = ''")
    page.click("#save")
    until(page, f"document.querySelector('#mended').textContent.includes('{clip_id}')")
    assert path.read_text() == content
    path.unlink()

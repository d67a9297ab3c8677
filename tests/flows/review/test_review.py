"""The review page in a real browser: it shows, plays, seeks, and tells nobody.

With GUISE_PICTURE=PATH the picture in the README is taken anew, of a released clip alone.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import cv2
import numpy as np
import polars as pl
import psutil
import pytest
from doubts_support import write_doubts
from review_support import chromium, clean_page, open_clip, outline_of, reviewing, serving, tell_dvc, until
from tests_support import command_environment, seen_tables, write_pictures

from flows.review.contents import Clip, Contents, Details
from flows.review.doubts import read_doubts
from flows.review.pictures import HEIGHT_PX, WIDTH_PX
from flows.review.server import make_app
from flows.review.texts import Text
from schemas.evidence import COLLECTED, FINDINGS, MEASURED, METHODS, VERDICTS
from schemas.texts import CLIP_TEXTS
from tasks.files.clips import keypoints_path, read_admitted, video_path
from tasks.files.documents import write_table
from tasks.files.seen import seen_path, write_seen
from tasks.files.tables import build_table
from tasks.video import read_frames
from tasks.vision.keypoints import to_table

pytestmark = pytest.mark.slow
FLAGGED = range(20, 26)
VERSION = "looked-at"
LATE = f"clip-{1:016x}"
CUT = "document.querySelector('#released .screen').style.clipPath"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory, release, guise):
    """A copy of the demo in which frames of one clip need eyes; yields its folder and that clip."""
    root = tmp_path_factory.mktemp("review") / "d"
    shutil.copytree(release[0], root, symlinks=True, ignore=shutil.ignore_patterns("s3", "prefect"))
    path = root / "data/evidence/findings.parquet"
    findings = pl.read_parquet(path)
    clip_id = read_admitted(root).sort("width", "clip_id")["clip_id"][-1]
    here = (pl.col("clip_id") == clip_id) & (pl.col("finding") == "flagged")
    flagged = findings.with_columns(
        frames=pl.when(here).then(len(FLAGGED)).otherwise("frames").cast(pl.Int32),
        ranges=pl.when(here).then(pl.lit(f"{FLAGGED[0]}-{FLAGGED[-1]}")).otherwise("ranges"),
    )
    spoke = (pl.col("clip_id") == clip_id) & (pl.col("finding") == "in_mouth")
    flagged = flagged.with_columns(
        frames=pl.when(spoke).then(4).otherwise("frames").cast(pl.Int32),
        ranges=pl.when(spoke).then(pl.lit("31-34")).otherwise("ranges"),
    )
    path.unlink()
    write_table(flagged, FINDINGS, path)
    assert guise(root, "review", "demo-1").returncode == 1
    tell_dvc(root, "validate")
    frozen = guise(root, "candidate", VERSION)
    assert frozen.returncode == 0, frozen.stderr
    return root, clip_id


@pytest.fixture(scope="module")
def served(workspace):
    """The command as a user runs it; yields the process and the address that it prints."""
    command = [sys.executable, "-m", "flows.cli", "--json", "review", VERSION]
    with subprocess.Popen(
        command,
        cwd=workspace[0],
        env=command_environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield process, json.loads(process.stdout.readline())["url"]
        finally:
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=20)
            assert (process.returncode, told) == (0, "")


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser, served):
    with clean_page(browser, served[1], width=1366) as opened:
        yield opened


def _times(page):
    return page.evaluate("[...document.querySelectorAll('video')].map((video) => video.currentTime)")


def test_the_cohort_is_told_and_filtered(page, served, workspace):
    page.goto(served[1])
    candidate = json.loads((workspace[0] / f"data/releases/{VERSION}/candidate.json").read_text())
    assert page.locator("#clips tbody tr").count() == len(candidate["clips"]) + len(candidate["left_out"])
    assert page.locator("svg circle.point").count() == 5
    assert "95 % interval" in page.inner_text("figcaption")
    assert page.inner_text("#shown").startswith(f"{len(candidate['clips']) + len(candidate['left_out'])} of ")
    until(page, "[...document.querySelectorAll('#clips img')].every((one) => one.naturalWidth > 50)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1366
    page.click("nav >> text=failed")
    assert page.locator("#clips tbody tr").count() == page.locator("tr[data-verdict=fail]").count()
    page.click("nav >> text=need eyes")
    assert "show=eyes" in page.url
    shown = page.locator("#clips tbody tr")
    assert shown.count() == page.locator("tr[data-eyes=true]").count() >= 1
    assert workspace[1] in " ".join(shown.all_inner_texts())
    assert page.locator("nav a[aria-current]").inner_text().startswith("need eyes")
    page.click(f"text={workspace[1]}")
    assert page.inner_text("h1").startswith(workspace[1])


def test_both_videos_play_in_step(page, served, workspace):
    open_clip(page, served[1], workspace[1])
    page.click("#play")
    until(page, "document.querySelector('#released video').currentTime > 0.6")
    first, second = _times(page)
    assert abs(first - second) < 0.08
    page.click("#play")
    until(page, "[...document.querySelectorAll('video')].every((video) => video.paused && !video.seeking)")
    until(
        page, "new Set([...document.querySelectorAll('video')].map((video) => video.currentTime)).size === 1"
    )
    assert _times(page)[0] > 0.6


def test_one_is_laid_over_the_other(page, served, workspace):
    open_clip(page, served[1], workspace[1])
    page.keyboard.press("b")
    first, second = (page.locator(f"#{arm} video").bounding_box() for arm in ("original", "released"))
    assert first == second
    assert (
        page.evaluate("document.querySelector('#released .screen').style.clipPath")
        == "inset(0px 0px 0px 50%)"
    )
    page.locator("#edge").fill("20")
    assert "20%" in page.evaluate("document.querySelector('#released .screen').style.clipPath")
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("b")
    first, second = (page.locator(f"#{arm} video").bounding_box() for arm in ("original", "released"))
    assert first["x"] + first["width"] <= second["x"]
    assert page.evaluate(CUT) == ""


def test_a_small_picture_is_of_the_release_where_it_is_worst(served, workspace):
    root, clip_id = workspace
    with urllib.request.urlopen(f"{served[1]}clips/{clip_id}/small.jpg") as answer:
        assert answer.headers["Content-Type"] == "image/jpeg"
        small = cv2.imdecode(np.frombuffer(answer.read(), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert small.shape[1] == WIDTH_PX or small.shape[0] == HEIGHT_PX
    middle = (FLAGGED[0] + FLAGGED[-1]) // 2
    # original and release differ where the face is, and there it is the release that is shown
    arms = [
        next(frame for frame in read_frames(root / video_path(arm, clip_id)) if frame.index == middle).rgb
        for arm in ("original", "released")
    ]
    size_wh = small.shape[1::-1]
    shrunk = [cv2.resize(rgb, size_wh, interpolation=cv2.INTER_AREA).astype(int) for rgb in arms]
    differs = np.abs(shrunk[0] - shrunk[1]).sum(axis=2) > 60
    assert differs.sum() > 20
    off = [np.abs(one - small)[differs].mean() for one in shrunk]
    assert off[1] < off[0] / 2


def test_a_second_reviewer_sees_no_original(browser, workspace):
    root, clip_id = workspace
    with reviewing(root, VERSION, "--released-only") as url, clean_page(browser, url, width=1366) as page:
        page.goto(url)
        open_clip(page, url, clip_id)
        assert page.locator("video").count() == 1
        assert page.locator("#wipe, #released-only, #original").count() == 0
        page.keyboard.press("k")
        page.keyboard.press("o")
        page.keyboard.press("b")
        page.click("#play")
        until(page, "document.querySelector('#released video').currentTime > 0.4")
        page.keyboard.press("n")
        for place in ("original.mp4", "original/0.json", "control.mp4", "control/0.json"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"{url}clips/{clip_id}/{place}")
            # what is left open is told to whichever test comes next
            with refused.value as answer:
                assert answer.code == (403 if place.startswith("original") else 404)
        urllib.request.urlopen(f"{url}clips/{clip_id}/released/0.json").close()


def test_open_mouths_are_told_and_are_no_flags(page, served, workspace):
    open_clip(page, served[1], workspace[1])
    assert "In 4 frames the mouth is open" in page.inner_text("main")
    assert page.locator("#flags .in_mouth").count() == 0


def test_flags_frames_and_keys_seek(page, served, workspace):
    open_clip(page, served[1], workspace[1])
    page.click("#flags button")
    until(page, f"document.querySelector('#timeline').ariaValueNow == {FLAGGED[0]}")
    page.keyboard.press("ArrowRight")
    until(page, f"document.querySelector('#timeline').ariaValueNow == {FLAGGED[0] + 1}")
    page.keyboard.press("Home")
    until(page, "document.querySelector('#timeline').ariaValueNow == 0")
    page.keyboard.press("n")
    until(page, f"document.querySelector('#timeline').ariaValueNow == {FLAGGED[0]}")
    page.keyboard.press("End")
    last = len(page.evaluate("JSON.parse(document.querySelector('#times').textContent)")) - 1
    until(page, f"document.querySelector('#timeline').ariaValueNow == {last}")
    box = page.locator("#timeline").bounding_box()
    page.click("#timeline", position={"x": box["width"] / 2, "y": box["height"] / 2})
    until(page, f"Math.abs(document.querySelector('#timeline').ariaValueNow - {last / 2}) <= 1")
    until(page, "[...document.querySelectorAll('video')].every((video) => !video.seeking)")
    assert _times(page)[0] == _times(page)[1]
    assert page.locator("#timeline rect.flagged").count() == 1
    # a mark that is too narrow to be hit exactly leads to its own frame
    dot = page.locator("#timeline circle").nth(3)
    dot.dispatch_event("click", {"clientX": 0, "clientY": 0})
    until(page, f"document.querySelector('#timeline').ariaValueNow == {dot.get_attribute('data-frame')}")


def test_the_keyboard_alone_is_enough(page, served, workspace):
    page.goto(served[1])
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**?show=pass")
    page.goto(served[1])
    page.focus(f"a[href*='{workspace[1]}']")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/clips/{workspace[1]}")
    until(page, "[...document.querySelectorAll('video')].every((video) => video.readyState >= 3)")
    for _ in range(6):  # also faster than a player begins
        page.keyboard.press(" ")
    page.keyboard.press("End")
    last = len(page.evaluate("JSON.parse(document.querySelector('#times').textContent)")) - 1
    until(page, f"document.querySelector('#timeline').ariaValueNow == {last}")
    page.keyboard.press("p")
    until(page, f"document.querySelector('#timeline').ariaValueNow == {FLAGGED[0]}")
    page.keyboard.press("ArrowLeft")
    until(page, f"document.querySelector('#timeline').ariaValueNow == {FLAGGED[0] - 1}")
    page.wait_for_timeout(300)


def test_the_verdict_stands_rule_by_rule_beside_its_evidence(page, served, workspace):
    open_clip(page, served[1], workspace[1])
    told = page.inner_text("main")
    verdicts = pl.read_parquet(workspace[0] / "data/evidence/verdicts.parquet").filter(clip_id=workspace[1])
    assert verdicts.height
    for rule in verdicts["rule"]:
        assert rule in told
    for said in ("eyelid opening", "had no part in choosing the face", "a face was covered without"):
        assert said in told
    assert page.locator("polyline.released").count() >= 2
    samples = pl.read_parquet(workspace[0] / "data/evidence/identity_frames.parquet")
    here = samples.filter(clip_id=workspace[1], arm="released", recogniser="dlib")
    assert page.locator("circle.seen, circle.unseen").count() == here.height


DRAWN = """(arm) => {
  const canvas = document.querySelector(`#${arm} canvas`);
  const wide = canvas.width, found = [];
  const data = wide ? canvas.getContext('2d').getImageData(0, 0, wide, canvas.height).data : [];
  for (let i = 0; 4 * i < data.length; i++) if (data[4 * i + 3]) found.push([i % wide, Math.floor(i / wide)]);
  return found;
}"""


SHOWN = """(arm) => {
  const video = document.querySelector(`#${arm} video`);
  return [video.videoWidth, video.videoHeight];
}"""


@pytest.mark.parametrize("place", [0, -1])
def test_keypoints_are_drawn_where_they_are(page, served, workspace, place):
    """Also in the smallest clip, whose pixels are not square."""
    clip = read_admitted(workspace[0]).sort("width", "clip_id").row(place, named=True)
    open_clip(page, served[1], clip["clip_id"])
    page.keyboard.press("k")
    for arm in ("original", "released"):
        until(page, f"() => ({DRAWN})('{arm}').length > 300")
        drawn = page.evaluate(DRAWN, arm)
        table = pl.read_parquet(workspace[0] / keypoints_path(arm, clip["clip_id"])).filter(frame=0)
        shown = np.array(page.evaluate(SHOWN, arm)) / [clip["width"], clip["height"]]
        assert (shown[0] != 1) == (place == 0)
        xy = table["face_xy"].drop_nulls().to_numpy().reshape(-1, 2) * shown
        near = {(x + i, y + j) for x, y in drawn for i in (-1, 0, 1) for j in (-1, 0, 1)}
        assert all((round(x), round(y)) in near for x, y in xy.tolist())
    page.keyboard.press("k")
    until(page, f"() => ({DRAWN})('released').length === 0")


def test_the_original_can_be_hidden(page, served, workspace, tmp_path):
    open_clip(page, served[1], workspace[1])
    page.keyboard.press("o")
    assert not page.is_visible("#original")
    page.keyboard.press("k")
    until(page, f"() => ({DRAWN})('released').length > 300")
    page.set_viewport_size({"width": 1000, "height": 960})
    picture = page.screenshot(path=os.environ.get("GUISE_PICTURE", str(tmp_path / "page.png")))
    assert len(picture) > 50_000


def _status(url, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return answer.status, dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers)


def test_new_videos_are_not_shown_beside_old_figures(served, workspace):
    video = workspace[0] / f"data/deidentified/videos/{workspace[1]}.mp4"
    url = f"{served[1]}clips/{workspace[1]}/released.mp4"
    kept = video.stat()
    os.utime(video, ns=(kept.st_atime_ns, kept.st_mtime_ns + 1))
    try:
        assert _status(url)[0] == 409
        # nor the page, whose details are read when it is asked for
        assert _status(f"{served[1]}clips/{workspace[1]}")[0] == 409
    finally:
        os.utime(video, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    assert _status(url)[0] == 200


def test_nobody_without_the_token_sees_anything(served, workspace):
    process, url = served
    port = int(url.split(":")[2].split("/")[0])
    video = f"{url}clips/{workspace[1]}/original.mp4"
    token = url.rstrip("/").rsplit("/", 1)[1]
    asked = [f"{url}clips/{workspace[1]}/control.mp4", f"{url}clips/clip-none/released.mp4",
             f"{url}assets/..%2fpages/clip.html", f"{url}clips/..%2f..%2fparams.yaml/original.mp4",
             f"http://127.0.0.1:{port}/", video.replace(token, "x" * len(token))]  # fmt: skip
    for stranger in asked:
        assert _status(stranger)[0] == 404, stranger
    # a page elsewhere that has its own name point to this machine
    assert _status(video, Host=f"evil.example:{port}")[0] == 400
    status, headers = _status(video, Range="bytes=10-19")
    assert (status, headers["content-length"]) == (206, "10")
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    listening = [c.laddr for c in psutil.Process(process.pid).net_connections() if c.status == "LISTEN"]
    assert [address.ip for address in listening] == ["127.0.0.1"]


def test_a_reader_who_stalls_does_not_keep_the_review_open(workspace, guise):
    command = [sys.executable, "-m", "flows.cli", "--json", "review", VERSION]
    with subprocess.Popen(
        command, cwd=workspace[0], env=command_environment(), text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE
    ) as process:  # fmt: skip
        try:
            url = json.loads(process.stdout.readline())["url"]
            host, port = url.split("/")[2].split(":")
            with socket.create_connection((host, int(port))) as reader:
                path = f"/{url.split('/', 3)[3]}clips/{workspace[1]}/original.mp4"
                reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                reader.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                assert reader.recv(64)
                taken = guise(workspace[0], "review", VERSION, "--port", port)
                process.send_signal(signal.SIGINT)
                _, told = process.communicate(timeout=8)
        finally:
            process.kill()
    assert (process.returncode, told) == (0, "")
    assert taken.returncode == 2
    assert f"port {port} cannot be used" in taken.stderr


PIXEL = """(arm) => {
  const pen = new OffscreenCanvas(8, 8).getContext('2d');
  pen.drawImage(document.querySelector(`#${arm} video`), 0, 0, 8, 8);
  return pen.getImageData(4, 4, 1, 1).data[0];
}"""


@pytest.fixture
def late(tmp_path):
    """The address of a clip of 20 frames, each of its own grey, uneven in time, the first at 1.5 s."""
    pts = [19200 + 512 * number + 128 * (number % 3) for number in range(20)]
    for arm in ("control", "original", "released"):
        path = tmp_path / video_path(arm, LATE)
        path.parent.mkdir(parents=True, exist_ok=True)
        grey = 0 if arm == "original" else 20  # nobody sees it: the control stands in
        write_pictures(path, [np.full((64, 64, 3), grey + 10 * n, np.uint8) for n in range(20)], pts=pts)
        (tmp_path / keypoints_path(arm, LATE)).parent.mkdir(parents=True)
        rows = [{"frame": n, "pts": at, "timestamp_s": at / 12800, "scene": 0, "crowded": False}
                for n, at in enumerate(pts)]  # fmt: skip
        write_seen(tmp_path / seen_path(arm, LATE), *seen_tables(frames=rows))
        to_table([]).write_parquet(tmp_path / keypoints_path(arm, LATE))
    tables = {name: build_table([], schema) for name, schema in (MEASURED | COLLECTED).items()}
    verdict = {"clip_id": LATE, "verdict": "fail", "rule": "face_error", "value": None, "comparison": "<=",
               "threshold": 2.0, "severity": "review", "passed": False}  # fmt: skip
    tables["verdicts"] = build_table([verdict], VERDICTS)
    time_s = [frame.timestamp_s for frame in read_frames(path)]
    assert time_s[0] == 1.5
    write_doubts(tmp_path, LATE)
    doubts = tuple(read_doubts(tmp_path, LATE))
    left = {"clip_id": LATE, "arm": "released", "first_frame": 9, "last_frame": 9, "kind": "word",
            "box_xyxy": [0.0] * 4, "covered": False}  # fmt: skip
    tables["texts"] = build_table([left], CLIP_TEXTS)
    found = [{"finding": "text_left", "ranges": "9"}, {"finding": "text", "ranges": "3-7"}]
    rows = [{"clip_id": LATE, "frames": 1, "worst": None} | row for row in found]
    tables["findings"] = build_table(rows, FINDINGS)
    texts = (
        Text(0, 19, "identifying", covered=True, line="0,19,4,3,33,10,remove,,"),
        Text(3, 7, "other", covered=False, line="3,7,10,30,40,36,add,mask,"),
    )
    outline, details = outline_of(tables)[LATE], Details(time_s, doubts, texts, tables)
    clip = Clip(LATE, "left out", (64, 64), "mpeg4", outline, lambda: details)
    contents = Contents(None, "research", None, {LATE: clip}, build_table([], METHODS))
    with serving(make_app(tmp_path, contents, "token")) as address:
        yield f"{address}token/"


def test_a_clip_that_starts_late_shows_the_frame_that_it_names(browser, late):
    page = browser.new_page()
    page.goto(late)
    assert page.locator("#clips tbody tr").count() == 1
    open_clip(page, late, LATE)
    assert "re-encoded, since browsers do not play mpeg4" in page.inner_text("#original")
    for frame in (7, 13, 2):
        width = page.locator("#timeline").bounding_box()["width"]
        page.click("#timeline", position={"x": width * (frame + 0.5) / 20, "y": 5})
        until(page, f"document.querySelector('#timeline').ariaValueNow == {frame}")
        until(page, "[...document.querySelectorAll('video')].every((video) => !video.seeking)")
        for arm in ("original", "released"):
            assert abs(page.evaluate(PIXEL, arm) - (20 + 10 * frame)) < 5
    page.close()


def test_what_is_shown_after_a_pause_is_the_frame_that_is_named_in_both(browser, late):
    page = browser.new_page()
    open_clip(page, late, LATE)
    stopped = set()
    for wait_ms in range(100, 600, 40):
        page.keyboard.press("Home")
        page.wait_for_timeout(200)
        page.keyboard.press("Space")
        page.wait_for_timeout(wait_ms)
        page.keyboard.press("Space")
        page.wait_for_timeout(300)
        until(page, "[...document.querySelectorAll('video')].every((video) => !video.seeking)")
        frame = int(page.get_attribute("#timeline", "aria-valuenow"))
        stopped.add(frame)
        for arm in ("original", "released"):
            assert abs(page.evaluate(PIXEL, arm) - (20 + 10 * frame)) < 5, (arm, frame)
    assert len(stopped) > 3
    # also where one ends before the other
    page.evaluate("""() => {
      const [original, released] = document.querySelectorAll('video');
      original.currentTime = original.duration - 0.3;
      released.currentTime = released.duration - 0.1;
      released.play();
    }""")
    until(page, "document.querySelector('#released video').ended")
    page.wait_for_timeout(500)
    assert abs(page.evaluate(PIXEL, "original") - (20 + 10 * 19)) < 5
    page.close()


def test_what_may_be_a_face_is_shown_with_the_line_that_answers(browser, late):
    page = browser.new_page()
    open_clip(page, late, LATE)
    rows = page.locator("h2:has-text('May be faces') ~ table tbody tr")
    assert rows.count() == 2
    assert "covered where it was seen" in rows.nth(0).inner_text()
    assert "5,7,10,12,40,44,remove,," in rows.nth(0).inner_text()
    assert "not covered" in rows.nth(1).inner_text()
    rows.nth(0).locator("button").click()
    until(page, "document.querySelector('#timeline').ariaValueNow == 6")
    if picture := os.environ.get("GUISE_DOUBTS"):
        page.screenshot(path=picture, full_page=True)
    page.close()


def test_text_is_shown_with_what_became_of_it_and_what_can_still_be_read(browser, late):
    page = browser.new_page()
    open_clip(page, late, LATE)
    section = page.locator("section:has(h2:has-text('Text in the picture'))")
    assert "something can still be read in frames 9" in section.inner_text()
    rows = section.locator("tbody tr")
    assert [rows.nth(place).locator("td").all_inner_texts() for place in range(rows.count())] == [
        ["0 to 19", "a name, a date or a number", "covered", "0,19,4,3,33,10,remove,,"],
        ["3 to 7", "a few words", "stays", "3,7,10,30,40,36,add,mask,"],
    ]
    rows.nth(1).locator("button").click()
    until(page, "document.querySelector('#timeline').ariaValueNow == 3")
    told = page.inner_text("ol")
    assert "what may be a name, a date or a number can still be read" in told
    assert "text stays that can be read" in told
    if picture := os.environ.get("GUISE_TEXTS"):
        page.screenshot(path=picture, full_page=True)
    page.close()


def test_what_is_watched_is_what_is_approved(workspace, guise, tmp_path):
    root = tmp_path / "d"
    shutil.copytree(workspace[0], root, symlinks=True)
    missing = guise(root, "review", "nothing")
    assert missing.returncode == 2
    assert "guise candidate nothing" in missing.stderr
    video = root / f"data/deidentified/videos/{workspace[1]}.mp4"
    content = video.read_bytes()
    video.unlink()
    video.write_bytes(content + b"0")
    altered = guise(root, "review", VERSION)
    assert altered.returncode == 1
    assert f"is not what is spoken of in {VERSION}: run `guise run`" in altered.stderr
    (root / "dvc.lock").write_text((root / "dvc.lock").read_text() + "\n")
    stale = guise(root, "review", VERSION)
    assert stale.returncode == 1
    assert f"freeze it again with `guise candidate {VERSION}`" in stale.stderr

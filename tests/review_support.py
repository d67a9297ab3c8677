"""Chromium before a review, that must end without an error and asks nobody else for anything."""

import json
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import chdir, contextmanager

import polars as pl
import uvicorn
from playwright.sync_api import sync_playwright
from tests_support import command_environment

from flows.review.contents import read_contents
from flows.review.desk import Desk
from flows.review.outlines import MOVES, SEEN, outlines
from flows.review.server import listening, make_app
from flows.service.deciding import decide_now, mend_now, take_back_now
from flows.workspace.git import git
from flows.workspace.graph import open_repo
from tasks.models.fetch import fetch_member

AXE = (
    "npm:axe-core@4.14.1",
    "axe.min.js",
    "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c",
)
CHROMIUM = shutil.which("chromium")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update"]  # fmt: skip


def copy_undecided(release, root):
    """Copy a release's workspace as it was before anybody had decided on its clips."""
    shutil.copytree(release[0], root, symlinks=True, ignore=shutil.ignore_patterns("s3", "prefect"))
    (root / "data/decisions.yaml").unlink()
    shutil.rmtree(root / "data/releases/demo-1")


def tell_dvc(root, *nodes):
    """Tell DVC that the results, or those of some nodes, are what a run has made."""
    with chdir(root), open_repo(root) as repo:
        for node in nodes or [None]:
            repo.commit(node, force=True)


def keep_in_git(root, message):
    """Commit the results that a test has made up."""
    git(root, "add", "--all", "data", "dvc.lock")
    git(root, "commit", "--quiet", "--all", "--message", message)


@contextmanager
def chromium():
    assert CHROMIUM, "these tests need Chromium: `make test` installs it"
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield running
        running.close()


@contextmanager
def clean_page(browser, address, *, width):
    """Give the block a page that must end without any error, and may ask only below the address."""
    opened = browser.new_page(viewport={"width": width, "height": 900})
    troubles, asked = [], []
    opened.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url))
    yield opened
    opened.close()
    assert troubles == [], troubles
    assert asked
    assert [url for url in asked if not url.startswith((address, "data:"))] == []


def faults(browser, address, scheme):
    """Return what keeps people from a page by the rules of axe-core, which no page of ours would let in."""
    context = browser.new_context(bypass_csp=True, color_scheme=scheme)
    page = context.new_page()
    page.goto(address)
    page.wait_for_timeout(500)
    page.evaluate(fetch_member(*AXE).read_text())
    found = page.evaluate("axe.run()")
    context.close()
    assert found["passes"]
    return [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]]


def until(page, condition):
    # playwright's own waiting asks for a policy that lets strings be run
    for _ in range(100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(100)
    state = "[...document.querySelectorAll('video')].map((v) => [v.currentTime, v.paused, v.seeking])"
    shown = page.evaluate(f"[document.querySelector('#timeline')?.ariaValueNow, {state}]")
    raise AssertionError(f"never so: {condition}, but {shown}")


def open_clip(page, address, clip_id):
    page.goto(f"{address}clips/{clip_id}")
    until(page, "[...document.querySelectorAll('video')].every((video) => video.readyState >= 3)")


@contextmanager
def serving(app):
    """Serve pages from a thread of this process; yields the address without their token."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
    with listening("127.0.0.1", 0) as place:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [place]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{place.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join(10)


@contextmanager
def desk_of(root):
    """Serve a workspace's pages as the command does, without its start of seconds; yields their address."""
    contents = read_contents(root, "research", None)
    desk = Desk(root, contents, decide_now, take_back_now, mend_now)
    with serving(make_app(root, contents, "token", desk)) as address:
        yield f"{address}token/"


@contextmanager
def reviewing(root, *words):
    """Run the command as a user does, in a workspace; yields the address that it prints."""
    command = [sys.executable, "-m", "flows.cli", "--json", "review", *words]
    with subprocess.Popen(
        command, cwd=root, env=command_environment(), text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE
    ) as process:  # fmt: skip
        try:
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=20)
            assert (process.returncode, told) == (0, "")


def outline_of(tables):
    """Return clip_id -> what a list shows of clips with these tables of evidence."""
    broken = tables["verdicts"].filter(~pl.col("passed"))
    seen, moves = tables["identity_frames"].filter(SEEN), tables["invariance"].filter(MOVES)
    return outlines(tables["verdicts"].unique("clip_id"), broken, tables["findings"], seen, moves)

"""An afternoon at the desk: 200 clips, 30 of which need eyes, decided on and approved by keyboard alone.

The clips are the sample cohort's under two hundred names, with its videos and its evidence. What is corrected
here is rendered again elsewhere (test_desk): where a run would do that, DVC is only told that it is so.
With GUISE_DESK=FOLDER pictures are taken, at two widths, light and dark. With GUISE_CLIPS=1000 there are as
many; `pytest -s` tells how long the list takes to open.
"""

import os
import time
from pathlib import Path

import polars as pl
import pytest
import yaml
from review_support import (
    chromium,
    clean_page,
    copy_undecided,
    faults,
    keep_in_git,
    reviewing,
    tell_dvc,
    until,
)

from flows.release.decisions import waiting_clips
from flows.workspace.git import git
from tasks.files.clips import corrections_path, read_admitted

pytestmark = pytest.mark.slow
CLIPS = int(os.environ.get("GUISE_CLIPS", "200"))
REVIEWED, FAILED, VERSION = 27, 3, "afternoon-1"
NAME, BOX = "Dr. Ada Beispiel", ("12", "10", "40", "30")
SHOWN = "document.querySelector('#released video').ended"
MANY = (
    "data/ingested",
    "data/control",
    "data/deidentified",
    "data/keypoints",
    "data/targets",
    "data/evidence",
)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory, release):
    """The demo's clips under two hundred names: some fail, some ask for a person, the others pass."""
    root = tmp_path_factory.mktemp("afternoon") / "d"
    copy_undecided(release, root)
    known = read_admitted(root)["clip_id"].to_list()
    names = {f"clip-{number:016x}": known[number % len(known)] for number in range(CLIPS)}
    for path in [path for folder in MANY for path in (root / folder).rglob("*")]:
        if path.stem in known and path.is_file():
            for name in [name for name, source in names.items() if source == path.stem]:
                path.with_name(f"{name}{path.suffix}").hardlink_to(path)
            path.unlink()
        elif path.suffix == ".parquet":
            _multiply(path, names)
    _judge(root)
    tell_dvc(root)
    keep_in_git(root, "Two hundred clips")
    return root


def _multiply(path, names):
    """Give every clip of the cohort its source's rows."""
    table = pl.read_parquet(path)
    if "clip_id" not in table.columns or table.is_empty():
        return
    parts = table.partition_by("clip_id", as_dict=True, maintain_order=True)
    rows = [
        parts[(source,)].with_columns(clip_id=pl.lit(name))
        for name, source in names.items()
        if (source,) in parts
    ]
    refused = [part for (clip_id,), part in parts.items() if clip_id not in names.values()]
    path.unlink()
    pl.concat([*rows, *refused]).write_parquet(path)


def _judge(root):
    """Let the first clips fail for what is left, the next ones ask for how the face moves."""
    path = root / "data/evidence/verdicts.parquet"
    order = sorted(read_admitted(root)["clip_id"])
    fails, asks = order[:FAILED], order[FAILED : FAILED + REVIEWED]
    broken = (pl.col("clip_id").is_in(fails) & (pl.col("rule") == "no_face_survives")) | (
        pl.col("clip_id").is_in(asks) & (pl.col("rule") == "face_motion")
    )
    failing = pl.col("clip_id").is_in(fails)
    verdict = pl.when(failing).then(pl.lit("fail")).when(pl.col("clip_id").is_in(asks)).then(pl.lit("review"))
    changed = pl.read_parquet(path).with_columns(
        verdict=verdict.otherwise(pl.lit("pass")),
        passed=~broken,
        value=pl.when(broken).then(pl.when(failing).then(2.0).otherwise(1.7)).otherwise("value"),
    )
    path.unlink()
    changed.write_parquet(path)


def _tab_to(page, selector, most=150):
    """Press Tab until what is meant has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate(f"document.activeElement.matches({selector!r})"):
            return
    raise AssertionError(f"nobody gets to {selector} by keyboard")


def _type(page, selector, words):
    _tab_to(page, selector)
    page.keyboard.press("Control+A")
    page.keyboard.type(words)


def _watch(page, *, twice):
    """Play the whole clip, again where the browser could not show enough; twice: at twice its speed first."""
    until(page, "[...document.querySelectorAll('video')].every((video) => video.readyState >= 3)")
    enough = (
        f"{SHOWN} && document.querySelector('#watched').textContent.split(' ')[0] >= .9 * {_frames(page)}"
    )
    if twice:
        page.keyboard.press("2")
    for _ in range(6):
        page.keyboard.press("Home")
        page.keyboard.press("Space")
        until(page, SHOWN)
        for _ in range(12):
            if page.evaluate(enough):
                return
            page.wait_for_timeout(100)
        if twice:
            page.keyboard.press("2")
            twice = False
    raise AssertionError("the browser was too busy to show the clip")


def _frames(page):
    return page.evaluate("JSON.parse(document.querySelector('#times').textContent).length")


def _decide(page, key, reason):
    _type(page, "#by", NAME)
    _type(page, "#why", reason)
    page.keyboard.press("Escape")
    page.keyboard.press(key)
    until(page, "document.querySelector('#answer').textContent === 'on record'")


def _correct(page):
    """Write a row: a box over the frame that is shown."""
    for name, value in zip(("x0", "y0", "x1", "y1"), BOX, strict=True):
        _type(page, f"#{name}", value)
    _tab_to(page, "#save")
    page.keyboard.press("Enter")
    until(page, "document.querySelector('#mended').textContent.startsWith('saved')")


def _pictures(page, name):
    folder = os.environ.get("GUISE_DESK")
    for scheme in ("light", "dark") if folder else ():
        page.emulate_media(color_scheme=scheme)
        for width in (1280, 1920):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(300)
            page.screenshot(path=str(Path(folder) / f"{name}-{width}-{scheme}.png"))
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})


def test_two_hundred_clips_are_looked_at_decided_on_and_approved_by_keyboard(cohort, guise):
    with chromium() as browser:
        with reviewing(cohort) as address, clean_page(browser, address, width=1280) as page:
            begun = time.monotonic()
            page.goto(address)
            print(f"the list of {CLIPS} clips opened in {time.monotonic() - begun:.2f} s")
            assert page.inner_text("#shown").startswith(f"50 of {CLIPS}, page 1 of {-(-CLIPS // 50)};")
            _pictures(page, "list")
            _tab_to(page, "nav.filter a[href*='show=waits']")
            page.keyboard.press("Enter")
            page.wait_for_url("**show=waits*")
            until(page, f"document.querySelector('#shown').textContent.startsWith('{FAILED + REVIEWED} of')")
            assert page.locator("#clips tbody tr").count() == FAILED + REVIEWED
            _tab_to(page, "#clips tbody a")
            page.keyboard.press("Enter")
            page.wait_for_url("**/clips/*")
            seen = _decide_on_all(page)
        assert len(set(seen)) == FAILED + REVIEWED
        assert waiting_clips(cohort) == []
        _check_decisions(cohort)
        tell_dvc(cohort)
        with reviewing(cohort) as address:
            for place in ("", "?show=eyes", "?page=2"):
                assert faults(browser, f"{address}{place}", "light") == []
        frozen = guise(cohort, "candidate", VERSION)
        assert frozen.returncode == 0, frozen.stderr
        with reviewing(cohort, VERSION) as address, clean_page(browser, address, width=1280) as page:
            page.goto(address)
            said = page.inner_text("#approval").replace("\n", " ")
            assert (
                f"{CLIPS - FAILED - 5} clips are in the release, {FAILED + 5} of these are left out" in said
            )
            _type(page, "#by", "Dr. B. Zweitens")
            _type(page, "#why", "watched what was asked of me")
            _tab_to(page, "#approve")
            page.keyboard.press("Enter")
            until(page, "document.querySelector('#answer').textContent.includes('may be published')")
            _pictures(page, "approved")
    approvals = yaml.safe_load((cohort / f"data/releases/{VERSION}/approvals.yaml").read_text())["approvals"]
    assert [one["by"] for one in approvals] == ["Dr. B. Zweitens"]


def _decide_on_all(page):
    """Watch and decide on clip after clip: what fails is corrected and left out, five others are left out."""
    seen = []
    while True:
        until(page, "document.querySelector('#desk')")
        clip_id = page.get_attribute("#desk", "data-clip")
        assert clip_id not in seen
        seen.append(clip_id)
        _watch(page, twice=len(seen) == 1)
        if page.is_disabled("#accept"):
            _correct(page)
            _pictures(page, "corrected") if len(seen) == 1 else None
            _decide(page, "r", "a face was missed; it is corrected and comes with the next release")
        elif len(seen) % 6 == 0:
            _decide(page, "r", "the mouth is what the study is about")
        else:
            _decide(page, "a", "gait is not told by the face")
        if not page.get_attribute("#next-waiting", "href"):
            return seen
        page.keyboard.press("w")
        page.wait_for_url(lambda address, before=clip_id: not address.endswith(before))


def _check_decisions(root):
    records = yaml.safe_load((root / "data/decisions.yaml").read_text())["decisions"]
    assert [one["accepted"] for one in records].count(True) == REVIEWED - 5
    assert {one["by"] for one in records} == {NAME}
    assert all(one["watched"]["frames"] >= 0.9 * one["watched"]["of_frames"] for one in records)
    assert git(root, "log", "--format=%s").splitlines().count("Decide on clips") >= FAILED + REVIEWED
    corrected = [clip_id for clip_id in read_admitted(root)["clip_id"]
                 if (root / corrections_path(clip_id)).is_file()]  # fmt: skip
    assert len(corrected) == FAILED
    for clip_id in corrected:
        (row,) = (root / corrections_path(clip_id)).read_text().splitlines()[1:]
        assert row.split(",")[2:8] == [*BOX, "add", "mask"]
    assert git(root, "status", "--porcelain", "data/corrections", "data/decisions.yaml") == ""

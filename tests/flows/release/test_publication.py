"""A publication that is killed is on record before its first object, and is carried on, or taken back."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing

import psutil
import pytest
import yaml
from s3_support import FaultyRoad
from tests_support import approve_newest, command_environment

from flows.release.record import Record
from flows.screen.transfer import showing_audit
from flows.workspace.git import commit, git
from schemas.release import check_version
from tasks.files.clips import read_admitted
from tasks.files.pseudonyms import known_key, subject_pseudonym
from tasks.publish import open_bucket

BUCKET = "publication"


@pytest.fixture(scope="module")
def copy(release, guise, tmp_path_factory):
    """A copy of the demo with an approved candidate that nobody published."""
    root = tmp_path_factory.mktemp("publication") / "d"
    shutil.copytree(release[0], root, symlinks=True, ignore=shutil.ignore_patterns("prefect"))
    return root


@pytest.fixture(scope="module")
def road(store):
    """A slow road to the store, so that a publisher can be killed on it."""
    with FaultyRoad(store.endpoint).open() as road:
        yield road


@pytest.fixture
def environment(store, road, monkeypatch):
    road.fault = lambda *_: None
    found = store.environment() | {"AWS_ENDPOINT_URL_S3": road.url}
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    for bucket in (BUCKET, "guise-demo"):
        with closing(open_bucket(f"s3://{bucket}").client) as client:
            if bucket not in [one["Name"] for one in client.list_buckets()["Buckets"]]:
                client.create_bucket(Bucket=bucket)
    return found


def _keys(version):
    """Return what of a version is in the bucket."""
    with closing(open_bucket(f"s3://{BUCKET}").client) as client:
        listed = client.list_objects_v2(Bucket=BUCKET, Prefix=f"releases/{version}/")
    return {item["Key"] for item in listed.get("Contents", ())}


def _publish_and_kill(root, version, road, environment):
    """Kill `guise publish` once a video is in the bucket; return the files that are there."""
    road.fault = lambda method, path, _: "hang" if path.endswith("manifest.json") else "slow"
    command = [sys.executable, "-m", "flows.cli", "publish", version, "--to", f"s3://{BUCKET}"]
    with subprocess.Popen(command, cwd=root, env=command_environment() | environment) as process:
        while not any(key.endswith(".mp4") for key in _keys(version)):
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
    road.fault = lambda *_: None
    keys = _keys(version)
    assert f"releases/{version}/manifest.json" not in keys
    return {key for key in keys if not key.endswith(".sig")}


def test_a_killed_publication_is_on_record_and_carried_on(copy, guise, road, environment):
    approve_newest(guise, copy, "killed")
    there = _publish_and_kill(copy, "killed", road, environment)
    record = Record(copy, "killed").publication()
    assert (record.complete, record.to) == (False, f"s3://{BUCKET}")
    assert git(copy, "status", "--porcelain", "data/releases/killed/published.json") == ""
    audit = guise(copy, "audit", "killed", env=environment)
    assert audit.returncode == 1
    assert "did not end: run `guise publish killed` again" in audit.stdout
    again = guise(copy, "--json", "publish", "killed", env=environment)
    assert again.returncode == 0, again.stderr
    told = yaml.safe_load(again.stdout)
    assert there <= set(told["already_there"])
    assert not there & set(told["uploaded"])
    # somebody works on before the tag is there
    git(copy, "tag", "--delete", "release/killed")
    (copy / "notes.txt").write_text("more\n")
    assert commit(copy, "Something else", ["notes.txt"])
    assert guise(copy, "publish", "killed", env=environment).returncode == 0
    audit = guise(copy, "audit", "killed", env=environment)
    assert audit.returncode == 0, audit.stdout


def test_what_a_killed_publication_left_goes_with_the_person(copy, guise, road, environment, api, tmp_path):
    root = tmp_path / "d"
    shutil.copytree(copy, root, symlinks=True)
    approve_newest(guise, root, "given-up")
    _publish_and_kill(root, "given-up", road, environment)
    subject = subject_pseudonym(known_key(root), "Patient Three")
    clips = read_admitted(root).filter(subject=subject)["clip_id"].to_list()
    down = environment | {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}
    words = ["withdraw", "Patient Three", "--reason", "asked for it"]
    first = guise(root, *words, env=down | api)
    assert first.returncode == 2
    assert "not every release could be told: " in first.stderr
    assert "given-up: the store cannot be reached" in first.stderr
    done = guise(root, *words, env=environment | api)
    assert done.returncode == 0, done.stderr
    left = _keys("given-up")
    assert left
    assert not [key for key in left if any(clip in key for clip in clips)]
    refused = guise(root, "publish", "given-up", env=environment)
    assert refused.returncode == 1


def test_who_changes_their_mind_after_the_approval_is_heard(copy, guise, environment):
    approve_newest(guise, copy, "too-late")
    clip = read_admitted(copy)["clip_id"][0]
    rejected = guise(copy, "decide", clip, "--reject", "--by", "Dr. B", "--reason", "a name on the door")
    assert rejected.returncode == 0, rejected.stderr
    refused = guise(copy, "publish", "too-late", "--to", f"s3://{BUCKET}", env=environment)
    assert refused.returncode == 1
    assert f"{clip} was left out, or waits for a decision, since too-late was frozen" in refused.stderr
    assert not _keys("too-late")
    # as before
    taken_back = guise(copy, "decide", clip, "--accept", "--by", "Dr. B", "--reason", "it is gone")
    assert taken_back.returncode == 0, taken_back.stderr


@pytest.mark.parametrize("version", ["2026.11", "v1", "a-b_c.3", "x" * 64])
def test_a_name_that_git_and_s3_take(version, tmp_path):
    assert check_version(version) == version
    subprocess.run(["git", "check-ref-format", f"refs/tags/release/{version}"], check=True)


@pytest.mark.parametrize(
    "version", ["v1.lock", "v1.", "1..2", ".v", "a/b", "", "x" * 65, "allowed_signers", "v 1", "v1\n"]
)
def test_a_name_that_breaks_later_is_refused_at_once(version, copy, guise):
    with pytest.raises(ValueError, match="is no name of a version"):
        check_version(version)
    done = guise(copy, "candidate", version)
    assert done.returncode == 2
    assert "no name of a version" in " ".join(done.stderr.split())


BAR = """
import time
from pathlib import Path
from flows.release.record import Record
from flows.screen.transfer import showing_transfer, showing_audit
from tasks.publish import Step
with showing_transfer(Record(Path.cwd(), "demo-1")) as transfer:
    for number in range(4):
        transfer.tell(Step(str(number), transfer.total_bytes // 5, "created"))
        time.sleep(0.6)
with showing_audit(Path.cwd(), None) as tell:
    tell(transfer.total_bytes // 2)
    time.sleep(0.6)
"""


def test_a_transfer_shows_bytes_and_time_left_on_a_terminal(copy):
    terminal, end = os.openpty()
    environment = command_environment() | {"TERM": "xterm", "COLUMNS": "120"}
    done = subprocess.Popen([sys.executable, "-c", BAR], cwd=copy, env=environment, stdout=end, stderr=end)
    os.close(end)
    shown = b""
    try:
        while piece := os.read(terminal, 65536):
            shown += piece
    except OSError:  # the other side has closed
        pass
    os.close(terminal)
    assert done.wait(30) == 0, shown
    assert b"MB" in shown
    assert b"/s" in shown
    assert b"0:00:0" in shown  # the time left
    with showing_audit(copy, None) as tell:
        tell(1)  # nobody looks: nothing is shown


def test_nothing_is_left_behind(copy):
    assert not [one for one in psutil.Process().children(recursive=True) if "flows.cli" in one.cmdline()]

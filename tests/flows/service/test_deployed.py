"""A release on a real Prefect server: scheduled, waiting for people, carried on by whichever worker comes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
import yaml
from tests_support import DEMO_S, command_environment

from flows.demo.object_store import object_store
from flows.demo.sample import cohort
from flows.host.servers import prefect_server
from flows.release.approval import approve, missing_approvals, require_approvals
from flows.release.candidate import freeze
from flows.release.decisions import judged_clips, waiting_clips
from flows.release.record import Record
from flows.workspace.exclusive import alone
from flows.workspace.git import commit, git
from tasks.files.documents import read_params
from tasks.files.errors import GateRefusedError, InputError
from tasks.publish import open_bucket
from tasks.publish.plan import candidate_digest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # several runs and workers, one after another
BUCKET = "guise-demo"


@pytest.fixture(scope="module")
def hook():
    """A webhook on loopback; yields its address and what it was told."""
    told = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", told
        server.shutdown()


class Place:
    """A workspace with its own Prefect server, and workers that come and go."""

    def __init__(self, root, api, environment):
        self.root, self.api, self.environment = root, api, environment

    @contextmanager
    def worker(self):
        command = [sys.executable, "-m", "flows.service", "worker", "guise"]
        log = (self.root.parent / "worker.txt").open("ab")
        environment = command_environment() | self.environment | {"PYTHONPATH": str(self.root)}
        with log, subprocess.Popen(command, cwd=self.root, env=environment, stdout=log, stderr=log,
                                   start_new_session=True) as process:  # fmt: skip
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGTERM)
                    process.wait(30)

    def call(self, method, path, **body):
        for _ in range(20):
            answer = httpx.request(method, f"{self.api}{path}", json=body or None, timeout=60)
            # its database is busy for a moment, and Prefect's own client asks again, too
            if answer.status_code != 503:
                break
            time.sleep(1)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def start(self, flow, **parameters):
        deadline = time.monotonic() + 120
        while True:
            found = self.call("POST", "/deployments/filter", deployments={"name": {"any_": [flow]}})
            if found:
                break
            assert time.monotonic() < deadline, "nothing was deployed"
            time.sleep(0.5)
        path = f"/deployments/{found[0]['id']}/create_flow_run"
        return self.call("POST", path, parameters=parameters)["id"]

    def state(self, run):
        return self.call("GET", f"/flow_runs/{run}")["state"]

    def until(self, run, *names, seconds=500):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            state = self.state(run)
            if state["name"] in names:
                return state
            assert state["type"] not in ("FAILED", "CRASHED", "COMPLETED"), state
            time.sleep(0.5)
        raise AssertionError(
            f"{state['name']} instead of {names}: {(self.root.parent / 'worker.txt').read_text()}"
        )

    def until_asked(self, run, key):
        """Wait until the run is suspended with this form."""
        deadline = time.monotonic() + 500
        while self.state(run)["state_details"].get("pause_key") != key:
            assert time.monotonic() < deadline, self.state(run)
            time.sleep(0.5)
        self.until(run, "Suspended")

    def artifacts(self, key, which="latest/"):
        """Return what stands under a key: the latest one, or every one there was."""
        return self.call("POST", f"/artifacts/{which}filter", artifacts={"key": {"any_": [key]}})


@pytest.fixture(scope="module")
def place(release, hook, tmp_path_factory):
    """A copy of the demo on whose clips nobody has decided."""
    root = tmp_path_factory.mktemp("work") / "d"
    shutil.copytree(release[0], root, symlinks=True, ignore=shutil.ignore_patterns("prefect"))
    (root / "data/decisions.yaml").unlink()
    git(root, "commit", "--quiet", "--all", "--message", "Nobody has decided")
    with ExitStack() as stack:
        # a server of its own, whose database lies in the workspace
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.delenv("PREFECT_API_URL", raising=False)
        patch.setenv("PREFECT_HOME", str(root / ".guise/prefect"))
        store = stack.enter_context(object_store(root / ".guise/s3"))
        api = stack.enter_context(prefect_server(root))
        environment = store.environment() | {"PREFECT_API_URL": api, "GUISE_WEBHOOK": hook[0]}
        yield Place(root, api, environment)


def test_two_releases_at_once_do_not_mix(place):
    with place.worker():
        with alone(place.root):
            runs = [place.start("release", version=name, to=f"s3://{BUCKET}") for name in ("one", "two")]
            deadline = time.monotonic() + 300
            while not set(runs) <= {one["flow_run_id"] for one in place.artifacts("wait", "")}:
                assert time.monotonic() < deadline
                time.sleep(0.5)
        for run in runs:
            place.until(run, "Suspended")
        for run in runs:
            place.call("POST", f"/flow_runs/{run}/set_state", state={"type": "CANCELLED"}, force=True)
    assert all("goes on when that one has ended" in one["data"] for one in place.artifacts("wait", ""))


def test_a_release_waits_for_people_survives_its_workers_and_is_published(place, guise, hook):
    with place.worker() as worker:
        run = place.start("release", version="2026.11", to=f"s3://{BUCKET}")
        first = place.until(run, "Suspended")
        assert first["state_details"]["pause_key"] == "clips-1"
        (verdicts,) = place.artifacts("verdicts-2026-11")
        assert len(json.loads(verdicts["data"])) == len(cohort(DEMO_S))
        asking = [clip for clip in judged_clips(place.root) if clip.verdict == "review"]
        assert asking
        assert "These clips wait for a person" in hook[1][-1]["text"]
        # a word on other clips than those that wait now accepts nobody
        word = {"by": "Dr. A", "reason": "seen", "digest": "0" * 64}
        place.call("POST", f"/flow_runs/{run}/resume", run_input=word)
        place.until_asked(run, "clips-2")
        assert waiting_clips(place.root) == asking
        os.killpg(worker.pid, signal.SIGKILL)
    # nobody works, and the word counts all the same
    done = guise(place.root, "decide", "--accept", "--by", "Dr. A", "--reason", "seen", env=place.environment)
    assert done.returncode == 0, done.stderr
    with place.worker():
        place.until_asked(run, "candidate-1")
        (shown,) = place.artifacts("candidate-2026-11")
        digest = json.loads((place.root / "data/releases/2026.11/candidate.json").read_text())[
            "dvc_lock_sha256"
        ]
        assert "Watch every clip" in shown["data"]
        assert digest not in shown["data"]
        # a form that is filled in wrongly does not resume
        wrong = httpx.post(
            f"{place.api}/flow_runs/{run}/resume", json={"run_input": {"by": "Dr. B"}}, timeout=30
        )
        assert wrong.json()["status"] == "REJECT"
        # and one that speaks of something else is asked for again
        word = {"by": "Dr. B", "decision": "approve", "reason": "good", "digest": "0" * 64}
        place.call("POST", f"/flow_runs/{run}/resume", run_input=word)
        place.until_asked(run, "candidate-2")
        assert "the digest is not that of 2026.11 as it is now" in hook[1][-1]["text"]
        approved = guise(place.root, "--json", "approve", "2026.11", "--by", "Dr. B", "--reason", "good",
                         "--digest", candidate_digest(Record(place.root, "2026.11").candidate()),
                         env=place.environment)  # fmt: skip
        assert approved.returncode == 0, approved.stderr
        assert json.loads(approved.stdout)["resumed"] == 1
        place.until(run, "Completed")
    assert [record.by for record in Record(place.root, "2026.11").approvals()] == ["Dr. B"]
    assert hook[1][-1]["event"] == "finished"
    for kind in ("graph", "methods", "lineage"):
        assert place.artifacts(f"{kind}-2026-11"), kind
    audit = guise(place.root, "audit", "2026.11", env=place.environment)
    assert audit.returncode == 0, audit.stdout + audit.stderr


def test_an_audit_that_fails_tells_people(place, hook, monkeypatch):
    for name, value in place.environment.items():
        monkeypatch.setenv(name, value)
    bucket = open_bucket(f"s3://{BUCKET}")
    bucket.client.put_object(Bucket=BUCKET, Key="releases/2026.11/more.txt", Body=b"")
    with place.worker():
        run = place.start("audit")
        deadline = time.monotonic() + 500
        while place.state(run)["type"] != "FAILED":
            assert time.monotonic() < deadline
            time.sleep(0.5)
    bucket.client.delete_object(Bucket=BUCKET, Key="releases/2026.11/more.txt")
    bucket.client.close()
    events = [one for one in hook[1] if one["event"] == "unsound"]
    assert "more.txt does not belong to the release" in events[-1]["text"]


def test_nothing_of_the_private_side_is_on_the_page(place):
    everything = b"".join(
        path.read_bytes() for path in (place.root / ".guise/prefect").rglob("*") if path.is_file()
    )
    assert b"Another run is at work" in everything
    for word in (b"Patient Three", b"cap12.mp4", b"cap13"):
        assert word not in everything


def test_two_different_people_where_two_are_asked_for(place, monkeypatch):
    root, record = place.root, Record(place.root, "two")
    params = yaml.safe_load((root / "params.yaml").read_text())
    kept = (root / "params.yaml").read_text()
    params["publish"]["approvals"] = {"people": 2, "approvers": ["Dr. A", "Dr. B", "Dr. C"]}
    (root / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    try:
        assert not waiting_clips(root)
        settings = read_params(root)
        rule = settings.publish.approvals
        candidate = freeze(root, "two", settings)
        seen = candidate_digest(candidate)
        with pytest.raises(GateRefusedError, match="not among those who may approve"):
            approve(record, settings, "Dr. X", "why", [], digest=seen)
        approve(record, settings, "Dr. A", "seen", [], digest=seen)
        assert missing_approvals(record, candidate, rule) == 1
        with pytest.raises(GateRefusedError, match="1 of 2 people have approved"):
            require_approvals(record, candidate, rule)
        for again in (" dr.  a", "Dr.\u200b A", "\uff24r. A", "Dr.\u00a0A"):
            with pytest.raises(GateRefusedError, match="has approved two already: another person must"):
                approve(record, settings, again, "again", [], digest=seen)
        with pytest.raises(GateRefusedError, match="the digest is not that of two as it is now"):
            approve(record, settings, "Dr. B", "seen", [], digest="0" * 64)
        approve(record, settings, "Dr. B", "seen", [], digest=seen[:12])
        assert [one.by for one in require_approvals(record, candidate, rule)] == ["Dr. A", "Dr. B"]
    finally:
        (root / "params.yaml").write_text(kept)
        commit(root, "As before", ["params.yaml"])


def test_two_runs_of_one_workspace_do_not_mix(place, guise):
    with alone(place.root):
        done = guise(place.root, "run", env=place.environment)
        with pytest.raises(InputError, match="another run is at work"), alone(place.root):
            pass
    assert done.returncode == 2
    assert "another run is at work in this workspace" in done.stderr
    with alone(place.root):
        pass

"""A package to publish, publishers in processes of their own, and a road to the store that misbehaves."""

import http.client
import multiprocessing
import os
import signal
import sys
import threading
import time
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import tasks.publish.create as create_module
import tasks.publish.upload as upload_module
from schemas.release import Latest, Manifest, PublishedFile, ReleaseFile
from tasks.files.errors import GuiseError
from tasks.files.hashing import sha256_bytes
from tasks.publish import Package, open_bucket, publish_release
from tasks.publish.plan import manifest_bytes

CONTENTS = {"videos/a.mp4": b"video" * 1000, "videos/b.mp4": b"other" * 500, "datasheet.md": b"read me\n"}


def make_package(root, version="v1", contents=None):
    """Write files and return them as a package; equal contents make equal packages."""
    contents = dict(contents or CONTENTS)
    lines = [f"{sha256_bytes(content)}  {path}\n" for path, content in sorted(contents.items())]
    contents["SHA256SUMS"] = "".join(lines).encode()
    for path, content in contents.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return read_package(root, version)


def read_package(root, version):
    """Return the package whose files lie in a folder."""
    files = []
    for path in sorted(path for path in root.rglob("*") if path.is_file() and ".guise" not in path.parts):
        name, content = str(path.relative_to(root)), path.read_bytes()
        files.append(ReleaseFile(path=name, source=name, sha256=sha256_bytes(content), bytes=len(content)))
    named = [PublishedFile(**file.model_dump(exclude={"source"})) for file in files]
    manifest = Manifest(
        version=version, candidate_sha256="0" * 64, code_revision="0" * 40, dvc_lock_sha256="0" * 64,
        approvals_hmac_sha256=["0" * 64], files=named,
    )  # fmt: skip
    content = manifest_bytes(manifest)
    return Package(version, files, content, b"signature of " + sha256_bytes(content).encode())


def publish(root, package, bucket, parallel=3):
    """Publish and return (key, state) of every object that was ended."""
    steps = []
    publish_release(root, package, bucket, parallel, steps.append)
    return [(step.key.removeprefix(bucket.prefix), step.state) for step in steps if step.state != "part"]


def what_a_reader_sees(bucket):
    """Return the version that latest.json names, once all that its manifest names is there; None for none."""
    latest = bucket.read(f"{bucket.prefix}latest.json")
    if latest is None:
        return None
    named = Latest.model_validate_json(latest[0])
    folder = f"{bucket.prefix}releases/{named.version}/"
    content, _ = bucket.read(f"{folder}manifest.json")
    assert sha256_bytes(content) == named.manifest_sha256
    assert bucket.read(f"{folder}manifest.json.sig")
    for file in Manifest.model_validate_json(content).files:
        assert bucket.sha256(folder + file.path) == file.sha256
    return named.version


def _say_what_is_written(params, **_):
    print("wrote", params["Key"], params.get("PartNumber", ""))


def _die_after(client, calls):
    left = [calls]
    lock = threading.Lock()

    def count(**_):
        with lock:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    client.meta.events.register("after-call.s3", count)


class FaultyRoad(ThreadingHTTPServer):
    """A road to the store; fault: is asked for each request and may return what to do with it.

    A fault is "503", "expired", "conflict" (409), "slow", "hang" (no answer for long), "lie" (a wrong
    checksum comes back) or "cut" (no answer at all).
    """

    daemon_threads = True

    def __init__(self, endpoint):
        super().__init__(("127.0.0.1", 0), _Forward)
        self.store = urlsplit(endpoint)
        self.fault = lambda method, path, number: None
        self.count = 0
        self.lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def next_fault(self, method, path):
        with self.lock:
            self.count += 1
            return self.fault(method, path, self.count)

    @contextmanager
    def open(self):
        """Serve until the block ends."""
        threading.Thread(target=self.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            self.shutdown()
            self.server_close()


class _Forward(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    refusals = {
        "503": (503, "SlowDown"), "expired": (400, "ExpiredToken"),
        "conflict": (409, "ConditionalRequestConflict"),
    }  # fmt: skip
    waits = {"slow": 0.3, "hang": 3.0}

    def _forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.server.next_fault(self.command, self.path)
        time.sleep(self.waits.get(fault, 0))
        if fault in ("cut", "hang"):
            self.close_connection = True
        elif fault in self.refusals:
            status, code = self.refusals[fault]
            self._answer(status, {}, f"<Error><Code>{code}</Code></Error>".encode())
        else:
            self._pass_on(body, lies=fault == "lie")

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _forward  # noqa: N815

    def _pass_on(self, body, *, lies):
        store = self.server.store
        with closing(http.client.HTTPConnection(store.hostname, store.port, timeout=60)) as link:
            link.request(self.command, self.path, body=body, headers=dict(self.headers.items()))
            answer = link.getresponse()
            headers, content = dict(answer.getheaders()), answer.read()
        if lies:
            headers |= {name: "AAAA" for name in headers if "checksum-sha256" in name.lower()}
        self._answer(answer.status, headers, content)

    def _answer(self, status, headers, body):
        self.send_response_only(status)
        length = headers.get("Content-Length") if self.command == "HEAD" else len(body)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(length or 0))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


# each publisher is a process that is killed for real, forked from one that has imported all that it needs
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["s3_support"])


class Publisher:
    """Publish what make_package wrote, files of more than 5 MiB in parts, and die after so many S3 calls."""

    def __init__(self, folder, to, *calls):
        self._log = folder.parent / f"{folder.name}-{time.monotonic_ns()}.txt"
        self._process = _FORKS.Process(
            target=_publish_aside, args=(dict(os.environ), self._log, folder, to, *calls)
        )
        self._process.start()

    def wait(self):
        """Return the exit code, below zero where it was killed, and what was written and said."""
        self._process.join(120)
        return self._process.exitcode, self._log.read_text()


def _publish_aside(environment, log, folder, to, *calls):
    os.environ.update(environment)
    with log.open("w", buffering=1) as sink, redirect_stdout(sink), redirect_stderr(sink):
        bucket = open_bucket(to)
        create_module.PART_BYTES = upload_module.PART_BYTES = 5 << 20
        for call in ("PutObject", "UploadPart"):
            bucket.client.meta.events.register(f"provide-client-params.s3.{call}", _say_what_is_written)
        if calls:
            _die_after(bucket.client, *calls)
        try:
            print(*publish(folder, read_package(folder, folder.name), bucket, parallel=1), sep="\n")
        except GuiseError as error:
            print(error)
            sys.exit(1)

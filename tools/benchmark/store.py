"""Measure publication and audit beside plain boto3, on a local S3 server.

    python -m tools.benchmark.store [--objects 10000] [--gigabytes 5]

Prints a table for many small objects and one for a few large ones; each job runs in a process of its own.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from flows.audit.objects import object_findings
from flows.demo.object_store import object_store
from flows.screen.console import show_table
from schemas.release import Candidate, ReleaseFile
from tasks.files.errors import AuditFailedError
from tasks.files.hashing import sha256_file
from tasks.publish import Package, open_bucket, publish_release, read_manifest
from tasks.publish.plan import SUMS_NAME, make_manifest, manifest_bytes

SMALL_BYTES, LARGE_BYTES, PARALLEL = 20_000, 1 << 30, 8
VERSION, CANDIDATE = "benchmark", "candidate.json"


def fill(folder: Path, count: int, size_each: int) -> Candidate:
    """Write files of random bytes and the candidate that names them."""
    files = []
    names = [SUMS_NAME, *(f"videos/{number:06}.mp4" for number in range(count))]
    for name, size in zip(names, [min(size_each, SMALL_BYTES), *[size_each] * count], strict=True):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            for start in range(0, size, 1 << 20):
                stream.write(os.urandom(min(1 << 20, size - start)))
        files.append(ReleaseFile(path=name, source=name, sha256=sha256_file(path), bytes=size))
    candidate = Candidate(
        version=VERSION, purpose="research", code_revision="0" * 40, dvc_lock_sha256="0" * 64,
        clips=[], left_out=[], files=files,
    )  # fmt: skip
    (folder / CANDIDATE).write_text(candidate.model_dump_json())
    return candidate


def publish_all(folder: Path, to: str) -> None:
    """Publish as `guise publish` does."""
    candidate = Candidate.model_validate_json((folder / CANDIDATE).read_text())
    package = Package(VERSION, candidate.files, manifest_bytes(make_manifest(candidate, [])), b"signature")
    publish_release(folder, package, open_bucket(to), PARALLEL, lambda _: None)


def audit_all(folder: Path, to: str) -> None:
    """Read every object back as `guise audit` does. Raises AuditFailedError."""
    bucket = open_bucket(to)
    present = read_manifest(bucket, VERSION)
    if present is None or object_findings(
        bucket, present[0], bucket.keys(bucket.prefix + "releases/"), {}, lambda _: None
    ):
        raise AuditFailedError("what was published is not what was sent")


def upload_plainly(folder: Path, to: str) -> None:
    """Send the same files by boto3's own `upload_file`, one after the other; large ones in its own parts."""
    client, name = open_bucket(to).client, open_bucket(to).name
    for file in Candidate.model_validate_json((folder / CANDIDATE).read_text()).files:
        client.upload_file(str(folder / file.source), name, f"plain/{file.path}")


JOBS = {
    "boto3 upload_file": upload_plainly,
    "publish": publish_all,
    "publish again": publish_all,
    "audit": audit_all,
}


def measure(folder: Path, to: str) -> dict[str, tuple[float, float]]:
    """Return job -> seconds and peak memory in MB."""
    found = {}
    for name in JOBS:
        command = [sys.executable, "-m", "tools.benchmark.store", "--job", name, str(folder), to]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
        found[name] = tuple(json.loads(done.stdout))
    return found


def benchmark(count: int, size: int, label: str) -> None:
    """Measure one set of files and print its table."""
    folder = Path(tempfile.mkdtemp(prefix="guise-benchmark-"))
    try:
        candidate = fill(folder / "files", count, size)
        megabytes = sum(file.bytes for file in candidate.files) / 1e6
        with object_store(folder / "s3") as store:
            os.environ.update(store.environment())
            open_bucket("s3://benchmark").make()
            found = measure(folder / "files", "s3://benchmark/ours")
        plain = found["boto3 upload_file"][0]
        rows = [
            [name, f"{seconds:.1f}", f"{megabytes / seconds:.0f}", f"{plain / seconds:.2f}", f"{peak:.0f}"]
            for name, (seconds, peak) in found.items()
        ]
        columns = ["job", "seconds", "MB a second", "of boto3's speed", "peak memory, MB"]
        show_table(f"{label}: {len(candidate.files)} objects, {megabytes:.0f} MB", columns, rows)
    finally:
        shutil.rmtree(folder)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--gigabytes", type=int, default=5)
    parser.add_argument("--job", nargs=3, metavar=("NAME", "FOLDER", "TO"))
    words = parser.parse_args()
    if words.job:
        name, folder, to = words.job
        started = time.monotonic()
        JOBS[name](Path(folder), to)
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        print(json.dumps([time.monotonic() - started, peak_mb]))
        return
    if words.objects:
        benchmark(words.objects, SMALL_BYTES, "Small objects")
    if words.gigabytes:
        benchmark(words.gigabytes, LARGE_BYTES, "Large objects")


if __name__ == "__main__":
    main()

"""A workspace that the code made before the house had rooms, a release in it, is brought over."""

import csv
import io
import shutil
import subprocess
import sys
import tarfile

import polars as pl
import pytest
import yaml
from tests_support import REPO, audited, command_environment

from flows.demo.sample import COLUMNS
from flows.workspace.graph import changed_nodes
from tasks.files.hashing import sha256_file
from tasks.publish import open_bucket

BEFORE = "ed070378204a1c58baf708ba4801c3e07f315481"
BUCKET, VERSION = "guise-former", "v1"
KEPT = (
    ".secrets/pseudonym.key", ".secrets/signing.key", "data/pseudonym_key.json", "data/decisions.yaml",
    "data/raw.dvc", "data/targets/targets.parquet", "data/releases/v1/candidate.json",
    "data/releases/v1/approvals.yaml", "data/releases/v1/published.json",
)  # fmt: skip


def _ask_for_less(root):
    """Take fewer frames and targets: which one is given, and how sure figures are, is not spoken of here."""
    document = yaml.safe_load((root / "params.yaml").read_text())
    document["deidentify"]["targets"] |= {"frames": 2, "others": 0}
    document["validate"]["identity_frames"] = 3
    (root / "params.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    recipes = yaml.safe_load((root / "params/targets.yaml").read_text())
    pool = recipes["deidentify"]["targets"]["pool"]
    recipes["deidentify"]["targets"]["pool"] = dict(list(pool.items())[:8])
    (root / "params/targets.yaml").write_text(yaml.safe_dump(recipes, sort_keys=False))


@pytest.fixture(scope="module")
def former(tmp_path_factory, sample, api, store):
    """A workspace with a release, all of it made by the commit before the move; the environment it needs."""
    known = subprocess.run(["git", "cat-file", "-e", BEFORE], cwd=REPO, capture_output=True, check=False)
    if known.returncode:
        pytest.skip("the history of this clone does not reach back to the commit before the move")
    folder = tmp_path_factory.mktemp("former")
    archive = subprocess.run(["git", "archive", BEFORE], cwd=REPO, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tree:
        tree.extractall(folder / "code", filter="data")
    environment = command_environment() | store.environment() | api | {"PYTHONPATH": str(folder / "code")}

    def run(where, *words):
        command = [sys.executable, "-m", "flows.cli", *words]
        done = subprocess.run(
            command, cwd=where, env=environment, capture_output=True, text=True, check=False, timeout=500
        )
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    root = folder / "w"
    run(folder / "code", "workspace", str(root))
    shutil.copyfile(sample("cap12", 0.6), root / "data/inbox/a.mp4")
    with (root / "data/inbox/manifest.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([COLUMNS, ["a.mp4", "Patient One", "s1", "talking", "yes", "", "", ""]])
    _ask_for_less(root)
    run(root, "ingest")
    run(root, "run")
    run(root, "decide", "--accept", "--by", "Dr. A", "--reason", "seen")
    digest = run(root, "--json", "candidate", VERSION).split('"digest": "')[1][:64]
    run(root, "approve", VERSION, "--digest", digest, "--by", "Dr. A", "--reason", "seen")
    return root, environment | {"PYTHONPATH": str(REPO)}, run


@pytest.mark.slow
def test_nothing_is_lost_and_the_release_still_audits(former, guise, store, monkeypatch):
    root, environment, run = former
    for name, value in store.environment().items():
        monkeypatch.setenv(name, value)
    open_bucket(f"s3://{BUCKET}").make()
    run(root, "publish", VERSION, "--to", f"s3://{BUCKET}")
    before = {name: sha256_file(root / name) for name in KEPT}
    targets = pl.read_parquet(root / "data/targets/targets.parquet")

    brought = guise(REPO, "workspace", str(root), env=environment)
    assert brought.returncode == 0, brought.stderr
    assert "start again every release run that waits for a person" in " ".join(brought.stdout.split())
    assert {name: sha256_file(root / name) for name in KEPT} == before
    assert not (root / "flows/work.py").exists()
    assert audited(root, VERSION).findings == ()
    done = guise(root, "audit", VERSION, env=environment)
    assert done.returncode == 0, done.stdout

    # everything is done once more; who was given a face keeps it, and is now given its shape, too
    assert changed_nodes(root)
    done = guise(root, "run", env=environment)
    assert done.returncode == 0, done.stderr
    now = pl.read_parquet(root / "data/targets/targets.parquet")
    assert now.drop("share").equals(targets)
    assert set(now["share"]) == {1.0}
    assert {path.stem for path in (root / "data/targets/shapes").iterdir()} == set(targets["subject"])
    assert changed_nodes(root) == []
    assert audited(root, VERSION).findings == ()
    again = guise(REPO, "workspace", str(root), env=environment)
    assert "start again" not in again.stdout

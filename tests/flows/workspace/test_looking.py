"""How often DVC looks at what nodes read, what it keeps of it, and that it sees what it saw before."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from contextlib import chdir

import pytest
import yaml
from dvc.output import Output
from dvc.repo import Repo
from fsspec.implementations.memory import MemoryFileSystem
from tests_support import REPO

from flows.workspace.git import git
from flows.workspace.graph import Node, changed_nodes, init_repo, open_repo
from flows.workspace.ready import is_done

COPY = "mkdir -p {0} && cp given/* {0} && cat {1}/* > {0}/all"
NODES = {
    "first": {"cmd": COPY.format("one", "given"), "deps": ["given"], "outs": [{"one": {"persist": True}}]},
    "second": {
        "cmd": COPY.format("two", "one"), "deps": ["given", "one"], "params": ["speed"],
        "outs": [{"two": {"persist": True}}],
    },
    "third": {
        "cmd": COPY.format("three", "two"), "deps": ["given", "one", "two"],
        "outs": [{"three": {"persist": True}}, {"note.json": {"persist": True, "cache": False}}],
    },
}  # fmt: skip
NODES["third"]["cmd"] += " && echo 1 > note.json"


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory):
    """A repository of three nodes that read one folder, each run."""
    root = tmp_path_factory.mktemp("graph")
    git(root, "init", "--quiet")
    init_repo(root)
    (root / "given").mkdir()
    for number in range(3):
        (root / f"given/{number}.txt").write_text(f"{number}\n")
    (root / "params.yaml").write_text("speed: 1\n")
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": NODES}))
    _reproduce(root, open_repo)
    return root


def _reproduce(root, repository, nodes=tuple(NODES)):
    for name in nodes:
        with chdir(root), repository(root) as repo:
            repo.reproduce([name], single_item=True)


@pytest.fixture
def root(reproduced, tmp_path, monkeypatch):
    copied = shutil.copytree(reproduced, tmp_path / "graph")
    monkeypatch.chdir(copied)  # from elsewhere, DVC calls nodes by their paths
    return copied


@pytest.fixture
def looks(monkeypatch):
    """Count how often a path is looked at."""
    counted = Counter()
    build = Output._build

    def counting(self, *args, **kwargs):
        counted[str(self)] += 1
        return build(self, *args, **kwargs)

    monkeypatch.setattr(Output, "_build", counting)
    return counted


def test_what_three_nodes_name_is_looked_at_once(root, looks):
    assert changed_nodes(root) == []
    assert looks == dict.fromkeys(("given", "one", "two", "three", "note.json"), 1)
    looks.clear()
    assert is_done(root, [Node(name, ()) for name in NODES])
    assert set(looks.values()) == {1}


def test_a_run_looks_less_often_at_what_a_node_reads_than_dvc_itself(root, looks):
    counted = []
    for number, repository in enumerate((open_repo, Repo)):
        (root / "given/0.txt").write_text(f"other {number}\n")
        _reproduce(root, repository, ["first"])
        counted.append(looks.pop("given"))
    assert counted[0] <= counted[1] - 2


def test_nothing_that_was_seen_is_kept(root):
    MemoryFileSystem.store.clear()
    assert changed_nodes(root) == []
    assert not MemoryFileSystem.store
    (root / "given/0.txt").write_text("other\n")
    _reproduce(root, open_repo, ["first"])
    with chdir(root), open_repo(root) as repo:
        (stage,) = repo.stage.collect("third")
        stage.save_deps()
        assert [one.obj for one in stage.deps if one.hash_info.isdir] == [None] * 3
    assert not MemoryFileSystem.store


CHANGES = {
    "what all read": lambda root: (root / "given/1.txt").write_text("other\n"),
    "one more": lambda root: (root / "given/3.txt").write_text("more\n"),
    "an output": lambda root: (root / "one/1.txt").unlink(),
    "what the last made": lambda root: shutil.rmtree(root / "three"),
    "a note": lambda root: (root / "note.json").write_text("2\n"),
    "a setting": lambda root: (root / "params.yaml").write_text("speed: 2\n"),
    "a command": lambda root: (root / "dvc.yaml").write_text(
        (root / "dvc.yaml").read_text().replace("cat two", "cat  two")
    ),
    "the cache": lambda root: shutil.rmtree(root / ".dvc/cache"),
    "nothing": lambda root: None,
}


@pytest.mark.parametrize("change", CHANGES)
def test_it_sees_what_dvc_itself_sees(root, change):
    CHANGES[change](root)
    told = subprocess.run(
        [sys.executable, "-m", "dvc", "status", "--json"], check=True, capture_output=True, text=True
    )
    said = sorted(json.loads(told.stdout))
    assert changed_nodes(root) == said
    assert is_done(root, [Node(name, ()) for name in NODES]) == (not said)


def test_what_changes_between_two_looks_is_seen(root):
    assert changed_nodes(root) == []
    (root / "given/1.txt").write_text("other\n")
    assert changed_nodes(root) == ["first", "second", "third"]
    (root / "given/1.txt").write_text("1\n")
    assert changed_nodes(root) == []


def test_a_run_leaves_in_the_lock_what_dvc_itself_leaves(root, tmp_path):
    other = shutil.copytree(root, tmp_path / "other")
    for place in (root, other):
        (place / "given/0.txt").write_text("other\n")
    _reproduce(root, open_repo)
    # as a process that knows nothing of us
    subprocess.run([sys.executable, "-m", "dvc", "repro", "--quiet"], cwd=other, check=True)
    ours, theirs = (yaml.safe_load((place / "dvc.lock").read_text()) for place in (root, other))
    assert ours == theirs
    assert (root / "two/0.txt").read_bytes() == b"other\n"


def test_no_run_of_our_graph_would_be_kept(root):
    """DVC keeps runs of nodes whose outputs do not persist; ours do, all of them."""
    shutil.copy(REPO / "dvc.yaml", root / "dvc.yaml")
    (root / "dvc.lock").unlink()
    shutil.copy(REPO / "params.yaml", root / "params.yaml")
    with open_repo(root) as repo:
        assert all(one.persist for stage in repo.index.stages for one in stage.outs)

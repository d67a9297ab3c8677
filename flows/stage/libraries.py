"""The versions of what decodes, draws and judges: others give other pixels and figures."""

from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from tasks.files.documents import read_document, write_json
from tasks.files.errors import StageError

# every node of the graph depends on it: dvc.lock says by which versions each was made
LIBRARIES_PATH = Path("data/libraries.json")
NAMES = (
    "ai-edge-litert", "av", "dlib-bin", "insightface", "numpy", "onnxruntime", "onnxruntime-gpu",
    "opencv-python", "polars", "scipy", "torch", "ultralytics",
)  # fmt: skip


class Libraries(BaseModel):
    """versions: package -> version."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    versions: dict[str, str]


@cache
def installed() -> dict[str, str]:
    """Return the version of each library that is installed here."""
    versions = {}
    for name in NAMES:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions


def noted(root: Path) -> dict[str, str]:
    """Return the versions that the workspace's results are made by; empty where none were noted."""
    path = root / LIBRARIES_PATH
    return read_document(path, Libraries).versions if path.is_file() else {}


def note_libraries(root: Path) -> None:
    """Write down what is installed; with other versions than before every node is done again."""
    if noted(root) != installed():
        write_json({"versions": installed()}, root / LIBRARIES_PATH)


def require_noted(root: Path) -> None:
    """Raise StageError where this process computes by other versions than the workspace's results."""
    here, there = installed(), noted(root)
    other = sorted(name for name in here.keys() | there.keys() if here.get(name) != there.get(name))
    if there and other:
        name = other[0]
        raise StageError(
            f"{name} is {here.get(name, 'not installed')} here, and {there.get(name, 'none')} in "
            f"{LIBRARIES_PATH}: use `guise run`, which notes it and does everything again"
        )

"""A module whose first line says "(pure)" touches nothing but what it is given: read, not listed."""

import ast
from functools import cache
from pathlib import Path

import pytest
from tests_support import REPO

PACKAGES = ("flows", "tasks", "schemas", "tools")
# files, clocks, other processes, the network, and the packages that bring them
IMPURE = {
    "ai_edge_litert", "av", "boto3", "botocore", "datetime", "dlib", "dvc", "http", "httpx", "importlib",
    "logging", "multiprocessing", "onnxruntime", "os", "pathlib", "prefect", "random", "secrets", "shutil",
    "socket", "subprocess", "sys", "tempfile", "threading", "time", "urllib", "uuid",
}  # fmt: skip
SPEAKING = {"open", "print", "input", "exec", "eval", "__import__"}
READING = ("read_", "write_", "scan_", "sink_", "imread", "imwrite", "fromfile", "tofile", "save", "load")
# they hold functions of paths, which no pure module can name
ALLOWED = {"tasks.files.errors", "tasks.files.hashing"}
# into memory
EXCUSED = {
    "tasks.files.tables": {"calls write_csv", "calls write_parquet"},
    "flows.release.documents.provenance": {"calls loads"},
}


@cache
def _modules(root: Path) -> dict[str, Path]:
    paths = [path for package in PACKAGES for path in (root / package).rglob("*.py")]
    names = (
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__") for path in paths
    )
    return dict(zip(names, paths, strict=True))


def _says_pure(tree: ast.Module) -> bool:
    return "(pure)" in (ast.get_docstring(tree) or "").split("\n")[0]


def _at_run_time(node: ast.AST) -> list[ast.AST]:
    """Return the nodes of a tree without what only a type checker reads."""
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return []
    return [node, *(found for child in ast.iter_child_nodes(node) for found in _at_run_time(child))]


@cache
def pure_modules(root: Path) -> list[str]:
    return sorted(name for name, path in _modules(root).items() if _says_pure(ast.parse(path.read_text())))


def impurities(root: Path, name: str) -> list[str]:
    """Return what a module imports or calls that a pure one may not."""
    modules, pure, found = _modules(root), pure_modules(root), []
    for node in _at_run_time(ast.parse(modules[name].read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [one if one in modules else str(node.module) for one in whole]
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func).split(".")[-1]
            if called in SPEAKING or (isinstance(node.func, ast.Attribute) and called.startswith(READING)):
                found.append(f"calls {called}")
        for one in names:
            is_ours = one.split(".")[0] in PACKAGES and not one.startswith("schemas")
            if one.split(".")[0] in IMPURE or (is_ours and one not in ALLOWED.union(pure)):
                found.append(f"imports {one}")
    return found


PURE = pure_modules(REPO)


def test_many_modules_say_so():
    assert len(PURE) >= 50


@pytest.mark.parametrize("name", PURE)
def test_what_says_pure_is_pure(name):
    assert set(impurities(REPO, name)) == EXCUSED.get(name, set())


def test_the_test_finds_what_is_not(tmp_path):
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks/clean.py").write_text('"""Add (pure)."""\n\nimport numpy as np\n')
    (tmp_path / "tasks/files.py").write_text('"""Read."""\n\nfrom pathlib import Path\n')
    kinds = {
        "clock": ("import time\n", "imports time"),
        "inside": (
            "def now():\n    from datetime import date\n    return date.today()\n",
            "imports datetime",
        ),
        "through": ("from tasks.files import Path\n", "imports tasks.files"),
        "a_module": ("from tasks import files, clean\n", "imports tasks.files"),
        "speaks": ("print(1)\n", "calls print"),
        "reads": ("import polars as pl\n\npl.read_csv('a')\n", "calls read_csv"),
    }
    for name, (text, _) in kinds.items():
        (tmp_path / f"tasks/{name}.py").write_text(f'"""Do (pure)."""\n\nfrom tasks import clean\n{text}')
    for name, (_, said) in kinds.items():
        assert impurities(tmp_path, f"tasks.{name}") == [said], name
    assert impurities(tmp_path, "tasks.clean") == []

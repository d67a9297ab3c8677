"""Which project modules a stage runs, and their digest."""

import ast
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from flows.host.environment import STATE, private_folder
from tasks.files.documents import read_document
from tasks.files.errors import DocumentError
from tasks.files.hashing import sha256_bytes, sha256_document
from tasks.files.whole import write_bytes

PACKAGES = ("flows", "tasks", "schemas")
# what modules do, by their content: finding out takes a second
KNOWN = STATE / "modules.json"
PYTHON = "{}.{}".format(*sys.version_info)


@cache
def module_path(root: Path, name: str) -> Path | None:
    """Return the file of a project module or package, None for anything else."""
    if name.split(".", maxsplit=1)[0] not in PACKAGES:
        return None
    path = root.joinpath(*name.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def stage_modules(root: Path, stage: str) -> list[str]:
    """Return the name of every module in a stage's folder and below: settings may choose among them."""
    paths = sorted((root / "tasks" / stage).rglob("*.py"))
    return [
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__") for path in paths
    ]


class Module(BaseModel):
    """What a module imports, and the SHA-256 of what it does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    imports: tuple[str, ...]
    behaviour: str


class Modules(BaseModel):
    """known: SHA-256 of a module's text -> module."""

    known: dict[str, Module] = {}


_known: dict[str, Module] = {}


@contextmanager
def remembered(root: Path) -> Iterator[None]:
    """Take over what the workspace knows of modules, and keep what the block learns of others."""
    path = root / KNOWN
    with suppress(DocumentError):
        _known.update(read_document(path, Modules).known)
    before = len(_known)
    yield
    if len(_known) > before:
        document = Modules(known=dict(_known)).model_dump(mode="json")
        private_folder(path.parent)
        write_bytes(json.dumps(document).encode(), path)


@cache
def _read(path: Path) -> Module:
    source = path.read_bytes()
    digest = sha256_bytes(PYTHON.encode() + source)
    if digest not in _known:
        _known[digest] = _parse(source)
    return _known[digest]


def _parse(source: bytes) -> Module:
    tree = ast.parse(source)
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            body = node.body
            if isinstance(body[0] if body else None, ast.Expr) and ast.get_docstring(node, False):
                node.body = body[1:] or [ast.Pass()]
    return Module(imports=tuple(sorted(names)), behaviour=sha256_bytes(ast.dump(tree).encode()))


def project_modules(root: Path, *start: str) -> dict[str, Path]:
    """Return every project module that the given ones import, directly or not, with its file."""
    found: dict[str, Path] = {}
    waiting = list(start)
    while waiting:
        name = waiting.pop()
        path = module_path(root, name)
        if path is None or name in found:
            continue
        found[name] = path
        waiting += [*_read(path).imports, name.rpartition(".")[0]]
    return dict(sorted(found.items()))


def newest_change(root: Path, *start: str) -> float:
    """Return when the newest of the modules' files was written, in seconds since the epoch."""
    return max(path.stat().st_mtime for path in project_modules(root, *start).values())


def code_digest(root: Path, *start: str) -> str:
    """Return the SHA-256 of what the modules do: comments and docstrings do not count."""
    modules = project_modules(root, *start)
    return sha256_document({name: _read(path).behaviour for name, path in modules.items()})

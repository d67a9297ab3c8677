"""Which project modules a stage runs, and their digest."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tasks.files.hashing import sha256_bytes, sha256_document

PACKAGES = ("flows", "tasks", "schemas")


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


@dataclass(frozen=True)
class Module:
    """What a module imports, and the SHA-256 of what it does."""

    imports: frozenset[str]
    behaviour: str


@cache
def _read(path: Path) -> Module:
    tree = ast.parse(path.read_bytes())
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
    return Module(frozenset(names), sha256_bytes(ast.dump(tree).encode()))


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

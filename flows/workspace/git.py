"""The little of git that a workspace needs."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

from tasks.files.errors import InputError

AUTHOR = {"user.name": "Guise workspace", "user.email": "guise@localhost"}


def git(root: Path, *arguments: str) -> str:
    """Run git in a workspace and return its output. Raises InputError with git's own sentence."""
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise InputError(f"git {arguments[0]} failed: {said[-1] if said else done.returncode}")
    return done.stdout.strip()


def ignore_by_own_rules(root: Path) -> None:
    """Let a workspace ignore files by its own rules only: DVC reads a person's settings of git by itself."""
    config = root / ".git/config"
    if config.is_file() and "excludesfile" in config.read_text("utf-8", "replace").casefold():
        return
    with suppress(InputError):  # a workspace that is only read
        git(root, "config", "core.excludesFile", os.devnull)


def commit(root: Path, message: str, paths: list[str]) -> bool:
    """Commit the paths that exist; return whether anything had changed."""
    present = [path for path in paths if (root / path).exists()]
    git(root, "add", "--", *present)
    if not git(root, "diff", "--cached", "--name-only"):
        return False
    _name_author(root)
    git(root, "commit", "--quiet", "--message", message)
    return True


def _name_author(root: Path) -> None:
    """Name somebody as author where git knows nobody."""
    for name, value in AUTHOR.items():
        if subprocess.run(["git", "config", name], cwd=root, capture_output=True, check=False).returncode:
            git(root, "config", name, value)


def last_commit_of(root: Path, paths: list[str]) -> str:
    """Return the newest revision that touched any of the paths."""
    return git(root, "log", "-1", "--format=%H", "--", *paths)


def changed_files(root: Path, paths: list[str]) -> list[str]:
    """Return files below the paths that differ from the last commit or are unknown to git."""
    status = git(root, "status", "--porcelain", "--untracked-files=all", "--", *paths)
    return [line[3:] for line in status.splitlines()]


def git_bytes(root: Path, name: str) -> bytes:
    """Return a file as a revision holds it. Raises InputError."""
    git(root, "cat-file", "-e", name)
    return subprocess.run(["git", "show", name], cwd=root, capture_output=True, check=True).stdout

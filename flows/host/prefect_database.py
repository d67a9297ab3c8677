"""Prefect's own database, brought up to its version once for all workspaces.

An empty one takes Prefect two thirds of its start. It is kept, without any run in it, beside the weights.
"""

import os
import sqlite3
import tempfile
from contextlib import closing, suppress
from importlib.metadata import version
from pathlib import Path

from tasks.files.cache import cache_folder, place
from tasks.files.hashing import sha256_file

ELSEWHERE = ("PREFECT_SERVER_DATABASE_CONNECTION_URL", "PREFECT_API_DATABASE_CONNECTION_URL")


def lend_database() -> bool:
    """Put an empty database where a server will look for its own; return whether there was none before.

    Nothing is lent to a server that keeps its database elsewhere.
    """
    own = _own()
    if own is None or own.exists():
        return False
    for kept in sorted(cache_folder().glob(_name("*"))):
        # what is broken off, or not ours, is left alone
        if _is_whole(kept) and not own.exists():
            place(kept, own)
            own.chmod(0o600)
    return True


def keep_database() -> None:
    """Keep a copy of a database that its server has just made, and in which nothing has run, for others."""
    own = _own()
    if own is None or not own.is_file() or any(map(_is_whole, cache_folder().glob(_name("*")))):
        return
    # where the cache cannot be written to, the next workspace makes its own again
    with suppress(OSError, sqlite3.Error), tempfile.TemporaryDirectory(prefix="guise-") as folder:
        copy = Path(folder) / "empty.db"
        with closing(sqlite3.connect(own)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        place(copy, cache_folder() / _name(sha256_file(copy)))


def _name(digest: str) -> str:
    return f"prefect-{version('prefect')}-{digest}.db"


def _is_whole(kept: Path) -> bool:
    return kept.name == _name(sha256_file(kept))


def _own() -> Path | None:
    if any(os.environ.get(name) for name in ELSEWHERE):
        return None
    return Path(os.environ.get("PREFECT_HOME", Path.home() / ".prefect")) / "prefect.db"

"""Whether a file is still the one that a review began with."""

from pathlib import Path

CHANGED = "the results have changed: end this review and begin it again"


def stamp(path: Path) -> tuple[int, int] | None:
    """Return what changes when a file is written anew; None where there is none."""
    if not path.is_file():
        return None
    found = path.stat()
    return found.st_mtime_ns, found.st_ino

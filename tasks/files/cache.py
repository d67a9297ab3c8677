"""What is kept for all workspaces, outside of them."""

import os
import shutil
import tempfile
from pathlib import Path


def cache_folder() -> Path:
    """Return where downloads are kept: GUISE_CACHE, or guise under the user's cache folder."""
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "guise"
    return Path(os.environ.get("GUISE_CACHE", default))


def place(source: Path, target: Path) -> None:
    """Copy a file so that it appears whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".part")
    os.close(handle)
    shutil.copyfile(source, partial)
    Path(partial).chmod(0o644)
    os.replace(partial, target)

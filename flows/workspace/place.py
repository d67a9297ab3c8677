"""Whether a folder is a workspace; light, since each command asks it first."""

from pathlib import Path

from flows.workspace.git import ignore_by_own_rules
from tasks.files.errors import InputError

AMBIGUOUS = "?%#*[]{}\n"  # in a path: an address's query, escape and fragment, a pattern of names or words


def is_workspace(root: Path) -> bool:
    return all((root / name).exists() for name in (".git", ".dvc", "dvc.yaml", "params.yaml"))


def require_workspace(root: Path) -> None:
    """Raise InputError where the folder is no workspace."""
    if not is_workspace(root):
        raise InputError(f"{root} is no workspace: make one with `guise workspace DIR`")
    require_plain_path(root)
    ignore_by_own_rules(root)


def require_plain_path(root: Path) -> None:
    """Raise InputError where Prefect's database or DVC's cache would lie elsewhere than in the workspace."""
    found = [sign for sign in AMBIGUOUS if sign in str(root.resolve())]
    if found:
        raise InputError(
            f"the path of the workspace holds {' and '.join(map(repr, found))}, which databases and tables "
            "read otherwise: choose a folder without"
        )

"""Parts of a long clip, which lie beside a stage's results until they are joined."""

from collections.abc import Callable, Sequence
from pathlib import Path

from schemas.jobs import AnyJob, Row
from tasks.files.hashing import sha256_file


def part_path(folder: Path, job: AnyJob, suffix: str) -> Path:
    """Return where a job that does a part leaves it; the stage deletes it once it is joined.

    Its name begins with the clip's up to a dot, as that of every file that is removed with a person.
    """
    return folder / "parts" / f"{job.key}.{job.part:04}{suffix}"


def finish_parts(
    root: Path,
    job: AnyJob,
    process: Callable[[Path, AnyJob], Row],
    paths_of: Callable[[AnyJob], Sequence[Path]],
) -> list[tuple[Path, ...]]:
    """Return where each part lies, doing what was not done ahead, or is not as it was left."""
    found = []
    for part in job.each_part():
        paths = tuple(paths_of(part))
        if not all(_stands(root, path, job.made.get(str(path))) for path in paths):
            process(root, part)
        found.append(tuple(root / path for path in paths))
    return found


def _stands(root: Path, path: Path, digest: str | None) -> bool:
    return digest is not None and (root / path).is_file() and sha256_file(root / path) == digest

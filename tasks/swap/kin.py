"""Faces that are means of people of the cohort who agreed to it (k-same: Newton, Sweeney, Malin 2005)."""

from collections.abc import Iterable
from pathlib import Path

from schemas.params.deidentify import Recipe
from tasks.files.hashing import sha256_document, sha256_file

KIN = Path("data/targets/kin")
PREFIX = "kin_"


def donor_path(subject: str, digest: str) -> Path:
    """Return where a subject's own face lies that others are mixed of; digest: of what it was taken from."""
    return KIN / f"{subject}.{digest[:16]}.png"


def donors_in(root: Path) -> dict[str, Path]:
    """Return subject -> the picture of their face."""
    return {path.name.split(".")[0]: path for path in sorted((root / KIN).glob("subject-*.png"))}


def kin_paths(root: Path) -> list[Path]:
    """Return where these pictures lie in a workspace."""
    return [KIN / path.name for path in donors_in(root).values()]


def kin_recipes(root: Path, k: int) -> dict[str, Recipe]:
    """Return target -> who it is mixed of, in equal shares: k people or more; none where they are fewer.

    A name tells the pictures that go into it: without one of them it is another face.
    """
    donors = donors_in(root) if k else {}
    groups = [group for group in _groups(sorted(donors), k) if group]
    return {
        f"{PREFIX}{sha256_document([sha256_file(donors[who]) for who in group])[:16]}": Recipe(
            shape=dict.fromkeys(group, 1.0), texture=dict.fromkeys(group, 1.0)
        )
        for group in groups
    }


def _groups(people: list[str], k: int) -> Iterable[list[str]]:
    """Yield groups of k people; those who are left over go into the last one."""
    count = len(people) // k if k else 0
    for number in range(count):
        yield people[number * k : (number + 1) * k if number < count - 1 else len(people)]

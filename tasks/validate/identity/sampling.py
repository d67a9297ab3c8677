"""Who stands for a cohort that is too large to be compared with itself (pure)."""

from collections.abc import Mapping

PAIR = 2  # so many clips of a person go together, since pairs of theirs are told, too


def sample_clips(subjects: Mapping[str, str], most: int) -> list[str]:
    """Return, in order, the clips among which everybody is looked for: all, or so many of a larger cohort.

    subjects: clip_id -> subject. Whose pseudonym comes first is chance, and stays so when clips are added.
    """
    seen: dict[str, int] = {}
    ranked = []
    for clip_id, subject in sorted(subjects.items()):
        seen[subject] = number = seen.get(subject, -1) + 1
        ranked.append((number // PAIR, subject, clip_id))
    return sorted(clip_id for *_, clip_id in sorted(ranked)[:most])

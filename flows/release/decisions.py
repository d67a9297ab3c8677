"""A person's word on single clips, kept in git; it holds while the video is the same and breaks no more."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from unicodedata import category

import polars as pl

from flows.release.record import frozen_now, in_yaml
from flows.workspace.git import commit
from schemas.evidence import VERDICTS
from schemas.jobs import Row
from schemas.refusals import REFUSALS
from schemas.release import Candidate, Decision, Decisions, ReleaseClip, Watched
from tasks.files.clips import REFUSED, read_admitted, video_path
from tasks.files.documents import read_lean, read_parts, read_table
from tasks.files.errors import GateRefusedError, InputError
from tasks.files.hashing import sha256_document, sha256_file
from tasks.files.pseudonyms import canonical_id
from tasks.files.whole import write_bytes
from tasks.ingest import RAW_PATH
from tasks.ingest.manifest import MANIFEST_NAME, Names, read_manifest

DECISIONS_PATH = Path("data/decisions.yaml")
LONGEST = 2000
# what makes a screen show letters in another order than they are written
TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
REASONS = ("rule", "value", "comparison")  # of a verdict
SAME_VALUE = 1e-6  # other processors differ in the last bits


@dataclass(frozen=True)
class Judged:
    """A clip, the rules that it breaks (rule, value, comparison), and the word that still speaks of it."""

    clip: ReleaseClip
    broken: list[Row]
    word: Decision | None

    @property
    def waits(self) -> bool:
        """Whether a person has to decide."""
        return self.clip.verdict != "pass" and self.word is None

    @property
    def values(self) -> dict[str, float | None]:
        """By how much each rule is broken, as far as that is known."""
        return {row["rule"]: row["value"] for row in self.broken if "value" in row}


UNKNOWN = ("fail", [{"rule": "no evidence"}])


def read_decisions(root: Path) -> list[Decision]:
    path = root / DECISIONS_PATH
    parts = read_parts(path, Decisions) if path.is_file() else []
    return [word for part in parts for word in part.decisions]


def judged(root: Path) -> list[Judged]:
    """Return what became of every admitted clip that no stage refused; one without evidence fails.

    The newest decision on a clip holds, as long as it speaks of the clip as it is now.
    """
    verdicts, refused, found = _verdicts(root), refused_clips(root), []
    newest = {record.clip_id: record for record in read_decisions(root)}
    for clip_id in read_admitted(root)["clip_id"]:
        if clip_id in refused:
            continue
        verdict, broken = verdicts.get(clip_id, UNKNOWN)
        rules = [row["rule"] for row in broken]
        clip, word = ReleaseClip(clip_id=clip_id, verdict=verdict, broken_rules=rules), newest.get(clip_id)
        holds = word is not None and _speaks_of(root, word, broken)
        found.append(Judged(clip, broken, word if holds else None))
    return found


def judged_clips(root: Path) -> list[ReleaseClip]:
    """Return every admitted clip that no stage refused with its verdict."""
    return [one.clip for one in judged(root)]


def refused_clips(root: Path) -> dict[str, str]:
    """Return clip_id -> why a stage could not process it."""
    return dict(read_table(root / REFUSED, REFUSALS).select("clip_id", "reason").iter_rows())


def decided(root: Path) -> dict[str, Decision]:
    """Return clip_id -> the newest decision that still speaks of the clip as it is now."""
    return {one.clip.clip_id: one.word for one in judged(root) if one.word is not None}


def _speaks_of(root: Path, word: Decision, broken: list[Row]) -> bool:
    """Return whether a clip is what it was when a person decided, and breaks no more, nor further."""
    if word.video_sha256 != _video_sha256(root, word.clip_id):
        return False
    breaks_more = not {row["rule"] for row in broken} <= set(word.rules)
    return not word.accepted or not (breaks_more or any(_worse(broken, word)))


def _worse(broken: list[Row], record: Decision) -> Iterator[bool]:
    """Yield of each rule that was accepted as broken whether it is broken further now."""
    for row in broken:
        if row["rule"] not in record.values:
            continue
        now, then = row["value"], record.values[row["rule"]]
        if now is None or then is None:
            yield now is not then
        elif not math.isclose(now, then, rel_tol=SAME_VALUE):
            yield now > then if row["comparison"] == "<=" else now < then


def _verdicts(root: Path) -> dict[str, tuple[str, list[Row]]]:
    """Return clip_id -> verdict and broken rules; of many clips, the rules that hold are most rows."""
    columns = ["clip_id", "verdict", "passed", *REASONS]
    table = read_lean(root / "data/evidence/verdicts.parquet", VERDICTS, columns)
    rows = table.filter(~pl.col("passed")).select("clip_id", *REASONS).rows_by_key("clip_id", named=True)
    outcomes = table.select("clip_id", "verdict").unique("clip_id", maintain_order=True)
    return {clip_id: (verdict, rows.get(clip_id, [])) for clip_id, verdict in outcomes.iter_rows()}


def waiting_clips(root: Path) -> list[ReleaseClip]:
    """Return the clips that fail, or ask for a person, and have no decision."""
    return [one.clip for one in judged(root) if one.waits]


def waiting_digest(root: Path) -> str:
    """Return the digest of what waits for a decision: clips, their videos, what they break, by how much."""
    return sha256_document(
        [
            [
                one.clip.clip_id,
                _video_sha256(root, one.clip.clip_id),
                one.clip.verdict,
                one.clip.broken_rules,
                one.values,
            ]
            for one in judged(root)
            if one.waits
        ]
    )


def decide(
    root: Path,
    clip_ids: list[str],
    *,
    accepted: bool,
    by: str,
    reason: str,
    watched: Watched | None = None,
) -> list[Decision]:
    """Record that a person accepts clips or leaves them out; without clip_ids, all that wait and may be.

    watched: what of a single clip was shown. Raises InputError for an empty name or reason, an unknown clip,
    or none that waits; GateRefusedError where a clip is to be accepted that fails.
    """
    check_words(by, reason)
    check_names(root, reason)
    clips = {one.clip.clip_id: one for one in judged(root)}
    chosen = _choose(clips, clip_ids, accepted=accepted)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    records = [
        Decision(
            clip_id=clip_id,
            video_sha256=_video_sha256(root, clip_id),
            rules=clips[clip_id].clip.broken_rules,
            values=clips[clip_id].values,
            accepted=accepted,
            by=by.strip(),
            reason="\n".join(reason.strip().splitlines()),
            at=now,
            watched=watched,
        )
        for clip_id in chosen
    ]
    _keep(root, [*read_decisions(root), *records], "Decide on clips")
    return records


def take_back(root: Path, clip_ids: list[str]) -> list[Decision]:
    """Take the newest decision on each clip off the record, whose history stays in git; return them.

    Raises InputError where there is none, GateRefusedError where a candidate was frozen with it; all stay
    then.
    """
    records, frozen = read_decisions(root), frozen_now(root)
    newest = {record.clip_id: record for record in records}
    for clip_id in clip_ids:
        if clip_id not in newest:
            raise InputError(f"nobody has decided on {clip_id}")
        version = next((one.version for one in frozen if _holds(one, newest[clip_id])), None)
        if version:
            raise GateRefusedError(
                f"{version} was frozen with the word on {clip_id}: decide otherwise, and freeze again with "
                f"`guise candidate {version}`"
            )
    taken = [newest[clip_id] for clip_id in dict.fromkeys(clip_ids)]
    _keep(root, [one for one in records if not any(one is other for other in taken)], "Take decisions back")
    return taken


def _holds(candidate: Candidate, word: Decision) -> bool:
    """Return whether a candidate was frozen with a word, or with one like it."""
    if word.accepted:
        return word.clip_id in {one.clip_id for one in candidate.clips}
    left_out = {one.clip_id: one.reason for one in candidate.left_out}
    return left_out.get(word.clip_id, "").endswith(f"rejected: {word.reason}")


def _choose(clips: Mapping[str, Judged], clip_ids: list[str], *, accepted: bool) -> list[str]:
    unknown = sorted(set(clip_ids) - set(clips))
    if unknown:
        raise InputError(f"{unknown[0]} is no admitted clip of this workspace")
    waiting = [clip_id for clip_id, one in clips.items() if one.waits]
    fails = {clip_id for clip_id, one in clips.items() if one.clip.verdict == "fail"}
    chosen = clip_ids or [clip_id for clip_id in waiting if not (accepted and clip_id in fails)]
    failing = [clip_id for clip_id in chosen or waiting if accepted and clip_id in fails]
    if failing:
        raise GateRefusedError(
            f"{failing[0]} fails ({', '.join(clips[failing[0]].clip.broken_rules)}): it can be left out with "
            "--reject, or mended by a correction, not accepted"
        )
    if not chosen:
        raise InputError("no clip waits for a decision")
    return list(dict.fromkeys(chosen))


def check_words(by: str, reason: str) -> None:
    """Raise InputError where a name or a reason is endless, or is not to be read as it is shown."""
    if not all(canonical_id(text) and len(text.strip()) <= LONGEST for text in (by, reason)):
        raise InputError(f"a decision needs a name and a reason of 1 to {LONGEST} characters each")
    if any(category(char) == "Cc" or char in TURNS for char in by + re.sub(r"[\r\n\t]", "", reason)):
        raise InputError("a name and a reason are written without characters that steer a screen")


def check_names(root: Path, reason: str) -> None:
    """Raise InputError where a reason, which stays on record, holds the id of somebody who was handed in."""
    manifest = root / RAW_PATH / MANIFEST_NAME
    if manifest.is_file() and Names(read_manifest(manifest)["subject_id"]).any_in(reason):
        raise InputError("the reason stays on record for good: write it without naming a patient")


def _keep(root: Path, records: list[Decision], message: str) -> None:
    # what was decided elsewhere looks as it always did
    document = Decisions(decisions=records).model_dump(mode="json")
    for one in document["decisions"]:
        if one["watched"] is None:
            del one["watched"]
    path = root / DECISIONS_PATH
    before = path.read_bytes() if path.is_file() else None
    write_bytes(in_yaml(document), path)
    try:
        commit(root, message, [str(DECISIONS_PATH)])
    except InputError:
        # what is not on record in git is not on record
        path.unlink() if before is None else write_bytes(before, path)
        raise


def _video_sha256(root: Path, clip_id: str) -> str:
    path = root / video_path("released", clip_id)
    if not path.is_file():
        return "0" * 64
    found = path.stat()
    return _sha256_of(path, found.st_mtime_ns, found.st_size, found.st_ino)


@cache
def _sha256_of(path: Path, written_ns: int, size: int, inode: int) -> str:
    # a desk asks for all clips with every word on one
    return sha256_file(path)

"""A person's word on single clips, kept in git; it holds while the video is the same and breaks no more."""

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from flows.release.record import in_yaml
from flows.workspace.git import commit
from schemas.evidence import VERDICTS
from schemas.refusals import REFUSALS
from schemas.release import Decision, Decisions, ReleaseClip
from tasks.files.clips import REFUSED, read_admitted, video_path
from tasks.files.documents import read_document, read_table
from tasks.files.errors import GateRefusedError, InputError
from tasks.files.hashing import sha256_document, sha256_file
from tasks.files.whole import write_bytes
from tasks.ingest import RAW_PATH
from tasks.ingest.manifest import MANIFEST_NAME, holds_name, read_manifest

DECISIONS_PATH = Path("data/decisions.yaml")
LONGEST = 2000
SAME_VALUE = 1e-6  # other processors differ in the last bits


def read_decisions(root: Path) -> list[Decision]:
    path = root / DECISIONS_PATH
    return read_document(path, Decisions).decisions if path.is_file() else []


def judged_clips(root: Path) -> list[ReleaseClip]:
    """Return every admitted clip that no stage refused with its verdict; one without evidence fails."""
    verdicts = _verdicts(root)
    refused = refused_clips(root)
    found = []
    for clip_id in read_admitted(root)["clip_id"]:
        if clip_id in refused:
            continue
        rows = verdicts.filter(clip_id=clip_id)
        verdict = rows["verdict"][0] if rows.height else "fail"
        broken = rows.filter(~pl.col("passed"))["rule"].to_list() if rows.height else ["no evidence"]
        found.append(ReleaseClip(clip_id=clip_id, verdict=verdict, broken_rules=broken))
    return found


def refused_clips(root: Path) -> dict[str, str]:
    """Return clip_id -> why a stage could not process it."""
    return dict(read_table(root / REFUSED, REFUSALS).select("clip_id", "reason").iter_rows())


def decided(root: Path) -> dict[str, Decision]:
    """Return clip_id -> the newest decision that still speaks of the clip as it is now."""
    clips = {clip.clip_id: clip for clip in judged_clips(root)}
    verdicts = _verdicts(root)
    newest = {record.clip_id: record for record in read_decisions(root) if record.clip_id in clips}
    return {
        clip_id: record
        for clip_id, record in newest.items()
        if record.video_sha256 == _video_sha256(root, clip_id)
        and (not record.accepted or set(clips[clip_id].broken_rules) <= set(record.rules))
        and (not record.accepted or not any(_worse(verdicts.filter(clip_id=clip_id), record)))
    }


def _worse(verdicts: pl.DataFrame, record: Decision) -> Iterator[bool]:
    """Yield of each rule that was accepted as broken whether it is broken further now."""
    rows = verdicts.filter(~pl.col("passed")).select("rule", "value", "comparison").iter_rows()
    for rule, now, comparison in rows:
        if rule not in record.values:
            continue
        then = record.values[rule]
        if now is None or then is None:
            yield now is not then
        elif not math.isclose(now, then, rel_tol=SAME_VALUE):
            yield now > then if comparison == "<=" else now < then


def _verdicts(root: Path) -> pl.DataFrame:
    return read_table(root / "data/evidence/verdicts.parquet", VERDICTS)


def _broken_values(verdicts: pl.DataFrame, clip_id: str) -> dict[str, float | None]:
    rows = verdicts.filter(~pl.col("passed"), clip_id=clip_id)
    return dict(rows.select("rule", "value").iter_rows())


def waiting_clips(root: Path) -> list[ReleaseClip]:
    """Return the clips that fail, or ask for a person, and have no decision."""
    known = decided(root)
    return [clip for clip in judged_clips(root) if clip.verdict != "pass" and clip.clip_id not in known]


def waiting_digest(root: Path) -> str:
    """Return the digest of what waits for a decision: clips, their videos, what they break, by how much."""
    verdicts = _verdicts(root)
    return sha256_document(
        [
            [
                clip.clip_id,
                _video_sha256(root, clip.clip_id),
                clip.verdict,
                clip.broken_rules,
                _broken_values(verdicts, clip.clip_id),
            ]
            for clip in waiting_clips(root)
        ]
    )


def decide(root: Path, clip_ids: list[str], *, accepted: bool, by: str, reason: str) -> list[Decision]:
    """Record that a person accepts clips or leaves them out; without clip_ids, all that wait and may be.

    Raises InputError for an empty name or reason, an unknown clip, or none that waits; GateRefusedError
    where a clip is to be accepted that fails.
    """
    check_words(by, reason)
    check_names(root, reason)
    clips = {clip.clip_id: clip for clip in judged_clips(root)}
    chosen = _choose(root, clips, clip_ids, accepted=accepted)
    now, verdicts = datetime.now(UTC).isoformat(timespec="seconds"), _verdicts(root)
    records = [
        Decision(
            clip_id=clip_id,
            video_sha256=_video_sha256(root, clip_id),
            rules=clips[clip_id].broken_rules,
            values=_broken_values(verdicts, clip_id),
            accepted=accepted,
            by=by.strip(),
            reason=reason.strip(),
            at=now,
        )
        for clip_id in chosen
    ]
    _append(root, records)
    return records


def _choose(
    root: Path, clips: Mapping[str, ReleaseClip], clip_ids: list[str], *, accepted: bool
) -> list[str]:
    unknown = sorted(set(clip_ids) - set(clips))
    if unknown:
        raise InputError(f"{unknown[0]} is no admitted clip of this workspace")
    waiting = [clip for clip in waiting_clips(root) if clip.verdict == "review" or not accepted]
    chosen = clip_ids or [clip.clip_id for clip in waiting]
    if not chosen:
        raise InputError("no clip waits for a decision")
    failing = [clip_id for clip_id in chosen if accepted and clips[clip_id].verdict == "fail"]
    if failing:
        raise GateRefusedError(
            f"{failing[0]} fails ({', '.join(clips[failing[0]].broken_rules)}): it can be left out with "
            "--reject, or mended by a correction, not accepted"
        )
    return list(dict.fromkeys(chosen))


def check_words(by: str, reason: str) -> None:
    """Raise InputError where a name or a reason is empty or endless."""
    if not all(0 < len(text.strip()) <= LONGEST for text in (by, reason)):
        raise InputError(f"a decision needs a name and a reason of 1 to {LONGEST} characters each")


def check_names(root: Path, reason: str) -> None:
    """Raise InputError where a reason, which stays on record, holds the id of somebody who was handed in."""
    manifest = root / RAW_PATH / MANIFEST_NAME
    if manifest.is_file() and any(holds_name(reason, one) for one in read_manifest(manifest)["subject_id"]):
        raise InputError("the reason stays on record for good: write it without naming a patient")


def _append(root: Path, records: list[Decision]) -> None:
    document = Decisions(decisions=[*read_decisions(root), *records]).model_dump(mode="json")
    write_bytes(in_yaml(document), root / DECISIONS_PATH)
    commit(root, "Decide on clips", [str(DECISIONS_PATH)])


def _video_sha256(root: Path, clip_id: str) -> str:
    path = root / video_path("released", clip_id)
    return sha256_file(path) if path.is_file() else "0" * 64

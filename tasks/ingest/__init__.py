"""Raw file -> admitted, pseudonymous clip."""

from collections.abc import Iterator
from pathlib import Path

from schemas.clips import CLIPS, SOURCES
from schemas.jobs import Collected, Job, Row
from schemas.params import Params
from schemas.params.sections import Section
from schemas.params.video import Ingest
from tasks.files.clips import CLIPS_PATH, video_path
from tasks.files.documents import read_document, write_table
from tasks.files.errors import ClipRefusedError
from tasks.files.hashing import sha256_file
from tasks.files.pseudonyms import known_key
from tasks.files.tables import build_table
from tasks.ingest.admit import admit
from tasks.ingest.survey import NOTE_NAME, Entry, InboxNote, spellings, survey

RAW_PATH = Path("data/raw")
NAMED = 3  # clips of which the same is told
SOURCES_PATH = Path("data/ingested/sources.parquet")


class Admission(Section):
    """What may be admitted, and what becomes of a clip's sound: drop or keep."""

    rule: Ingest
    audio: str


def folder(arm: str) -> Path:
    return Path("data/ingested")


def plan(root: Path, params: Params, arm: str) -> list[Job[Admission]]:
    """Return a job for every file that the manifest names and nothing forbids."""
    return [
        Job(
            stage="ingest",
            arm=arm,
            key=entry.clip_id,
            inputs={"raw": entry.raw_sha256 or ""},
            order=Admission(rule=params.ingest, audio=entry.audio_policy or params.ingest.audio),
            private={"file": entry.file},
        )
        for entry in _entries(root)
        if entry.reason is None
    ]


def process(root: Path, job: Job[Admission]) -> Row:
    """Admit one video, or return why it is refused."""
    path = video_path("original", job.key)
    try:
        facts = admit(root / RAW_PATH / job.private["file"], root / path, job.order.rule, job.order.audio)
    except ClipRefusedError as refusal:
        reason, detail = refusal.args
        return {"clip_id": job.key, "reason": reason, "detail": detail, "outputs": {}}
    digest = sha256_file(root / path)
    return {"clip_id": job.key, "outputs": {str(path): digest}, "sha256": digest, **facts}


def collect(root: Path, params: Params, arm: str, rows: list[Row]) -> Collected:
    """Write who was admitted and who was refused, and what each clip was handed in as."""
    entries = _entries(root)
    facts = {row["clip_id"]: row for row in rows}
    described = [_describe(entry, facts.get(entry.clip_id, {})) for entry in entries]
    clips = build_table(described, CLIPS)
    write_table(clips.sort("clip_id"), CLIPS, root / CLIPS_PATH)
    handed_in = [
        {"clip_id": entry.clip_id, "file": entry.file, "raw_sha256": entry.raw_sha256} for entry in entries
    ]
    sources = build_table(handed_in, SOURCES)
    write_table(sources.sort("clip_id"), SOURCES, root / SOURCES_PATH)
    told = {"dropped": "audio dropped from {} clips, by policy",
            "kept": "audio kept in {} clips, by policy: a voice identifies"}  # fmt: skip
    counts = {fate: clips.filter(audio=fate).height for fate in told}
    notes = tuple(told[fate].format(count) for fate, count in counts.items() if count)
    spelt = spellings(root / RAW_PATH)
    if spelt:
        notes += (f"ids of {spelt} people are spelt in more than one way; each is taken for one person",)
    notes += tuple(read_document(root / RAW_PATH / NOTE_NAME, InboxNote).told) + tuple(_tell(rows))
    return Collected(tables=(str(CLIPS_PATH), str(SOURCES_PATH)), notes=notes)


def _tell(rows: list[Row]) -> Iterator[str]:
    """Yield what was told of clips, each sentence once, with the clips that it speaks of."""
    clips_of: dict[str, list[str]] = {}
    for row in rows:
        for sentence in row.get("told", ()):
            clips_of.setdefault(sentence, []).append(row["clip_id"])
    for sentence, clips in clips_of.items():
        more = f" and {len(clips) - NAMED} more" if len(clips) > NAMED else ""
        yield f"{', '.join(clips[:NAMED])}{more}: {sentence}"


def _describe(entry: Entry, row: Row) -> Row:
    reason = entry.reason or row.get("reason")
    known = {name: value for name, value in row.items() if name in CLIPS.columns}
    return known | {
        "clip_id": entry.clip_id,
        "subject": entry.subject,
        "session": entry.session,
        "task": entry.task,
        "consent_expires": entry.consent_expires,
        "may_be_mixed": entry.may_be_mixed,
        "status": "refused" if reason else "admitted",
        "reason": reason,
        "detail": row.get("detail") or entry.detail,
    }


def _entries(root: Path) -> list[Entry]:
    return survey(root / RAW_PATH, known_key(root))

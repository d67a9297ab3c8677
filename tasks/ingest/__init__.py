"""Raw file -> admitted, pseudonymous clip."""

from pathlib import Path

from schemas.clips import CLIPS, SOURCES
from schemas.jobs import Collected, Job, Row
from schemas.params import Ingest, Params
from tasks.clips import CLIPS_PATH, video_path
from tasks.documents import build_table, write_table
from tasks.errors import ClipRefusedError
from tasks.hashing import sha256_file
from tasks.ingest.admit import admit
from tasks.ingest.pseudonyms import known_key
from tasks.ingest.survey import Entry, spellings, survey

RAW_PATH = Path("data/raw")
SOURCES_PATH = Path("data/ingested/sources.parquet")


def folder(arm: str) -> Path:
    return Path("data/ingested")


def plan(root: Path, params: Params, arm: str) -> list[Job]:
    """Return a job for every file that the manifest names and nothing forbids."""
    return [
        Job(
            stage="ingest",
            arm=arm,
            key=entry.clip_id,
            inputs={"raw": entry.raw_sha256 or "", "audio": entry.audio_policy or ""},
            settings={"ingest": params.ingest},
            private={"file": entry.file},
        )
        for entry in _entries(root)
        if entry.reason is None
    ]


def process(root: Path, job: Job) -> Row:
    """Admit one video, or return why it is refused."""
    settings = job.settings["ingest"]
    assert isinstance(settings, Ingest)
    path = video_path("original", job.key)
    policy = job.inputs["audio"] or settings.audio
    try:
        facts = admit(root / RAW_PATH / job.private["file"], root / path, settings, policy)
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
    return Collected(tables=(str(CLIPS_PATH), str(SOURCES_PATH)), notes=notes)


def _describe(entry: Entry, row: Row) -> Row:
    reason = entry.reason or row.get("reason")
    known = {name: value for name, value in row.items() if name in CLIPS.columns}
    return known | {
        "clip_id": entry.clip_id,
        "subject": entry.subject,
        "session": entry.session,
        "task": entry.task,
        "consent_expires": entry.consent_expires,
        "status": "refused" if reason else "admitted",
        "reason": reason,
        "detail": row.get("detail"),
    }


def _entries(root: Path) -> list[Entry]:
    return survey(root / RAW_PATH, known_key(root))

"""A person takes their consent back: out of cohort and caches, and said wherever it was released."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import polars as pl

from flows.host.environment import JOB_RESULTS
from flows.release.decisions import check_words
from flows.release.documents import SIGNERS
from flows.release.purge import purge
from flows.release.record import Record, in_yaml, published
from flows.workspace.git import commit
from flows.workspace.inbox import (
    WITHDRAWALS_PATH,
    add_to_dvc,
    read_withdrawals,
    without_files,
    write_manifest,
)
from schemas.params.publish import Publish
from schemas.release import Manifest, Publication, Withdrawal, Withdrawals
from tasks.files.clips import CLIPS_PATH, read_clips, shapes_path
from tasks.files.documents import read_document
from tasks.files.errors import GateRefusedError, GuiseError, InputError, StorageError
from tasks.files.hashing import sha256_bytes, sha256_file
from tasks.files.pseudonyms import clip_pseudonym, known_key, subject_pseudonym
from tasks.files.whole import write_bytes
from tasks.ingest import RAW_PATH
from tasks.ingest.manifest import MANIFEST_NAME, read_manifest
from tasks.publish import open_bucket
from tasks.publish.plan import MANIFEST_NAME as RELEASE_MANIFEST
from tasks.publish.plan import SIGNATURE_NAME, manifest_bytes
from tasks.publish.signature import is_signed, sign
from tasks.publish.withdraw import erase_clips, put_tombstone, remove_clips, without_clips
from tasks.swap.kin import donors_in
from tasks.swap.own import networks_of

PSEUDONYM = re.compile(r"subject-[0-9a-f]{16}")
INBOX_PATH = Path("data/inbox")
RESULTS = (
    "ingested",
    "control",
    "keypoints",
    "deidentified",
    "compare",
    "corrections",
    "evidence/measured",
    "train/pairs",
)


@dataclass(frozen=True)
class Withdrawn:
    """What was done.

    removed_files: of this workspace, raw and results; removed_objects: of DVC's caches;
    removed_published: of buckets.
    """

    record: Withdrawal
    removed_files: int
    removed_objects: int
    removed_published: int


def withdraw(
    root: Path,
    settings: Publish,
    subject: str,
    reason: str,
    *,
    delete_published: bool,
    reingest: Callable[[], None],
) -> Withdrawn:
    """Take a person out of everything. subject: as in manifest.csv, or the pseudonym.

    settings: of the stores in which releases are. reingest: replays `ingest`, so that its tables forget the
    person. May be repeated until it ends. Raises InputError for somebody unknown or a reason that names the
    person.
    """
    check_words("nobody", reason)
    pseudonym = subject if PSEUDONYM.fullmatch(subject) else subject_pseudonym(known_key(root), subject)
    if any(name.casefold() in reason.casefold() for name in _names_of(root, subject, pseudonym)):
        raise InputError("the reason stays on record for good: write it without naming the person")
    write_down = partial(_write_down, root, pseudonym, reason.strip())
    withdrawal, files, objects = _take_out(root, pseudonym, write_down, reingest)
    clips = set(withdrawal.clips)
    files += _remove_results(root, withdrawal.subject, clips) + _forget_rows(root, clips)
    commit(root, "Withdraw a subject", ["data/raw.dvc", "dvc.lock", "data/corrections"])
    removed_published = _tell_all(root, settings, withdrawal, delete_published=delete_published)
    return Withdrawn(withdrawal, files, objects, removed_published)


def _take_out(
    root: Path,
    pseudonym: str,
    write_down: Callable[[set[str]], Withdrawal],
    reingest: Callable[[], None],
) -> tuple[Withdrawal, int, int]:
    """Remove raw files, and objects of the caches; return the record, and how many of each."""
    withdrawal, files, objects = write_down(set()), 0, 0
    known: set[str] | None = None
    # the caches may know of a video that somebody else has handed in as well
    while known != set(withdrawal.clips):
        known = set(withdrawal.clips)
        files += _remove_raw(root, pseudonym, known)
        if (root / RAW_PATH).is_dir():
            add_to_dvc(root)
            reingest()
        clips, removed = purge(root, pseudonym, known, write_down)
        withdrawal = write_down(clips)
        objects += removed
    return withdrawal, files, objects


def _tell_all(root: Path, settings: Publish, withdrawal: Withdrawal, *, delete_published: bool) -> int:
    """Tell the readers of every release; a bucket that cannot be reached keeps no other from hearing."""
    published, troubles = 0, []
    for version in withdrawal.published_in:
        try:
            published += _tell_readers(
                Record(root, version), settings, withdrawal.clips, delete_published=delete_published
            )
        except GuiseError as error:
            troubles.append(f"{version}: {error}")
    if troubles:
        raise StorageError(f"not every release could be told: {'; '.join(troubles)}")
    return published


def _write_down(root: Path, pseudonym: str, reason: str, found: set[str]) -> Withdrawal:
    """Write down, or complete, who withdrew, before anything is removed."""
    others = [one for one in read_withdrawals(root) if one.subject != pseudonym]
    earlier = next((one for one in read_withdrawals(root) if one.subject == pseudonym), None)
    known = {*(earlier.clips if earlier else ()), *_admitted_clips(root, pseudonym), *found}
    # a video of two people is refused under the second one's name, and released under the first one's
    known |= _handed_in_clips(root, pseudonym)
    released = dict(_published_clips(root, pseudonym, known))
    known |= {clip for clips in released.values() for clip in clips}
    if not known and not earlier and not _handed_in(root, pseudonym):
        raise InputError("nobody of that name was handed in or released here: check the subject's name")
    record = Withdrawal(
        subject=pseudonym,
        clips=sorted(known),
        reason=earlier.reason if earlier else reason,
        at=earlier.at if earlier else datetime.now(UTC).isoformat(timespec="seconds"),
        published_in=sorted({*(earlier.published_in if earlier else ()), *released}),
    )
    document = Withdrawals(withdrawals=[*others, record]).model_dump(mode="json")
    write_bytes(in_yaml(document), root / WITHDRAWALS_PATH)
    commit(root, "Record a withdrawal", [str(WITHDRAWALS_PATH)])
    return record


def _admitted_clips(root: Path, pseudonym: str) -> list[str]:
    if not (root / CLIPS_PATH).is_file():
        return []
    return read_clips(root).filter(subject=pseudonym)["clip_id"].to_list()


def _published_clips(root: Path, pseudonym: str, known: set[str]) -> Iterator[tuple[str, list[str]]]:
    for record in published(root):
        table = record.clips()
        is_theirs = (pl.col("subject") == pseudonym) | pl.col("clip_id").is_in(known)
        clips = table.filter(is_theirs)["clip_id"].to_list()
        if clips:
            yield record.version, clips


def _handed_in_clips(root: Path, pseudonym: str) -> set[str]:
    """Return the ids of the person's videos by their content, whoever else's they are."""
    places = (root / RAW_PATH, root / INBOX_PATH)
    found = {_clip_of(root, place, file) for place in places for file in _rows_of(root, place, pseudonym)[1]}
    return {clip for clip in found if clip}


def _clip_of(root: Path, place: Path, file: str) -> str | None:
    path = place / file
    return clip_pseudonym(known_key(root), sha256_file(path)) if _is_inside(place, path) else None


def _handed_in(root: Path, pseudonym: str) -> bool:
    return any(_rows_of(root, root / place, pseudonym)[1] for place in (RAW_PATH, INBOX_PATH))


def _rows_of(root: Path, folder: Path, pseudonym: str) -> tuple[pl.DataFrame | None, list[str]]:
    if not (folder / MANIFEST_NAME).is_file():
        return None, []
    rows, key = read_manifest(folder / MANIFEST_NAME), known_key(root)
    pairs = zip(rows["file"], rows["subject_id"], strict=True)
    return rows, [file for file, subject in pairs if subject_pseudonym(key, subject) == pseudonym]


def _names_of(root: Path, subject: str, pseudonym: str) -> set[str]:
    """Return what the person is called in the manifests, and by whoever asks."""
    names = {subject}
    for place in (root / RAW_PATH, root / INBOX_PATH):
        if (place / MANIFEST_NAME).is_file():
            ids = set(read_manifest(place / MANIFEST_NAME)["subject_id"])
            names |= {one for one in ids if subject_pseudonym(known_key(root), one) == pseudonym}
    return names


def _remove_raw(root: Path, pseudonym: str, clips: set[str]) -> int:
    """Remove the person's files and rows from what was handed in, and from the workspace's own inbox.

    Whoever else handed one of their videos in loses it, too.
    """
    count = 0
    for place in (root / RAW_PATH, root / INBOX_PATH):
        rows, files = _rows_of(root, place, pseudonym)
        if rows is None:
            continue
        files += [file for file in rows["file"] if file not in files and _clip_of(root, place, file) in clips]
        if not files:
            continue
        for file in files:
            path = place / file
            if _is_inside(place, path):
                path.unlink()
                count += 1
        write_manifest(place, without_files(rows, files))
    return count


def _is_inside(place: Path, path: Path) -> bool:
    return path.resolve().is_relative_to(place.resolve()) and path.is_file()


def _remove_results(root: Path, subject: str, clips: set[str]) -> int:
    shapes = root / shapes_path(subject)
    paths = [shapes] if shapes.is_file() else []
    paths += [path for name, path in donors_in(root).items() if name == subject]
    paths += networks_of(root, subject)
    paths += [
        path
        for folder in RESULTS
        for path in (root / "data" / folder).rglob("clip-*")
        if path.is_file() and path.name.split(".")[0] in clips
    ]
    for path in paths:
        path.unlink()
    return len(paths)


def _forget_rows(root: Path, clips: set[str]) -> int:
    """Remove what Prefect keeps of jobs that spoke of the clips: signals and distances are theirs, too."""
    names = [clip.encode() for clip in clips]
    kept = [path for path in (root / JOB_RESULTS).rglob("*") if path.is_file()]
    theirs = [path for path in kept if any(name in path.read_bytes() for name in names)]
    for path in theirs:
        path.unlink()
    return len(theirs)


def _tell_readers(record: Record, settings: Publish, clips: list[str], *, delete_published: bool) -> int:
    """Put a tombstone into a release and, where asked for, remove the clips; return how many objects went."""
    publication = record.publication()
    assert publication is not None
    version, released = record.version, record.clips()["clip_id"]
    gone = sorted({*publication.withdrawn_clips, *(set(clips) & set(released))})
    publication = publication.model_copy(update={"withdrawn_clips": gone})
    bucket = open_bucket(publication.to, settings)
    bucket.require()
    _keep(record, publication)
    if not publication.complete:
        # nobody was told of it, and nobody will be
        return erase_clips(bucket, version, gone)
    put_tombstone(bucket, version, gone)
    if not delete_published:
        return 0
    folder = record.folder
    manifest, sums = without_clips(read_document(folder / RELEASE_MANIFEST, Manifest), gone)
    content = manifest_bytes(manifest)
    signature = _sign(record, content)
    write_bytes(content, folder / RELEASE_MANIFEST)
    write_bytes(signature, folder / SIGNATURE_NAME)
    _keep(record, publication.model_copy(update={"manifest_sha256": sha256_bytes(content)}))
    return remove_clips(bucket, manifest, sums, content, signature)


def _sign(record: Record, content: bytes) -> bytes:
    signers, path = (record.files / SIGNERS).read_bytes(), record.folder / SIGNATURE_NAME
    if is_signed(content, path.read_bytes(), signers):
        return path.read_bytes()
    signature = sign(record.root, content)
    if not is_signed(content, signature, signers):
        raise GateRefusedError(
            "the signing key is not the one that this release names: restore it from your backup and run the "
            "same command again"
        )
    return signature


def _keep(record: Record, publication: Publication) -> None:
    record.keep_publication(publication)
    record.commit(f"Withdraw clips from {record.version}")

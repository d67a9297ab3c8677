"""Is what is stored what was approved?"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from flows.approval import read_approvals
from flows.documents import SIGNERS
from flows.dvc_lock import Lock
from flows.history import record_findings
from flows.record import newest_versions, published_versions, read_candidate, read_publication, release_folder
from schemas.release import Candidate, Latest, Manifest, Publication, PublishedFile, Tombstone
from tasks.documents import read_params
from tasks.errors import DocumentError, GuiseError, InputError, StorageError
from tasks.hashing import sha256_bytes, sha256_file
from tasks.ingest.pseudonyms import known_key
from tasks.publish import Bucket, open_bucket, read_manifest
from tasks.publish.create import in_parallel
from tasks.publish.plan import (
    COMPANIONS,
    MANIFEST_NAME,
    SIGNATURE_NAME,
    SUMS_NAME,
    TOMBSTONE_NAME,
    approval_hmac,
    candidate_digest,
    release_prefix,
)
from tasks.publish.signature import is_signed
from tasks.publish.withdraw import files_of

UNFINISHED = (
    "its publication to {publication.to} did not end: run `guise publish {publication.version}` again; if "
    "its results have changed since, remove releases/{publication.version}/ there and publish a new version"
)


LATEST_NAME = "latest.json"
FOREIGN = "{} has attributes that nobody gave it when it was published: {}"
NOTHING_LEFT = "it was begun and never completed"


@dataclass(frozen=True)
class Audit:
    """findings: what does not hold, a sentence each; empty where everything does.

    notes: what is as it should be, and worth saying. is_bucket: it is of what lies beside the releases.
    """

    version: str
    objects: int
    bytes: int
    findings: tuple[str, ...]
    notes: tuple[str, ...] = ()
    is_bucket: bool = False


def audit_all(root: Path, tell: Callable[[int], None] = lambda _: None) -> Iterator[Audit]:
    """Audit every release, and look for what lies beside them; one that fails stops no other."""
    places: dict[str, set[str]] = {}
    for version in published_versions(root):
        try:
            publication = read_publication(root, version)
            assert publication is not None
            places.setdefault(publication.to, set()).add(version)
            yield audit_release(root, version, tell)
        except GuiseError as error:
            yield Audit(version, 0, 0, (f"it could not be audited: {error}",))
    for place, known in places.items():
        yield Audit(place, 0, 0, tuple(_stranger_findings(root, place, known)), is_bucket=True)


def _stranger_findings(root: Path, place: str, known: set[str]) -> Iterator[str]:
    bucket = open_bucket(place, read_params(root).publish)
    try:
        _, beside = bucket.level(bucket.prefix)
        folders, loose = bucket.level(f"{bucket.prefix}releases/")
    except StorageError as error:
        yield f"it could not be listed: {error}"
        return
    for name in sorted(beside - {LATEST_NAME}):
        yield f"{name} does not belong there"
    for name in sorted(loose):
        yield f"releases/{name} belongs to no release"
    for version in sorted(folders - known):
        # some stores list folders of which every object is gone
        if bucket.keys(f"{bucket.prefix}releases/{version}/"):
            yield f"releases/{version}/ was not published from this workspace"


def audit_release(root: Path, version: str, tell: Callable[[int], None] = lambda _: None) -> Audit:
    """Read every object of a release back and compare it with manifest, signature, approval and git.

    tell: is given the bytes that were read back, from several threads.
    """
    publication = read_publication(root, version)
    if publication is None:
        raise InputError(f"{version} was not published from this workspace")
    bucket = open_bucket(publication.to, read_params(root).publish)
    objects = bucket.keys(release_prefix(bucket.prefix, version))
    if not publication.complete:
        sentence = UNFINISHED.format(publication=publication)
        return Audit(
            version, len(objects), sum(objects.values()), (sentence,) if objects else (), (NOTHING_LEFT,)
        )
    candidate = read_candidate(root, version)
    findings = [*record_findings(root, candidate, publication)]
    made, misfits, notes = _made(root, candidate)
    findings += misfits
    manifest, doubts = _read_signed(root, bucket, publication)
    findings += doubts
    newest = newest_versions(root, publication.to)
    findings += _latest_findings(bucket, publication, published_versions(root), newest)
    if manifest:
        findings += _approval_findings(root, manifest)
        findings += _content_findings(root, candidate, manifest, publication)
        findings += object_findings(bucket, manifest, objects, made, tell)
        withdrawn, told = _withdrawal(bucket, manifest, publication)
        findings += withdrawn
        notes += told
    return Audit(version, len(objects), sum(objects.values()), tuple(findings), tuple(notes))


def _made(root: Path, candidate: Candidate) -> tuple[dict[str, str], list[str], list[str]]:
    """Return published path -> md5 of what a stage made, where stages do not fit, and what cannot be told."""
    try:
        lock = Lock.of(root, candidate.code_revision)
    except InputError:
        return {}, [], []  # that the revision is gone is said elsewhere
    misfits, unknown = lock.misfits()
    sources = {file.path: file.source for file in candidate.files if lock.folder_of(file.source)}
    known = {path: lock.md5_of(source) for path, source in sources.items()}
    unknown += sum(md5 is None for md5 in known.values())
    note = f"{unknown} hashes of dvc.lock cannot be compared: DVC's cache here does not hold their listings"
    return {path: md5 for path, md5 in known.items() if md5}, misfits, [note] if unknown else []


def _read_signed(root: Path, bucket: Bucket, publication: Publication) -> tuple[Manifest | None, list[str]]:
    try:
        present = read_manifest(bucket, publication.version)
    except ValueError:
        return None, [f"{MANIFEST_NAME} was altered: it is no manifest any more"]
    if present is None:
        return None, [f"{MANIFEST_NAME} is missing"]
    manifest, content = present
    findings = []
    if sha256_bytes(content) != publication.manifest_sha256:
        findings.append(f"{MANIFEST_NAME} was altered since it was published")
    signature = bucket.read(release_prefix(bucket.prefix, publication.version) + SIGNATURE_NAME)
    signers = root / release_folder(publication.version) / "files" / SIGNERS
    if signature is None:
        findings.append(f"{SIGNATURE_NAME} is missing")
    elif not is_signed(content, signature[0], signers.read_bytes()):
        findings.append(f"{SIGNATURE_NAME} is no signature of {MANIFEST_NAME} by this workspace")
    return manifest, findings


def _approval_findings(root: Path, manifest: Manifest) -> Iterator[str]:
    key = known_key(root)
    try:
        records = read_approvals(root, manifest.version)
    except DocumentError as error:
        yield f"the approvals cannot be read: {error}"
        return
    # only whoever holds the pseudonym key can make one that names this very candidate
    kept = {approval_hmac(key, record) for record in records if record.digest == manifest.candidate_sha256}
    if not kept:
        yield "no approval names the published candidate"
    if not manifest.approvals_hmac_sha256 or not kept.issuperset(manifest.approvals_hmac_sha256):
        yield "an approval was rewritten: the one that the signed manifest speaks of is not on record"


def _content_findings(
    root: Path, candidate: Candidate, manifest: Manifest, publication: Publication
) -> Iterator[str]:
    """Yield where the manifest names something else than was approved, less what was withdrawn."""
    if manifest.candidate_sha256 != candidate_digest(candidate):
        yield f"the {MANIFEST_NAME} speaks of another candidate than git holds"
    approved = {file.path: file.sha256 for file in candidate.files}
    signers = root / release_folder(candidate.version) / "files" / SIGNERS
    if not signers.is_file() or sha256_file(signers) != approved.get(SIGNERS):
        yield f"{SIGNERS} of this workspace, who may sign, is not what was approved"
    gone = {file.path: file.sha256 for file in manifest.withdrawn}
    named = {file.path: file.sha256 for file in manifest.files} | gone
    if gone:
        # the list of sums is without them, too
        approved.pop(SUMS_NAME)
        named.pop(SUMS_NAME, None)
    if named != approved:
        yield f"{MANIFEST_NAME} names other files than were approved"
    if not set(gone) <= files_of(publication.withdrawn_clips):
        yield f"{MANIFEST_NAME} says that files are gone whose people did not withdraw"


def _latest_findings(
    bucket: Bucket, publication: Publication, known: list[str], newest: list[str]
) -> Iterator[str]:
    present = bucket.read(f"{bucket.prefix}latest.json")
    if present is None:
        yield "latest.json is missing"
        return
    try:
        latest = Latest.model_validate_json(present[0])
    except ValueError:
        yield "latest.json was altered"
        return
    is_this = latest.version == publication.version
    if is_this and latest.manifest_sha256 != publication.manifest_sha256:
        yield "latest.json names another manifest of this version"
    if latest.version not in known:
        yield f"latest.json names {latest.version}, which was not published from this workspace"
    elif newest and latest.version not in newest:
        yield f"latest.json names {latest.version}, although {newest[-1]} was published after it"
    found = bucket.digests(f"{bucket.prefix}latest.json")
    if found and found.foreign:
        yield FOREIGN.format(LATEST_NAME, ", ".join(found.foreign))


def object_findings(
    bucket: Bucket,
    manifest: Manifest,
    objects: dict[str, int],
    made: Mapping[str, str],
    tell: Callable[[int], None],
) -> list[str]:
    """Read every object back; return which are missing, altered, or no part of the release.

    made: path -> md5 of those that a stage made. tell: is given the bytes of each, from several threads.
    """
    folder = release_prefix(bucket.prefix, manifest.version)
    findings: dict[str, str] = {}

    def look(file: PublishedFile) -> None:
        try:
            found = bucket.digests(folder + file.path, "md5" if file.path in made else None)
        except StorageError as error:
            findings[file.path] = f"{file.path} cannot be read back: {error}"
            return
        tell(file.bytes)
        if found is None:
            findings[file.path] = f"{file.path} is missing"
        elif found.sha256 != file.sha256:
            findings[file.path] = f"{file.path} was altered"
        elif found.md5 != made.get(file.path):
            findings[file.path] = f"{file.path} is not what dvc.lock says that its stage made"
        elif found.foreign:
            findings[file.path] = FOREIGN.format(file.path, ", ".join(found.foreign))

    with ThreadPoolExecutor() as pool:
        in_parallel(pool, manifest.files, look)
    for name in COMPANIONS:
        companion = bucket.digests(folder + name)
        if companion and companion.foreign:
            findings[name] = FOREIGN.format(name, ", ".join(companion.foreign))
    named = {folder + file.path for file in manifest.files} | {folder + name for name in COMPANIONS}
    strangers = [
        f"{key.removeprefix(folder)} does not belong to the release" for key in sorted(set(objects) - named)
    ]
    begun = [
        f"an upload of {key.removeprefix(folder)} was begun there and not ended, by nobody of this workspace"
        for key, _ in bucket.unfinished(folder)
    ]
    return [findings[path] for path in sorted(findings)] + strangers + begun


def _withdrawal(bucket: Bucket, manifest: Manifest, publication: Publication) -> tuple[list[str], list[str]]:
    """Return what does not hold of withdrawals, and what is gone by right."""
    present = bucket.read(release_prefix(bucket.prefix, manifest.version) + TOMBSTONE_NAME)
    expected = publication.withdrawn_clips
    if present is None:
        return ([f"{TOMBSTONE_NAME} is missing"] if expected else []), []
    try:
        told = Tombstone.model_validate_json(present[0]).clips
    except ValueError:
        return [f"{TOMBSTONE_NAME} was altered"], []
    if told != expected:
        return [f"{TOMBSTONE_NAME} names other clips than were withdrawn"], []
    gone = f", {len(manifest.withdrawn)} files of theirs are removed" if manifest.withdrawn else ""
    return [], [f"consent was withdrawn for {', '.join(told)}{gone}"]

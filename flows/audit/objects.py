"""What lies in the store, object by object."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from schemas.release import Manifest, PublishedFile
from tasks.files.errors import StorageError
from tasks.publish import Bucket
from tasks.publish.create import in_parallel
from tasks.publish.plan import COMPANIONS, release_prefix

LATEST_NAME = "latest.json"
FOREIGN = "{} has attributes that nobody gave it when it was published: {}"


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
    findings: dict[str, str | None] = {}

    def look(file: PublishedFile) -> None:
        findings[file.path] = _look_at(bucket, folder, file, made.get(file.path))
        tell(file.bytes)

    with ThreadPoolExecutor() as pool:
        in_parallel(pool, manifest.files, look)
    findings |= {name: _foreign(bucket, folder, name) for name in COMPANIONS}
    named = {folder + file.path for file in manifest.files} | {folder + name for name in COMPANIONS}
    strangers = [
        f"{key.removeprefix(folder)} does not belong to the release" for key in sorted(set(objects) - named)
    ]
    begun = [
        f"an upload of {key.removeprefix(folder)} was begun there and not ended, by nobody of this workspace"
        for key, _ in bucket.unfinished(folder)
    ]
    return [said for _, said in sorted(findings.items()) if said] + strangers + begun


def _look_at(bucket: Bucket, folder: str, file: PublishedFile, md5: str | None) -> str | None:
    """Return what is wrong with an object; md5: of what its stage made, where one did."""
    try:
        found = bucket.digests(folder + file.path, "md5" if md5 else None)
    except StorageError as error:
        return f"{file.path} cannot be read back: {error}"
    if found is None:
        return f"{file.path} is missing"
    if found.sha256 != file.sha256:
        return f"{file.path} was altered"
    if found.md5 != md5:
        return f"{file.path} is not what dvc.lock says that its stage made"
    return FOREIGN.format(file.path, ", ".join(found.foreign)) if found.foreign else None


def _foreign(bucket: Bucket, folder: str, name: str) -> str | None:
    found = bucket.digests(folder + name)
    return FOREIGN.format(name, ", ".join(found.foreign)) if found and found.foreign else None


def stranger_findings(bucket: Bucket, known: set[str]) -> Iterator[str]:
    """Yield what lies beside the releases that are known."""
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

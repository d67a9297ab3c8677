"""Freeze what the evidence speaks of."""

import shutil
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import polars as pl

from flows.release.account import take_account, write_rows
from flows.release.decisions import judged, refused_clips
from flows.release.documents import SUMS, Account, Content, render_documents, render_index, render_sums
from flows.release.record import Record
from flows.workspace.git import changed_files, commit, last_commit_of
from flows.workspace.graph import changed_nodes
from flows.workspace.make import CODE, RECORDS
from schemas.params import Params
from schemas.registry import Registry
from schemas.release import Candidate, LeftOut, ReleaseClip, ReleaseFile
from tasks.files.clips import keypoints_path, read_admitted, read_clips, video_path
from tasks.files.documents import read_document
from tasks.files.errors import GateRefusedError
from tasks.files.hashing import sha256_bytes, sha256_file
from tasks.files.whole import write_bytes
from tasks.vision.sessions import REGISTRY_PATH

SETTINGS = ["params", "params.yaml", "dvc.yaml"]
TRACED = [name for name in CODE if name not in SETTINGS]


def freeze(root: Path, version: str, params: Params) -> Candidate:
    """Write and commit the candidate of a version.

    Raises GateRefusedError where the graph is not reproduced, the code is not committed, a clip fails or
    asks for a person and nobody has decided, a licence forbids the purpose, or no clip is left.
    """
    record = Record(root, version)
    if record.is_published:
        return _as_published(record)
    _check_gates(root, params)
    commit(root, "Record the run", [*SETTINGS, *RECORDS])
    clips, left_out = _choose_clips(root)
    if not clips:
        raise GateRefusedError(
            f"no clip is left for {version}: {left_out[0].reason if left_out else 'none was admitted'}"
        )
    revision = last_commit_of(root, [*CODE, *RECORDS])
    files = _write_documents(record, take_account(root, version, params, clips, revision))
    candidate = Candidate(
        version=version,
        purpose=params.purpose,
        code_revision=revision,
        dvc_lock_sha256=sha256_file(root / "dvc.lock"),
        clips=clips,
        left_out=left_out,
        files=sorted(files, key=lambda file: file.path),
    )
    record.keep_candidate(candidate)
    return candidate


def _as_published(record: Record) -> Candidate:
    candidate = record.candidate()
    if sha256_file(record.root / "dvc.lock") != candidate.dvc_lock_sha256:
        raise GateRefusedError(
            f"{record.version} is published, or began to be, with other results: freeze a new version"
        )
    return candidate


def _check_gates(root: Path, params: Params) -> None:
    if not (root / "dvc.lock").is_file() or changed_nodes(root):
        raise GateRefusedError("the results are not up to date: run `guise run` first")
    if changed_files(root, TRACED):
        raise GateRefusedError(
            "the code of this workspace was changed: commit it, so that its revision can be named"
        )
    check_consent(root, read_admitted(root)["clip_id"].to_list())
    for name, model in read_document(root / REGISTRY_PATH, Registry).models.items():
        if params.purpose == "commercial" and model.licence_class == "research-only":
            raise GateRefusedError(f"model {name} is for research only, the declared purpose is commercial")


def check_consent(root: Path, clip_ids: list[str]) -> None:
    """Raise GateRefusedError where the consent for one of the clips has expired by today."""
    expired = read_clips(root).filter(
        pl.col("clip_id").is_in(clip_ids) & (pl.col("consent_expires") < date.today().isoformat())
    )
    if expired.height:
        raise GateRefusedError(
            f"consent has expired for {expired['clip_id'][0]}: run `guise ingest` and `guise run` again"
        )


def _choose_clips(root: Path) -> tuple[list[ReleaseClip], list[LeftOut]]:
    known = judged(root)
    waiting = [one.clip for one in known if one.waits]
    if waiting:
        first, others = waiting[0], len(waiting) - 1
        more = f"; {others} more clip{'s wait' if others > 1 else ' waits'}" if others else ""
        state = "fails" if first.verdict == "fail" else "asks for a person's decision"
        raise GateRefusedError(
            f"{first.clip_id} {state} ({', '.join(first.broken_rules)}{more}): "
            "look with `guise review`, then use `guise decide`"
        )
    clips: list[ReleaseClip] = []
    left_out = [LeftOut(clip_id=clip, reason=f"refused: {why}") for clip, why in refused_clips(root).items()]
    for clip, word in ((one.clip, one.word) for one in known):
        if word and not word.accepted:
            why = f"failed: {', '.join(clip.broken_rules)}; " if clip.verdict == "fail" else ""
            left_out.append(LeftOut(clip_id=clip.clip_id, reason=f"{why}rejected: {word.reason}"))
        else:
            clips.append(clip)
    return clips, left_out


def describe_file(root: Path, path: str, source: Path) -> ReleaseFile:
    """Return a file's place in the release, its digest and its size."""
    file = root / source
    return ReleaseFile(path=path, source=str(source), sha256=sha256_file(file), bytes=file.stat().st_size)


def _media_files(root: Path, clips: list[ReleaseClip]) -> list[ReleaseFile]:
    return [
        describe_file(root, f"{kind}/{source.name}", source)
        for clip in clips
        for kind, source in (
            ("videos", video_path("released", clip.clip_id)),
            ("keypoints", keypoints_path("released", clip.clip_id)),
        )
    ]


def _write_documents(record: Record, account: Account) -> list[ReleaseFile]:
    folder = record.place / record.files.name
    # the last candidate's files stay until all of the new ones are there
    fresh = record.files.with_name("files.part")
    files = _media_files(record.root, account.chosen)
    chosen = [clip.clip_id for clip in account.chosen]
    try:
        for name in write_rows(record.root, chosen, fresh):
            written = describe_file(record.root, name, fresh.relative_to(record.root) / name)
            files.append(written.model_copy(update={"source": str(folder / name)}))
        files += _write(fresh, folder, render_documents(account).items())
        files += _write(fresh, folder, render_index(account, (*files,)))
        files += _write(fresh, folder, [(SUMS, render_sums({file.path: file.sha256 for file in files}))])
        shutil.rmtree(record.files, ignore_errors=True)
        fresh.rename(record.files)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return files


def _write(fresh: Path, folder: Path, contents: Iterable[tuple[str, Content]]) -> Iterator[ReleaseFile]:
    for name, content in contents:
        write_bytes(content, fresh / name)
        yield ReleaseFile(
            path=name, source=str(folder / name), sha256=sha256_bytes(content), bytes=len(content)
        )

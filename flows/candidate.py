"""Freeze what the evidence speaks of."""

from datetime import date
from pathlib import Path

import polars as pl

from flows.documents import render_documents
from flows.git import changed_files, commit, last_commit_of
from flows.replay import changed_nodes
from flows.workspace import CODE, RECORDS
from schemas.clips import SOURCES
from schemas.coverage import COVERAGE
from schemas.evidence import IDENTITY, INVARIANCE, VERDICTS
from schemas.params import Params
from schemas.registry import Registry
from schemas.release import Candidate, LeftOut, ReleaseClip, ReleaseFile
from tasks.clips import coverage_path, keypoints_path, read_admitted, read_clips, video_path
from tasks.documents import read_document, read_params, read_table, write_bytes, write_json
from tasks.errors import GateRefusedError, InputError
from tasks.hashing import sha256_file
from tasks.inference import REGISTRY_PATH
from tasks.ingest import SOURCES_PATH
from tasks.ingest.pseudonyms import known_key

EVIDENCE = {"invariance": INVARIANCE, "identity": IDENTITY, "verdicts": VERDICTS}
SETTINGS = ["params.yaml", "dvc.yaml"]
TRACED = [name for name in CODE if name not in SETTINGS]


def release_folder(version: str) -> Path:
    return Path("data/releases") / version


def publication_path(version: str) -> Path:
    return release_folder(version) / "published.json"


def read_candidate(root: Path, version: str) -> Candidate:
    """Return a frozen candidate. Raises InputError where there is none."""
    path = root / release_folder(version) / "candidate.json"
    if not path.is_file():
        raise InputError(f"there is no candidate {version}: freeze one with `guise candidate {version}`")
    return read_document(path, Candidate)


def freeze(root: Path, version: str, rejected: dict[str, str]) -> Candidate:
    """Write and commit the candidate of a version.

    rejected: clip_id -> why a person leaves it out. Raises GateRefusedError where the graph is not
    reproduced, the code is not committed, a licence forbids the purpose, or no clip is left.
    """
    params = read_params(root)
    if (root / publication_path(version)).is_file():
        return _as_published(root, version)
    _check_gates(root, params)
    commit(root, "Record the run", [*SETTINGS, *RECORDS])
    clips, left_out = _choose_clips(root, rejected)
    if not clips:
        raise GateRefusedError(
            f"no clip is left for {version}: {left_out[0].reason if left_out else 'none was admitted'}"
        )
    files = _write_documents(root, version, params, clips) + _media_files(root, clips)
    candidate = Candidate(
        version=version,
        purpose=params.purpose,
        code_revision=last_commit_of(root, [*CODE, *RECORDS]),
        dvc_lock_sha256=sha256_file(root / "dvc.lock"),
        clips=clips,
        left_out=left_out,
        files=sorted(files, key=lambda file: file.path),
    )
    folder = release_folder(version)
    write_json(candidate.model_dump(mode="json"), root / folder / "candidate.json")
    commit(root, f"Freeze candidate {version}", [str(folder)])
    return candidate


def _as_published(root: Path, version: str) -> Candidate:
    candidate = read_candidate(root, version)
    if sha256_file(root / "dvc.lock") != candidate.dvc_lock_sha256:
        raise GateRefusedError(f"{version} is published with other results: freeze a new version")
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


def _choose_clips(root: Path, rejected: dict[str, str]) -> tuple[list[ReleaseClip], list[LeftOut]]:
    verdicts = read_table(root / "data/evidence/verdicts.parquet", VERDICTS)
    clips, left_out = [], []
    for clip_id in read_admitted(root)["clip_id"]:
        rows = verdicts.filter(clip_id=clip_id)
        verdict = rows["verdict"][0] if rows.height else "fail"
        broken = rows.filter(~pl.col("passed"))["rule"].to_list()
        if verdict == "fail":
            left_out.append(LeftOut(clip_id=clip_id, reason=f"failed: {', '.join(broken) or 'no evidence'}"))
        elif clip_id in rejected:
            left_out.append(LeftOut(clip_id=clip_id, reason=f"rejected: {rejected[clip_id]}"))
        else:
            clips.append(ReleaseClip(clip_id=clip_id, verdict=verdict, broken_rules=broken))
    return clips, left_out


def _media_files(root: Path, clips: list[ReleaseClip]) -> list[ReleaseFile]:
    return [
        describe_file(root, f"{kind}/{source.name}", source)
        for clip in clips
        for kind, source in (
            ("videos", video_path("released", clip.clip_id)),
            ("keypoints", keypoints_path("released", clip.clip_id)),
        )
    ]


def describe_file(root: Path, path: str, source: Path) -> ReleaseFile:
    """Return a file's place in the release, its digest and its size."""
    file = root / source
    return ReleaseFile(path=path, source=str(source), sha256=sha256_file(file), bytes=file.stat().st_size)


def _write_documents(root: Path, version: str, params: Params, clips: list[ReleaseClip]) -> list[ReleaseFile]:
    folder = release_folder(version) / "files"
    chosen = pl.col("clip_id").is_in([clip.clip_id for clip in clips])
    tables = {
        name: read_table(root / f"data/evidence/{name}.parquet", schema).filter(chosen)
        for name, schema in EVIDENCE.items()
    }
    contents = {f"evidence/{name}.csv": table.write_csv().encode() for name, table in tables.items()}
    coverage = pl.concat(
        [read_table(root / coverage_path("released", clip.clip_id), COVERAGE) for clip in clips]
    )
    models = read_document(root / REGISTRY_PATH, Registry)
    contents |= render_documents(
        version=version,
        params=params,
        clips=read_clips(root).filter(chosen),
        chosen=clips,
        sources=read_table(root / SOURCES_PATH, SOURCES),
        tables=tables,
        coverage=coverage,
        models=models,
        key=known_key(root),
        licence=(root / "LICENSE").read_bytes(),
    )
    for name, content in contents.items():
        write_bytes(content, root / folder / name)
    return [describe_file(root, name, folder / name) for name in contents]

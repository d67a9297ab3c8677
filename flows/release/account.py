"""What a release gives account of, read from the workspace."""

from collections import Counter
from pathlib import Path

import polars as pl

from flows.release.documents import Account
from flows.release.documents.datasheet import OPEN_MOUTHS
from flows.stage.libraries import noted
from schemas.clips import SOURCES
from schemas.coverage import COVERAGE, OPEN_MOUTH
from schemas.dictionary import EVIDENCE
from schemas.params import Params
from schemas.registry import Registry
from schemas.release import ReleaseClip
from tasks.files.clips import coverage_path, read_clips
from tasks.files.documents import read_csv_table, read_document, read_table
from tasks.files.hashing import keyed_digest
from tasks.files.pseudonyms import known_key
from tasks.files.tables import build_table
from tasks.ingest import SOURCES_PATH
from tasks.publish.signature import read_signers
from tasks.validate.cohort import cohort_agreement, cohort_means
from tasks.validate.summary import compare_methods
from tasks.vision.sessions import REGISTRY_PATH

EVIDENCE_PATH = Path("data/evidence")


def take_account(
    root: Path, version: str, params: Params, clips: list[ReleaseClip], code_revision: str
) -> Account:
    """Read everything that the documents of a release are made from, of the chosen clips only."""
    chosen = [clip.clip_id for clip in clips]
    return Account(
        version=version,
        params=params,
        chosen=clips,
        clips=read_clips(root).filter(pl.col("clip_id").is_in(chosen)),
        tables=_tables(root, chosen),
        faces=_count_faces(root, chosen),
        raw_hmacs=name_raw_files(root, chosen),
        models=read_document(root / REGISTRY_PATH, Registry),
        signers=read_signers(root),
        code_revision=code_revision,
        libraries=noted(root),
    )


def name_raw_files(root: Path, clip_ids: list[str]) -> dict[str, str]:
    """Return clip_id -> the HMAC that its raw file is called outside."""
    key = known_key(root)
    raw = dict(read_table(root / SOURCES_PATH, SOURCES).select("clip_id", "raw_sha256").iter_rows())
    return {clip_id: keyed_digest(key, "raw", raw[clip_id]) for clip_id in clip_ids}


def _tables(root: Path, clip_ids: list[str]) -> dict[str, pl.DataFrame]:
    """Return the evidence of the chosen clips; what speaks of many is computed from these alone.

    From a mean over all, and the rows of the chosen, the figures of a clip that was left out could be told.
    What cannot be computed from rows is empty where a clip was left out.
    """
    whole = {name: _read_evidence(root, name) for name in EVIDENCE}
    tables = {name: _of_clips(table, clip_ids) for name, table in whole.items()}
    invariance, identity = tables["invariance"], tables["identity"]
    subjects = dict(read_clips(root).select("clip_id", "subject").iter_rows())
    over_clips = {
        "cohort": cohort_means(invariance, subjects),
        "agreement": cohort_agreement(tables["signals"], subjects),
        "methods": compare_methods(invariance, identity, subjects),
    }
    tables |= {name: build_table(rows, EVIDENCE[name]) for name, rows in over_clips.items()}
    if set(whole["invariance"]["clip_id"]) != set(clip_ids):
        tables |= {name: tables[name].clear() for name in ("recognition", "roc")}
    return tables


def _read_evidence(root: Path, name: str) -> pl.DataFrame:
    path, schema = root / EVIDENCE_PATH / f"{name}.parquet", EVIDENCE[name]
    return read_table(path, schema) if path.is_file() else read_csv_table(path.with_suffix(".csv"), schema)


def _of_clips(table: pl.DataFrame, clip_ids: list[str]) -> pl.DataFrame:
    columns = [column for column in ("clip_id", "clip_a", "clip_b") if column in table.columns]
    return table.filter(pl.col(column).is_in(clip_ids) for column in columns) if columns else table


def _count_faces(root: Path, clip_ids: list[str]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for clip_id in clip_ids:
        coverage = read_table(root / coverage_path("released", clip_id), COVERAGE)
        counts.update(coverage["method"].to_list())
        counts[OPEN_MOUTHS] += coverage.filter(pl.col("in_mouth") > OPEN_MOUTH).height
    return dict(+counts)

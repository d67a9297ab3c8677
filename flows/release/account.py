"""What a release gives account of, read from the workspace."""

from collections import Counter
from pathlib import Path

import polars as pl

from flows.release.documents import Account
from flows.release.documents.datasheet import OPEN_MOUTHS
from flows.stage.libraries import noted
from schemas.clips import SOURCES
from schemas.coverage import COVERAGE, OPEN_MOUTH
from schemas.dictionary import EVIDENCE, published_tables
from schemas.evidence import ROC, VERDICTS
from schemas.params import Params
from schemas.registry import Registry
from schemas.release import ReleaseClip
from tasks.files.clips import coverage_path, evidence_path, read_clips
from tasks.files.documents import (
    LEAN_ROWS,
    piecewise,
    read_csv_table,
    read_document,
    read_lean,
    read_pieces,
    read_table,
    read_together,
)
from tasks.files.hashing import keyed_digest
from tasks.files.pseudonyms import known_key
from tasks.files.tables import build_table
from tasks.ingest import SOURCES_PATH
from tasks.publish.signature import read_signers
from tasks.swap.own import network_digests
from tasks.validate.cohort import cohort_agreement, cohort_means
from tasks.validate.evidence import KNOWN, MEANT, READ
from tasks.validate.summary import compare_methods
from tasks.vision.sessions import REGISTRY_PATH


def take_account(
    root: Path, version: str, params: Params, clips: list[ReleaseClip], code_revision: str
) -> Account:
    """Read everything that the documents of a release are made from, of the chosen clips only."""
    chosen = [clip.clip_id for clip in clips]
    rows = _read_rows(root, chosen)
    tables = _tables(root, chosen, rows)
    # of the longest no more is told, clip by clip, and it is held until all documents are written
    rows["invariance"] = rows["invariance"].filter(arm="released", part="face")
    return Account(
        version=version,
        params=params,
        chosen=clips,
        clips=read_clips(root).filter(pl.col("clip_id").is_in(chosen)),
        rows=rows,
        tables=tables,
        faces=_count_faces(root, chosen),
        raw_hmacs=name_raw_files(root, chosen),
        network_hmacs=name_networks(root, params, clips),
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


def name_networks(root: Path, params: Params, clips: list[ReleaseClip]) -> dict[str, str]:
    """Return clip_id -> the HMAC that the networks which draw its people are called outside.

    They learnt from patients: neither they nor their digests leave the private side.
    """
    if not params.deidentify.swaps_by_own:
        return {}
    key, subjects = known_key(root), dict(read_clips(root).select("clip_id", "subject").iter_rows())
    named = {clip.clip_id: network_digests(root, subjects[clip.clip_id]) for clip in clips}
    return {
        clip_id: keyed_digest(key, "network", *(digests[name] for name in sorted(digests)))
        for clip_id, digests in named.items()
        if digests
    }


def _tables(root: Path, clip_ids: list[str], rows: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Return what speaks of many clips, computed from the rows of the chosen ones alone.

    From a mean over all, and the rows of the chosen, the figures of a clip that was left out could be told.
    What cannot be computed from rows is empty where a clip was left out.
    """
    subjects = dict(read_clips(root).select("clip_id", "subject").iter_rows())
    linkage, recognition = (
        read_table(root / evidence_path(name), EVIDENCE[name]) for name in ("linkage", "recognition")
    )
    roc = read_csv_table(root / evidence_path("roc"), ROC)
    judged = read_lean(root / evidence_path("verdicts"), VERDICTS, ["clip_id"])["clip_id"].unique()
    over_clips = {
        "cohort": cohort_means(rows["invariance"], subjects),
        "agreement": cohort_agreement(rows["signals"], subjects),
        "methods": compare_methods(rows["invariance"], rows["identity"], subjects),
    }
    tables = {name: build_table(found, EVIDENCE[name]) for name, found in over_clips.items()}
    is_whole = set(judged) == set(clip_ids)
    return tables | {
        "linkage": linkage.filter(pl.all_horizontal(pl.col("clip_a", "clip_b").is_in(clip_ids))),
        "recognition": recognition if is_whole else recognition.clear(),
        "roc": roc if is_whole else roc.clear(),
    }


def _read_rows(root: Path, clip_ids: list[str]) -> dict[str, pl.DataFrame]:
    """Return what is told of single clips, as far as sentences are made of it."""
    chosen = pl.col("clip_id").is_in(clip_ids)
    wanted = {"invariance": (MEANT, chosen), "identity": (KNOWN, chosen), "signals": (READ, chosen),
              "verdicts": (None, chosen & ~pl.col("passed"))}  # fmt: skip
    return {
        name: read_lean(root / evidence_path(name), EVIDENCE[name], columns, keep)
        for name, (columns, keep) in wanted.items()
    }


def write_rows(root: Path, clip_ids: list[str], folder: Path) -> list[str]:
    """Write the evidence of the chosen clips into a folder, a few rows at a time; return the files' names."""
    names, places = [], published_tables()
    for name, schema in EVIDENCE.items():
        if "clip_id" not in schema.columns:
            continue
        with piecewise(schema, folder / places[name][0]) as add:
            for piece in read_pieces(root / evidence_path(name), schema, LEAN_ROWS):
                add(piece.filter(pl.col("clip_id").is_in(clip_ids)))
        names.append(places[name][0])
    return names


def _count_faces(root: Path, clip_ids: list[str]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for coverage in read_together([root / coverage_path("released", one) for one in clip_ids], COVERAGE):
        counts.update(coverage["method"].to_list())
        counts[OPEN_MOUTHS] += coverage.filter(pl.col("in_mouth") > OPEN_MOUTH).height
    return dict(+counts)

"""The pages that travel with a release, made from schemas and evidence (pure)."""

from collections.abc import Iterable

import numpy as np
import pandera.polars as pa
import polars as pl
import yaml

from schemas.evidence import IDENTITY, INVARIANCE, VERDICTS
from schemas.keypoints import KEYPOINTS
from schemas.params import Params
from schemas.registry import Registry
from schemas.release import ReleaseClip
from tasks.hashing import canonical_json, keyed_digest

DICTIONARY = {
    "keypoints/<clip_id>.parquet": KEYPOINTS,
    "evidence/invariance.csv": INVARIANCE,
    "evidence/identity.csv": IDENTITY,
    "evidence/verdicts.csv": VERDICTS,
}
CLIP_COLUMNS = [
    "clip_id", "subject", "session", "task", "width", "height", "time_base", "frame_count",
    "duration_s", "is_vfr", "audio",
]  # fmt: skip


def render_documents(
    *,
    version: str,
    params: Params,
    clips: pl.DataFrame,
    chosen: list[ReleaseClip],
    sources: pl.DataFrame,
    tables: dict[str, pl.DataFrame],
    coverage: pl.DataFrame,
    models: Registry,
    key: bytes,
    licence: bytes,
) -> dict[str, bytes]:
    """Return path in the release -> bytes. Raw files are named by keyed HMAC only."""
    resolved = params.model_dump(mode="json", by_alias=True)
    registry = models.model_dump(mode="json")
    for named in (resolved["models"], registry["models"]):
        _hide_folders(named)
    table = (
        clips.select(CLIP_COLUMNS)
        .sort("clip_id")
        .with_columns(
            verdict=pl.Series([clip.verdict for clip in sorted(chosen, key=lambda clip: clip.clip_id)])
        )
    )
    return {
        "README.md": describe_release(version, params, chosen, tables, coverage).encode(),
        "DATA_DICTIONARY.md": describe_tables().encode(),
        "LICENSE": f"{params.publish.licence}\n".encode(),
        "clips.csv": table.write_csv().encode(),
        "params.yaml": yaml.safe_dump(resolved, sort_keys=True).encode(),
        "models.json": canonical_json(registry) + b"\n",
        "lineage.json": canonical_json(lineage(clips, sources, key)) + b"\n",
    }


def _hide_folders(models: dict[str, dict[str, str]]) -> None:
    # a folder of this machine tells of its people and its place
    for model in models.values():
        if model["source"].startswith("file:"):
            model["source"] = "file:"


def lineage(clips: pl.DataFrame, sources: pl.DataFrame, key: bytes) -> dict[str, dict[str, str]]:
    """Return clip_id -> what its raw file is called outside: an HMAC that only the key can make."""
    raw = dict(sources.select("clip_id", "raw_sha256").iter_rows())
    return {
        clip_id: {"raw_hmac_sha256": keyed_digest(key, "raw", raw[clip_id])}
        for clip_id in sorted(clips["clip_id"])
    }


def describe_tables() -> str:
    """Write the data dictionary from the schemas."""
    lines = ["# Data dictionary", "", "Pixels count from the top left corner of the shown picture.", ""]
    for path, schema in DICTIONARY.items():
        lines += [f"## `{path}`", "", "| column | type | rule |", "|---|---|---|", *_rows(schema), ""]
    return "\n".join(lines)


def _rows(schema: pa.DataFrameSchema) -> Iterable[str]:
    for name, column in schema.columns.items():
        rules = [str(check.error or check.name).replace("|", "or") for check in column.checks]
        rules += ["may be empty"] if column.nullable else []
        yield f"| {name} | {column.dtype} | {'; '.join(rules)} |"


def describe_release(
    version: str,
    params: Params,
    clips: list[ReleaseClip],
    tables: dict[str, pl.DataFrame],
    coverage: pl.DataFrame,
) -> str:
    """Write the page that a stranger reads first; it names what did not pass."""
    reviewed = [clip for clip in clips if clip.verdict == "review"]
    lines = [
        f"# Release {version}",
        "",
        f"{len(clips)} de-identified clips for the purpose: {params.purpose}. Faces were covered by "
        f"{_describe_methods(coverage)}. The clips are de-identified, not anonymous: gait, voice and "
        "surroundings can still identify.",
        "",
        "`manifest.json` names every file and its SHA-256; what it does not name is no part of the release.",
        "",
        "## What a person decided",
        "",
    ]
    if reviewed:
        lines += [
            f"{len(reviewed)} of {len(clips)} clips broke a rule that asks for a person's decision; "
            "a named person approved them:",
            "",
            *(_explain(clip, tables["verdicts"]) for clip in reviewed),
        ]
    else:
        lines.append("Every clip passed every rule; a named person approved the release.")
    lines += ["", "## Can the people be recognised?", "", *_identity_lines(tables["identity"]), ""]
    lines += [_error_sentence(tables["invariance"]), ""]
    return "\n".join(lines)


def _explain(clip: ReleaseClip, verdicts: pl.DataFrame) -> str:
    rows = verdicts.filter(pl.col("clip_id") == clip.clip_id, ~pl.col("passed"))
    parts = [
        f"{row['rule']} is {row['value']:.3g}, asked is {row['comparison']} {row['threshold']:g}"
        for row in rows.iter_rows(named=True)
    ]
    return f"- `{clip.clip_id}`: {'; '.join(parts)}"


def _identity_lines(identity: pl.DataFrame) -> Iterable[str]:
    for row in identity.filter(arm="released").sort("clip_id", "recogniser").iter_rows(named=True):
        chance = 1 / row["gallery_subjects"]
        yield (
            f"- `{row['clip_id']}`: {row['recogniser']} puts {row['rank1']:.0%} of "
            f"{row['subject_frames']} sampled frames nearest to the right one of "
            f"{row['gallery_subjects']} subjects (chance {chance:.0%})"
        )


def _describe_methods(coverage: pl.DataFrame) -> str:
    counts = coverage.group_by("method").len().sort("len", "method", descending=[True, False])
    return ", ".join(f"`{method}` ({count} faces in frames)" for method, count in counts.iter_rows())


def _error_sentence(invariance: pl.DataFrame) -> str:
    rows = invariance.filter(arm="released", part="face", metric="nme_mean").drop_nulls("value")
    if rows.is_empty():
        return "No face was found again, so that its keypoints could not be compared."
    error, floor = (float(np.mean(rows[name].to_numpy())) for name in ("value", "floor"))
    beside = f", {error / floor:.2f} times what re-encoding alone does" if floor else ""
    return f"Face keypoints moved by {error:.4f} of the distance between the eyes on average{beside}."

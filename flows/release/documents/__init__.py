"""The documents that travel with a release, made from schemas and evidence (pure)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import polars as pl
import yaml

from flows.release.documents.croissant import describe_dataset
from flows.release.documents.datasheet import describe_release
from flows.release.documents.dictionary import describe_tables
from flows.release.documents.provenance import trace_release
from schemas.clips import RELEASED_CLIPS
from schemas.dictionary import AS_PARQUET, published_tables
from schemas.params import Params
from schemas.registry import Registry
from schemas.release import ReleaseClip, ReleaseFile
from tasks.files.hashing import canonical_json
from tasks.files.tables import table_bytes

SUMS = "SHA256SUMS"
SIGNERS = "allowed_signers"
Content = bytes | bytearray  # what names every file is too long to be copied


@dataclass(frozen=True, kw_only=True)
class Account:
    """What a release gives account of; clips: the chosen ones only, as everything here.

    rows: of single clips, what sentences are made of. tables: what is told of many clips together. faces:
    method -> how many faces in frames it covered, and how many mouths are open. raw_hmacs: clip_id -> what a
    raw file is called outside: an HMAC that only the key can make; network_hmacs: the same of the networks
    that draw its people. signers: of `ssh-keygen -Y verify`.
    libraries: package -> version, by which everything was computed.
    """

    version: str
    params: Params
    chosen: list[ReleaseClip]
    clips: pl.DataFrame
    rows: dict[str, pl.DataFrame]
    tables: dict[str, pl.DataFrame]
    faces: dict[str, int]
    raw_hmacs: dict[str, str]
    network_hmacs: dict[str, str] = field(default_factory=dict)
    models: Registry
    signers: bytes
    code_revision: str
    libraries: dict[str, str]


def render_documents(account: Account) -> dict[str, bytes]:
    """Return path in the release -> bytes; of what names other files, or has rows for every clip, nothing."""
    params, models = published_settings(account.params, account.models)
    return _render_tables(account) | {
        "datasheet.md": describe_release(
            account.version, account.params, account.chosen, account.rows, account.faces
        ).encode(),
        "DATA_DICTIONARY.md": describe_tables().encode(),
        "LICENSE": f"{account.params.publish.licence}\n".encode(),
        SIGNERS: account.signers,
        "params.yaml": params,
        "models.json": models,
    }


def render_index(account: Account, files: Sequence[ReleaseFile]) -> Iterator[tuple[str, Content]]:
    """Yield path in the release and bytes of the documents that name the other files, one after the other."""
    yield "croissant.json", describe_dataset(account.version, account.params, files)
    params, _ = published_settings(account.params, account.models)
    yield (
        "prov.json",
        trace_release(
            account.code_revision,
            account.models,
            params,
            account.raw_hmacs,
            {file.path: file.sha256 for file in files},
            libraries=account.libraries,
            network_hmacs=account.network_hmacs,
        ),
    )


def render_sums(digests: dict[str, str]) -> bytes:
    """Return what `sha256sum -c` reads; digests: path -> SHA-256."""
    return "".join(f"{sha256}  {path}\n" for path, sha256 in sorted(digests.items())).encode()


def published_settings(params: Params, models: Registry) -> tuple[bytes, bytes]:
    """Return params.yaml and models.json without what is only true of this machine."""
    resolved = params.model_dump(mode="json", by_alias=True)
    # where it is stored, and by which key, is no reader's business
    resolved["publish"] = {"licence": params.publish.licence}
    registry = models.model_dump(mode="json")
    for named in (resolved["models"], registry["models"]):
        _hide_folders(named)
    return yaml.safe_dump(resolved, sort_keys=True).encode(), canonical_json(registry) + b"\n"


def _hide_folders(models: dict[str, dict[str, str]]) -> None:
    # a folder of this machine tells of its people and its place
    for model in models.values():
        if model["source"].startswith("file:"):
            model["source"] = "file:"


def _render_tables(account: Account) -> dict[str, bytes]:
    verdicts = {clip.clip_id: clip.verdict for clip in account.chosen}
    clips = account.clips.select(name for name in RELEASED_CLIPS.columns if name != "verdict").sort("clip_id")
    tables = account.tables | {
        "clips": clips.with_columns(
            verdict=pl.Series([verdicts[clip_id] for clip_id in clips["clip_id"]], dtype=pl.String)
        )
    }
    places = published_tables()
    return {
        places[name][0]: table_bytes(table, places[name][1], name, as_parquet=name in AS_PARQUET)
        for name, table in tables.items()
    }

"""prov.json: what every released file came from, as W3C PROV says it (pure)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from prov.model import ProvDocument

from schemas.registry import Registry
from tasks.files.hashing import sha256_bytes

NAMESPACE = "urn:guise:"
SETTINGS, WEIGHTS, SOFTWARE = "guise:params.yaml", "guise:models.json", "guise:software"
OWN = "the provider's own data: never published"
Sections = dict[str, bytearray]


def trace_release(
    code_revision: str,
    models: Registry,
    params: bytes,
    raw_hmacs: dict[str, str],
    digests: dict[str, str],
    *,
    libraries: dict[str, str],
    network_hmacs: Mapping[str, str],
) -> bytearray:
    """Return PROV-JSON: released file <- deidentify <- keypoints <- ingest <- raw file, by its HMAC.

    digests: path in the release -> SHA-256. libraries: package -> version. network_hmacs: clip_id -> what the
    networks that learnt from its people are called outside. Nothing of the private side but
    HMACs, and no time, is in it.
    """
    document = _document()
    versions = {f"guise:library/{name}": version for name, version in sorted(libraries.items())}
    document.agent(SOFTWARE, {"guise:code_revision": code_revision} | versions)
    document.entity(SETTINGS, {"guise:sha256": sha256_bytes(params)})
    weights = document.collection(WEIGHTS)
    for name, model in sorted(models.models.items()):
        says = {"guise:sha256": model.sha256, "guise:licence": model.licence}
        document.hadMember(weights, document.entity(f"guise:model/{name}", says))
    sections: Sections = {}
    _add(sections, document, "release")
    # a clip's records are 50 kB while the library holds them, and 4 as text
    for clip_id, hmac in sorted(raw_hmacs.items()):
        _add(sections, _trace_clip(clip_id, hmac, digests, network_hmacs.get(clip_id)), clip_id)
    told = bytearray(f'{{\n "prefix": {json.dumps({"guise": NAMESPACE})}'.encode())
    for name in [*sections]:
        told += f',\n "{name}": {{\n  '.encode() + sections.pop(name) + b"\n }"
    told += b"\n}\n"
    return told


def _document() -> ProvDocument:
    document = ProvDocument()
    document.add_namespace("guise", NAMESPACE)
    return document


def _add(sections: Sections, document: ProvDocument, name: str) -> None:
    """Add a document's records as lines of JSON; what bears no name of its own is called after it."""
    told: dict[str, dict[str, Any]] = json.loads(str(document.serialize()))
    del told["prefix"]
    for section, records in told.items():
        lines = ",\n  ".join(
            f"{json.dumps(key.replace('_:', f'_:{name}-', 1))}: {json.dumps(record)}"
            for key, record in records.items()
        )
        there = sections.setdefault(section, bytearray())
        there += (b",\n  " if there else b"") + lines.encode()


def _trace_clip(clip_id: str, hmac: str, digests: dict[str, str], network_hmac: str | None) -> ProvDocument:
    document = _document()

    def step(activity: str, made: str, used: Sequence[str], says: Mapping[str, str] | None = None) -> str:
        """Say that an activity made an entity from what it used; entities without a SHA-256 stay at home."""
        doing, entity = f"guise:{activity}/{clip_id}", f"guise:{made}/{clip_id}"
        document.activity(doing)
        document.entity(entity, says)
        for source in used:
            document.used(doing, source)
        document.wasGeneratedBy(entity, doing)
        document.wasAssociatedWith(doing, SOFTWARE)
        return entity

    raw = f"guise:raw/{clip_id}"
    document.entity(raw, {"guise:hmac_sha256": hmac})
    ingested = step("ingest", "ingested", [raw])
    keypoints = step("extract", "original-keypoints", [ingested])
    used = [ingested, keypoints, SETTINGS, WEIGHTS]
    if network_hmac:
        told = {"guise:hmac_sha256": network_hmac, "guise:licence": OWN}
        used.append(step("train", "network", [ingested, keypoints, SETTINGS, WEIGHTS], told))
    video = step("deidentify", "video", used, _content(digests, f"videos/{clip_id}.mp4"))
    document.wasDerivedFrom(video, raw)
    keypoints_file = _content(digests, f"keypoints/{clip_id}.parquet")
    step("extract-released", "keypoints", [video, SETTINGS], keypoints_file)
    return document


def _content(digests: Mapping[str, str], path: str) -> dict[str, str]:
    return {"guise:sha256": digests[path]} if path in digests else {}

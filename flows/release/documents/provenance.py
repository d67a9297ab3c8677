"""prov.json: what every released file came from, as W3C PROV says it (pure)."""

from prov.model import ProvDocument, ProvEntity

from schemas.registry import Registry
from tasks.files.hashing import sha256_bytes

NAMESPACE = "urn:guise:"


def trace_release(
    code_revision: str,
    models: Registry,
    params: bytes,
    raw_hmacs: dict[str, str],
    digests: dict[str, str],
    *,
    libraries: dict[str, str],
) -> bytes:
    """Return PROV-JSON: released file <- deidentify <- keypoints <- ingest <- raw file, by its HMAC.

    digests: path in the release -> SHA-256. libraries: package -> version. Nothing of the private side but
    HMACs, and no time, is in it.
    """
    document = ProvDocument()
    document.add_namespace("guise", NAMESPACE)
    versions = {f"guise:library/{name}": version for name, version in sorted(libraries.items())}
    document.agent("guise:software", {"guise:code_revision": code_revision} | versions)
    settings = document.entity("guise:params.yaml", {"guise:sha256": sha256_bytes(params)})
    weights = document.collection("guise:models.json")
    for name, model in sorted(models.models.items()):
        says = {"guise:sha256": model.sha256, "guise:licence": model.licence}
        document.hadMember(weights, document.entity(f"guise:model/{name}", says))
    for clip_id, hmac in sorted(raw_hmacs.items()):
        trace = _Trace(document, clip_id)
        raw = document.entity(f"guise:raw/{clip_id}", {"guise:hmac_sha256": hmac})
        ingested = trace.step("ingest", "ingested", [raw])
        keypoints = trace.step("extract", "original-keypoints", [ingested])
        used = [ingested, keypoints, settings, weights]
        video = trace.step("deidentify", "video", used, digests.get(f"videos/{clip_id}.mp4"))
        document.wasDerivedFrom(video, raw)
        released = digests.get(f"keypoints/{clip_id}.parquet")
        trace.step("extract-released", "keypoints", [video, settings], released)
    return f"{document.serialize(indent=1)}\n".encode()


class _Trace:
    """The activities of one clip, one after the other."""

    def __init__(self, document: ProvDocument, clip_id: str) -> None:
        self.document = document
        self.clip_id = clip_id

    def step(self, activity: str, made: str, used: list[ProvEntity], sha256: str | None = None) -> ProvEntity:
        """Say that an activity made an entity from what it used; entities without a digest stay at home."""
        doing = self.document.activity(f"guise:{activity}/{self.clip_id}")
        known = {"guise:sha256": sha256} if sha256 else {}
        entity = self.document.entity(f"guise:{made}/{self.clip_id}", known)
        for source in used:
            self.document.used(doing, source)
        self.document.wasGeneratedBy(entity, doing)
        self.document.wasAssociatedWith(doing, "guise:software")
        return entity

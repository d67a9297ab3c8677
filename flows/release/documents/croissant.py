"""croissant.json: the dataset as Croissant 1.1 describes it, with fields of responsible AI (pure)."""

import json
import mimetypes
import re
from collections.abc import Sequence
from typing import Any

import pandera.polars as pa
import polars as pl

from schemas.dictionary import ABOUT, meaning_of, published_tables
from schemas.params import Params
from schemas.release import ReleaseFile

# as the specification prints it
CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
    "unArchive": "cr:unArchive",
    "value": "cr:value",
}
CONFORMS_TO = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
KINDS = {".parquet": "application/x-parquet", ".md": "text/markdown", ".yaml": "application/yaml"}
TYPES: dict[Any, str] = {
    pl.String: "sc:Text",
    pl.Boolean: "sc:Boolean",
    pl.Float64: "sc:Float",
    pl.Float32: "sc:Float",
}
KEYPOINTS = "keypoint-tables"


def describe_dataset(version: str, params: Params, files: Sequence[ReleaseFile]) -> bytes:
    """Return Croissant's JSON-LD; it names every file with its SHA-256, and every column of every table."""
    tables = published_tables()
    document = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": f"release-{version}",
        "description": "De-identified clinical videos, keypoints of body, hands and face, and the evidence "
        "that these stayed where they were. De-identified, not anonymous.",
        "version": "1.0.0",
        "alternateName": version,
        "license": params.publish.licence,
        "url": ".",
        "isLiveDataset": False,
        "distribution": [*(_file(file) for file in files), _keypoint_set()],
        "recordSet": [
            _records(name, KEYPOINTS if name == "keypoints" else path, schema)
            for name, (path, schema) in tables.items()
        ],
        **_responsible_ai(params),
    }
    return json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"


def _file(file: ReleaseFile) -> dict[str, Any]:
    suffix = re.sub(r"^.*(\.\w+)$", r"\1", file.path)
    kind = KINDS.get(suffix) or mimetypes.guess_type(file.path)[0] or "text/plain"
    return {
        "@type": "cr:FileObject", "@id": file.path, "name": file.path, "contentUrl": file.path,
        "contentSize": f"{file.bytes} B", "encodingFormat": kind, "sha256": file.sha256,
    }  # fmt: skip


def _keypoint_set() -> dict[str, Any]:
    return {
        "@type": "cr:FileSet", "@id": KEYPOINTS, "name": KEYPOINTS, "includes": "keypoints/*.parquet",
        "encodingFormat": KINDS[".parquet"],
    }  # fmt: skip


def _records(name: str, source: str, schema: pa.DataFrameSchema) -> dict[str, Any]:
    place = "fileSet" if source == KEYPOINTS else "fileObject"
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": ABOUT[name],
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{name}/{column}",
                "name": f"{name}/{column}",
                "description": meaning_of(name, column),
                "source": {place: {"@id": source}, "extract": {"column": column}},
                **_type_of(schema.columns[column].dtype.type),
            }
            for column in schema.columns
        ],
    }


def _type_of(dtype: Any) -> dict[str, Any]:
    if isinstance(dtype, pl.Array):
        return {"dataType": "sc:Float", "isArray": True, "arrayShape": str(dtype.size)}
    return {"dataType": TYPES.get(dtype, "sc:Integer")}


def _responsible_ai(params: Params) -> dict[str, Any]:
    return {
        "rai:dataCollection": "Examination videos, handed in by the provider with consent to release.",
        "rai:dataCollectionType": ["Physical data collection"],
        "rai:dataPreprocessingProtocol": [
            "Every face in every frame is covered by another face or, where that cannot be trusted, made "
            "unrecognisable; params.yaml holds every setting, models.json every model.",
            "Videos are re-encoded; container metadata is not taken over.",
        ],
        "rai:dataAnnotationProtocol": "Keypoints are estimated by models, not by people.",
        "rai:machineAnnotationTools": ["MediaPipe face, pose and hand landmark models, see models.json"],
        "rai:personalSensitiveInformation": ["Health data", "Bodies, movement and surroundings of patients"],
        "rai:dataLimitations": [
            "De-identified, not anonymous: gait, voice, body and surroundings can still identify.",
            "Faces do not show the person: nothing about skin, age or asymmetry of a face may be concluded.",
            "Keypoint errors against the originals are in evidence/; keypoints of the released videos are "
            "not those of the originals.",
        ],
        "rai:dataUseCases": [f"Declared purpose: {params.purpose}.", "Analysis of movement."],
        "rai:dataSocialImpact": "Attempts to recognise a person break what the people in it consented to.",
        "rai:dataReleaseMaintenancePlan": "A release is never altered; where consent is withdrawn, "
        "tombstone.json names the clips to delete, and the next release is without them.",
    }  # fmt: skip

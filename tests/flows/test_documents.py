"""What a release says of where it was made: nothing."""

import json

import polars as pl
import yaml

from flows.documents import render_documents
from schemas.clips import CLIPS, SOURCES
from schemas.coverage import COVERAGE
from schemas.evidence import IDENTITY, INVARIANCE, VERDICTS
from schemas.params import ModelSource
from schemas.registry import RegisteredModel, Registry
from tasks.documents import build_table

FOLDER = "/home/dr.jane/weights"


def test_a_folder_of_this_machine_is_not_published(params):
    source = params.models["mobilefacenet"].model_dump() | {"source": f"file:{FOLDER}"}
    brought = params.model_copy(update={"models": params.models | {"arcface": ModelSource(**source)}})
    entry = {name: source[name] for name in ("sha256", "source", "licence", "licence_class", "purpose")}
    registered = Registry(models={"arcface": RegisteredModel(path="data/models/arcface.onnx", **entry)})
    tables = {"invariance": INVARIANCE, "identity": IDENTITY, "verdicts": VERDICTS}
    found = render_documents(
        version="1",
        params=brought,
        clips=build_table([], CLIPS),
        chosen=[],
        sources=build_table([], SOURCES),
        tables={name: build_table([], schema) for name, schema in tables.items()},
        coverage=pl.DataFrame(build_table([], COVERAGE)),
        models=registered,
        key=b"0" * 32,
        licence=b"",
    )
    assert not any(FOLDER.encode() in content for content in found.values())
    assert yaml.safe_load(found["params.yaml"])["models"]["arcface"]["source"] == "file:"
    assert json.loads(found["models.json"])["models"]["arcface"]["source"] == "file:"

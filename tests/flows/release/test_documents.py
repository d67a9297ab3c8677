"""What a release says: nothing of where it was made, everything of what is in it."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import polars as pl
import pytest
import yaml
from prov.model import ProvDocument
from tests_support import command_environment

from flows.release.account import take_account, write_rows
from flows.release.documents import Account, render_documents, render_index, render_sums
from flows.release.documents.datasheet import (
    _KNOWS,
    OPEN_MOUTHS,
    VERIFY,
    _explain,
    _processing,
    _recognition,
)
from flows.release.documents.provenance import trace_release
from flows.release.wording import JUDGES
from schemas.clips import CLIPS
from schemas.dictionary import EVIDENCE, meaning_of, published_tables
from schemas.evidence import IDENTITY
from schemas.params.inference import ModelSource
from schemas.registry import RegisteredModel, Registry
from schemas.release import ReleaseClip, ReleaseFile
from tasks.files.clips import evidence_path, read_admitted
from tasks.files.tables import build_table, table_bytes

FOLDER = "/home/dr.jane/weights"
READ = """
import json, sys
import mlcroissant
dataset = mlcroissant.Dataset(sys.argv[1])
context = dataset.metadata.ctx
columns = {name: list(next(iter(dataset.records(name)))) for name in sys.argv[2:]}
print(json.dumps({"errors": list(context.issues.errors), "is_v1_1": context.is_v1_1(), "columns": columns}))
"""


def test_a_folder_of_this_machine_is_not_published(params):
    source = params.models["mobilefacenet"].model_dump() | {"source": f"file:{FOLDER}"}
    models = params.models | {"arcface": ModelSource(**source)}
    publish = params.publish.model_copy(update={"kms_key": FOLDER, "to": "s3://dr-jane"})
    entry = {name: source[name] for name in ("sha256", "source", "licence", "licence_class", "purpose")}
    account = Account(
        version="1",
        params=params.model_copy(update={"models": models, "publish": publish}),
        clips=build_table([], CLIPS),
        chosen=[],
        rows={name: build_table([], schema) for name, schema in EVIDENCE.items()},
        tables={},
        faces={},
        raw_hmacs={},
        models=Registry(
            models={"arcface": RegisteredModel(path="data/models/arcface.onnx", **entry)},
            inference=params.inference,
        ),
        signers=b"",
        code_revision="0" * 40,
        libraries={"numpy": "1.2.3"},
    )
    found = render_documents(account)
    found |= dict(render_index(account, [ReleaseFile(path="a", source=FOLDER, sha256="0" * 64, bytes=1)]))
    for content in found.values():
        assert FOLDER.encode() not in content
        assert b"dr-jane" not in content
    assert yaml.safe_load(found["params.yaml"])["models"]["arcface"]["source"] == "file:"
    assert json.loads(found["models.json"])["models"]["arcface"]["source"] == "file:"


@pytest.mark.parametrize("table", sorted(published_tables()))
def test_every_published_column_is_explained(table):
    _, schema = published_tables()[table]
    for column in schema.columns:
        assert len(meaning_of(table, column)) > 5


def test_what_tells_the_weakest_frames_stays_at_home():
    assert {"identity_frames", "findings"}.isdisjoint(EVIDENCE)


@pytest.fixture(scope="module")
def downloaded(release, tmp_path_factory):
    """The demo's release as a stranger has it: copied out of the workspace file by file."""
    root, folder = release[0] / "data/releases/demo-1", tmp_path_factory.mktemp("stranger")
    for file in json.loads((root / "candidate.json").read_bytes())["files"]:
        target = folder / file["path"]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((release[0] / file["source"]).read_bytes())
    for name in ("manifest.json", "manifest.json.sig"):
        (folder / name).write_bytes((root / name).read_bytes())
    return folder


def test_a_stranger_verifies_a_release_by_what_the_datasheet_says(downloaded):
    told = [line[4:] for line in (downloaded / "datasheet.md").read_text().splitlines() if line[:4] == "    "]
    assert tuple(told) == VERIFY

    def verify():
        return [
            subprocess.run(["sh", "-c", line], cwd=downloaded, capture_output=True, check=False).returncode
            for line in told
        ]

    assert verify() == [0, 0, 0]
    video = next((downloaded / "videos").iterdir())
    for path, said in ((video, [0, 0, 1]), (downloaded / "SHA256SUMS", [0, 1, 0]),
                       (downloaded / "manifest.json", [255, 0, 0])):  # fmt: skip
        kept = path.read_bytes()
        path.write_bytes(kept + b"\n0000  more\n")
        assert [bool(code) for code in verify()] == [bool(code) for code in said]
        path.write_bytes(kept)


def test_croissant_reads_every_table_and_names_every_file(downloaded):
    place = Path(sys.prefix) / "croissant"
    assert place.is_dir(), "`make test` installs what reads it"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", READ, downloaded / "croissant.json", *published_tables()],
        env=command_environment() | {"PYTHONPATH": str(place)}, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["errors"] == []
    assert told["is_v1_1"]
    document = json.loads((downloaded / "croissant.json").read_bytes())
    named = {entry["@id"]: entry for entry in document["distribution"] if entry["@type"] == "cr:FileObject"}
    left = {path.relative_to(downloaded).as_posix() for path in downloaded.rglob("*") if path.is_file()}
    left -= set(named)
    assert left == {"croissant.json", "prov.json", "SHA256SUMS", "manifest.json", "manifest.json.sig"}
    assert [name for name in document if name.startswith("rai:")]
    for name in published_tables():
        assert set(told["columns"][name]) == {
            f"{name}/{column}" for column in published_tables()[name][1].columns
        }


def test_provenance_leads_from_every_video_to_a_keyed_digest(downloaded):
    document = ProvDocument.deserialize(content=(downloaded / "prov.json").read_text())
    clips = pl.read_csv(downloaded / "clips.csv")["clip_id"]
    told = json.loads((downloaded / "prov.json").read_bytes())
    says = told["agent"]["guise:software"]
    for name in ("opencv-python", "av", "dlib-bin", "ai-edge-litert", "onnxruntime"):
        assert says[f"guise:library/{name}"] == version(name)
    derived = {
        (one["prov:generatedEntity"], one["prov:usedEntity"]) for one in told["wasDerivedFrom"].values()
    }
    assert derived == {(f"guise:video/{clip}", f"guise:raw/{clip}") for clip in clips}
    for clip in clips:
        assert document.get_record(f"guise:deidentify/{clip}")
        assert set(told["entity"][f"guise:raw/{clip}"]) == {"guise:hmac_sha256"}


def test_sums_are_those_of_sha256sum():
    assert render_sums({"b": "1" * 64, "a": "0" * 64}) == f"{'0' * 64}  a\n{'1' * 64}  b\n".encode()


@pytest.mark.parametrize("faces", [{}, {"mesh_swap": 10}, {"mesh_swap": 10, "mask": 2}])
def test_the_datasheet_speaks_of_covers_only(faces):
    said = " ".join(_processing(faces))
    assert "`none`" not in said
    assert "took the cover away" not in said


def test_the_datasheet_says_what_was_uncovered():
    said = " ".join(_processing({"mesh_swap": 10, "none": 3}))
    assert "took the cover away: 3 regions" in said
    assert "`none`" not in said


def test_the_datasheet_says_that_an_open_mouth_is_the_persons_own():
    said = " ".join(_processing({"mesh_swap": 10, OPEN_MOUTHS: 4}))
    assert "In 4 of them the mouth is open" in said
    assert OPEN_MOUTHS not in said.replace("the mouth is open", "")
    assert "the mouth is open" not in " ".join(_processing({"mesh_swap": 10}))


def test_the_datasheet_tells_a_broken_rule_as_a_sentence_with_its_name(params):
    """It said `hidden_from_shape is -5.75, asked is >= -1`."""
    clip = ReleaseClip(clip_id="clip-" + "0" * 16, verdict="review", broken_rules=[])
    for name, rule in params.validate_.rules.items():
        row = {"rule": name, "comparison": rule.comparison, "threshold": rule.threshold, "passed": False}
        for value in (None, rule.threshold - 1.25):
            first, told = _explain(clip, [row | {"value": value}], params.validate_.rules).splitlines()
            assert first == f"- `{clip.clip_id}`"
            assert told.startswith("  - ") and told.endswith(f" (`{name}`)")
            assert ("not measured" in told) == (value is None)
            assert "asked is" not in told and name not in told.removesuffix(f" (`{name}`)")


def test_the_datasheet_says_of_everybody_who_is_no_recogniser_what_they_know():
    assert {*JUDGES} - {*_KNOWS} == {"dlib", "mobilefacenet"}
    row = dict.fromkeys(IDENTITY.columns) | {
        "clip_id": "clip-" + "0" * 16, "arm": "released", "recogniser": "parrot", "gallery_subjects": 26,
        "rank1": 0.85, "rank_mean": 1.2, "rank_floor": 6.2, "frames": 20, "subject_frames": 20,
        "independent": True,
    }  # fmt: skip
    said = " ".join(_recognition(build_table([row], IDENTITY)))
    assert "somebody who has Guise, and other clips of these people" in said
    assert "85% on average" in said and "two recognisers" not in said


@pytest.mark.parametrize("left_out", [(), (0,), (3,), (1, 2)])
def test_nothing_of_a_clip_that_is_left_out_is_in_what_is_said_of_many(release, params, left_out):
    """A mean over all clips, less the published ones, would give its figures to the last digit."""
    root = release[0]
    everybody = read_admitted(root)["clip_id"].to_list()
    chosen = [
        ReleaseClip(clip_id=clip_id, verdict="pass", broken_rules=[])
        for number, clip_id in enumerate(everybody)
        if number not in left_out
    ]
    account = take_account(root, "1", params, chosen, "0" * 40)
    tables = account.tables
    rows = account.rows["invariance"].filter(arm="released", part="face", metric="nme_mean")
    (figure,) = tables["cohort"].filter(arm="released", part="face", metric="nme_mean").iter_rows(named=True)
    assert figure["clips"] == rows.height == len(chosen)
    assert figure["value"] == pytest.approx(rows["value"].mean())
    assert (figure["low"], figure["high"]) == (None, None)  # of fewer than eight people
    assert tables["methods"]["clips"].max() <= len(chosen)
    assert all(n <= account.rows["signals"].height for n in tables["agreement"]["n"])
    for name in ("recognition", "roc"):
        assert tables[name].is_empty() == bool(left_out)
    if not left_out:
        stored = pl.read_parquet(root / "data/evidence/cohort.parquet")
        assert tables["cohort"].equals(stored)


@pytest.mark.parametrize("places", [[0], [1, 3], [0, 1, 2, 3], []])
@pytest.mark.parametrize("rows_at_once", [7, 200_000])
def test_published_tables_hold_the_chosen_clips_alone(release, tmp_path, monkeypatch, places, rows_at_once):
    root = release[0]
    monkeypatch.setattr("flows.release.account.LEAN_ROWS", rows_at_once)
    chosen = [read_admitted(root)["clip_id"][place] for place in places]
    names = write_rows(root, chosen, tmp_path)
    assert {Path(name).stem for name in names} == {
        name for name, schema in EVIDENCE.items() if "clip_id" in schema.columns
    }
    for name in names:
        written, table = tmp_path / name, Path(name).stem
        known = pl.read_parquet(root / evidence_path(table)).filter(pl.col("clip_id").is_in(chosen))
        assert written.read_bytes() == table_bytes(
            known, EVIDENCE[table], table, as_parquet=written.suffix == ".parquet"
        )


def test_the_datasheet_says_whose_expression_is_nobodys():
    said = " ".join(_processing({"mesh_swap": 10, "point_swap": 6}))
    assert "`point_swap` (6 faces in frames)" in said
    assert "expression and gaze, and what keypoints say of them, are nobody's" in said
    assert "nobody's" not in " ".join(_processing({"mesh_swap": 10}))


def test_a_face_that_a_network_drew_is_told_with_who_it_learnt_from():
    said = " ".join(_processing({"mesh_swap": 10, "own_swap": 6, "point_swap": 2}))
    assert "In 6 a network drew the face that the provider trained on these very patients" in said
    assert "In 2 the face was too small" in said
    assert "network" not in " ".join(_processing({"mesh_swap": 10, "point_swap": 2}))


def test_a_network_is_named_by_what_only_the_key_can_make_and_only_where_it_drew(params):
    models = Registry(models={}, inference=params.inference)
    raw = {"clip-a": "1" * 64, "clip-b": "2" * 64}
    told = trace_release("0" * 40, models, b"", raw, {}, libraries={}, network_hmacs={"clip-b": "3" * 64})
    entities = json.loads(told)["entity"]
    assert entities["guise:network/clip-b"]["guise:hmac_sha256"] == "3" * 64
    assert "never published" in entities["guise:network/clip-b"]["guise:licence"]
    used = json.loads(told)["used"].values()
    assert [one["prov:activity"] for one in used if one["prov:entity"] == "guise:network/clip-b"] == [
        "guise:deidentify/clip-b"
    ]
    assert "guise:network/clip-a" not in entities


@pytest.mark.parametrize("k", [0, 10, 25])
def test_the_datasheet_says_of_how_many_a_face_may_be_mixed(k):
    said = " ".join(_processing({"mesh_swap": 10}, k))
    assert ("k-same" in said) == (k > 0)
    assert (f"of {k} or more other patients" in said) == (k > 0)

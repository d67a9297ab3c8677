"""A person takes their consent back: nothing of them is left, and the record says so."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import yaml
from tests_support import DEMO_S, audited, command_environment

from flows.demo.object_store import object_store
from flows.demo.sample import cohort
from flows.release.documents.datasheet import VERIFY
from schemas.jobs import Job
from schemas.params.sections import Section
from tasks.files.clips import SHAPES, read_clips, shapes_path
from tasks.files.parts import part_path
from tasks.files.pseudonyms import known_key, subject_pseudonym
from tasks.publish import open_bucket
from tasks.swap.kin import donor_path, donors_in

VERSION = "demo-1"
STORE = ".guise/prefect/storage"
FOLDER = f"releases/{VERSION}/"
# two clips of the sample cohort are theirs
SOMEBODY = "subject-" + "f" * 16
SUBJECT = "Patient Three"
PEOPLE = len({clip.subject_id for clip in cohort(DEMO_S)})


@pytest.fixture(scope="module")
def withdrawn(demo, release, guise, api, tmp_path_factory):
    """A copy of the demo whose results were pushed, and from which a person withdrew."""
    root = tmp_path_factory.mktemp("withdrawal") / "d"
    shutil.copytree(release[0], root, symlinks=True, ignore=shutil.ignore_patterns("prefect"))
    # what Prefect keeps of the jobs, as the run that computed them left it
    shutil.copytree(demo[0] / STORE, root / STORE)
    words = [sys.executable, "-m", "dvc"]
    remote = root / ".guise/private-remote"
    subprocess.run([*words, "remote", "modify", "private", "url", str(remote)], cwd=root, check=True)
    subprocess.run([*words, "push", "--quiet"], cwd=root, check=True, env=command_environment())
    subject = subject_pseudonym(known_key(root), SUBJECT)
    clips = read_clips(root).filter(subject=subject, status="admitted")["clip_id"].to_list()
    assert (root / shapes_path(subject)).is_file()  # how their face is built
    _leave_parts(root, clips[0])
    for who in (subject, SOMEBODY):
        picture = root / donor_path(who, "0" * 64)
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_bytes(b"a face that others' may be mixed of")
    objects = _objects_of(root, [*clips, subject])
    missing = [
        str(place / path) for place in _places(root) for path in objects if not (place / path).exists()
    ]
    assert missing == []
    with object_store(root / ".guise/s3") as store:
        environment = store.environment() | api
        told = guise(root, "withdraw", SUBJECT, "--reason", "asked for it", env=environment)
        yield root, environment, told, clips, objects


def _leave_parts(root, clip):
    """Leave parts of a long clip as a run does that was stopped before it joined them."""
    job = Job(stage="any", arm="", key=clip, inputs={}, order=Section(), parts=((0, 9), (9, 18)), part=1)
    for folder in ("keypoints/original", "control", "deidentified", "compare/blur", "evidence/measured"):
        path = root / part_path(Path("data") / folder, job, ".seen")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"what was seen of them")


def _places(root):
    return root / ".dvc/cache/files/md5", root / ".guise/private-remote/files/md5"


def _objects_of(root, names):
    """Return the objects of all files that bear the names, and of the raw files, by DVC's listings."""
    lock = yaml.safe_load((root / "dvc.lock").read_text())["stages"].values()
    folders = {out["md5"] for stage in lock for out in stage.get("outs", ()) if out["md5"].endswith(".dir")}
    raw = yaml.safe_load((root / "data/raw.dvc").read_text())["outs"][0]["md5"]
    found = {f"{raw[:2]}/{raw[2:]}"}
    for folder in folders | {raw}:
        for entry in json.loads((root / ".dvc/cache/files/md5" / folder[:2] / folder[2:]).read_bytes()):
            theirs = folder == raw and ("cap1" in entry["relpath"] or "no-consent" in entry["relpath"])
            if theirs or any(name in entry["relpath"] for name in names):
                found.add(f"{entry['md5'][:2]}/{entry['md5'][2:]}")
    assert len(found) > 20
    return found


@pytest.fixture
def bucket(withdrawn, monkeypatch):
    for name, value in withdrawn[1].items():
        monkeypatch.setenv(name, value)
    return open_bucket("s3://guise-demo")


def test_the_record_keeps_a_pseudonym_only(withdrawn):
    root, _, told, clips, _ = withdrawn
    assert told.returncode == 0, told.stderr
    assert f"published in {VERSION}" in told.stdout
    content = (root / "data/withdrawals.yaml").read_text()
    (record,) = yaml.safe_load(content)["withdrawals"]
    assert record["subject"] == subject_pseudonym(known_key(root), SUBJECT)
    assert set(clips) <= set(record["clips"])
    assert record["published_in"] == [VERSION]
    everything = subprocess.run(
        ["git", "log", "--all", "-p", "--", "data"], cwd=root, capture_output=True, check=True
    )
    assert SUBJECT.encode() not in everything.stdout


def test_nothing_of_theirs_is_left_in_workspace_cache_and_remote(withdrawn):
    root, _, _, clips, objects = withdrawn
    for place in _places(root):
        assert not [path for path in objects if (place / path).exists()]
    for path in (root / "data").rglob("*"):
        if "releases" not in path.parts:
            assert not any(clip in path.name for clip in clips), path
    assert not (root / shapes_path(subject_pseudonym(known_key(root), SUBJECT))).exists()
    assert len(list((root / SHAPES).iterdir())) == PEOPLE - 1
    assert {*donors_in(root)} == {SOMEBODY}
    assert SUBJECT not in (root / "data/raw/manifest.csv").read_text()
    assert SUBJECT not in (root / "data/inbox/manifest.csv").read_text()
    for place in (*_places(root), root / "data/raw", root / "data/inbox"):
        for path in place.rglob("*"):
            if path.is_file():
                assert SUBJECT.encode() not in path.read_bytes(), path
    # everybody else is still there
    others = read_clips(root).filter(status="admitted")["clip_id"].to_list()
    assert len(others) == sum(clip.subject_id != SUBJECT for clip in cohort(DEMO_S))
    for clip in others:
        assert (root / f"data/deidentified/videos/{clip}.mp4").is_file()


def test_nothing_of_theirs_is_left_in_prefects_store(demo, withdrawn):
    root, _, _, clips, _ = withdrawn

    def speaking_of(place):
        files = [path for path in (place / STORE).rglob("*") if path.is_file()]
        return [path.name for path in files if any(clip.encode() in path.read_bytes() for clip in clips)]

    assert len(speaking_of(demo[0])) > 8
    assert speaking_of(root) == []
    assert list((root / STORE).iterdir())


def test_readers_are_told_and_the_audit_accepts_it(withdrawn, bucket):
    root, _, _, clips, _ = withdrawn
    assert json.loads(bucket.read(f"{FOLDER}tombstone.json")[0]) == {
        "version": VERSION,
        "clips": sorted(clips),
    }
    found = audited(root, VERSION)
    assert found.findings == ()
    assert "consent was withdrawn for" in found.notes[0]
    bucket.client.delete_object(Bucket="guise-demo", Key=f"{FOLDER}tombstone.json")
    assert audited(root, VERSION).findings == ("tombstone.json is missing",)


def test_published_clips_are_removed_and_exactly_that_is_accepted(withdrawn, guise, bucket, tmp_path):
    root, environment, _, clips, _ = withdrawn
    words = ["withdraw", SUBJECT, "--reason", "asked for it", "--delete-published"]
    done = guise(root, *words, env=environment)
    assert done.returncode == 0, done.stderr
    left = {key.removeprefix(FOLDER) for key in bucket.keys(FOLDER)}
    assert not [path for path in left if any(clip in path for clip in clips)]
    manifest = json.loads(bucket.read(f"{FOLDER}manifest.json")[0])
    gone = {f"videos/{clip}.mp4" for clip in clips} | {f"keypoints/{clip}.parquet" for clip in clips}
    assert {file["path"] for file in manifest["withdrawn"]} == gone
    found = audited(root, VERSION)
    assert found.findings == ()
    assert "4 files of theirs are removed" in found.notes[0]
    for path in left:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(bucket.read(FOLDER + path)[0])
    for line in VERIFY:
        subprocess.run(["sh", "-c", line], cwd=tmp_path, check=True, capture_output=True)
    # one more file gone than was withdrawn
    other = next(path for path in left if path.startswith("videos/"))
    kept = bucket.read(FOLDER + other)[0]
    bucket.client.delete_object(Bucket="guise-demo", Key=FOLDER + other)
    assert audited(root, VERSION).findings == (f"{other} is missing",)
    bucket.client.put_object(Bucket="guise-demo", Key=FOLDER + other, Body=kept)
    again = guise(
        root, "withdraw", SUBJECT, "--reason", "asked for it", "--delete-published", env=environment
    )
    assert again.returncode == 0, again.stderr
    assert audited(root, VERSION).findings == ()


def test_who_withdrew_is_refused_when_handed_in_again(withdrawn, release, guise):
    root, environment, *_ = withdrawn
    inbox = root.parent / "again"
    shutil.copytree(release[0] / "data/inbox", inbox)
    manifest = inbox / "manifest.csv"
    # also under another name
    manifest.write_text(manifest.read_text().replace("cap13.mp4,Patient Three", "cap13.mp4,Somebody Else"))
    done = guise(root, "--json", "ingest", "--inbox", str(inbox), env=environment)
    assert done.returncode == 0, done.stderr
    refused = {entry["file"]: entry["reason"] for entry in json.loads(done.stdout)["refused"]}
    assert refused["cap12.mp4"] == refused["cap13.mp4"] == "consent withdrawn"
    assert not list((root / "data/raw").glob("cap1*"))
    assert not (root / shapes_path(subject_pseudonym(known_key(root), SUBJECT))).exists()
    assert len(list((root / SHAPES).iterdir())) == PEOPLE - 1
    assert SUBJECT not in (root / "data/raw/manifest.csv").read_text()


def test_the_next_release_is_without_them(withdrawn, guise):
    root, environment, _, clips, _ = withdrawn
    stale = guise(root, "candidate", "next", env=environment)
    assert stale.returncode == 1
    assert "run `guise run` first" in stale.stderr
    done = guise(root, "run", env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    guise(root, "decide", "--accept", "--by", "A", "--reason", "seen")
    frozen = guise(root, "--json", "candidate", "next", env=environment)
    assert frozen.returncode == 0, frozen.stderr
    assert not any(clip in frozen.stdout for clip in clips)
    table = pl.read_parquet(root / "data/evidence/identity.parquet")
    assert not set(clips) & set(table["clip_id"])


def test_a_second_person_without_removal_keeps_the_audit_sound(withdrawn, guise, bucket):
    root, environment, _, clips, _ = withdrawn
    done = guise(root, "withdraw", "Patient Two", "--reason", "asked for it", env=environment)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(bucket.read(f"{FOLDER}tombstone.json")[0])["clips"]) == len(clips) + 1
    assert audited(root, VERSION).findings == ()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["Nobody Here", "--reason", "x"], "nobody of that name"),
        (["Patient Two", "--reason", "patient two asked"], "without naming the person"),
        (["Patient Two", "--reason", " "], "needs a name and a reason"),
    ],
)
def test_wrong_use_is_a_sentence(withdrawn, guise, words, said):
    done = guise(withdrawn[0], "withdraw", *words, env=withdrawn[1])
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_cohort_of_one_person_can_be_withdrawn_too(guise, api, sample, tmp_path):
    root = tmp_path / "d"
    assert guise(tmp_path, "workspace", str(root)).returncode == 0
    shutil.copy(sample("cap12"), root / "data/inbox/only.mp4")
    header = "file,subject_id,session,task,consent_release,consent_expires,audio_policy,notes"
    (root / "data/inbox/manifest.csv").write_text(f"{header}\nonly.mp4,Only One,s1,gait,yes,,,\n")
    assert guise(root, "ingest", env=api).returncode == 0
    # a run that no commit ever named
    (root / "data/inbox/manifest.csv").write_text(f"{header}\nonly.mp4,Only One,s2,gait,yes,,,\n")
    assert guise(root, "ingest", env=api).returncode == 0
    done = guise(root, "withdraw", "Only One", "--reason", "asked for it", env=api)
    assert done.returncode == 0, done.stderr
    for place in (root / ".dvc/cache", root / "data/raw", root / "data/ingested", root / "data/inbox"):
        for path in place.rglob("*"):
            content = path.read_bytes() if path.is_file() else b""
            assert b"Only One" not in content
            assert b"only.mp4" not in content
            assert path.suffix != ".mp4"
            assert content[4:8] != b"ftyp"
    run = guise(root, "run", env=api)
    assert run.returncode == 2
    assert "no clip is admitted" in run.stderr


def test_a_video_of_two_people_goes_with_either(guise, api, sample, tmp_path):
    """The second one's name is on no clip: the video was refused there as the first one's."""
    root = tmp_path / "d"
    assert guise(tmp_path, "workspace", str(root)).returncode == 0
    inbox = root / "data/inbox"
    for name in ("mother.mp4", "child.mp4"):
        shutil.copy(sample("cap12"), inbox / name)
    shutil.copy(sample("carphone"), inbox / "alone.mp4")
    rows = ["mother.mp4,Mother M,s1,gait,yes,,,", "child.mp4,Child C,s1,gait,yes,,,",
            "alone.mp4,Alone A,s1,gait,yes,,,"]  # fmt: skip
    header = "file,subject_id,session,task,consent_release,consent_expires,audio_policy,notes"
    (inbox / "manifest.csv").write_text("\n".join([header, *rows, ""]))
    assert guise(root, "ingest", env=api).returncode == 0
    mothers = subject_pseudonym(known_key(root), "Mother M")
    (shared,) = read_clips(root).filter(subject=mothers, status="admitted")["clip_id"]
    # a release of before names the mother only
    _publish_by_name(root, shared, mothers)
    done = guise(root, "withdraw", "child c ", "--reason", "asked for it", env=api)
    (record,) = yaml.safe_load((root / "data/withdrawals.yaml").read_text())["withdrawals"]
    assert shared in record["clips"]
    assert record["published_in"] == ["early"]
    assert "early" in done.stderr + done.stdout
    assert read_clips(root).filter(status="admitted").height == 1
    assert not (root / "data/raw/mother.mp4").exists()
    assert not (inbox / "mother.mp4").exists()
    assert (root / "data/raw/alone.mp4").exists()


def _publish_by_name(root, clip_id, subject):
    folder = root / "data/releases/early/files"
    folder.mkdir(parents=True)
    (folder / "clips.csv").write_text(f"clip_id,subject\n{clip_id},{subject}\n")
    record = {"version": "early", "to": "s3://nowhere-to-go/", "manifest_sha256": "0" * 64,
              "candidate_sha256": "0" * 64, "code_revision": "0" * 40}  # fmt: skip
    (folder.parent / "published.json").write_text(json.dumps(record))

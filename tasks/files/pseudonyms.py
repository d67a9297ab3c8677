"""Pseudonyms by keyed HMAC; the key lives outside git and DVC."""

import os
import stat
from pathlib import Path
from unicodedata import category, normalize

from tasks.files.documents import write_json
from tasks.files.errors import KeyMismatchError
from tasks.files.hashing import keyed_digest

KEY_VARIABLE = "GUISE_PSEUDONYM_KEY"
KEY_PATH = Path(".secrets/pseudonym.key")
FINGERPRINT_PATH = Path("data/pseudonym_key.json")
SHORTEST_KEY_BYTES = 32


def read_key(root: Path) -> bytes:
    """Return the workspace's key. Raises KeyMismatchError if missing, short, or open to others."""
    key = os.environ.get(KEY_VARIABLE, "").encode() or _read_key_file(root / KEY_PATH)
    if len(key) < SHORTEST_KEY_BYTES:
        raise KeyMismatchError(f"the pseudonym key is shorter than {SHORTEST_KEY_BYTES} bytes")
    return key


def _read_key_file(path: Path) -> bytes:
    if not path.is_file():
        raise KeyMismatchError(
            f"there is no pseudonym key: set {KEY_VARIABLE}, or restore {KEY_PATH} from your backup; "
            "without it no clip can be linked to earlier releases"
        )
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise KeyMismatchError(f"{KEY_PATH} can be read by others: run `chmod 600 {KEY_PATH}`")
    return path.read_bytes().strip()


def fingerprint(key: bytes) -> str:
    return keyed_digest(key, "fingerprint")[:16]


def check_key(root: Path, key: bytes) -> str:
    """Record the key's fingerprint, or compare it with the recorded one; return it.

    Raises KeyMismatchError where another key was used before.
    """
    path = root / FINGERPRINT_PATH
    document = {"fingerprint": fingerprint(key)}
    if not path.exists():
        write_json(document, path)
    elif document["fingerprint"] not in path.read_text("utf-8"):
        raise KeyMismatchError(
            "the pseudonym key is not the one this workspace was made with: restore the earlier key, "
            "or every subject would get a second pseudonym"
        )
    return document["fingerprint"]


def known_key(root: Path) -> bytes:
    """Return the key once it is the recorded one. Raises KeyMismatchError."""
    key = read_key(root)
    check_key(root, key)
    return key


def subject_pseudonym(key: bytes, subject_id: str) -> str:
    """Return the pseudonym of a person, the same for every spelling of their id."""
    return f"subject-{keyed_digest(key, 'subject', canonical_id(subject_id))[:16]}"


def canonical_id(subject_id: str) -> str:
    """Return an id without what differs between keyboards and programs: case, blanks, dashes, Unicode forms.

    Empty where nothing is left that can be seen.
    """
    seen = normalize("NFKC", normalize("NFKC", subject_id).casefold().upper())
    kinds = ((char, category(char)) for char in seen)
    plain = ("-" if kind == "Pd" else char for char, kind in kinds if kind != "Cf")
    return " ".join("".join(plain).split())


def clip_pseudonym(key: bytes, content_sha256: str) -> str:
    """Return the id of an admitted clip: equal content gives an equal id, whatever its name."""
    return f"clip-{keyed_digest(key, 'clip', content_sha256)[:16]}"


def refused_pseudonym(key: bytes, file: str) -> str:
    return f"clip-{keyed_digest(key, 'refused', file)[:16]}"

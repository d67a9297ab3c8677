"""Who signs, with which key, and what is said where it cannot be used."""

import subprocess

import pytest

from tasks.files.errors import KeyMismatchError
from tasks.publish.signature import (
    KEY_PATH,
    KEY_VARIABLE,
    ensure_signing_key,
    is_signed,
    public_key,
    read_signers,
    sign,
)


def _make_key(path, passphrase=""):
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)]
    subprocess.run(words, check=True)
    return path


def test_a_key_is_made_once_and_signs(tmp_path):
    assert ensure_signing_key(tmp_path)
    assert not ensure_signing_key(tmp_path)
    assert (tmp_path / KEY_PATH).stat().st_mode & 0o077 == 0
    signature = sign(tmp_path, b"manifest")
    assert is_signed(b"manifest", signature, read_signers(tmp_path))
    assert not is_signed(b"another", signature, read_signers(tmp_path))


def test_a_key_of_ones_own_signs_and_is_noted(tmp_path, monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, str(_make_key(tmp_path / "mine")))
    assert not ensure_signing_key(tmp_path)
    assert not (tmp_path / KEY_PATH).exists()
    assert public_key(tmp_path) in read_signers(tmp_path).decode()
    assert is_signed(b"manifest", sign(tmp_path, b"manifest"), read_signers(tmp_path))


def test_after_a_change_of_keys_both_are_known(tmp_path, monkeypatch):
    ensure_signing_key(tmp_path)
    earlier = sign(tmp_path, b"manifest")
    monkeypatch.setenv(KEY_VARIABLE, str(_make_key(tmp_path / "new")))
    ensure_signing_key(tmp_path)
    for signature in (earlier, sign(tmp_path, b"manifest")):
        assert is_signed(b"manifest", signature, read_signers(tmp_path))


def test_a_missing_key_is_one_sentence(tmp_path):
    with pytest.raises(KeyMismatchError, match="there is no signing key: restore"):
        sign(tmp_path, b"manifest")
    with pytest.raises(KeyMismatchError, match="allowed_signers is missing"):
        read_signers(tmp_path)


def test_a_key_with_a_passphrase_or_open_to_others_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, str(_make_key(tmp_path / "locked", "secret words")))
    with pytest.raises(KeyMismatchError, match="have no passphrase"):
        sign(tmp_path, b"manifest")
    opened = _make_key(tmp_path / "open")
    opened.chmod(0o644)
    monkeypatch.setenv(KEY_VARIABLE, str(opened))
    with pytest.raises(KeyMismatchError, match="yours alone"):
        sign(tmp_path, b"manifest")

"""A document in JSON: what it says is read in one way, and what is wrong is told in the words of before."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.release import Publication, ReleaseFile
from tasks.files.documents import _read, _through, read_document
from tasks.files.errors import DocumentError

FILE = {"path": "videos/ä.mp4", "source": "data/x", "sha256": "0" * 64, "bytes": 7}
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


def _both(path, model):
    """Return what is read, or the sentence, at once and step by step."""
    found = []
    for read in (lambda: read_document(path, model), lambda: _through(model, _read(path), path.name)):
        try:
            found.append(read())
        except DocumentError as error:
            found.append(str(error))
    return found


@given(st.dictionaries(st.sampled_from([*FILE, "other"]), values))
def test_whatever_is_in_a_field_it_is_read_as_step_by_step(tmp_path_factory, changed):
    path = tmp_path_factory.getbasetemp() / "file.json"
    path.write_text(json.dumps(FILE | changed), "utf-8")
    first, second = _both(path, ReleaseFile)
    assert first == second


WHOLE = json.dumps(FILE).encode()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[]", b"null", WHOLE[:-1], WHOLE + b"1", b'{"path": NaN}',
     b'{"path": "\\ud800"}', WHOLE.decode().encode("utf-16"), b"\xef\xbb\xbf" + WHOLE,
     WHOLE.replace(b"7", b"7e400"), WHOLE.replace(b"7", b"Infinity"), WHOLE.replace(b"7", b"07")],
)  # fmt: skip
def test_what_is_no_such_document_is_told_in_the_same_sentence(tmp_path, content):
    path = tmp_path / "file.json"
    path.write_bytes(content)
    first, second = _both(path, ReleaseFile)
    assert isinstance(first, str) and first == second


@pytest.mark.parametrize("more", [b'"bytes": 8}', b'"bytes": "8"}', b'"bytes": 8.0}', b'"bytes": 8e0 }\n\n'])
def test_a_field_that_is_there_twice_or_spelt_otherwise_is_read_as_before(tmp_path, more):
    path = tmp_path / "file.json"
    path.write_bytes(WHOLE[:-1] + b", " + more)
    first, second = _both(path, ReleaseFile)
    assert first == second


def test_what_is_missing_is_told(tmp_path):
    with pytest.raises(DocumentError, match=r"published\.json is missing"):
        read_document(tmp_path / "published.json", Publication)

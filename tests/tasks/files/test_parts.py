"""A long list in YAML is read some items at a time: the same as at once, in a fraction of the room."""

import tracemalloc

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from flows.release.record import in_yaml
from tasks.files.documents import PART_ITEMS, read_document, read_parts
from tasks.files.errors import DocumentError


class Word(BaseModel):
    model_config = ConfigDict(extra="forbid")
    clip_id: str
    values: dict[str, float | None] = {}


class Words(BaseModel):
    model_config = ConfigDict(extra="forbid")
    words: list[Word]


# what steers YAML, at the begin of a line or not
reasons = st.text() | st.sampled_from(["a\n- b", "\n- clip_id: x\n- ", "- ", "words:\n- a", "'\n- '", "#\n-"])
few = st.lists(reasons, max_size=6)


def _words(texts, count):
    """Return so many words of the texts, again and again."""
    return [
        {"clip_id": texts[at % len(texts)], "values": {"a": at / 7, "b": None}}
        for at in range(count if texts else 0)
    ]


def _joined(path):
    return [word for part in read_parts(path, Words) for word in part.words]


@given(few, st.sampled_from([0, 1, PART_ITEMS - 1, PART_ITEMS, PART_ITEMS + 1, 3 * PART_ITEMS]))
def test_whatever_was_said_is_read_as_at_once(tmp_path_factory, texts, count):
    path = tmp_path_factory.getbasetemp() / "words.yaml"
    path.write_bytes(in_yaml({"words": _words(texts, count)}))
    assert _joined(path) == read_document(path, Words).words


def _by_hand(text):
    return {
        "indented": text.replace("\n", "\n  "),
        "a comment": "# by hand\n" + text + "# - the end\n",
        "lines of Windows": text.replace("\n", "\r\n"),
        "in one line": yaml.safe_dump(yaml.safe_load(text), default_flow_style=True, width=10**6),
        "a name that is used again": text.replace("clip_id: a", "clip_id: &one a", 1) + "- clip_id: *one\n",
        "a list under the same key": text + "words:\n- clip_id: c\n",
        "a quoted line at the margin": text + "- clip_id: 'x\n\n- y'\n",
    }


@pytest.mark.parametrize("manner", [*_by_hand("words:\n")])
def test_whatever_was_written_by_hand_is_read_as_at_once(tmp_path, manner):
    path = tmp_path / "words.yaml"
    text = in_yaml({"words": _words(["a", "b"], PART_ITEMS + 2)}).decode()
    path.write_bytes(_by_hand(text)[manner].encode())
    found = _joined(path)
    assert found == read_document(path, Words).words
    # YAML takes the last of two lists under one key
    assert len(found) >= PART_ITEMS + 2 or manner == "a list under the same key"


@pytest.mark.parametrize(
    "wrong", ["- clip_id: 7\n", "- other: a\n", "other: 1\n", "- clip_id: [\n", "- clip_id: '\n", "\t- a\n"]
)
@pytest.mark.parametrize("place", [1, PART_ITEMS + 1, -1])
def test_what_is_wrong_is_told_in_the_same_sentence(tmp_path, wrong, place):
    path = tmp_path / "words.yaml"
    lines = in_yaml({"words": _words(["a"], PART_ITEMS + 5)}).decode().split("\n- ")
    items = [lines[0], *(f"- {line}\n" for line in lines[1:])]
    items[0] += "\n"
    items.insert(place if place > 0 else len(items), wrong)
    path.write_text("".join(items), "utf-8")
    sentences = []
    for read in (read_parts, read_document):
        with pytest.raises(DocumentError) as raised:
            read(path, Words)
        sentences.append(str(raised.value))
    assert sentences[0] == sentences[1]


def test_the_room_does_not_grow_with_what_is_parsed(tmp_path):
    path = tmp_path / "words.yaml"
    path.write_bytes(in_yaml({"words": _words(["a", "b"], 6 * PART_ITEMS)}))
    peaks = []
    for read in (read_parts, read_document):
        tracemalloc.start()
        found = read(path, Words)
        held, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        del found
        peaks.append(peak - held)
    assert peaks[0] < peaks[1] / 3

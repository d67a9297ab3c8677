"""DVC's lock file as we write it: what DVC reads in it, and the bytes that DVC would write."""

from collections import OrderedDict

import dvc.dvcfile
import pytest
from dvc.utils import strictyaml
from dvc.utils.serialize import YAMLFileCorruptedError, load_yaml, modify_yaml, parse_yaml
from hypothesis import example, given
from hypothesis import strategies as st
from tests_support import REPO

from flows.workspace.graph import open_repo
from flows.workspace.lockfile import _parsed, modify_lock, parse_once

GRAPH = load_yaml(REPO / "dvc.yaml")["stages"]

# what a digest, a path or a setting may look like: numbers, dates and words of YAML, for one
AMBIGUOUS = [
    "123456789012345678901234567890e1", "1e5", "0x1f", "0o17", "012", "1_000", "1:30", "2026-11-28", "yes",
    "on", "null", "~", "true", ".inf", "=", "<<", "", "a: b", "a #b", "#", "- a", "?", "*a", "&a", "!a", "%a",
    "@a", "`a", "{a", "[a", "'", '"', "\\",
]  # fmt: skip
digests = st.text("0123456789abcdef", min_size=32, max_size=32)
words = st.sampled_from(AMBIGUOUS) | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
names = st.text("abcxyz./_-", min_size=1, max_size=20).filter(lambda name: name[0].isalpha())


# DVC itself changes the last digit of the smallest numbers
thousandths = st.integers(-(10**6), 10**6).map(lambda number: number / 1000)


def nodes_of(text):
    """Draw what DVC says of each of some nodes: a digest, a path, and its settings."""
    scalars = text | digests | st.integers() | thousandths | st.booleans()
    values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3), max_leaves=5)
    return st.lists(
        st.tuples(digests, text, st.dictionaries(text, values, max_size=4)), min_size=1, max_size=4
    )


def _write(path, modify, told):
    """Add nodes one by one, as DVC does, the later in place of an earlier one of that name."""
    path.unlink(missing_ok=True)
    for number, (digest, word, values) in enumerate(told):
        with modify(str(path)) as data:
            if not data:
                data.update({"schema": "2.0"})
            data["stages"] = data.get("stages", {})
            deps = [OrderedDict([("path", word), ("hash", "md5"), ("md5", digest), ("size", 10**number)])]
            node = OrderedDict([("cmd", word), ("deps", deps), ("params", {"params.yaml": values})])
            data["stages"].update({f"node-{number % 3}": node})
    return path.read_bytes()


@given(nodes_of(words))
@example([(AMBIGUOUS[0], word, {word: [word]}) for word in AMBIGUOUS])
def test_whatever_stands_in_a_lock_is_read_by_dvc_as_it_was_meant(tmp_path_factory, told):
    path = tmp_path_factory.getbasetemp() / "dvc.lock"
    _write(path, modify_lock, told)
    read = load_yaml(path)["stages"]
    for number, (digest, word, values) in list(enumerate(told))[-3:]:
        node = read[f"node-{number % 3}"]
        assert (node["cmd"], node["params"]["params.yaml"]) == (word, values)
        assert node["deps"][0] == {"path": word, "hash": "md5", "md5": digest, "size": 10**number}


@given(nodes_of(names))
@example([("0" * 32, "x", {"cmd": node["cmd"]}) for node in GRAPH.values()])
@example([(digest, "data/raw", {"crf": digest}) for digest in (AMBIGUOUS[0], "0" * 32, "1" * 32, "9e" * 16)])
def test_a_lock_has_the_bytes_that_dvc_itself_would_write(tmp_path_factory, told):
    path = tmp_path_factory.getbasetemp() / "dvc.lock"
    assert _write(path, modify_lock, told) == _write(path, modify_yaml, told)


@given(nodes_of(words))
def test_what_was_read_once_is_what_dvc_reads_whatever_became_of_it(tmp_path_factory, told):
    path = tmp_path_factory.getbasetemp() / "dvc.lock"
    text = _write(path, modify_lock, told).decode()
    for _ in range(2):
        read = parse_once(text, path)
        assert read == parse_yaml(text, path)
        read["stages"].clear()
    assert parse_once(text.replace("schema", "other"), path) == parse_yaml(
        text.replace("schema", "other"), path
    )


def test_what_cannot_be_read_is_told_each_time(tmp_path):
    for _ in range(2):
        with pytest.raises(YAMLFileCorruptedError):
            parse_once("stages: {", tmp_path / "dvc.lock")


def test_dvc_reads_and_writes_like_that_where_we_run_it(tmp_path):
    assert dvc.dvcfile.modify_yaml is modify_lock
    assert strictyaml.parse_yaml is parse_once
    assert open_repo.__module__ == "flows.workspace.graph"  # through which all go to DVC
    path = tmp_path / "some.yaml"
    path.write_text("a: 1")
    before = _parsed.cache_info().misses
    assert [load_yaml(path) for _ in range(3)] == [{"a": 1}] * 3
    assert _parsed.cache_info().misses == before + 1

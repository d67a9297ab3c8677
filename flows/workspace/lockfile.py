"""DVC's files, read once and written by libyaml: DVC takes half a second a node, for comments no lock has."""

import io
import pickle
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import dvc.dvcfile
from dvc.utils import strictyaml
from dvc.utils.serialize import _yaml, load_yaml, parse_yaml
from ruamel.yaml import YAML

from tasks.files.whole import write_bytes


def quicken_files() -> None:
    """Let DVC write in this process as `modify_lock` does, and read as `parse_once`."""
    dvc.dvcfile.modify_yaml = modify_lock
    strictyaml.parse_yaml = _yaml.parse_yaml = parse_once


def parse_once(text: str, path: object, typ: str = "safe") -> Any:
    """Return what a text says, as DVC reads it; one that was read before is not read again."""
    return pickle.loads(_parsed(text, str(path))) if typ == "safe" else parse_yaml(text, path, typ)


@lru_cache(maxsize=4)
def _parsed(text: str, path: str) -> bytes:
    # whoever gets it may change it
    return pickle.dumps(parse_yaml(text, path))


@contextmanager
def modify_lock(path: str, fs: object = None) -> Iterator[dict[str, Any]]:
    """Give the block what a lock says, and write what it makes of it, in the bytes that DVC writes."""
    place = Path(path)
    document: dict[str, Any] = load_yaml(path) if place.exists() else {}
    yield document
    write_bytes(_as_text(document).encode(), place)


def _as_text(document: dict[str, Any]) -> str:
    yaml = YAML(typ="safe")
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False
    yaml.Representer.add_representer(OrderedDict, yaml.Representer.represent_dict)
    text = io.StringIO()
    yaml.dump(document, text)
    return text.getvalue()

"""DVC's lock file by libyaml: DVC takes half a second a node to keep comments that no lock has."""

import io
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dvc.dvcfile
from dvc.utils.serialize import load_yaml
from ruamel.yaml import YAML

from tasks.files.whole import write_bytes


def quicken_lock() -> None:
    """Let DVC write in this process as `modify_lock` does."""
    dvc.dvcfile.modify_yaml = modify_lock


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

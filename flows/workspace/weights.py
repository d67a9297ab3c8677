"""Which weights a workspace names, which are there, and what each allows."""

from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

from schemas.params import Params
from schemas.params.inference import ModelSource
from schemas.training import Networks
from tasks.extract import models_of as extracting
from tasks.files.cache import cache_folder
from tasks.files.documents import read_document, read_params
from tasks.files.errors import DocumentError
from tasks.files.hashing import sha256_file
from tasks.swap.needs import models_of as swapping
from tasks.swap.own import NETWORKS_PATH, stands
from tasks.validate import MODELS as JUDGING

WEIGHTS = Path("params/models.yaml")
ALLOWS = {
    "permissive": "research and commercial",
    "research-only": "research only",
    "copyleft": "any use; whoever passes the code on must offer their own as well",
    "workspace": "this workspace only",
}
HERE, LATER, MISSING, OTHER, UNNAMED = "here", "fetched when needed", "missing", "another file", "not named"


@dataclass(frozen=True)
class Weight:
    """state: one of the above. needed: whether the settings of params.yaml use it."""

    name: str
    state: str
    needed: bool
    licence: str
    licence_class: str
    allows: str

    @property
    def is_wanting(self) -> bool:
        return self.needed and self.state in (MISSING, OTHER, UNNAMED)


def inventory(params: Params) -> list[Weight]:
    """Return every weight that params.yaml names, and those that its settings need beside them."""
    needed = {*extracting(params.extract), *swapping(params.deidentify), *JUDGING}
    named = [
        Weight(name, _state(source), name in needed, source.licence, source.licence_class,
               ALLOWS[source.licence_class])
        for name, source in params.models.items()
    ]  # fmt: skip
    return named + [Weight(name, UNNAMED, True, "", "", "") for name in sorted(needed - {*params.models})]


def trained(root: Path, params: Params) -> list[Weight]:
    """Return the networks that a workspace trained for itself, if there are any."""
    if not (root / NETWORKS_PATH).is_file():
        return []
    needed = params.deidentify.swaps_by_own
    return [
        Weight(name, HERE if stands(root, one) else OTHER, needed, one.licence, one.licence_class,
               ALLOWS[one.licence_class])
        for name, one in sorted(read_document(root / NETWORKS_PATH, Networks).networks.items())
    ]  # fmt: skip


def add_weights(root: Path, code: Path) -> str:
    """Name the weights in a workspace's table that its settings need and that the code brings; say which."""
    path, yaml = root / WEIGHTS, YAML()
    try:
        needed = {weight.name for weight in inventory(read_params(root)) if weight.state == UNNAMED}
    except DocumentError:
        return ""  # `guise run` says what is wrong with its settings
    document, brought = yaml.load(path), yaml.load(code / WEIGHTS)["models"]
    missing = sorted(needed & {*brought})
    if not missing:
        return ""
    document["models"] |= {name: brought[name] for name in missing}
    yaml.dump(document, path)
    return f"{WEIGHTS} names what is new: {', '.join(missing)}"


def _state(source: ModelSource) -> str:
    if (cache_folder() / source.sha256).is_file():
        return HERE
    if not source.source.startswith("file:"):
        return LATER
    path = Path(source.source.removeprefix("file:")) / source.member
    if not path.is_file():
        return MISSING
    return HERE if sha256_file(path) == source.sha256 else OTHER

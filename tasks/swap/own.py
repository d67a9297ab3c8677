"""The networks that a workspace trained for itself: which there are, and where."""

from pathlib import Path

from schemas.registry import RegisteredModel
from schemas.training import Networks
from tasks.files.documents import read_document
from tasks.files.errors import ModelError
from tasks.files.hashing import sha256_file

SUFFIX, STATE = ".onnx", ".pt"  # of a network, and of what a killed training goes on from
NETWORKS_PATH = Path("data/train/networks/networks.json")


def network_name(subject: str, face: int) -> str:
    """Return the name of the network that draws one of the people in a subject's clips."""
    return f"{subject}-{face}"


def network_digests(root: Path, subject: str) -> dict[str, str]:
    """Return name -> SHA-256 of the networks that draw the people in a subject's clips."""
    networks = read_document(root / NETWORKS_PATH, Networks).networks
    return {name: one.sha256 for name, one in networks.items() if name.rpartition("-")[0] == subject}


def stands(root: Path, network: RegisteredModel) -> bool:
    """Return whether a network's file is there, and is what was trained."""
    path = root / network.path
    return path.is_file() and sha256_file(path) == network.sha256


def networks_of(root: Path, subject: str) -> list[Path]:
    """Return the files of all networks that have seen a person, and of what a killed training left."""
    folder = (root / NETWORKS_PATH).parent
    made = sorted(folder.glob(f"*{SUFFIX}"))
    has_seen = any(path.name.startswith(f"{subject}-") for path in made)
    return [*(made if has_seen else []), *sorted(folder.rglob(f"*{STATE}"))]


def read_network(root: Path, name: str) -> bytes:
    """Return a network's graph. Raises ModelError where it is not what was trained."""
    network = read_document(root / NETWORKS_PATH, Networks).networks[name]
    if not stands(root, network):
        raise ModelError(
            "a network that this workspace trained is missing or altered: run `guise train` again"
        )
    return (root / network.path).read_bytes()

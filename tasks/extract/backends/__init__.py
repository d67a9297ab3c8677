"""Which file of this folder finds faces, and which one bodies: `face_*.py` and `body_*.py`."""

from importlib import import_module
from pathlib import Path
from typing import Literal, Protocol, cast

from schemas.params.extract import Extract
from tasks.extract.tracking import PartModel
from tasks.files.errors import InputError
from tasks.vision.sessions import Weights

Kind = Literal["face", "body"]


class Backend(Protocol):
    """What each such file offers. MODELS: names in `models` of params.yaml that it opens."""

    MODELS: tuple[str, ...]

    def make_model(self, weights: Weights, settings: Extract) -> PartModel: ...


def load_backend(kind: Kind, name: str) -> Backend:
    """Import a backend. Raises InputError for one that is not there."""
    known = sorted(path.stem.removeprefix(f"{kind}_") for path in Path(__file__).parent.glob(f"{kind}_*.py"))
    if name not in known:
        raise InputError(f"extract.{kind}_backend is {name}: choose one of {', '.join(known)}")
    return cast(Backend, import_module(f"{__name__}.{kind}_{name}"))


def chosen_models(settings: Extract) -> tuple[str, ...]:
    """Return the names of all weights that the chosen backends open."""
    backends = load_backend("face", settings.face_backend), load_backend("body", settings.body_backend)
    return tuple(dict.fromkeys(name for backend in backends for name in backend.MODELS))

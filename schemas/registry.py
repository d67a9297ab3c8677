"""What the `models` stage records of every weight."""

from pydantic import BaseModel, ConfigDict

from schemas.params.inference import Inference, LicenceClass
from schemas.params.sections import Sha256


class RegisteredModel(BaseModel):
    """path: relative to the workspace."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    sha256: Sha256
    source: str
    licence: str
    licence_class: LicenceClass
    purpose: str


class Registry(BaseModel):
    """inference: on what the graphs among the models run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: dict[str, RegisteredModel]
    inference: Inference

"""What the `models` stage records of every weight."""

from pydantic import BaseModel, ConfigDict

from schemas.params import LicenceClass, Sha256


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
    model_config = ConfigDict(frozen=True, extra="forbid")

    models: dict[str, RegisteredModel]

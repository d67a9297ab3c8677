"""The one model through which `params.yaml` is read."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.params.deidentify import Deidentify
from schemas.params.extract import Extract
from schemas.params.inference import Inference, ModelSource
from schemas.params.publish import Publish
from schemas.params.sections import Section
from schemas.params.train import Train
from schemas.params.validate import ATTACKERS, Compare, Validate
from schemas.params.video import Encoding, Ingest

Purpose = Literal["research", "commercial"]


class Params(Section):
    purpose: Purpose
    models: dict[str, ModelSource]
    inference: Inference
    ingest: Ingest
    encoding: Encoding
    extract: Extract
    deidentify: Deidentify
    train: Train = Train()  # workspaces of before do not name it
    compare: Compare
    validate_: Annotated[Validate, Field(alias="validate")]
    publish: Publish

    @model_validator(mode="after")
    def _reaches_to_the_last_search(self) -> Self:
        if self.deidentify.reach_s < self.extract.search_interval_s:
            raise ValueError("deidentify.reach_s must be no less than extract.search_interval_s")
        return self

    @model_validator(mode="after")
    def _judges_independently(self) -> Self:
        chooser = self.deidentify.targets.chooser
        judges = {
            rule.recogniser: name
            for name, rule in self.validate_.rules.items()
            if rule.recogniser and rule.severity == "fail" and rule.recogniser not in ATTACKERS
        }
        if chooser in judges:
            raise ValueError(
                f"validate.rules.{judges[chooser]} rests on {chooser}, which chose the targets: "
                "it can ask for a review, not fail a clip"
            )
        if not judges:
            raise ValueError(
                f"validate.rules needs one that fails a clip by a recogniser other than {chooser}"
            )
        return self

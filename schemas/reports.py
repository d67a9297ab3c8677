"""What a stage tells the flow that ran it."""

from pydantic import BaseModel, ConfigDict


class StageReport(BaseModel):
    """failure: one sentence, None where the stage finished. run_id: of its flow run on the Prefect server."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: str
    arm: str
    jobs: int = 0
    cached: int = 0
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    failure: str | None = None
    exit_code: int = 0
    run_id: str = ""

    @property
    def name(self) -> str:
        """The stage and its arm, as a person is told of them."""
        return f"{self.stage} {self.arm}".strip()

"""Where releases go, and who must approve them."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.params.sections import Section


class Approvals(Section):
    """people: how many different ones must approve. approvers: who may; empty: whoever gives a name."""

    people: Annotated[int, Field(ge=1, le=5)] = 1
    approvers: list[str] = []


class Publish(Section):
    """Where releases go, and how the store should keep them.

    lock_manifests_days: how long Object Lock (governance) holds manifests; 0 locks nothing.
    parallel: uploads at a time. encryption: by the store; kms_key: of aws:kms.
    """

    to: Annotated[str, Field(pattern=r"^s3://[a-z0-9.-]{3,63}(/.*)?$")]
    licence: str
    parallel: Annotated[int, Field(ge=1, le=64)] = 8
    encryption: Literal["none", "AES256", "aws:kms"] = "none"
    kms_key: str | None = None
    tags: dict[str, str] = {}
    lock_manifests_days: Annotated[int, Field(ge=0, le=3650)] = 0
    approvals: Approvals = Approvals()

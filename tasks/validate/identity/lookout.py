"""Among whom people are looked for."""

from schemas.params.deidentify import Deidentify
from schemas.params.extract import Extract
from schemas.params.sections import Section


class Lookout(Section):
    """How people are looked for; subjects: clip_id -> subject, of those among whom they are.

    extract: how strangers' faces are found. deidentify: how faces were swapped. key: what the faces of a
    sample depend on.
    """

    subjects: dict[str, str]
    extract: Extract
    deidentify: Deidentify
    key: str = ""

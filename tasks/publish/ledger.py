"""Which uploads in parts this workspace began: nobody else's is carried on, with its attributes."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from tasks.files.documents import read_document, write_json

LEDGER_PATH = Path(".guise/uploads.json")


class _Begun(BaseModel):
    """uploads: bucket/key -> the store's name of the upload."""

    model_config = ConfigDict(extra="forbid")

    uploads: dict[str, str] = {}


class Ledger:
    """The uploads that were begun and not ended, in a file of the workspace's own."""

    def __init__(self, root: Path) -> None:
        self._path = root / LEDGER_PATH

    def upload_of(self, place: str) -> str | None:
        """Return the upload of a bucket/key that this workspace began."""
        return self._read().uploads.get(place)

    def note(self, place: str, upload_id: str | None) -> None:
        """Write down that an upload was begun, or, where there is none, that it ended."""
        begun = self._read()
        begun.uploads.pop(place, None)
        if upload_id is not None:
            begun.uploads[place] = upload_id
        write_json(begun.model_dump(), self._path)

    def _read(self) -> _Begun:
        return read_document(self._path, _Begun) if self._path.is_file() else _Begun()

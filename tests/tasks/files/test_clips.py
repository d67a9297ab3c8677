"""The table of clips is kept in memory only as long as it is the one on the disk."""

import pytest

from schemas.clips import CLIPS
from tasks.files.clips import CLIPS_PATH, read_clips
from tasks.files.documents import write_table
from tasks.files.errors import DocumentError
from tasks.files.tables import build_table


def _write(root, *subjects):
    rows = [
        {"clip_id": f"clip-{number:016x}", "subject": f"subject-{subject:016x}", "has_audio": False,
         "audio": "none", "status": "refused", "reason": "file missing"}
        for number, subject in enumerate(subjects)
    ]  # fmt: skip
    write_table(build_table(rows, CLIPS), CLIPS, root / CLIPS_PATH)


@pytest.mark.parametrize("later", [(2,), (1, 2), ()])
def test_another_table_is_read_anew(tmp_path, later):
    with pytest.raises(DocumentError, match="is missing"):
        read_clips(tmp_path)
    for subjects in ((1,), later, (1,)):
        _write(tmp_path, *subjects)
        found = read_clips(tmp_path)["subject"].to_list()
        assert found == [f"subject-{subject:016x}" for subject in subjects]
        assert read_clips(tmp_path)["subject"].to_list() == found
    (tmp_path / CLIPS_PATH).unlink()
    with pytest.raises(DocumentError, match="is missing"):
        read_clips(tmp_path)

"""What `guise --help` says: every command, in whole sentences."""

import pytest


@pytest.mark.parametrize("width", [40, 80, 200])
def test_each_command_is_told_of_in_whole_sentences(tmp_path, guise, width):
    """They were cut off where the line ends."""
    told = guise(tmp_path, "--help", env={"COLUMNS": str(width), "TERMINAL_WIDTH": str(width)})
    assert told.returncode == 0
    about = told.stdout.partition("Commands:")[2]
    assert "..." not in about
    assert "record keeps a pseudonym." in " ".join(about.split())
    for name in ("demo", "ingest", "run", "review", "decide", "approve", "publish", "audit", "withdraw"):
        assert guise(tmp_path, name, "--help").returncode == 0
        assert f"\n  {name} " in about

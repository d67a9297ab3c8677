"""Tables fit a terminal, and no name is cut."""

import pytest

from flows.screen.console import LONGEST_NAME, PLAIN_WIDTH, show_table

FIGURES = ["review", "1.000", "0.0045", "1.05", "0.032", "0.924", "0.648", "13.7 (14.6)", "20.3 (1.1)"]


@pytest.mark.parametrize(
    "name", ["a.mp4", "visit 2/" + "gait at the ward " * 9 + ".mp4", "x" * 200, "病" * 60]
)
def test_a_long_name_goes_over_several_lines(capsys, name):
    columns = ["handed in as", *"abcdefghi"]
    show_table("Clips", columns, [[name, *FIGURES], ["b.mp4", *FIGURES]])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= PLAIN_WIDTH
    firsts = "".join(line.split("│")[1].strip(" ") for line in lines if line.startswith("│"))
    assert firsts.replace(" ", "") == f"{name}b.mp4".replace(" ", "")
    assert sum(line.count("13.7 (14.6)") for line in lines) == 2
    assert LONGEST_NAME < PLAIN_WIDTH

"""Tables fit a terminal, and no name is cut."""

import pytest
from rich.console import Console

from flows.screen.console import LONGEST_NAME, PLAIN_WIDTH, counted, say, say_below, show_table

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


@pytest.mark.parametrize("width", [40, 80, 100])
def test_in_a_narrow_terminal_every_figure_is_there_beside_its_name(capsys, monkeypatch, width):
    """At 80 columns a table of ten lost its last ones, and cut words in the others."""
    monkeypatch.setattr("flows.screen.console.console", Console(width=width, highlight=False))
    names = [
        "verdict",
        "found",
        "moves",
        "times",
        "shape",
        "OKS",
        "nearest",
        "place,\ndlib",
        "Mobile\nFaceNet",
    ]
    show_table("Clips", ["handed in as", *names], [["visit1/walk.mp4", *FIGURES], ["b.mp4", *FIGURES]])
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= width
    assert "…" not in told
    words = told.split()
    for name, figure in zip(names, FIGURES, strict=True):
        assert words.count(figure.split()[0]) >= 2 or told.count(figure) == 2, figure
        assert name.split()[-1] in told
    assert {"visit1/walk.mp4", "b.mp4"} <= {*words}


@pytest.mark.parametrize("width", [40, 80, 120])
def test_sentences_keep_to_the_terminal_and_commands_stay_in_one_line(capsys, monkeypatch, width):
    monkeypatch.setattr("flows.screen.console.console", Console(width=width, highlight=False))
    say_below("something stayed in front of a face " * 5, 4)
    assert all(len(line) <= width for line in capsys.readouterr().out.splitlines())
    command = "then: guise approve 2026.11 --digest 24e2fe0123456789 " + '--by "NAME" --reason "WHY" ' * 4
    say(command, whole=True)
    assert command in capsys.readouterr().out


@pytest.mark.parametrize("width", [40, 41, 42, 43, 44, 45])
def test_a_clips_name_and_a_range_of_frames_stay_in_one_piece(capsys, monkeypatch, width):
    """Who looks for them, or copies them, must find them; a name of letters was broken at its hyphen."""
    monkeypatch.setattr("flows.screen.console.console", Console(width=width, highlight=False))
    words = [
        f"{1000 + number}-{1004 + number} clip-{'abcdef'[number % 6] * 6}0123456789" for number in range(12)
    ]
    say_below(" and ".join(words), 4)
    assert " ".join(capsys.readouterr().out.split()) == " and ".join(words)


@pytest.mark.parametrize(("count", "said"), [(0, "0 clips"), (1, "1 clip"), (2, "2 clips")])
def test_one_is_not_several(count, said):
    assert counted(count, "clip") == said

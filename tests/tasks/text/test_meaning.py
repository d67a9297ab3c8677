"""What a line of text may be, and what is no text at all."""

import pytest

from tasks.text.meaning import is_readable, kind_of


@pytest.mark.parametrize(
    "words",
    [
        "Schmidt, Maria", "DOE,JANE*1971-03-02", "Maria Schmidt", "Jean-Luc O'Neill",
        "van Beethoven Ludwig MRN",
        "Maria von Schmidt", "Maria de la Cruz", "Schmidt, Maria (left)", "Maria S. und Jonas W.",
        "Max Karl Otto Friedrich Wilhelm Schmidt", "5 march 57", "7. Mär", "schmidt von Berg",
        "12.03.1957", "3/4/27", "2024-05-17 10:42:00", "10:42", "MRN 00482913", "00482913", "Fall 7713-204",
        "patient", "geb. am", "St. Anna Hospital", "dr. house", "王小明", "ID 7", "no. seven",
    ],
)  # fmt: skip
def test_names_dates_numbers_and_what_may_be_one_identify(words):
    assert kind_of(words) == "identifying"


@pytest.mark.parametrize("words", ["SCHMIDT", "Maria", "STOP", "-- Weber --", "Maria S.", "weber Jonas"])
def test_a_single_word_in_capitals_may_be_a_name_or_a_sign(words):
    assert kind_of(words) == "word"


@pytest.mark.parametrize(
    "words",
    [
        "please wash your hands", "caminandes", "push", "way out", "50 km", "20 mm",
        "Please wash your hands now",
    ],
)  # fmt: skip
def test_a_few_plain_words_do_not(words):
    assert kind_of(words) == "other"


@pytest.mark.parametrize(
    ("words", "confidence", "is_text"),
    [
        ("Eve", 0.8, True), ("Eve", 0.79, False), ("E v", 1.0, False), ("|-.,", 1.0, False), ("", 0.0, False),
        ("7/8/9", 0.9, True),
    ],
)  # fmt: skip
def test_what_is_short_or_unsure_is_no_text(words, confidence, is_text):
    assert is_readable(words, confidence) is is_text

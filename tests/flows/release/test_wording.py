"""Rules are read in words by what they measure, whatever they are called."""

import pytest

from flows.release.wording import FINDINGS, tell, word
from flows.review.contents import Contents
from flows.workspace.make import HERE
from schemas.evidence import METHODS
from schemas.params.validate import Rule
from tasks.files.documents import read_params
from tasks.files.tables import build_table


def _rule(**words):
    return Rule(**({"comparison": "<=", "threshold": 0.0, "severity": "review"} | words))


def _row(rule, value, name="some_rule", *, passed=False):
    told = {"rule": name, "value": value, "comparison": rule.comparison, "threshold": rule.threshold}
    return told | {"passed": passed}


@pytest.mark.parametrize(
    ("words", "value", "said"),
    [
        (
            {"metric": "motion", "part": "face", "relative_to_floor": True, "threshold": 1.5},
            1.993,
            "the face moves otherwise by 1.99 times what re-encoding alone does; at most 1.50 times will do",
        ),
        (
            {"metric": "motion", "part": "left_hand", "relative_to_floor": True, "threshold": 2},
            0.5,
            "the left hand moves otherwise by 0.50 times what re-encoding alone does; at most 2.00 times "
            "will do",
        ),
        (
            {"metric": "found_again", "part": "face", "comparison": ">=", "threshold": 0.99},
            0.875,
            "the face is found again in 87.5 % of its frames; at least 99.0 % is asked",
        ),
        (
            {"metric": "rank_over_floor", "recogniser": "shape", "comparison": ">=", "threshold": -1},
            -5.3,
            "by the shape of the face the patient comes 5.3 places earlier among all faces than a "
            "quarter of the others in the cohort; at most 1.0 places earlier will do",
        ),
        (
            {"metric": "rank_over_floor", "recogniser": "dlib", "comparison": ">=", "threshold": 1},
            11.35,
            "to dlib the patient comes 11.3 places later among all faces than with the face filled flat; "
            "at least 1.0 places later is asked",
        ),
        (
            {"metric": "distance_over_floor", "recogniser": "dlib", "comparison": ">=", "threshold": -0.05},
            -0.2,
            "to dlib the likest frame is 0.200 nearer than a flat face, or a stranger, would be; at "
            "most 0.050 nearer will do",
        ),
        (
            {"metric": "frames", "finding": "text", "threshold": 3},
            4.0,
            "frames in which text stays that can be read: 4; at most 3 will do",
        ),
        (
            {"metric": "oks_mean", "part": "head", "comparison": ">=", "threshold": 0.9},
            None,
            "not measured, so nobody knows: head has moved? (at least 0.900 is asked)",
        ),
    ],
)
def test_a_rule_is_told_in_a_sentence(words, value, said):
    rule = _rule(**words)
    assert tell(word(rule), _row(rule, value)) == said


@pytest.mark.parametrize(
    "words",
    [
        {"metric": "motion", "part": "face"},
        {"metric": "nme", "part": "face"},
        {"metric": "rank1", "recogniser": "dlib"},
        {"metric": "correlation", "signal": "blink_count"},
        {"metric": "found_again", "part": "face", "arm": "control"},
    ],
)
def test_another_measure_is_told_by_its_name_and_never_in_words_that_do_not_fit(words):
    assert word(_rule(**words)) is None


def test_every_rule_that_guise_comes_with_is_told_in_words_and_names_are_no_clue():
    rules = read_params(HERE).validate_.rules
    contents = Contents(None, "research", None, {}, build_table([], METHODS), rules)
    for name, rule in rules.items():
        assert contents.says(_row(rule, 1.0, name))
        assert contents.brief(name) != name
    assert contents.brief("made_up") == "made_up"
    assert contents.says(_row(_rule(metric="frames", finding="text"), 1.0, "made_up")) == ""
    renamed = Contents(
        None, "research", None, {}, build_table([], METHODS), {"face_motion": rules["head_oks"]}
    )
    assert renamed.brief("face_motion") == "head has moved"


def test_every_finding_has_its_words():
    for finding in FINDINGS:
        assert word(_rule(metric="frames", finding=finding)).brief


def test_what_is_unknown_and_allowed_to_be_does_not_read_like_what_is_missing():
    rule = _rule(metric="rank_over_floor", recogniser="parrot", comparison=">=", threshold=-1.0)
    allowed, missing = (tell(word(rule), _row(rule, None, passed=passed)) for passed in (True, False))
    assert allowed.startswith("not judged of this clip: to somebody who has Guise the patient can be found?")
    assert missing.startswith("not measured, so nobody knows: ")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            -1.049,
            "1.05 places earlier among all faces than with the face filled flat; at most 1.00 places earlier",
        ),
        (
            -1.0004,
            "1.0004 places earlier among all faces than with the face filled flat; at most 1.0000 places",
        ),
        (
            -5.5,
            "5.5 places earlier among all faces than with the face filled flat; at most 1.0 places earlier",
        ),
        (
            -1.0,
            "1.0 places earlier among all faces than with the face filled flat; at most 1.0 places earlier",
        ),
        (0.0, "0.0 places later among all faces than with the face filled flat; at most 1.0 places earlier"),
    ],
)
def test_a_figure_differs_from_what_is_asked_where_it_does(value, said):
    rule = _rule(metric="rank_over_floor", recogniser="mobilefacenet", comparison=">=", threshold=-1.0)
    assert said in tell(word(rule), _row(rule, value))

"""Rules decide; missing evidence is a failure."""

import polars as pl
import pytest

from schemas.evidence import MOST, VERDICTS
from schemas.params.validate import Rule
from tasks.files.tables import build_table, check_table
from tasks.validate.verdicts import judge, look_up

CLIP = "clip-0123456789abcdef"
RULES = {
    "near": Rule(metric="nme_mean", part="face", relative_to_floor=True, comparison="<=", threshold=2.0,
                 severity="fail"),
    "unlike": Rule(metric="rank1_over_chance", recogniser="dlib", comparison="<=", threshold=1.0,
                   severity="review"),
    "located": Rule(metric="frames", finding="flagged", comparison="<=", threshold=0.0, severity="review"),
}  # fmt: skip


def _judge(**change):
    table = _rows(**change)
    return table["verdict"][0], dict(table.select("rule", "passed").iter_rows())


def _rows(
    ratio=1.0,
    rank=0.2,
    flags=0,
    lids=(0.96,),
    rules=RULES,
    subjects=4,
    shown=30,
    places=(9.0, 9.5),
    apart=(0.7, 0.8),
    motion=1.2,
):
    invariance = pl.DataFrame(
        [{"clip_id": CLIP, "arm": "released", "part": "face", "metric": "nme_mean", "value": 0.1,
          "n": shown, "ratio_to_floor": ratio},
         {"clip_id": CLIP, "arm": "released", "part": "face", "metric": "found_again", "value": None,
          "n": shown, "ratio_to_floor": None},
         {"clip_id": CLIP, "arm": "released", "part": "face", "metric": "motion", "value": motion, "n": shown,
          "ratio_to_floor": motion}]
    )  # fmt: skip
    identity = pl.DataFrame(
        [
            {
                "clip_id": CLIP,
                "arm": "released",
                "recogniser": "dlib",
                "rank1": rank,
                "rank_mean": places[0],
                "rank_floor": places[1],
                "distance_min": apart[0],
                "distance_floor": apart[1],
                "threshold": 0.6,
                "gallery_subjects": subjects,
            }
        ]
    )
    findings = pl.DataFrame([{"clip_id": CLIP, "finding": "flagged", "frames": flags}])
    signals = pl.DataFrame(
        [{"clip_id": CLIP, "arm": "released", "person": person, "signal": "eyelid_opening",
          "correlation": correlation, "difference": 0.02, "floor": 0.01}
         for person, correlation in enumerate(lids)]
    )  # fmt: skip
    tables = {"invariance": invariance, "identity": identity, "findings": findings, "signals": signals}
    table = build_table(judge([CLIP], rules, tables), VERDICTS)
    check_table(table, VERDICTS, "verdicts")
    return table


def test_all_rules_kept_is_a_pass():
    assert _judge() == ("pass", {"near": True, "unlike": True, "located": True})


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"rank": 0.5}, "review"),
        ({"flags": 1}, "review"),
        ({"ratio": 2.1}, "fail"),
        ({"ratio": 2.1, "rank": 0.5}, "fail"),
        ({"ratio": None}, "fail"),
        ({"rank": None}, "fail"),
        # nobody's face is there to be measured: never a pass, and for a person to weigh
        ({"rank": None, "ratio": None, "shown": 0}, "review"),
        ({"rank": None, "ratio": None, "shown": 1}, "fail"),
        ({"rank": 0.2, "ratio": 2.1, "shown": 0}, "fail"),
        ({"rank": 0.0, "subjects": 1}, "review"),
        ({"rank": 0.0, "subjects": 1, "ratio": 2.1}, "fail"),
    ],
)
def test_the_worst_broken_rule_decides(change, verdict):
    assert _judge(**change)[0] == verdict


@pytest.mark.parametrize(
    ("places", "verdict"),
    [((9.0, 9.5), "pass"), ((8.5, 9.5), "pass"), ((12.0, 9.5), "pass"), ((8.4, 9.5), "review"),
     ((1.0, 11.0), "review"), ((3.0, None), "fail"), ((9.6, 18.0), "pass"), ((9.4, 18.0), "review")],
)  # fmt: skip
def test_a_face_may_be_found_one_place_sooner_than_a_flat_one(places, verdict):
    rule = Rule(
        metric="rank_over_floor", recogniser="dlib", comparison=">=", threshold=-1.0, severity="review"
    )
    # nobody need come later than after a quarter of the gallery
    assert _judge(places=places, rules={"hidden": rule}, subjects=41)[0] == verdict


@pytest.mark.parametrize(
    ("apart", "verdict"),
    [((0.62, 0.9), "pass"), ((0.56, 0.9), "pass"), ((0.54, 0.9), "fail"), ((0.53, 0.55), "pass"),
     ((0.41, 0.42), "pass"), ((0.3, 0.42), "fail"), ((0.61, None), "fail")],
)  # fmt: skip
def test_a_face_is_no_nearer_than_a_flat_one_or_a_strangers(apart, verdict):
    rule = Rule(
        metric="distance_over_floor", recogniser="dlib", comparison=">=", threshold=-0.05, severity="fail"
    )
    assert _judge(apart=apart, rules={"verified": rule})[0] == verdict


@pytest.mark.parametrize(
    ("motion", "shown", "verdict"),
    [(1.5, 30, "pass"), (1.6, 30, "review"), (None, 30, "fail"), (None, 5, "review"), (None, 8, "fail")],
)
def test_a_clip_too_short_for_its_motion_goes_to_a_person(motion, shown, verdict):
    rule = Rule(metric="motion", part="face", relative_to_floor=True, comparison="<=", threshold=1.5,
                severity="review")  # fmt: skip
    assert _judge(motion=motion, shown=shown, rules={"motion": rule})[0] == verdict


def test_a_threshold_is_still_allowed():
    assert _judge(ratio=2.0, rank=0.25)[0] == "pass"


def test_a_rule_on_a_figure_that_does_not_exist_fails():
    unknown = Rule(metric="nonsense", part="face", comparison="<=", threshold=1.0, severity="review")
    assert _judge(rules={"x": unknown})[0] == "fail"


def _of_lids(**more):
    asked = {"metric": "correlation", "comparison": ">=", "threshold": 0.95, "severity": "review"} | more
    return {"lids": Rule(signal="eyelid_opening", **asked)}


@pytest.mark.parametrize(
    ("lids", "verdict"), [((0.96,), "pass"), ((0.96, 0.5), "review"), ((0.96, None), "fail")]
)
def test_the_worst_persons_signal_counts_and_an_unknown_one_fails(lids, verdict):
    assert _judge(lids=lids, rules=_of_lids())[0] == verdict


def test_a_signal_may_be_held_against_the_controls():
    twice = {"metric": "difference", "relative_to_floor": True, "comparison": "<="}
    assert _judge(rules=_of_lids(**twice, threshold=2.0))[0] == "pass"
    assert _judge(rules=_of_lids(**twice, threshold=1.9))[0] == "review"


def test_nothing_in_the_control_and_nothing_here_is_as_good():
    rule = Rule(signal="eyelid_opening", metric="n", relative_to_floor=True, comparison="<=", threshold=2.0,
                severity="fail")  # fmt: skip
    rows = {"clip_id": CLIP, "arm": "released", "person": 0, "signal": "eyelid_opening", "floor": 0.0}
    values = [look_up(rule, CLIP, {"signals": pl.DataFrame([rows | {"n": n}])}) for n in (0.0, 1.0)]
    assert values == [1.0, MOST]  # no table holds what is endless


def test_a_rule_on_an_arm_that_was_not_measured_fails():
    near = RULES["near"].model_copy(update={"arm": "control"})
    assert _judge(rules={"near": near})[0] == "fail"


@pytest.mark.parametrize("severity", ["fail", "review"])
@pytest.mark.parametrize(("shown", "told"), [(0, "review"), (30, "fail")])
def test_what_has_no_evidence_says_what_it_asks_for(severity, shown, told):
    """A clip was told to fail, and was one for a person to look at; and the other way round."""
    rule = Rule(metric="nothing", recogniser="other", comparison="<=", threshold=1.0, severity=severity)
    (row,) = _rows(rules={"identity": rule}, shown=shown).rows(named=True)
    assert (row["verdict"], row["severity"], row["passed"]) == (told, told, False)


@pytest.mark.parametrize("severity", ["fail", "review"])
@pytest.mark.parametrize("shown", [0, 30])
def test_a_rule_that_is_asked_where_it_can_be_answered_holds_up_no_other_clip(severity, shown):
    rule = Rule(
        metric="rank_over_floor", recogniser="parrot", comparison=">=", threshold=-1.0,
        severity=severity, where_known=True,
    )  # fmt: skip
    (row,) = _rows(rules={"parrot": rule}, shown=shown).rows(named=True)
    assert (row["verdict"], row["value"], row["passed"]) == ("pass", None, True)
    known = rule.model_copy(update={"recogniser": "dlib"})
    assert _judge(rules={"parrot": known}, places=(2.0, 4.0), subjects=26)[0] == severity
    assert _judge(rules={"parrot": known}, places=(3.0, 4.0), subjects=26)[0] == "pass"


@pytest.mark.parametrize("named", [{"recogniser": "dlib"}, {"part": "face"}, {"finding": "surviving"}])
def test_missing_evidence_of_anything_else_is_no_pass(named):
    with pytest.raises(ValueError, match="only a rule on parrot or trained"):
        Rule(metric="x", comparison="<=", threshold=1.0, severity="fail", where_known=True, **named)


@pytest.mark.parametrize("named", [{}, {"part": "face", "signal": "blink_count"}])
def test_a_rule_that_speaks_of_nothing_or_of_two_things_is_refused(named):
    with pytest.raises(ValueError, match="one of part"):
        Rule(metric="value", comparison="<=", threshold=1.0, severity="fail", **named)
    with pytest.raises(ValueError, match="relative"):
        Rule(metric="frames", finding="flagged", relative_to_floor=True, comparison="<=", threshold=1.0,
             severity="fail")  # fmt: skip


@pytest.mark.parametrize("ratios", [(2.1, 1.0), (1.0, 2.1), (2.1, 1.0, 1.5)])
def test_clips_that_are_judged_together_fare_as_each_alone(ratios):
    """Every other case here holds one clip: another's rows must not be taken for its own."""
    clips = [f"clip-{number:016x}" for number in range(len(ratios))]
    rule = {"near": RULES["near"]}
    rows = [
        {"clip_id": clip, "arm": "released", "part": "face", "metric": "nme_mean", "ratio_to_floor": ratio}
        for clip, ratio in zip(clips, ratios, strict=True)
    ]
    found = judge(clips, rule, {"invariance": pl.DataFrame(rows)})
    assert [(row["clip_id"], row["value"]) for row in found] == [*zip(clips, ratios, strict=True)]
    assert [row["verdict"] for row in found] == ["fail" if ratio > 2 else "pass" for ratio in ratios]

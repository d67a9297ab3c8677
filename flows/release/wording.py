"""Rules in words, told by what they measure and not by their names; of others one reads the name (pure)."""

from dataclasses import dataclass
from typing import Any

from schemas.dictionary import FLAT, FLOORS
from schemas.params.validate import Rule

# the worst first
FINDINGS = {
    "surviving": "original pixels of a face are still there",
    "uncovered": "a correction took the cover away",
    "text_left": "what may be a name, a date or a number can still be read",
    "doubtful": "a part of a face may still be the original's",
    "flagged": "a face was covered without having been located, may be none, or nobody was found",
    "in_front": "something stayed in front of a face, with its own pixels",
    "painted_over": "something before a face, as glasses or a tube, is not shown by the release",
    "text": "text stays that can be read",
}
BRIEFLY = {
    "surviving": "a face survives",
    "uncovered": "a correction uncovers",
    "flagged": "a face was not located",
    "in_front": "something is in front",
    "painted_over": "something before a face is gone",
    "doubtful": "a part of a face is doubtful",
    "text_left": "a name may be read",
    "text": "text stays",
}
JUDGES = {
    "dlib": "to dlib",
    "mobilefacenet": "to MobileFaceNet",
    "shape": "by the shape of the face",
    "parrot": "to somebody who has Guise",
    "trained": "to somebody who has Guise and learns",
    "inverted": "to somebody who learns to undo the swap",
}
MOST = 6
BOUNDS = {"<=": "at most {} will do", ">=": "at least {} is asked"}


@dataclass(frozen=True)
class Wording:
    """brief: what a broken rule means. says: its figure in a sentence.

    ways: words for above and below zero, where a figure has both.
    """

    brief: str
    says: str
    digits: int = 0
    unit: str = ""
    ways: tuple[str, str] | None = None

    def figure(self, value: float, more: int = 0) -> str:
        shown = abs(value) if self.ways else 100 * value if self.unit == " %" else value
        way = f" {self.ways[value < 0]}" if self.ways else ""
        return f"{shown:.{self.digits + more}f}{self.unit}{way}"

    def asked(self, row: dict[str, Any], more: int = 0) -> str:
        # so much nearer, or sooner, is a bound from above, though the figure has one from below
        is_most = row["comparison"] == "<=" or (self.ways is not None and row["threshold"] < 0)
        return BOUNDS["<=" if is_most else ">="].format(self.figure(row["threshold"], more))

    def more(self, row: dict[str, Any]) -> int:
        """Return how many more digits tell a figure from what is asked."""
        value, asked = row["value"], row["threshold"]
        alike = (more for more in range(MOST) if self.figure(value, more) != self.figure(asked, more))
        return 0 if value == asked else next(alike, MOST)


def word(rule: Rule) -> Wording | None:
    """Return how a rule reads; None where its measure is not told in words. Rules of the control are not."""
    if rule.arm != "released" or rule.signal:
        return None
    if rule.finding:
        said = Wording(BRIEFLY[rule.finding], f"frames in which {FINDINGS[rule.finding]}: {{}}")
        return said if rule.metric == "frames" else None
    return _of_a_recogniser(rule) if rule.recogniser else _of_a_part(rule)


def _of_a_recogniser(rule: Rule) -> Wording | None:
    judge = JUDGES.get(rule.recogniser or "", f"to {rule.recogniser}")
    match rule.metric:
        case "rank_over_floor":
            floor = FLOORS.get(rule.recogniser or "", FLAT)
            said = f"{judge} the patient comes {{}} among all faces than {floor}"
            return Wording(f"{judge} the patient can be found", said, 1, " places", ("later", "earlier"))
        case "distance_over_floor":
            said = f"{judge} the likest frame is {{}} than a flat face, or a stranger, would be"
            return Wording(f"verified as the patient, {judge}", said, 3, "", ("farther", "nearer"))
    return None


def _of_a_part(rule: Rule) -> Wording | None:
    part = str(rule.part).replace("_", " ")
    match rule.metric, rule.relative_to_floor:
        case "found_again", False:
            said = f"the {part} is found again in {{}} of its frames"
            return Wording(f"{part} not found again", said, 1, " %")
        case "motion", True:
            said = f"the {part} moves otherwise by {{}} what re-encoding alone does"
            return Wording(f"{part} moves otherwise", said, 2, " times")
        case "oks_mean", False:
            said = f"the keypoints of the {part} agree with the original's by an OKS of {{}}"
            return Wording(f"{part} has moved", said, 3)
    return None


def tell_floor(recogniser: str, place: float) -> str:
    """Return beside which place a subject's is told: the flat face's, or that of others in the cohort."""
    others = FLOORS.get(recogniser)
    return f"at {place:.1f} come {others}" if others else f"at {place:.1f} {FLAT}"


def tell(wording: Wording, row: dict[str, Any]) -> str:
    """Return a row of the verdict as a sentence."""
    if row["value"] is None:
        why = "not judged of this clip" if row["passed"] else "not measured, so nobody knows"
        return f"{why}: {wording.brief}? ({wording.asked(row)})"
    more = wording.more(row)
    return f"{wording.says.format(wording.figure(row['value'], more))}; {wording.asked(row, more)}"

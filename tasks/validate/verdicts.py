"""Rules -> a verdict for every clip (pure). Missing evidence is a failure, or for a person to weigh."""

from collections.abc import Mapping

import polars as pl

from schemas.evidence import MOST
from schemas.jobs import Row
from schemas.params.validate import Rule
from tasks.validate.averages import ratio
from tasks.validate.keypoints.motion import LEAST_FRAMES
from tasks.vision.solid import SHAPE

OVER_CHANCE = "rank1_over_chance"  # of no meaning in a gallery of one
# how many places further back the subject comes, and how much farther their nearest face is, than with the
# face filled flat; who comes after a quarter of the gallery, or is as far as a stranger, is hidden enough
FAR = 4
RANK_OVER_FLOOR, DISTANCE_OVER_FLOOR = "rank_over_floor", "distance_over_floor"
# what needs so many frames is not known of a shorter clip
NEEDED_FRAMES = {"motion": LEAST_FRAMES, "shape": LEAST_FRAMES}
RANK = {"pass": 0, "review": 1, "fail": 2}


Tables = Mapping[str, pl.DataFrame]
Known = Mapping[str, list[Row]]  # of one clip


def look_up(rule: Rule, clip_id: str, tables: Tables) -> float | None:
    """Return the figure that a rule speaks of, None where there is no evidence.

    tables: invariance, identity, signals and findings. Of several people's signals the worst one counts.
    """
    return _figure(rule, _known_of(clip_id, tables))


def _known_of(clip_id: str, tables: Tables) -> Known:
    # a clip has few rows: asking polars for them takes longer than reading all
    return {name: _where(table.to_dicts(), clip_id=clip_id) for name, table in tables.items()}


def _figure(rule: Rule, known: Known) -> float | None:
    values = _values(rule, known)
    if not values or None in values or (rule.signal is None and len(values) > 1):
        return None
    found = [float(value) for value in values if value is not None]
    return max(found) if rule.comparison == "<=" else min(found)


def _values(rule: Rule, known: Known) -> list[float | None]:
    column = rule.metric
    if rule.finding is not None:
        rows = _where(known["findings"], finding=rule.finding)
    elif rule.recogniser is not None:
        rows = [
            row | _beside_floor(row)
            for row in _where(known["identity"], arm=rule.arm, recogniser=rule.recogniser)
        ]
    elif rule.signal is not None:
        rows = _where(known["signals"], arm=rule.arm, signal=rule.signal)
        if rule.relative_to_floor:
            return [_relative(row[column], row["floor"]) for row in rows if column in row]
    else:
        rows = _where(known["invariance"], arm=rule.arm, part=rule.part, metric=rule.metric)
        column = "ratio_to_floor" if rule.relative_to_floor else "value"
    return [row[column] for row in rows if column in row]


def _where(rows: list[Row], **wanted: object) -> list[Row]:
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def _beside_floor(row: Row) -> Row:
    """Return the figures that rules ask of a recogniser and no column holds."""
    gallery, rank1 = row["gallery_subjects"], row["rank1"]
    return {
        OVER_CHANCE: rank1 * gallery if rank1 is not None and gallery > 1 else None,
        RANK_OVER_FLOOR: _over(row["rank_mean"], row["rank_floor"], (gallery + 1) / FAR),
        DISTANCE_OVER_FLOOR: _over(row["distance_min"], row["distance_floor"], row["threshold"]),
    }


def _over(value: float | None, floor: float | None, enough: float | None) -> float | None:
    """Return a figure less its floor, or less what is enough where that is lower; None without a floor."""
    if value is None or floor is None:
        return None
    return value - (floor if enough is None else min(floor, enough))


def _relative(value: float | None, floor: float | None) -> float | None:
    # what the control does not show at all is exceeded without end
    times = ratio(value, floor)
    return MOST if times is None and value is not None and floor is not None else times


def holds(rule: Rule, value: float | None) -> bool:
    if value is None:
        return rule.where_known
    return value <= rule.threshold if rule.comparison == "<=" else value >= rule.threshold


def judge(clip_ids: list[str], rules: Mapping[str, Rule], tables: Tables) -> list[Row]:
    """Return a row per clip and rule; the verdict is the worst of the broken rules' severities."""
    rows: list[Row] = []
    for clip_id in clip_ids:
        known = _known_of(clip_id, tables)
        found = [_row(clip_id, name, rule, known) for name, rule in rules.items()]
        broken = [str(row["severity"]) for row in found if not row["passed"]]
        verdict = max(["pass", *broken], key=RANK.__getitem__)
        rows += [{**row, "verdict": verdict} for row in found]
    return rows


def _row(clip_id: str, name: str, rule: Rule, known: Known) -> Row:
    value = _figure(rule, known)
    return {
        "clip_id": clip_id,
        "rule": name,
        "value": value,
        "comparison": rule.comparison,
        "threshold": rule.threshold,
        "severity": _severity(rule, value, known),
        "passed": holds(rule, value),
    }


def _severity(rule: Rule, value: float | None, known: Known) -> str:
    """Return what a rule asks for where it is broken; without evidence that is not what it says itself."""
    if value is not None:
        return rule.severity
    return "review" if _is_for_a_person(rule, known) else "fail"


def _is_for_a_person(rule: Rule, known: Known) -> bool:
    """Return whether there is a reason for missing evidence that a person may weigh.

    In a gallery of one nobody can be told from others; a clip may show no keypoints of the part in question,
    or too few frames of it; where no face was found again nobody is known by its shape.
    """
    if rule.recogniser == SHAPE:
        return True
    if rule.metric == OVER_CHANCE and _where(known["identity"], gallery_subjects=1):
        return True
    part = "face" if rule.recogniser else rule.part or ""
    looked = _where(known["invariance"], arm=rule.arm, part=part, metric="found_again")
    return len(looked) == 1 and looked[0]["n"] < NEEDED_FRAMES.get(rule.metric, 1)

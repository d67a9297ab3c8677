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


def look_up(rule: Rule, clip_id: str, tables: Tables) -> float | None:
    """Return the figure that a rule speaks of, None where there is no evidence.

    tables: invariance, identity, signals and findings. Of several people's signals the worst one counts.
    """
    values = _values(rule, clip_id, tables)
    if not values or None in values or (rule.signal is None and len(values) > 1):
        return None
    known = [float(value) for value in values if value is not None]
    return max(known) if rule.comparison == "<=" else min(known)


def _values(rule: Rule, clip_id: str, tables: Tables) -> list[float | None]:
    if rule.finding is not None:
        rows, column = tables["findings"].filter(clip_id=clip_id, finding=rule.finding), rule.metric
    elif rule.recogniser is not None:
        rows, column = (
            tables["identity"].filter(clip_id=clip_id, arm=rule.arm, recogniser=rule.recogniser),
            rule.metric,
        )
        others = pl.col("gallery_subjects") > 1
        rows = rows.with_columns(
            pl.when(others).then(pl.col("rank1") * pl.col("gallery_subjects")).alias(OVER_CHANCE),
            _over(pl.col("rank_mean"), pl.col("rank_floor"), (pl.col("gallery_subjects") + 1) / FAR).alias(
                RANK_OVER_FLOOR
            ),
            _over(pl.col("distance_min"), pl.col("distance_floor"), pl.col("threshold")).alias(
                DISTANCE_OVER_FLOOR
            ),
        )
    elif rule.signal is not None:
        rows, column = (
            tables["signals"].filter(clip_id=clip_id, arm=rule.arm, signal=rule.signal),
            rule.metric,
        )
        if rule.relative_to_floor and column in rows.columns:
            return [_relative(value, floor) for value, floor in zip(rows[column], rows["floor"], strict=True)]
    else:
        rows = tables["invariance"].filter(clip_id=clip_id, arm=rule.arm, part=rule.part, metric=rule.metric)
        column = "ratio_to_floor" if rule.relative_to_floor else "value"
    return rows[column].to_list() if column in rows.columns else []


def _over(value: pl.Expr, floor: pl.Expr, enough: pl.Expr) -> pl.Expr:
    """Return a figure less its floor, or less what is enough where that is lower; null without a floor."""
    return pl.when(floor.is_not_null()).then(value - pl.min_horizontal(floor, enough))


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
        found = [_row(clip_id, name, rule, tables) for name, rule in rules.items()]
        broken = [str(row["severity"]) for row in found if not row["passed"]]
        verdict = max(["pass", *broken], key=RANK.__getitem__)
        rows += [{**row, "verdict": verdict} for row in found]
    return rows


def _row(clip_id: str, name: str, rule: Rule, tables: Tables) -> Row:
    value = look_up(rule, clip_id, tables)
    return {
        "clip_id": clip_id,
        "rule": name,
        "value": value,
        "comparison": rule.comparison,
        "threshold": rule.threshold,
        "severity": _severity(rule, value, clip_id, tables),
        "passed": holds(rule, value),
    }


def _severity(rule: Rule, value: float | None, clip_id: str, tables: Tables) -> str:
    """Return what a rule asks for where it is broken; without evidence that is not what it says itself."""
    if value is not None:
        return rule.severity
    return "review" if _is_for_a_person(rule, clip_id, tables) else "fail"


def _is_for_a_person(rule: Rule, clip_id: str, tables: Tables) -> bool:
    """Return whether there is a reason for missing evidence that a person may weigh.

    In a gallery of one nobody can be told from others; a clip may show no keypoints of the part in question,
    or too few frames of it; where no face was found again nobody is known by its shape.
    """
    if rule.recogniser == SHAPE:
        return True
    if rule.metric == OVER_CHANCE and len(tables["identity"].filter(clip_id=clip_id, gallery_subjects=1)):
        return True
    part = "face" if rule.recogniser else rule.part or ""
    looked = tables["invariance"].filter(clip_id=clip_id, arm=rule.arm, part=part, metric="found_again")
    return all(frames < NEEDED_FRAMES.get(rule.metric, 1) for frames in looked["n"]) and len(looked) == 1

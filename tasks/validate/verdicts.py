"""Rules -> a verdict for every clip (pure). Missing evidence is a failure."""

from collections.abc import Mapping

import polars as pl

from schemas.jobs import Row
from schemas.params import Rule

RANK = {"pass": 0, "review": 1, "fail": 2}


def look_up(
    rule: Rule, clip_id: str, invariance: pl.DataFrame, identity: pl.DataFrame, findings: pl.DataFrame
) -> float | None:
    """Return the released arm's figure that a rule speaks of, None where there is no evidence."""
    if rule.finding is not None:
        found = findings.filter(clip_id=clip_id, finding=rule.finding)
        return float(found["frames"][0]) if found.height == 1 else None
    here = (pl.col("clip_id") == clip_id) & (pl.col("arm") == "released")
    if rule.recogniser is not None:
        rows = identity.filter(here & (pl.col("recogniser") == rule.recogniser)).with_columns(
            rank1_over_chance=pl.col("rank1") * pl.col("gallery_subjects")
        )
        column = rule.metric
    else:
        named = (pl.col("part") == rule.part) & (pl.col("metric") == rule.metric)
        rows = invariance.filter(here & named)
        column = "ratio_to_floor" if rule.relative_to_floor else "value"
    return rows[column][0] if rows.height == 1 and column in rows.columns else None


def holds(rule: Rule, value: float | None) -> bool:
    if value is None:
        return False
    return value <= rule.threshold if rule.comparison == "<=" else value >= rule.threshold


def judge(
    clip_ids: list[str],
    rules: Mapping[str, Rule],
    invariance: pl.DataFrame,
    identity: pl.DataFrame,
    findings: pl.DataFrame,
) -> list[Row]:
    """Return a row per clip and rule; the verdict is the worst of the broken rules' severities."""
    rows: list[Row] = []
    for clip_id in clip_ids:
        values = {
            name: look_up(rule, clip_id, invariance, identity, findings) for name, rule in rules.items()
        }
        verdict = _verdict(rules, values)
        rows += [
            {
                "clip_id": clip_id,
                "verdict": verdict,
                "rule": name,
                "value": None if values[name] is None else float(values[name] or 0),
                "comparison": rule.comparison,
                "threshold": rule.threshold,
                "severity": rule.severity,
                "passed": holds(rule, values[name]),
            }
            for name, rule in rules.items()
        ]
    return rows


def _verdict(rules: Mapping[str, Rule], values: Mapping[str, float | None]) -> str:
    outcomes = ["pass"]
    for name, rule in rules.items():
        if values[name] is None:
            outcomes.append("fail")
        elif not holds(rule, values[name]):
            outcomes.append(rule.severity)
    return max(outcomes, key=RANK.__getitem__)

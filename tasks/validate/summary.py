"""The evidence in a few numbers, for `dvc metrics` and the screen (pure)."""

import polars as pl

Figures = dict[str, float | int | None]


def summarise(
    clips: pl.DataFrame, invariance: pl.DataFrame, identity: pl.DataFrame, verdicts: pl.DataFrame
) -> dict[str, Figures | dict[str, Figures]]:
    """Return counts of clips, then the mean figures of every arm."""
    outcome = verdicts.unique("clip_id")["verdict"].to_list()
    counts: Figures = {
        "admitted": clips.filter(pl.col("status") == "admitted").height,
        "refused": clips.filter(pl.col("status") == "refused").height,
    }
    counts.update({name: outcome.count(name) for name in ("pass", "review", "fail")})
    arms = invariance["arm"].unique(maintain_order=True)
    return {"clips": counts, "arms": {arm: _figures(arm, invariance, identity) for arm in arms}}


def _figures(arm: str, invariance: pl.DataFrame, identity: pl.DataFrame) -> Figures:
    def mean(part: str, metric: str, column: str = "value") -> float | None:
        rows = invariance.filter(arm=arm, part=part, metric=metric)
        value = rows[column].mean()
        return round(float(value), 6) if isinstance(value, float) else None

    face, floor = mean("face", "nme_mean"), mean("face", "nme_mean", "floor")
    figures: Figures = {
        "face_found_again": mean("face", "found_again"),
        "face_nme": face,
        "face_nme_ratio_to_control": round(face / floor, 4) if face and floor else None,
        "head_error": mean("head", "nme_mean"),
        "head_oks": mean("head", "oks_mean"),
        "body_nme": mean("body", "nme_mean"),
        "body_found_again": mean("body", "found_again"),
    }
    for name in identity["recogniser"].unique(maintain_order=True):
        rows = identity.filter(arm=arm, recogniser=name)
        figures[f"{name}_distance_min"] = _round(rows["distance_min"].min())
        figures[f"{name}_rank1"] = _round(rows["rank1"].mean())
    return figures


def _round(value: object) -> float | None:
    return round(float(value), 6) if isinstance(value, float) else None

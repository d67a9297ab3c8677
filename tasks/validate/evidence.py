"""What was measured of every clip -> the tables of the cohort, their verdicts and summary."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import polars as pl

from schemas.evidence import COLLECTED, IDENTITY, INVARIANCE, METHODS, SIGNALS, VERDICTS
from schemas.jobs import Row
from schemas.keypoints import ARMS
from schemas.params.validate import Rule, Validate
from tasks.files.clips import EVIDENCE, evidence_path, read_clips
from tasks.files.documents import piecewise, read_lean, write_json, write_tables
from tasks.files.tables import build_table
from tasks.validate.cohort import cohort_agreement, cohort_means
from tasks.validate.measured import COHORT, TABLES, Tables, by_clip, measured_path, read_measured
from tasks.validate.summary import brief, compare_methods, count_clips, figures_of_arms
from tasks.validate.verdicts import judge

METRICS = Path("data/metrics")
VERDICT = build_table([], VERDICTS).select("clip_id", "verdict")  # without a row
# the columns of which means over the cohort are taken, and by which methods are compared
MEANT = ("clip_id", "arm", "part", "metric", "value", "floor")
KNOWN = (
    "clip_id", "arm", "recogniser", "distance_mean", "distance_min", "rank_mean", "rank_floor", "rank1",
    "gallery_subjects",
)  # fmt: skip
READ = ("clip_id", "arm", "signal", "unit", "original", "value")
JUDGED = ("invariance", "identity", "signals", "findings")


def write_evidence(root: Path, settings: Validate, clips: pl.DataFrame) -> tuple[tuple[str, ...], list[Row]]:
    """Judge every clip that was measured, write tables and summary; return their paths, and what was found.

    Of many clips no more is held at once than of a few.
    """
    found: list[Row] = []
    outcomes = [VERDICT]
    # nobody reads verdicts before everything else is there
    with piecewise(VERDICTS, root / evidence_path("verdicts")) as add_verdicts:
        with ExitStack() as stack:
            add = {
                name: stack.enter_context(piecewise(schema, root / evidence_path(name)))
                for name, schema in TABLES.items()
            }
            for tables, verdicts in _judged(root, clips["clip_id"].to_list(), settings.rules):
                for name, table in tables.items():
                    add[name](table)
                found += tables["findings"].filter(pl.col("frames") > 0).to_dicts()
                add_verdicts(verdicts)
                outcomes.append(verdicts.select("clip_id", "verdict").unique("clip_id"))
        documents = _summarise(root, clips, pl.concat(outcomes))
    return (*(str(evidence_path(name)) for name in (*TABLES, *COLLECTED, "methods")), *documents), found


def _judged(
    root: Path, clip_ids: list[str], rules: Mapping[str, Rule]
) -> Iterator[tuple[Tables, pl.DataFrame]]:
    """Yield the tables of the cohort, then those of some clips after the other, with their verdicts."""
    (cohort,) = read_measured([root / measured_path(COHORT)])
    yield cohort, build_table([], VERDICTS)
    for tables in read_measured(root / measured_path(clip_id) for clip_id in clip_ids):
        theirs = tables["invariance"]["clip_id"].unique(maintain_order=True).to_list()
        # who is in the sample that stands for the cohort is attacked there
        identity = pl.concat([cohort["identity"].filter(pl.col("clip_id").is_in(theirs)), tables["identity"]])
        known = {name: tables[name] for name in JUDGED} | {"identity": identity}
        rows = [row for clip_id, own in by_clip(known, theirs) for row in judge([clip_id], rules, own)]
        yield tables, build_table(rows, VERDICTS)


def _summarise(root: Path, clips: pl.DataFrame, outcomes: pl.DataFrame) -> tuple[str, ...]:
    """Write what is made of all clips together; return the documents' paths. outcomes: each one's verdict."""
    subjects = dict(clips.select("clip_id", "subject").iter_rows())
    invariance = read_lean(root / evidence_path("invariance"), INVARIANCE, MEANT)
    identity = read_lean(root / evidence_path("identity"), IDENTITY, KNOWN)
    signals = read_lean(root / evidence_path("signals"), SIGNALS, READ)
    made = {
        "cohort": cohort_means(invariance, subjects),
        "agreement": cohort_agreement(signals, subjects),
        "methods": compare_methods(invariance, identity, subjects),
    }
    schemas = COLLECTED | {"methods": METHODS}
    write_tables(
        {
            root / evidence_path(name): (build_table(rows, schemas[name]), schemas[name])
            for name, rows in made.items()
        }
    )
    counts, arms = count_clips(read_clips(root), outcomes), figures_of_arms(invariance, identity)
    documents = {EVIDENCE / "summary.json": {"clips": counts, "arms": arms}} | {
        METRICS / f"{arm}.json": brief(arms.get(arm, {})) for arm in ARMS if arm != "original"
    }
    for path, content in documents.items():
        write_json(content, root / path)
    return tuple(map(str, documents))

"""Read what the arms left behind, write the evidence."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from schemas.evidence import FINDINGS, IDENTITY, INVARIANCE, PARTS, VERDICTS
from schemas.frames import FRAMES
from schemas.jobs import Row
from schemas.params import Validate
from tasks.clips import frames_path, read_admitted, read_clips, read_keypoints
from tasks.documents import build_table, read_table, write_json, write_table
from tasks.inference import shared_weights
from tasks.recognisers import make_recognisers
from tasks.validate.attack import judge_identity, make_probe
from tasks.validate.invariance import Metrics, measure
from tasks.validate.people import align_people, to_tracks
from tasks.validate.summary import summarise
from tasks.validate.verdicts import judge

EVIDENCE = Path("data/evidence")


def cohort_identity(root: Path, arms: dict[str, list[str]], settings: Validate) -> list[Row]:
    """Return the identity rows of every clip: a gallery needs the whole cohort."""
    weights = shared_weights(root)
    recognisers = weights.once("recognisers", lambda: make_recognisers(weights))
    probes = [
        make_probe(root, clip_id, subject, settings.identity_frames)
        for clip_id, subject in read_admitted(root).select("clip_id", "subject").iter_rows()
    ]
    return judge_identity(root, probes, arms, recognisers, {"dlib": settings.identity_threshold})


def clip_invariance(root: Path, clip_id: str, arms: list[str], settings: Validate) -> list[Row]:
    """Return a clip's invariance rows for its arms, `control` first, each beside the control's value."""
    time_s = read_table(root / frames_path("original", clip_id), FRAMES)["timestamp_s"].to_numpy()
    original = to_tracks(read_keypoints(root, "original", clip_id), len(time_s))
    rows: list[Row] = []
    in_control: dict[str, NDArray[np.bool_]] = {}
    floors: dict[str, Metrics] = {}
    for arm in arms:
        # one arm at a time: ten minutes of keypoints are large
        other = align_people(original, to_tracks(read_keypoints(root, arm, clip_id), len(time_s)))
        for part in PARTS:
            seen = in_control.setdefault(part, other.seen(part))
            figures = measure(
                original, seen, other, part, pck_thresholds=settings.pck_thresholds, time_s=time_s
            )
            floor = floors.setdefault(part, figures)
            rows += [
                {"clip_id": clip_id, "arm": arm, "part": part, "metric": metric}
                | asdict(figure)
                | _against(figure.value, floor[metric].value)
                for metric, figure in figures.items()
            ]
    return rows


def _against(value: float | None, floor: float | None) -> Row:
    return {"floor": floor, "ratio_to_floor": value / floor if value is not None and floor else None}


def write_evidence(
    root: Path,
    settings: Validate,
    invariance_rows: list[Row],
    identity_rows: list[Row],
    finding_rows: list[Row],
) -> tuple[str, ...]:
    """Judge every clip, write tables and summary, and return their paths."""
    invariance = build_table(invariance_rows, INVARIANCE)
    identity = build_table(identity_rows, IDENTITY)
    clip_ids = read_admitted(root)["clip_id"].to_list()
    findings = build_table(finding_rows, FINDINGS)
    verdicts = build_table(judge(clip_ids, settings.rules, invariance, identity, findings), VERDICTS)
    tables = {
        "invariance": (invariance, INVARIANCE),
        "identity": (identity, IDENTITY),
        "findings": (findings, FINDINGS),
        "verdicts": (verdicts, VERDICTS),
    }
    for name, (table, schema) in tables.items():
        write_table(table, schema, root / EVIDENCE / f"{name}.parquet")
    summary = EVIDENCE / "summary.json"
    write_json(summarise(read_clips(root), invariance, identity, verdicts), root / summary)
    return (*(str(EVIDENCE / f"{name}.parquet") for name in tables), str(summary))

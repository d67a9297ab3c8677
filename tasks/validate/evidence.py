"""Read what the arms left behind, write the evidence."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from schemas.evidence import COLLECTED, MEASURED, METHODS, ROC
from schemas.frames import FRAMES
from schemas.jobs import Row
from schemas.keypoints import ARMS
from schemas.params.extract import Extract
from schemas.params.validate import Validate
from tasks.files.clips import frames_path, keypoints_path, read_admitted, read_clips, read_keypoints
from tasks.files.documents import read_table, write_json, write_tables
from tasks.files.errors import DocumentError
from tasks.files.tables import build_table
from tasks.validate.cohort import cohort_agreement, cohort_means
from tasks.validate.comparison import Comparison
from tasks.validate.identity.attack import BLANK, Attacks, Gallery, Probe, Sighting
from tasks.validate.identity.distances import make_gallery
from tasks.validate.identity.embedding import embed_all
from tasks.validate.identity.judges import make_judges
from tasks.validate.identity.probes import make_probe
from tasks.validate.identity.strangers import Faces, read_strangers
from tasks.validate.keypoints.people import Tracks, align_people, to_tracks
from tasks.validate.keypoints.timeline import frame_errors
from tasks.validate.signals.clinical import Film
from tasks.validate.summary import brief, compare_methods, count_clips, figures_of_arms
from tasks.validate.verdicts import judge
from tasks.vision.sessions import shared_weights

EVIDENCE, METRICS = Path("data/evidence"), Path("data/metrics")
FOLLOWED = ("control", "released")  # frame by frame; of others there are excerpts
EXCERPT_SHARE = 4  # so many times fewer faces of an excerpt are compared


def cohort_identity(
    root: Path, arms: Mapping[str, Sequence[str]], settings: Validate, extract: Extract, chooser: str
) -> dict[str, list[Row]]:
    """Return the rows of identity, its frames, linkage, recognition and roc, for the whole cohort.

    extract: how strangers' faces are looked for. chooser: the recogniser that chose the targets, and is no
    independent judge of them.
    """
    subjects = dict(read_admitted(root).select("clip_id", "subject").iter_rows())
    probes = {
        probe: attacked
        for clip_id, compared in arms.items()
        for probe, attacked in _probes(root, clip_id, subjects[clip_id], compared, settings.identity_frames)
        if probe.faces
    }
    wanted = [(arm, probe) for probe, attacked in probes.items() for arm in ("original", *attacked)]
    sightings = dict(zip(wanted, embed_all(root, wanted, extract), strict=True))
    seen = [probe for probe, attacked in probes.items() if BLANK in attacked]
    originals = {probe.clip_id: sightings["original", probe] for probe in seen}
    names = next(iter(originals.values())).embeddings if originals else []
    strangers = _strangers(root, settings.strangers, extract) if seen else []
    galleries = {name: _gallery(name, seen, originals, strangers) for name in names}
    filmed = {probe.subject for probe in seen}
    attacks = Attacks(chooser, {"dlib": settings.identity_threshold}, galleries, filmed)
    for probe, attacked in probes.items():
        for arm in attacked:
            attacks.add(probe, arm, sightings["original", probe], sightings[arm, probe])
    return {
        "identity": attacks.identity,
        "identity_frames": attacks.identity_frames,
        "linkage": attacks.linkage(),
        "recognition": attacks.recognition(len(filmed)),
        "roc": attacks.roc(),
    }


def _strangers(root: Path, names: list[str], extract: Extract) -> list[Faces]:
    weights = shared_weights(root)
    return read_strangers(weights, names, extract, make_judges(weights, extract))


def _probes(
    root: Path, clip_id: str, subject: str, compared: Sequence[str], count: int
) -> Iterator[tuple[Probe, tuple[str, ...]]]:
    """Yield which of a clip's faces are attacked in which arms: of an excerpt in those that have no more."""
    yield make_probe(root, clip_id, subject, count), (BLANK, *FOLLOWED)
    tried = tuple(arm for arm in compared if arm not in FOLLOWED)
    if tried:
        some = max(1, count // EXCERPT_SHARE)
        yield make_probe(root, clip_id, subject, some, _excerpt(root, tried[0], clip_id)), tried


def _excerpt(root: Path, arm: str, clip_id: str) -> range:
    """Return the frames of a clip that a compared method was tried on."""
    frames = read_table(root / frames_path(arm, clip_id), FRAMES)["frame"]
    return range(frames[0], frames[-1] + 1)


def _gallery(
    name: str, probes: list[Probe], originals: dict[str, Sighting], strangers: list[Faces]
) -> Gallery:
    """Return all among whom a recogniser looks for a subject: strangers, too, so that chance is known."""
    faces = {f"stranger {number}": [face[name]] for number, face in enumerate(strangers)}
    for probe in probes:
        own = originals[probe.clip_id].embeddings[name][probe.own]
        faces.setdefault(probe.subject, []).append(own[~np.isnan(own).any(axis=1)])
    return make_gallery(faces)


def require_one_extractor(root: Path, clip_id: str, arms: Sequence[str]) -> None:
    """Raise DocumentError where arms that are compared were read by different backends."""
    names = ["face_backend", "body_backend"]
    found = {
        arm: pl.scan_parquet(root / keypoints_path(arm, clip_id)).select(names).unique().collect().rows()
        for arm in arms
    }
    if len({row for rows in found.values() for row in rows}) > 1:
        told = "; ".join(
            f"{arm} by {' and '.join(row)}" for arm, rows in found.items() for row in sorted(rows)
        )
        raise DocumentError(
            f"{clip_id}: arms were read by different backends ({told}): run `guise run` again"
        )


def clip_keypoints(root: Path, clip_id: str, arms: Sequence[str], settings: Validate) -> dict[str, list[Row]]:
    """Return a clip's rows of invariance, keypoint errors, signals and timeline, `control` first.

    A compared method is measured where it was tried, against the control in the same frames.
    """
    require_one_extractor(root, clip_id, ["original", *arms])
    clip = read_admitted(root).row(by_predicate=pl.col("clip_id") == clip_id, named=True)
    time_s = read_table(root / frames_path("original", clip_id), FRAMES)["timestamp_s"].to_numpy()
    rows: dict[str, list[Row]] = {"invariance": [], "keypoint_errors": [], "signals": [], "timeline": []}
    for measured, frames in _stretches(root, clip_id, arms, len(time_s)):
        read = partial(_read_tracks, root, clip_id, frames, len(time_s))
        film = Film(time_s[frames.start : frames.stop], (clip["width"], clip["height"]))
        original = read("original")
        comparison = Comparison(original, film, settings.pck_thresholds)
        # one arm at a time: ten minutes of keypoints are large
        for arm in dict.fromkeys(["control", *measured]):
            other = align_people(original, read(arm))
            tables = comparison.rows(other)
            if arm not in measured:
                continue  # it is the floor only
            if arm in FOLLOWED:
                tables["timeline"] = list(frame_errors(original, other, time_s))
            for name, found in tables.items():
                rows[name] += [{"clip_id": clip_id, "arm": arm} | row for row in found]
    return rows


def _stretches(
    root: Path, clip_id: str, arms: Sequence[str], count: int
) -> Iterator[tuple[tuple[str, ...], range]]:
    """Yield which arms are measured in which frames."""
    yield FOLLOWED, range(count)
    tried = tuple(arm for arm in arms if arm not in FOLLOWED)
    if tried:
        yield tried, _excerpt(root, tried[0], clip_id)


def _read_tracks(root: Path, clip_id: str, frames: range, count: int, arm: str) -> Tracks:
    return to_tracks(read_keypoints(root, arm, clip_id), count).of(frames)


def write_evidence(
    root: Path,
    settings: Validate,
    rows: dict[str, list[Row]],
    clips: pl.DataFrame,
) -> tuple[str, ...]:
    """Judge every clip that was not refused, write tables and summary, and return their paths."""
    tables = {name: build_table(rows[name], schema) for name, schema in MEASURED.items()}
    subjects = dict(clips.select("clip_id", "subject").iter_rows())
    clip_ids = clips["clip_id"].to_list()
    invariance, identity = tables["invariance"], tables["identity"]
    collected = {
        "cohort": cohort_means(invariance, subjects),
        "agreement": cohort_agreement(tables["signals"], subjects),
        "verdicts": judge(clip_ids, settings.rules, tables),
    }
    tables |= {name: build_table(collected[name], schema) for name, schema in COLLECTED.items()}
    named = {
        EVIDENCE / f"{name}.parquet": (tables[name], schema)
        for name, schema in (MEASURED | COLLECTED).items()
    } | {
        EVIDENCE / "methods.csv": (
            build_table(compare_methods(invariance, identity, subjects), METHODS),
            METHODS,
        ),
        EVIDENCE / "roc.csv": (build_table(rows["roc"], ROC), ROC),
    }
    write_tables({root / path: table for path, table in named.items()})
    counts, arms = count_clips(read_clips(root), tables["verdicts"]), figures_of_arms(invariance, identity)
    documents = {EVIDENCE / "summary.json": {"clips": counts, "arms": arms}} | {
        METRICS / f"{arm}.json": brief(arms.get(arm, {})) for arm in ARMS if arm != "original"
    }
    for path, content in documents.items():
        write_json(content, root / path)
    return (*map(str, named), *map(str, documents))

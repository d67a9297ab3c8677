"""No figure leaves the range of what went into it, whatever the last bit of the arithmetic does."""

import warnings

import numpy as np
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests_support import REPO

from schemas.clips import CLIPS
from schemas.evidence import AGREEMENT, COHORT, INVARIANCE, MEASURED, METHODS, MOST, SIGNALS, VERDICTS
from schemas.keypoints import PARTS
from schemas.params.validate import Rule
from tasks.files.clips import CLIPS_PATH, EVIDENCE
from tasks.files.documents import read_params, read_table, write_table
from tasks.files.tables import build_table, check_table
from tasks.validate.cohort import cohort_agreement, cohort_means
from tasks.validate.comparison import Comparison
from tasks.validate.evidence import write_evidence
from tasks.validate.identity.attack import Attacks, Probe, Sighting
from tasks.validate.identity.distances import attack, make_gallery, match_rates, template_of, true_match_rate
from tasks.validate.intervals import mean_interval, percentile_interval, stretches
from tasks.validate.keypoints.movement import movement_difference, temporal_correlation
from tasks.validate.keypoints.oks import average_precision, oks
from tasks.validate.keypoints.people import Tracks, align_people
from tasks.validate.keypoints.timeline import frame_errors
from tasks.validate.measured import COHORT as TOGETHER
from tasks.validate.measured import measured_path, write_measured
from tasks.validate.signals.agreement import compare_series, compare_values
from tasks.validate.signals.clinical import Film
from tasks.validate.summary import compare_methods
from tasks.validate.verdicts import judge

EDGES = [0.0, 1.0, np.nextafter(1, 0), np.nextafter(0, 1), 1e-300, 0.1, 0.9997, 0.5]
shares = st.sampled_from(EDGES) | st.floats(0, 1)
lengths = shares | st.sampled_from([3.7, 1e6, MOST]) | st.floats(0, MOST)
signed = lengths | lengths.map(lambda value: -value)


def _lists(values, least=0, most=12):
    # many of one value are where sums and differences of sums go wrong
    repeated = st.tuples(values, st.integers(max(least, 1), most)).map(lambda pair: [pair[0]] * pair[1])
    return (st.lists(values, min_size=least, max_size=most) | repeated).map(np.array)


def test_the_cohort_that_ended_the_first_demo_lies_in_its_range():
    # 66 of 5,000 like it ended above 1
    for seed in range(500):
        rng = np.random.default_rng(seed)
        values = np.where(rng.random(4) < 0.5, 1.0, 1 - rng.random(4) * 1e-3)
        low, high = mean_interval(np.repeat(values, 2), np.arange(8))
        assert values.min() <= low <= values.mean() <= high <= values.max(), values.tolist()


@given(_lists(shares, 2, 60), st.integers(1, 6))
def test_an_interval_of_a_mean_lies_within_its_values_and_around_their_mean(values, block):
    groups = stretches(len(values), block)
    interval = mean_interval(values, groups)
    if interval is not None:
        low, high = interval
        assert values.min() <= low <= high <= values.max()
        assert low <= np.clip(values.mean(), values.min(), values.max()) <= high
    assert (interval is None) == (len(set(groups)) < 8)


@given(_lists(lengths, 2, 60), st.integers(1, 6), st.sampled_from([0, 5, 50, 95, 100]))
def test_an_interval_of_a_percentile_does_so_too(values, block, percent):
    interval = percentile_interval(values, percent, block)
    if interval is not None:
        assert values.min() <= interval[0] <= interval[1] <= values.max()


@given(_lists(shares, 1), _lists(shares, 1), st.data())
def test_rates_and_precision_are_shares(genuine, impostor, data):
    rates = match_rates(genuine.astype(np.float32), impostor.astype(np.float32))
    assert all(0 <= rate <= 1 for pair in rates for rate in pair)
    assert 0 <= true_match_rate(rates, data.draw(shares)) <= 1
    scores = data.draw(_lists(shares, len(genuine), len(genuine))).astype(np.float32)[: len(genuine)]
    found = average_precision(genuine, scores, impostor.astype(np.float32), data.draw(st.integers(0, 3)))
    assert 0 <= found <= 1
    assert average_precision(np.zeros(0), np.zeros(0, np.float32), np.zeros(0, np.float32), 0) is None


@given(st.integers(1, 6), st.integers(1, 30), st.sampled_from([0.0, 1e-30, 1e-3, 1.0, 1e4]), st.data())
def test_a_similarity_of_keypoints_is_a_share(count, keypoints, far, data):
    seed = data.draw(st.integers(0, 999))
    distances = np.random.default_rng(seed).random((count, keypoints)).astype(np.float32) * np.float32(far)
    areas = np.full(count, data.draw(st.sampled_from([1.0, 1e3, 1e7])), np.float32)
    found = oks(distances, areas, data.draw(st.sampled_from([0.025, 0.107])))
    assert found.shape == (count,)
    assert (found >= 0).all() and (found <= 1).all()


@given(_lists(signed, 0, 20), st.integers(0, 999), st.sampled_from([0.0, 1e-17, 1e-9, 1.0, MOST]))
def test_signals_agree_within_their_table(values, seed, noise):
    other = np.clip(values + noise * np.random.default_rng(seed).standard_normal(len(values)), -MOST, MOST)
    with np.errstate(all="ignore"):
        found = compare_series(values, other)
    for figure in (found.original, found.value, found.limit_low, found.limit_high):
        assert figure is None or abs(figure) <= MOST
    assert found.difference is None or 0 <= found.difference <= MOST
    assert found.correlation is None or -1 <= found.correlation <= 1
    if len(values):
        assert values.min() <= found.original <= values.max()
        assert other.min() <= found.value <= other.max()
    else:
        assert found.n == 0


@given(signed | st.none(), signed | st.none())
def test_single_values_agree_within_their_table(first, second):
    found = compare_values(first, second, 1)
    assert found.difference is None or 0 <= found.difference <= MOST


@given(st.integers(2, 20), st.integers(1, 5), st.integers(0, 999), st.sampled_from([1 / 25, 1 / 90000]))
def test_movement_keeps_its_range(frames, keypoints, seed, step_s):
    rng = np.random.default_rng(seed)
    first, second = (rng.random((frames, keypoints, 2)).astype(np.float32) * 1000 for _ in range(2))
    followed = temporal_correlation(first, second if seed % 2 else first)
    assert followed is None or -1 <= followed <= 1
    time_s = np.cumsum(rng.integers(1, 3, frames)) * step_s
    for order in (1, 3):
        apart = movement_difference(first, second, time_s, 1.0, order)
        assert ((apart >= 0) & (apart <= MOST)).all()


@given(
    st.integers(1, 5),
    st.integers(1, 8),
    st.integers(0, 999),
    st.sampled_from(["any", "one", "opposite", "none"]),
)
def test_attacks_give_shares_and_distances(subjects, faces, seed, kind):
    vectors = _embeddings(np.random.default_rng(seed), subjects, faces, kind)
    gallery = make_gallery({str(number): [found] for number, found in enumerate(vectors)})
    found = attack(vectors[0], "0", gallery)
    assert 0 <= found.rank1 <= found.rank5 <= 1
    assert np.isfinite(template_of(vectors[0])).all()


def _embeddings(rng, subjects, faces, kind):
    """Return subjects x faces x 16: of anybody, all the same, each against the next, or of no length."""
    vectors = rng.standard_normal((subjects, faces, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    if kind == "one":
        vectors[:] = vectors[0, 0]
    elif kind == "opposite":
        vectors[:] = vectors[0, 0]
        vectors[1::2] *= -1
        vectors[:, 1::2] *= -1
    elif kind == "none":
        vectors[:] = 0
    return vectors


METRICS = {"pck@0.02": shares, "found_again": shares, "correlation": shares | shares.map(lambda v: -v),
           "nme_mean": lengths, "lost": lengths}  # fmt: skip


@st.composite
def _cohorts(draw):
    """Rows of invariance and signals of 1 to 8 clips in two arms."""
    clips = [f"clip-{number:016x}" for number in range(draw(st.integers(1, 8)))]
    metric = draw(st.sampled_from(list(METRICS)))
    values = METRICS[metric] | st.none()
    invariance, signals = [], []
    for clip_id in clips:
        for arm in ("control", "released"):
            key = {"clip_id": clip_id, "arm": arm, "n": 1}
            for part in ("face", "body"):
                invariance.append(key | {"part": part, "metric": metric, "value": draw(values),
                                         "floor": draw(values), "low": None, "high": None,
                                         "ratio_to_floor": None})  # fmt: skip
            signals.append(key | {"person": 0, "signal": "head_pitch", "unit": "degrees",
                                  "original": draw(signed | st.none()), "value": draw(signed | st.none()),
                                  "difference": draw(lengths | st.none()),
                                  "floor": draw(lengths | st.none())})  # fmt: skip
    return build_table(invariance, INVARIANCE), build_table(signals, SIGNALS)


def _relative(severity, metric, **of):
    return Rule(metric=metric, relative_to_floor=True, comparison="<=", threshold=2, severity=severity, **of)


RULES = {
    "error": _relative("fail", "nme_mean", part="face"),
    "pitch": _relative("review", "difference", signal="head_pitch"),
    "lids": _relative("review", "difference", signal="eyelid_opening"),
}


@pytest.mark.slow
@given(_cohorts())
def test_any_rows_of_a_cohort_give_tables_that_keep_their_schemas(cohort):
    invariance, signals = cohort
    means = build_table(cohort_means(invariance, {}), COHORT)
    check_table(means, COHORT, "cohort")
    for row in means.drop_nulls(["value", "low"]).iter_rows(named=True):
        rows = invariance.filter(arm=row["arm"], part=row["part"], metric=row["metric"])["value"].drop_nulls()
        assert rows.min() <= row["low"] <= row["value"] <= row["high"] <= rows.max()
    with np.errstate(all="ignore"):
        agreement = cohort_agreement(signals, {})
    check_table(build_table(agreement, AGREEMENT), AGREEMENT, "agreement")
    identity = build_table([], MEASURED["identity"])
    check_table(build_table(compare_methods(invariance, identity, {}), METHODS), METHODS, "methods")
    tables = {"invariance": invariance, "signals": signals, "identity": identity}
    verdicts = judge(invariance["clip_id"].unique().to_list(), RULES, tables)
    check_table(build_table(verdicts, VERDICTS), VERDICTS, "verdicts")


@st.composite
def _films(draw):
    """One clip: how many people and frames, how noisy an arm is, how often a part is missed, its clock."""
    return {
        "people": draw(st.integers(0, 2)),
        "frames": draw(st.sampled_from([1, 2, 9, 40])),
        "noise": draw(st.sampled_from([0.0, 1e-30, 1e-4, 1.0, 300.0])),
        "missed": draw(st.sampled_from([0.0, 0.3, 1.0])),
        "step_s": draw(st.sampled_from([1 / 25, 1 / 240, 1 / 90000])),
        "seed": draw(st.integers(0, 9999)),
        "subject": draw(st.integers(0, 3)),
    }


def _tracks(rng, film, base=None):
    people, frames = film["people"], film["frames"]
    shape = {part: (people, frames, count) for part, count in PARTS.items()}
    xy, visibility, score = {}, {}, {}
    for part, size in shape.items():
        middle = rng.random((people, 1, 1, 2)) * 600
        drawn = middle + rng.random((*size, 2)) * 80 if base is None else base.xy[part]
        # an arm differs from the original by noise, and misses some
        noise = 0 if base is None else film["noise"] * rng.standard_normal((*size, 2))
        xy[part] = (drawn + noise).astype(np.float32)
        xy[part][rng.random((people, frames)) < film["missed"]] = np.nan
        visibility[part] = rng.random(size).astype(np.float32) if base is None else base.visibility[part]
        score[part] = np.where(np.isnan(xy[part]).any((2, 3)), 0, rng.random((people, frames))).astype(
            np.float32
        )
    xy["head"], visibility["head"] = xy["body"][:, :, :11], visibility["body"][:, :, :11]
    return Tracks(xy, visibility, score | {"head": score["body"]})


def _measure(clip_id, film, kind, attacks):
    rng = np.random.default_rng(film["seed"])
    time_s = np.cumsum(rng.integers(1, 3, film["frames"])) * film["step_s"]
    original = _tracks(rng, film)
    comparison = Comparison(original, Film(time_s, (640, 480)), [0.02, 0.1])
    rows = {"invariance": [], "keypoint_errors": [], "signals": [], "timeline": []}
    faces = [(frame, np.zeros((468, 2), np.float32)) for frame in range(film["frames"])]
    probe = Probe(clip_id, f"subject-{film['subject']:016x}", faces, np.ones(len(faces), np.bool_))
    seen = _embeddings(rng, 3, len(faces), kind)
    found = np.ones(len(faces), np.bool_)
    for number, arm in enumerate(("control", "released")):
        other = align_people(original, _tracks(rng, film, original))
        for name, part in (
            comparison.rows(other) | {"timeline": frame_errors(original, other, time_s)}
        ).items():
            rows[name] += [{"clip_id": clip_id, "arm": arm} | row for row in part]
        sightings = [Sighting({"dlib": vectors, "mobilefacenet": vectors}, found) for vectors in seen]
        attacks.append((probe, arm, sightings[0], sightings[number]))
    return rows


OVER_CLIPS = ("linkage", "recognition", "roc")


# what fails is small enough to read as it is
@settings(max_examples=25, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    films=st.lists(_films(), min_size=1, max_size=8), kind=st.sampled_from(["any", "one", "opposite", "none"])
)
@pytest.mark.slow
def test_any_cohort_gives_evidence_that_keeps_its_schemas(tmp_path_factory, films, kind):
    root = tmp_path_factory.mktemp("cohort")
    rows = {name: [] for name in (*MEASURED, "roc")}
    sightings = []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for number, film in enumerate(films):
            for name, found in _measure(f"clip-{number:016x}", film, kind, sightings).items():
                rows[name] += found
        own = {}
        for probe, _, original, _ in sightings:
            own.setdefault(probe.subject, []).append(original.embeddings["dlib"])
        gallery = make_gallery(own)
        attacks = Attacks("mobilefacenet", {"dlib": 0.6}, {"dlib": gallery, "mobilefacenet": gallery})
        for sighting in sightings:
            attacks.add(*sighting)
        rows |= {"identity": attacks.identity, "identity_frames": attacks.identity_frames,
                 "linkage": attacks.linkage(), "recognition": attacks.recognition(len(gallery)),
                 "roc": attacks.roc()}  # fmt: skip
        clips = _clips(films)
        write_table(clips, CLIPS, root / CLIPS_PATH)
        asked = read_params(REPO).validate_
        judged = asked.model_copy(update={"rules": asked.rules | RULES})
        for clip_id in clips["clip_id"]:
            own = {name: [row for row in rows[name] if row.get("clip_id") == clip_id] for name in rows}
            write_measured(own, root / measured_path(clip_id))
        write_measured({name: rows[name] for name in OVER_CLIPS}, root / measured_path(TOGETHER))
        for path in write_evidence(root, judged, clips)[0]:
            assert (root / path).is_file()
    verdicts = read_table(root / EVIDENCE / "verdicts.parquet", VERDICTS)
    assert verdicts["clip_id"].n_unique() == len(films)


def _clips(films):
    rows = [
        {"clip_id": f"clip-{number:016x}", "subject": f"subject-{film['subject']:016x}", "session": "s1",
         "task": "gait", "width": 640, "height": 480, "rotation": 0, "time_base": "1/25",
         "frame_count": film["frames"], "duration_s": 1.0, "is_vfr": False, "codec": "h264",
         "pix_fmt": "yuv420p", "has_audio": False, "audio": "none", "sha256": "0" * 64, "status": "admitted"}
        for number, film in enumerate(films)
    ]  # fmt: skip
    return build_table(rows, CLIPS)


def test_a_cohort_table_is_never_empty_of_clips():
    assert cohort_means(build_table([], INVARIANCE), {}) == []
    assert pl.DataFrame(cohort_agreement(build_table([], SIGNALS), {})).is_empty()

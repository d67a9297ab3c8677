"""Evidence tables: what the keypoints and the recognisers say of each arm."""

from typing import get_args

import pandera.polars as pa
import polars as pl

from schemas.clips import CLIP_ID
from schemas.keypoints import ARMS
from schemas.params.validate import ATTACKERS, Finding
from schemas.texts import CLIP_TEXTS

ARM = pa.Check.isin(ARMS)
# blank: the original with the face filled flat, the floor of privacy; it has no video
IDENTITY_ARM = pa.Check.isin((*ARMS, "blank"))
RANK = pa.Check.in_range(1, 1e6)
PARTS = ("face", "head", "body", "left_hand", "right_hand")
SHARE = pa.Check.in_range(0, 1)
# also refuses what is no number: polars ranks NaN above everything
MOST = 1e12
FINITE, AT_LEAST_0 = pa.Check.in_range(-MOST, MOST), pa.Check.in_range(0, MOST)
SHARES = r"^(pck@.*|found_again|oks_mean|ap)$"
# a metric that is a share lies in 0..1, a correlation in -1..1, anything else from 0 on
IN_ITS_RANGE = pa.Check(
    lambda data: data.lazyframe.select(
        pl.when(pl.col("metric").str.contains(SHARES))
        .then(pl.col(data.key).is_between(0, 1))
        .when(pl.col("metric") == "correlation")
        .then(pl.col(data.key).is_between(-1, 1))
        .otherwise(pl.col(data.key).is_between(0, MOST))
        .fill_null(True)
    ),
    name="in the range of its metric",
)
# arcface: only where its weight is brought. shape: the face's keypoints alone, as they are published
RECOGNISERS = ("dlib", "mobilefacenet", "arcface", "shape")
# the figures that methods are compared by: part and metric
METHOD_FIGURES = {
    "face_found_again": ("face", "found_again"),
    "face_motion": ("face", "motion"),
    "face_shape": ("face", "shape"),
    "face_nme": ("face", "nme_mean"),
    "face_correlation": ("face", "correlation"),
    "head_nme": ("head", "nme_mean"),
    "head_oks": ("head", "oks_mean"),
    "body_nme": ("body", "nme_mean"),
    "body_ap": ("body", "ap"),
}

INVARIANCE = pa.DataFrameSchema(
    {
        "clip_id": pa.Column(pl.String, CLIP_ID),
        "arm": pa.Column(pl.String, ARM),
        "part": pa.Column(pl.String, pa.Check.isin(PARTS)),
        "metric": pa.Column(pl.String),
        "value": pa.Column(pl.Float64, IN_ITS_RANGE, nullable=True),
        "n": pa.Column(pl.Int32, pa.Check.ge(0)),
        # the 95 % interval over frames, where the value is a mean or a percentile over them
        "low": pa.Column(pl.Float64, IN_ITS_RANGE, nullable=True),
        "high": pa.Column(pl.Float64, IN_ITS_RANGE, nullable=True),
        "floor": pa.Column(pl.Float64, IN_ITS_RANGE, nullable=True),
        "ratio_to_floor": pa.Column(pl.Float64, FINITE, nullable=True),
    },
    strict=True,
    unique=["clip_id", "arm", "part", "metric"],
)

COHORT = pa.DataFrameSchema(
    {
        "arm": pa.Column(pl.String, ARM),
        "part": pa.Column(pl.String, pa.Check.isin(PARTS)),
        "metric": pa.Column(pl.String),
        # the mean over the clips in which the figure is known, and its 95 % interval over people
        "value": pa.Column(pl.Float64, IN_ITS_RANGE, nullable=True),
        "low": pa.Column(pl.Float64, IN_ITS_RANGE, nullable=True),
        "high": pa.Column(pl.Float64, IN_ITS_RANGE, nullable=True),
        "floor": pa.Column(pl.Float64, IN_ITS_RANGE, nullable=True),
        "ratio_to_floor": pa.Column(pl.Float64, FINITE, nullable=True),
        "clips": pa.Column(pl.Int32, pa.Check.ge(0)),
        "subjects": pa.Column(pl.Int32, pa.Check.ge(0)),
    },
    strict=True,
    unique=["arm", "part", "metric"],
)

AGREEMENT = pa.DataFrameSchema(
    {
        "arm": pa.Column(pl.String, ARM),
        "signal": pa.Column(pl.String),
        "unit": pa.Column(pl.String),
        # the arm's minus the original's, a value a person and clip
        "bias": pa.Column(pl.Float64, FINITE, nullable=True),
        # Bland and Altman's 95 % limits of agreement, and Pearson's correlation, over them
        "limit_low": pa.Column(pl.Float64, FINITE, nullable=True),
        "limit_high": pa.Column(pl.Float64, FINITE, nullable=True),
        "correlation": pa.Column(pl.Float64, pa.Check.in_range(-1, 1), nullable=True),
        "n": pa.Column(pl.Int32, pa.Check.ge(0)),
        "subjects": pa.Column(pl.Int32, pa.Check.ge(0)),
    },
    strict=True,
    unique=["arm", "signal"],
)

IDENTITY = pa.DataFrameSchema(
    {
        "clip_id": pa.Column(pl.String, CLIP_ID),
        "arm": pa.Column(pl.String, IDENTITY_ARM),
        "recogniser": pa.Column(pl.String, pa.Check.isin((*RECOGNISERS, *ATTACKERS))),
        "distance_mean": pa.Column(pl.Float64, AT_LEAST_0, nullable=True),
        "distance_min": pa.Column(pl.Float64, AT_LEAST_0, nullable=True),
        # the blank arm's lowest distance
        "distance_floor": pa.Column(pl.Float64, AT_LEAST_0, nullable=True),
        "threshold": pa.Column(pl.Float64, AT_LEAST_0, nullable=True),
        # whether neither the swap nor the choice of targets used it
        "independent": pa.Column(pl.Boolean),
        # mean place of the subject in the gallery, from 1 on, and the blank arm's: no swap can hide better
        "rank_mean": pa.Column(pl.Float64, RANK, nullable=True),
        "rank_floor": pa.Column(pl.Float64, RANK, nullable=True),
        "rank1": pa.Column(pl.Float64, SHARE, nullable=True),
        "rank5": pa.Column(pl.Float64, SHARE, nullable=True),
        # whether the frame most like anybody, and the mean of all frames, point to the subject
        "best_frame": pa.Column(pl.Boolean),
        "template": pa.Column(pl.Boolean),
        "gallery_subjects": pa.Column(pl.Int32, pa.Check.ge(0)),
        # sampled faces of everyone, on which the distances rest, and of the subject, on which the attacks do
        "frames": pa.Column(pl.Int32, pa.Check.ge(0)),
        "subject_frames": pa.Column(pl.Int32, pa.Check.ge(0)),
        "frames_no_face": pa.Column(pl.Int32, pa.Check.ge(0)),
    },
    strict=True,
    unique=["clip_id", "arm", "recogniser"],
)

IDENTITY_FRAMES = pa.DataFrameSchema(
    {
        "clip_id": pa.Column(pl.String, CLIP_ID),
        "arm": pa.Column(pl.String, IDENTITY_ARM),
        "recogniser": pa.Column(pl.String, pa.Check.isin(RECOGNISERS)),
        # the sampled faces of a clip, in the order of their frames
        "face": pa.Column(pl.Int32, pa.Check.ge(0)),
        "frame": pa.Column(pl.Int32, pa.Check.ge(0)),
        # whether the extractor found the face; else the original's keypoints say where it is
        "found": pa.Column(pl.Boolean),
        "distance": pa.Column(pl.Float64, AT_LEAST_0),
    },
    strict=True,
    unique=["clip_id", "arm", "recogniser", "face"],
)

TIMELINE = pa.DataFrameSchema(
    {
        "clip_id": pa.Column(pl.String, CLIP_ID),
        "arm": pa.Column(pl.String, pa.Check.isin(("control", "released"))),
        "frame": pa.Column(pl.Int32, pa.Check.ge(0)),
        "timestamp_s": pa.Column(pl.Float64, FINITE),
        # mean error of the keypoints that the original shows, everyone's pooled; null where there are none
        "face_nme": pa.Column(pl.Float64, AT_LEAST_0, nullable=True),
        "body_nme": pa.Column(pl.Float64, AT_LEAST_0, nullable=True),
    },
    strict=True,
    unique=["clip_id", "arm", "frame"],
)

KEYPOINT_ERRORS = pa.DataFrameSchema(
    {
        "clip_id": pa.Column(pl.String, CLIP_ID),
        "arm": pa.Column(pl.String, ARM),
        "part": pa.Column(pl.String, pa.Check.isin(("face", "body", "left_hand", "right_hand"))),
        "keypoint": pa.Column(pl.Int16, pa.Check.in_range(0, 467)),
        # of the frames in which the original shows it
        "missing": pa.Column(pl.Float64, SHARE, nullable=True),
        "nme_mean": pa.Column(pl.Float64, AT_LEAST_0, nullable=True),
        "n": pa.Column(pl.Int32, pa.Check.ge(0)),
    },
    strict=True,
    unique=["clip_id", "arm", "part", "keypoint"],
)

SIGNALS = pa.DataFrameSchema(
    {
        "clip_id": pa.Column(pl.String, CLIP_ID),
        "arm": pa.Column(pl.String, ARM),
        "person": pa.Column(pl.Int32, pa.Check.ge(0)),
        "signal": pa.Column(pl.String),
        "unit": pa.Column(pl.String),
        # of a signal over time, its means
        "original": pa.Column(pl.Float64, FINITE, nullable=True),
        "value": pa.Column(pl.Float64, FINITE, nullable=True),
        "difference": pa.Column(pl.Float64, AT_LEAST_0, nullable=True),
        "floor": pa.Column(pl.Float64, AT_LEAST_0, nullable=True),
        "correlation": pa.Column(pl.Float64, pa.Check.in_range(-1, 1), nullable=True),
        # Bland and Altman's 95 % limits of agreement
        "limit_low": pa.Column(pl.Float64, FINITE, nullable=True),
        "limit_high": pa.Column(pl.Float64, FINITE, nullable=True),
        "n": pa.Column(pl.Int32, pa.Check.ge(0)),
    },
    strict=True,
    unique=["clip_id", "arm", "person", "signal"],
)

FINDINGS = pa.DataFrameSchema(
    {
        "clip_id": pa.Column(pl.String, CLIP_ID),
        # surviving: original pixels are still in a face. uncovered: a correction took a cover away.
        # flagged: a face was not located there.
        # doubtful: less of one is, or only a part. in_front: something stayed in front of a face, with its
        # original pixels; painted_over: something should have and did not; in_mouth: the inside of an open
        # mouth stayed. text_left: what may identify somebody can still be read. text: something can
        "finding": pa.Column(pl.String, pa.Check.isin(get_args(Finding))),
        "frames": pa.Column(pl.Int32, pa.Check.ge(0)),
        "ranges": pa.Column(pl.String),
        "worst": pa.Column(pl.Float64, SHARE, nullable=True),
    },
    strict=True,
    unique=["clip_id", "finding"],
)

LINKAGE = pa.DataFrameSchema(
    {
        "arm": pa.Column(pl.String, IDENTITY_ARM),
        "recogniser": pa.Column(pl.String, pa.Check.isin(RECOGNISERS)),
        "clip_a": pa.Column(pl.String, CLIP_ID),
        "clip_b": pa.Column(pl.String, CLIP_ID),
        "same_subject": pa.Column(pl.Boolean),
        # between the clips' mean faces of length 1
        "distance": pa.Column(pl.Float64, pa.Check.in_range(0, 2)),
    },
    strict=True,
    unique=["arm", "recogniser", "clip_a", "clip_b"],
)

RECOGNITION = pa.DataFrameSchema(
    {
        "arm": pa.Column(pl.String, IDENTITY_ARM),
        "recogniser": pa.Column(pl.String, pa.Check.isin(RECOGNISERS)),
        "false_match_rate": pa.Column(pl.Float64, SHARE),
        # null where the cohort has too few subjects to tell
        "true_match_rate": pa.Column(pl.Float64, SHARE, nullable=True),
        "subjects": pa.Column(pl.Int32, pa.Check.ge(1)),
    },
    strict=True,
    unique=["arm", "recogniser", "false_match_rate"],
)

ROC = pa.DataFrameSchema(
    {
        "arm": pa.Column(pl.String, IDENTITY_ARM),
        "recogniser": pa.Column(pl.String, pa.Check.isin(RECOGNISERS)),
        "false_match_rate": pa.Column(pl.Float64, SHARE),
        "true_match_rate": pa.Column(pl.Float64, SHARE),
    },
    strict=True,
)

MEASURED = {
    "invariance": INVARIANCE,
    "keypoint_errors": KEYPOINT_ERRORS,
    "signals": SIGNALS,
    "timeline": TIMELINE,
    "identity": IDENTITY,
    "identity_frames": IDENTITY_FRAMES,
    "linkage": LINKAGE,
    "recognition": RECOGNITION,
    "findings": FINDINGS,
    "texts": CLIP_TEXTS,
}

# what is asked of a method, and between what its figures lie
METHOD_RANGES = dict.fromkeys(METHOD_FIGURES, SHARE) | {
    "face_motion": AT_LEAST_0, "face_shape": AT_LEAST_0, "face_nme": AT_LEAST_0, "head_nme": AT_LEAST_0,
    "body_nme": AT_LEAST_0,
    "face_correlation": pa.Check.in_range(-1, 1),
}  # fmt: skip
METHOD_RANGES |= {f"{name}_distance": AT_LEAST_0 for name in RECOGNISERS}
METHOD_RANGES |= {f"{name}_rank1": SHARE for name in RECOGNISERS}

METHODS = pa.DataFrameSchema(
    {
        "method": pa.Column(pl.String, ARM, unique=True),
        "clips": pa.Column(pl.Int32, pa.Check.ge(0)),
    }
    | {
        f"{name}{end}": pa.Column(pl.Float64, check, nullable=True)
        for name, check in METHOD_RANGES.items()
        for end in ("", "_low", "_high")
    },
    strict=True,
)

VERDICTS = pa.DataFrameSchema(
    {
        "clip_id": pa.Column(pl.String, CLIP_ID),
        "verdict": pa.Column(pl.String, pa.Check.isin(("pass", "review", "fail"))),
        "rule": pa.Column(pl.String),
        "value": pa.Column(pl.Float64, FINITE, nullable=True),
        "comparison": pa.Column(pl.String, pa.Check.isin(("<=", ">="))),
        "threshold": pa.Column(pl.Float64, FINITE),
        "severity": pa.Column(pl.String, pa.Check.isin(("fail", "review"))),
        "passed": pa.Column(pl.Boolean),
    },
    strict=True,
    unique=["clip_id", "rule"],
)

# what is made of the measured tables
COLLECTED = {"cohort": COHORT, "agreement": AGREEMENT, "verdicts": VERDICTS}

"""What the published tables are, and what their columns mean."""

import pandera.polars as pa

from schemas.clips import RELEASED_CLIPS
from schemas.evidence import (
    AGREEMENT,
    COHORT,
    IDENTITY,
    INVARIANCE,
    KEYPOINT_ERRORS,
    LINKAGE,
    METHODS,
    RECOGNITION,
    ROC,
    SIGNALS,
    TIMELINE,
    VERDICTS,
)
from schemas.keypoints import KEYPOINTS
from schemas.params.validate import INVERTED, PARROTS

# what a place in the gallery is told beside, by recogniser where it is another
FLAT = "with the face filled flat"
FLOORS = dict.fromkeys(("shape", *PARROTS), "a quarter of the others in the cohort") | {
    INVERTED: "a quarter of the others in the cohort, or the face filled flat, whichever is sooner"
}

# what tells in which frames a face is most like its own stays at home: `identity_frames`, `findings`
EVIDENCE = {
    "invariance": INVARIANCE,
    "cohort": COHORT,
    "agreement": AGREEMENT,
    "keypoint_errors": KEYPOINT_ERRORS,
    "signals": SIGNALS,
    "timeline": TIMELINE,
    "identity": IDENTITY,
    "linkage": LINKAGE,
    "recognition": RECOGNITION,
    "roc": ROC,
    "methods": METHODS,
    "verdicts": VERDICTS,
}
# a row per frame or keypoint: too long for text
AS_PARQUET = ("timeline", "keypoint_errors")

ABOUT = {
    "clips": "One row a released clip.",
    "keypoints": "Keypoints of a released video: one row per frame and person. Pixels count from the top "
    "left corner of the shown picture; xy is flat: x0, y0, x1, y1, ... Keypoints are MediaPipe's: 468 of the "
    "face, 33 of the body, 21 of each hand.",
    "invariance": "Did the keypoints stay? One row per clip, arm, part and metric.",
    "cohort": "The same over clips: means, and their 95 % intervals over people, from eight on. One row per "
    "arm, part and metric.",
    "agreement": "Do the signals of all clips agree with the originals'? Limits from eight people on. One "
    "row per arm and signal.",
    "keypoint_errors": "Which keypoint is missing or astray? One row per clip, arm, part and keypoint.",
    "signals": "Is the clinical signal intact? One row per clip, arm, person and signal.",
    "timeline": "How far is each frame astray? One row per clip, arm and frame.",
    "identity": "Can the person be recognised? One row per clip, arm and recogniser.",
    "linkage": "Are two clips recognisably one person's? One row per pair of clips, arm and recogniser.",
    "recognition": "True matches at fixed rates of false matches. One row per arm, recogniser and rate.",
    "roc": "The same as a curve.",
    "methods": "The methods side by side: means over clips and their 95 % intervals over people.",
    "verdicts": "Every rule with its value. One row per clip and rule.",
}

MEANINGS = {
    "clip_id": "the clip's pseudonym",
    "subject": "the person's pseudonym, the same in all their clips",
    "session": "the visit, as the hospital labels it",
    "task": "the examination's task, as the hospital labels it",
    "width": "of the shown picture, pixels",
    "height": "of the shown picture, pixels",
    "time_base": "seconds that one step of pts stands for",
    "frame_count": "frames in the video",
    "duration_s": "seconds, the last frame's own time included",
    "is_vfr": "whether the time between frames varies",
    "audio": "none: there was none; dropped: by policy; kept: by policy, and a voice identifies",
    "verdict": "pass, or review: a named person decided",
    "frame": "counts from 0 in the order shown",
    "pts": "presentation time in steps of the time base",
    "timestamp_s": "presentation time in seconds",
    "person": "number of a person in the clip",
    "face_backend": "what found the face and its keypoints",
    "body_backend": "what found the body and its keypoints",
    "eyes_nose_xy": "right eye, left eye and tip of the nose of a face whose 468 keypoints are not known",
    "score": "how sure the model is",
    "box_xyxy": "left, top, right, bottom in pixels",
    "xy": "x0, y0, x1, y1, ... in pixels",
    "visibility": "of each keypoint, 0..1; 0 where something in front is known to hide it",
    "arm": "original; control: re-encoded, else untouched; released; blur, pixelate, mask: compared methods; "
    "blank: the original's face filled flat, what hair and surroundings say of a person",
    "part": "face, head (the body model's 11 points), body, left_hand, right_hand",
    "metric": "nme: distance to the original's keypoints, of the face per distance of the outer eye corners, "
    "of head, body and hands per shoulder width; oks, ap: as COCO defines them; pck@t: share within t; lost, "
    "gained: detections; correlation, speed and jerk: over time; motion: how much otherwise the face moves, "
    "each arm's own mean shape taken off; shape: how far these mean shapes are apart; both per eye distance",
    "value": "the figure of this arm",
    "n": "frames or keypoints on which it rests",
    "low": "lower end of the 95 % interval",
    "high": "upper end of the 95 % interval",
    "floor": "the control's value: what the codec alone does",
    "ratio_to_floor": "value / floor",
    "keypoint": "number of the keypoint in its part",
    "missing": "share of the frames that show it in the original in which it is missing here",
    "nme_mean": "mean distance to the original's keypoint, normalised as in `invariance`",
    "signal": "what an examiner reads from the video",
    "unit": "of original, value, difference and floor",
    "original": "the signal in the original, its mean over time",
    "difference": "mean absolute difference to the original",
    "correlation": "Pearson's, over time",
    "bias": "mean of the arm's minus the original's",
    "limit_low": "Bland and Altman's lower limit of agreement; over clips, of the next difference",
    "limit_high": "Bland and Altman's upper limit of agreement; over clips, of the next difference",
    "face_nme": "mean error of the face's keypoints in that frame",
    "body_nme": "mean error of the body's keypoints in that frame",
    "recogniser": "who judged: a recogniser, or `shape`; `inverted` learnt from others to undo the swap; "
    "`parrot` and `trained` give people's faces from other clips the released one's and compare, as they "
    "are and along what tells them apart",
    "distance_mean": "mean distance to the same original faces",
    "distance_min": "lowest distance to the same original face",
    "distance_floor": "the same where the face is filled flat",
    "threshold": "of a recogniser: below it says `same person`; of a rule: what was asked",
    "independent": "whether neither the swap nor the choice of targets used this recogniser",
    "rank_mean": "mean place of the right subject among all, 1 is the nearest",
    "rank_floor": "the same where the face is filled flat: no face that is drawn can hide better; of the "
    "shape the place before which a quarter of the others in the cohort come",
    "rank1": "share of the subject's faces whose nearest subject is the right one",
    "rank5": "share of the subject's faces with the right subject among the nearest five",
    "best_frame": "whether the face most like anybody's points to the right subject",
    "template": "whether the mean of all faces points to the right subject",
    "gallery_subjects": "people among whom the right one was looked for, strangers too; chance is 1 / this",
    "frames": "sampled faces of everyone",
    "subject_frames": "sampled faces of the subject",
    "frames_no_face": "sampled faces in which the recogniser found none: unknown, not safe",
    "clip_a": "one clip",
    "clip_b": "the other clip",
    "same_subject": "whether both are one person's",
    "distance": "between the clips' mean faces",
    "false_match_rate": "share of wrong pairs accepted",
    "true_match_rate": "share of right pairs accepted",
    "subjects": "people on whom it rests",
    "method": "the arm",
    "clips": "on which the means rest",
    "rule": "its name in params.yaml",
    "comparison": "what the value must be to the threshold",
    "severity": "what a broken rule asks for: fail, or a person's review",
    "passed": "whether the value does",
}
_ENDS = {"_low": ", lower end of the 95 % interval", "_high": ", upper end of the 95 % interval"}


def published_tables() -> dict[str, tuple[str, pa.DataFrameSchema]]:
    """Return name -> where the table lies in a release, and its schema."""
    evidence = {
        name: (f"evidence/{name}.{'parquet' if name in AS_PARQUET else 'csv'}", schema)
        for name, schema in EVIDENCE.items()
    }
    return {
        "clips": ("clips.csv", RELEASED_CLIPS),
        "keypoints": ("keypoints/<clip_id>.parquet", KEYPOINTS),
    } | evidence


def meaning_of(table: str, column: str) -> str:
    """Return what a column means. Raises KeyError for one that nobody explained."""
    if table == "methods" and column not in MEANINGS:
        end = next((end for end in _ENDS if column.endswith(end)), "")
        return f"mean over the clips of {column.removesuffix(end)}{_ENDS.get(end, '')}"
    if table == "keypoints" and column not in MEANINGS:
        part, kind = next(
            (column.removesuffix(f"_{kind}"), kind)
            for kind in ("score", "box_xyxy", "xy", "visibility")
            if column.endswith(f"_{kind}")
        )
        return f"{part.replace('_', ' ')}: {MEANINGS[kind]}"
    return MEANINGS[column]

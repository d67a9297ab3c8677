"""datasheet.md: what a stranger reads first, after Gebru and others, 2021 (pure)."""

from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from flows.release.wording import tell, tell_floor, word
from schemas.jobs import Row
from schemas.params import Params
from schemas.params.validate import Rule
from schemas.release import ReleaseClip
from tasks.publish.plan import NAMESPACE, SIGNER

VERIFY = (
    f"ssh-keygen -Y verify -f allowed_signers -I {SIGNER} -n {NAMESPACE} "
    "-s manifest.json.sig < manifest.json",
    'grep -q "$(sha256sum < SHA256SUMS | cut -c1-64)" manifest.json && echo SHA256SUMS is the one signed for',
    "sha256sum -c --quiet SHA256SUMS && echo every file is what was released",
)


def describe_release(
    version: str,
    params: Params,
    clips: list[ReleaseClip],
    tables: dict[str, pl.DataFrame],
    faces: dict[str, int],
) -> str:
    """Write the datasheet; it names what did not pass. faces: method -> faces in frames that it covered."""
    sections = {
        "What is in it": _composition(params, clips),
        "Where it comes from": _collection(),
        "What was done to it": _processing(faces, params.deidentify.targets.k),
        "What a person decided": list(_decisions(clips, tables["verdicts"], params.validate_.rules)),
        "Can the people be recognised?": [*_recognition(tables["identity"]), "", _ATTACKS],
        "Did the keypoints stay?": [_error_sentence(tables["invariance"]), "", _WHERE_EVIDENCE],
        "What it may be used for": [*_uses(params)],
        "How to verify it": [*_verification()],
        "How it is maintained": [_MAINTENANCE],
    }
    lines = [f"# Release {version}", ""]
    for title, content in sections.items():
        lines += [f"## {title}", "", *content, ""]
    return "\n".join(lines)


_ATTACKS = (
    "These figures are of sampled frames. Whoever knows a person's gait, voice, room or clothes may know "
    "them here, too."
)
# who is no recogniser that compares pictures of faces with the release
_KNOWS = {
    "shape": "how the face is built, read in three dimensions, and nothing of the picture",
    "parrot": "somebody who has Guise, and other clips of these people: gives their faces the released face, "
    "too, and compares nothing but the face",
    "trained": "as `parrot`, along what tells these people apart",
    "inverted": "somebody who learnt from others of the cohort to undo the swap",
}
_WHERE_EVIDENCE = (
    "`evidence/` holds every figure beside the control's, which is the same clip re-encoded and otherwise "
    "untouched; `DATA_DICTIONARY.md` explains every column."
)
_MAINTENANCE = (
    "Files of a release are never altered. `latest.json`, beside the releases, names the newest one. Where a "
    "person withdraws consent, `tombstone.json` appears in this folder and names the clips: delete your "
    "copies of them, and look for it whenever you use the data. If the files themselves are removed, "
    "`manifest.json` lists them under `withdrawn`, and `SHA256SUMS` is without them; both are signed anew."
)


def _composition(params: Params, clips: list[ReleaseClip]) -> list[str]:
    return [
        f"{len(clips)} de-identified examination videos, released for the purpose: {params.purpose}. "
        "`videos/` holds a video a clip, without container metadata; `keypoints/` the keypoints of face, "
        "body and hands in it; `clips.csv` says which clips are one person's, by pseudonym.",
        "",
        "The clips are **de-identified, not anonymous**: gait, voice and surroundings can still identify. "
        "They stay personal data where the law says so.",
    ]


def _collection() -> list[str]:
    return [
        "The provider handed in examination videos with consent to release. `prov.json` (W3C PROV) names the "
        "raw file of every clip by a keyed digest: the provider, who holds the key, can walk back to it, "
        "nobody else can.",
    ]


OPEN_MOUTHS = "open mouths"
# counts that are told in words of their own
_SAID = ("none", OPEN_MOUTHS)
# what a reader must know of a face that was drawn otherwise than by its own keypoints
_DRAWN_BY = {
    "point_swap": " In {} the face was too small for keypoints (below `deidentify.trust.detail_px` of "
    "`params.yaml`), and another was laid on eyes and nose: place, size and turn are the person's; "
    "expression and gaze, and what keypoints say of them, are nobody's.",
    "own_swap": " In {} a network drew the face that the provider trained on these very patients; what is "
    "around it has no finer detail than the scene's light. The network stays with the provider; "
    "`evidence/identity.csv` says what an attacker finds who learns to undo it (`inverted`).",
}


def _processing(faces: dict[str, int], k: int = 0) -> list[str]:
    ordered = sorted(faces.items(), key=lambda item: (-item[1], item[0]))
    covers = [f"`{method}` ({count} faces in frames)" for method, count in ordered if method not in _SAID]
    counts = ", ".join(covers) or "nothing"
    bared, mouths = (faces.get(name, 0) for name in _SAID)
    said = (
        f"Every face that was found was covered, by {counts}, except where a person's correction took the "
        f"cover away: {bared} regions of frames; `evidence/verdicts.csv` says of which clip, and "
        "in how many frames (`nothing_uncovered`)."
        if bared
        else f"Every face that was found was covered, by {counts}."
    )
    if mouths:
        said += f" In {mouths} of them the mouth is open: its inside, teeth and tongue, is the person's own."
    said += "".join(text.format(faces[method]) for method, text in _DRAWN_BY.items() if faces.get(method))
    if k:
        said += (
            f" A patient's new face may be mixed, in equal shares, of {k} or more other patients who agreed "
            f"to it (k-same): no more than 1/{k} of it is any one's."
        )
    return [
        f"{said} Frame count, time stamps and picture size are "
        "those of the original. `params.yaml` holds every setting, `models.json` every model with its "
        "SHA-256 and licence.",
    ]


def _decisions(clips: list[ReleaseClip], verdicts: pl.DataFrame, rules: Mapping[str, Rule]) -> Iterator[str]:
    reviewed = [clip for clip in clips if clip.verdict == "review"]
    if not reviewed:
        yield "Every clip passed every rule; a named person approved the release."
        return
    yield (
        f"{len(reviewed)} of {len(clips)} clips broke a rule that asks for a person's decision; "
        "a named person accepted them:"
    )
    yield ""
    broken = verdicts.filter(~pl.col("passed")).rows_by_key("clip_id", named=True)
    yield from (_explain(clip, broken.get(clip.clip_id, []), rules) for clip in reviewed)


def _explain(clip: ReleaseClip, rows: list[Row], rules: Mapping[str, Rule]) -> str:
    lines = [f"  - {_say(row, rules[row['rule']])} (`{row['rule']}`)" for row in rows]
    return "\n".join([f"- `{clip.clip_id}`", *lines])


def _say(row: Row, rule: Rule) -> str:
    wording = word(rule)
    if wording:
        return tell(wording, row)
    value = "not known" if row["value"] is None else format(row["value"], ".3g")
    return f"{value}; asked is {row['comparison']} {row['threshold']:g}"


def _recognition(identity: pl.DataFrame) -> Iterator[str]:
    yield (
        "The share of a person's sampled faces whose nearest one among the cohort and strangers is the right "
        "one, over all clips; `evidence/identity.csv` has it clip by clip:"
    )
    yield ""
    released = identity.filter(arm="released")
    for (name,), rows in sorted(released.group_by("recogniser"), key=lambda item: str(item[0])):
        known = rows.drop_nulls("rank1")
        subjects = max(rows["gallery_subjects"].to_list(), default=0)
        if known.is_empty() or not subjects:
            yield f"- {_judge(str(name))}: not known"
            continue
        mean, worst = (float(figure(known["rank1"].to_numpy())) for figure in (np.mean, np.max))
        place, floor = (float(np.mean(known[column].to_numpy())) for column in ("rank_mean", "rank_floor"))
        yield (
            f"- {_judge(str(name))}: {mean:.0%} on average, {worst:.0%} in the worst clip, among {subjects} "
            f"people (chance {1 / subjects:.0%}); the right one stands at place {place:.1f} on average, "
            f"{tell_floor(str(name), floor)}"
        )


def _judge(name: str) -> str:
    return f"{name} ({_KNOWS[name]})" if name in _KNOWS else name


def _error_sentence(invariance: pl.DataFrame) -> str:
    motion, shape = (
        invariance.filter(arm="released", part="face", metric=metric).drop_nulls("value")
        for metric in ("motion", "shape")
    )
    if motion.is_empty():
        return "No face was found again long enough for its motion to be compared."
    error, floor = (float(np.mean(motion[name].to_numpy())) for name in ("value", "floor"))
    beside = f", {error / floor:.2f} times what re-encoding alone does" if floor else ""
    moved = float(np.mean(shape["value"].to_numpy()))
    return (
        f"Faces move as the patients' did within {error:.4f} of the distance between the eyes on "
        f"average{beside}. How they are built was changed by {moved:.4f} of it, on purpose: it is not the "
        "patients'."
    )


def _uses(params: Params) -> list[str]:
    return [
        f"The declared purpose is {params.purpose}; `LICENSE` says under which terms. Do not try to "
        "recognise anybody, and do not train a recogniser on it: that is not what these people consented to. "
        "Nothing about a face's skin, age or asymmetry may be concluded: the face is not the patient's. "
        "Nor may it be whether somebody wears glasses, a plaster or a tube: thin and light frames and what "
        "has the skin's colour are painted over and not noticed; `evidence/verdicts.csv` says in how many "
        "frames something was that was noticed (`nothing_painted_over`).",
    ]


def _verification() -> list[str]:
    return [
        "In a copy of this folder, with OpenSSH and coreutils. Take `allowed_signers` from the publisher by "
        "another way than this folder, or compare it with theirs:",
        "",
        *(f"    {command}" for command in VERIFY),
        "",
        "All three must say so. What `manifest.json` does not name is no part of the release.",
    ]

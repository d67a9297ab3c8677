"""The manifest that a hospital hands in, and the clips that were admitted or refused."""

import pandera.polars as pa
import polars as pl

DATE = r"^\d{4}-\d{2}-\d{2}$"
# an accent is no character of its own, though some disks write it as one
NAME = pa.Check(
    lambda data: data.lazyframe.select(
        pl.col(data.key).str.normalize("NFC").str.len_chars().is_between(1, 200)
    ),
    error="write 1 to 200 characters",
)
# published as it is: letters, then at most three digits, so that it holds no date and no number of a person
LABEL = pa.Check.str_matches(
    r"^[A-Za-z][A-Za-z_-]{0,30}[0-9]{0,3}$", error="write letters, then at most three digits"
)

MANIFEST = pa.DataFrameSchema(
    {
        "file": pa.Column(pl.String, NAME, unique=True),
        "subject_id": pa.Column(pl.String, NAME),
        "session": pa.Column(pl.String, LABEL),
        "task": pa.Column(pl.String, LABEL),
        "consent_release": pa.Column(pl.String, pa.Check.isin(("yes", "no"), error="write yes or no")),
        "consent_expires": pa.Column(
            pl.String,
            pa.Check.str_matches(
                DATE, error="write the day as 2027-12-31: this is none, or may be one of two"
            ),
            nullable=True,
        ),
        "audio_policy": pa.Column(
            pl.String, pa.Check.isin(("drop", "keep"), error="write drop, keep or nothing"), nullable=True
        ),
        # whether others' faces may be mixed of theirs: of who says nothing they are not
        "consent_mix": pa.Column(
            pl.String, pa.Check.isin(("yes", "no"), error="write yes or no"), nullable=True
        ),
        "notes": pa.Column(pl.String, nullable=True),
    },
    strict=True,
)
# columns that a manifest need not have
OPTIONAL = ("consent_mix", "notes")

CLIP_ID = pa.Check.str_matches(r"^clip-[0-9a-f]{16}$")
SUBJECT = pa.Check.str_matches(r"^subject-[0-9a-f]{16}$")
REASONS = (
    "no consent to release",
    "consent expired",
    "consent withdrawn",
    "file missing",
    "duplicate content",
    "unreadable video",
    "truncated video",
    "zero frames",
    "unsupported codec",
    "stream cannot be kept",
    "path outside the inbox",
    "not named in the manifest",
    "wrong row in the manifest",
    "unusable file name",
)

CLIPS = pa.DataFrameSchema(
    {
        "clip_id": pa.Column(pl.String, CLIP_ID, unique=True),
        "subject": pa.Column(pl.String, SUBJECT, nullable=True),
        "session": pa.Column(pl.String, nullable=True),
        "task": pa.Column(pl.String, nullable=True),
        "width": pa.Column(pl.Int32, pa.Check.gt(0), nullable=True),
        "height": pa.Column(pl.Int32, pa.Check.gt(0), nullable=True),
        "rotation": pa.Column(pl.Int32, pa.Check.isin((0, 90, 180, 270)), nullable=True),
        "time_base": pa.Column(pl.String, nullable=True),
        "frame_count": pa.Column(pl.Int32, pa.Check.gt(0), nullable=True),
        "duration_s": pa.Column(pl.Float64, pa.Check.ge(0), nullable=True),
        "is_vfr": pa.Column(pl.Boolean, nullable=True),
        "codec": pa.Column(pl.String, nullable=True),
        "pix_fmt": pa.Column(pl.String, nullable=True),
        "color_space": pa.Column(pl.Int32, nullable=True),
        "color_range": pa.Column(pl.Int32, nullable=True),
        "color_primaries": pa.Column(pl.Int32, nullable=True),
        "color_transfer": pa.Column(pl.Int32, nullable=True),
        "has_audio": pa.Column(pl.Boolean, nullable=True),
        "audio": pa.Column(pl.String, pa.Check.isin(("none", "dropped", "kept")), nullable=True),
        "sha256": pa.Column(pl.String, nullable=True),
        "consent_expires": pa.Column(pl.String, pa.Check.str_matches(DATE), nullable=True),
        "may_be_mixed": pa.Column(pl.Boolean, nullable=True),
        "status": pa.Column(pl.String, pa.Check.isin(("admitted", "refused"))),
        "reason": pa.Column(pl.String, pa.Check.isin(REASONS), nullable=True),
        "detail": pa.Column(pl.String, nullable=True),
    },
    strict=True,
)

# what is told of a released clip
RELEASED_CLIPS = pa.DataFrameSchema(
    {
        name: CLIPS.columns[name]
        for name in ("clip_id", "subject", "session", "task", "width", "height", "time_base", "frame_count",
                     "duration_s", "is_vfr", "audio")
    }
    | {"verdict": pa.Column(pl.String, pa.Check.isin(("pass", "review")))},
    strict=True,
)  # fmt: skip

# the only place where a pseudonym meets what was handed in; it stays on the private side
SOURCES = pa.DataFrameSchema(
    {
        "clip_id": pa.Column(pl.String, CLIP_ID, unique=True),
        "file": pa.Column(pl.String),
        "raw_sha256": pa.Column(pl.String, nullable=True),
    },
    strict=True,
)

"""What a line of text may be: a name, a date, a number of a record, or a few plain words (pure)."""

import re
import unicodedata

from schemas.texts import Kind

# what is shorter, or read with less confidence, is no text: fingers, pens and folds read as one letter
LEAST_LETTERS, SURE = 3, 0.8
# so many digits are a number of a record, a date or a time; of so few words one with a capital may be a name
DIGITS, FEW_WORDS = 4, 3
LABELS = {
    "name", "patient", "patientin", "pat", "geb", "geboren", "born", "dob", "birth", "geburtsdatum",
    "nachname", "vorname", "surname", "mrn", "id", "nr", "no", "number", "case", "record", "fall",
    "hospital", "klinik", "clinic", "klinikum", "krankenhaus", "praxis", "dr", "prof", "med", "ward",
    "station", "insurance", "versicherung", "subject", "proband",
}  # fmt: skip
DATE = re.compile(r"\d{1,4}\s?[./:-]\s?\d{1,2}")
MONTH = re.compile(r"jan|feb|mar|mär|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz]")
# between the parts of a name
PARTICLES = {
    "al", "and", "bin", "da", "de", "del", "den", "der", "di", "dos", "du", "el", "ibn", "la", "le", "ten",
    "ter", "und", "van", "vom", "von", "zu", "zum",
}  # fmt: skip


def is_readable(words: str, confidence: float) -> bool:
    """Return whether this is text at all. confidence: of its reader, in 0..1."""
    return sum(letter.isalnum() for letter in words) >= LEAST_LETTERS and confidence >= SURE


def kind_of(words: str) -> Kind:
    """Return whether a line may say who somebody is, or when or where; in doubt it may."""
    found = re.findall(r"[^\W\d_]{2,}", words)
    if _is_number(words) or _is_date(words) or not LABELS.isdisjoint(map(str.casefold, found)):
        return "identifying"
    # scripts without capitals may always be a name
    if any(unicodedata.category(letter) == "Lo" for word in found for letter in word):
        return "identifying"
    capitals = sum(word[0].isupper() for word in found)
    has_particle = not PARTICLES.isdisjoint(map(str.casefold, found))
    if capitals > 1 or (capitals and has_particle):
        return "identifying"
    return "word" if capitals and len(found) <= FEW_WORDS else "other"


def _is_number(words: str) -> bool:
    return sum(letter.isdigit() for letter in words) >= DIGITS


def _is_date(words: str) -> bool:
    has_digit = any(letter.isdigit() for letter in words)
    return DATE.search(words) is not None or (has_digit and MONTH.search(words.casefold()) is not None)

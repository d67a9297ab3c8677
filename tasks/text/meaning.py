"""What a line of text may be: a name, a date, a number of a record, or a few plain words (pure)."""

import re
import unicodedata

from schemas.texts import Kind

# what is shorter, or read with less confidence, is no text: fingers, pens and folds read as one letter
LEAST_LETTERS, SURE = 3, 0.8
# so many digits are a number of a record, a date or a time of day; so few words in capitals may be a name
DIGITS, NAME_WORDS = 4, 5
LABELS = {
    "name", "patient", "patientin", "pat", "geb", "geboren", "born", "dob", "birth", "geburtsdatum",
    "nachname", "vorname", "surname", "mrn", "id", "nr", "no", "number", "case", "record", "fall",
    "hospital", "klinik", "clinic", "klinikum", "krankenhaus", "praxis", "dr", "prof", "med", "ward",
    "station", "insurance", "versicherung", "subject", "proband",
}  # fmt: skip
DATE = re.compile(r"\d{1,4}\s?[./:-]\s?\d{1,2}")


def is_readable(words: str, confidence: float) -> bool:
    """Return whether this is text at all. confidence: of its reader, in 0..1."""
    return sum(letter.isalnum() for letter in words) >= LEAST_LETTERS and confidence >= SURE


def kind_of(words: str) -> Kind:
    """Return whether a line may say who somebody is, or when or where; in doubt it may."""
    if _is_number(words) or _is_labelled(words):
        return "identifying"
    found = re.findall(r"[^\W\d_]{2,}", words)
    if not _is_name(found):
        return "other"
    return "word" if len(found) == 1 and found[0].isascii() else "identifying"


def _is_number(words: str) -> bool:
    return sum(letter.isdigit() for letter in words) >= DIGITS or DATE.search(words) is not None


def _is_labelled(words: str) -> bool:
    return not LABELS.isdisjoint(re.findall(r"[^\W\d_]+", words.casefold()))


def _is_name(found: list[str]) -> bool:
    """Return whether a few words begin with capitals; scripts without capitals may always be a name."""
    if any(unicodedata.category(letter) == "Lo" for word in found for letter in word):
        return True
    return 0 < len(found) <= NAME_WORDS and all(word[0].isupper() for word in found)

"""Names of files as disks have them: the computer's own, unusable ones, one name spelt twice (pure)."""

import re
from collections import Counter
from collections.abc import Iterable
from unicodedata import category, normalize

# whoever keeps a file puts something around its name, of which a disk takes 255 bytes
LONGEST_BYTES = 200
SYSTEMS = (
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "$recycle.bin",
    "icon\r",
    "@eadir",
    "system volume information",
)
PREFIXES, SUFFIXES = (".", "~$"), ("~",)
LONGEST_PATH = 800  # bytes; as many as two hundred characters take
QUOTES = frozenset("\"'`\u00b4\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb")


def is_systems(file: str) -> bool:
    """Return whether a file is the computer's own: hidden, a folder's settings, a document's lock."""
    return any(
        part.startswith(PREFIXES) or part.endswith(SUFFIXES) or part.casefold() in SYSTEMS
        for part in file.split("/")
        if part not in ("..", ".", "")
    )


def printable(file: str) -> str:
    """Return a name as a screen can show it: what is no UTF-8, or moves the cursor, as \\xfc."""
    text = file.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(
        char.encode("unicode_escape").decode() if category(char) == "Cc" else char for char in text
    )


def unusable_names(files: Iterable[str]) -> dict[str, str]:
    """Return the files whose names cannot be kept, and what to do."""
    files = list(files)
    alike = Counter(map(plain, files))
    found = {}
    for file in files:
        longest = max(len(part.encode("utf-8", "surrogateescape")) for part in file.split("/"))
        if printable(file) != file:
            found[file] = "its name is no text in UTF-8, or holds a control character: rename it"
        elif is_systems(file):
            found[file] = "its name is a hidden file's, or one of the computer's own: rename it"
        elif longest > LONGEST_BYTES:
            found[file] = f"its name has {longest} bytes, of which {LONGEST_BYTES} are taken: shorten it"
        elif len(file.encode("utf-8", "surrogateescape")) > LONGEST_PATH:
            found[file] = "it lies too deep in folders: put it higher"
        elif alike[plain(file)] > 1:
            found[file] = "another file has the same name, spelt otherwise: rename one"
    return found


def plain(file: str) -> str:
    """Return what all spellings of a path share: accents composed, folders by /, no ./, no blanks around."""
    path = file.strip().replace("\\", "/")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    shorter = composed("/" * path.startswith("/") + "/".join(parts))
    # a blank behind ./ is one around the whole
    return shorter if shorter == file else plain(shorter)


def may_mean(said: str, file: str, *, whole: bool = False) -> bool:
    """Return whether somebody who wrote a path may have meant a file, though it is called otherwise.

    One ends as the other, whatever their case and width, without quotes and what cannot be seen. whole: with
    its extension, which may else be left out.
    """
    one, other = _loosely(said), _loosely(file)
    if not one or not other:
        return False
    shorter = min(len(one), len(other))
    if one[-shorter:] == other[-shorter:]:
        return True
    stem = (*other[:-1], other[-1].rpartition(".")[0])
    return not whole and one[-shorter:] == stem[-shorter:]


def _loosely(path: str) -> tuple[str, ...]:
    """Return the parts of a path, folded as far as people's spellings may differ."""
    folded = "".join(
        " " if char.isspace() else char
        for char in normalize("NFKC", normalize("NFKC", path).casefold())
        if char.isspace() or (category(char) not in ("Cf", "Cc") and char not in QUOTES)
    )
    parts: list[str] = []
    for part in ("".join(part.split()) for part in re.split(r"[/\\:]", folded)):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return tuple(parts)


def composed(file: str) -> str:
    """Return a name with its accents composed, as manifests mostly have it and some disks do not."""
    return normalize("NFC", file)

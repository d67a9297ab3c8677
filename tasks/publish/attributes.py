"""What Guise gives an object beside its bytes, and what somebody else did."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

PLAIN_BYTES = "application/octet-stream"
PLAIN = (PLAIN_BYTES, "binary/octet-stream")
RUN_BY_BROWSERS = (
    "application/javascript",
    "application/pdf",
    "application/xhtml+xml",
    "application/xml",
    "image/svg+xml",
    "text/html",
    "text/javascript",
    "text/xml",
)
CONTENT_TYPES = {
    ".mp4": "video/mp4",
    ".json": "application/json",
    ".csv": "text/csv",
    ".md": "text/markdown",
}
# what Guise never gives an object, and what changes how a reader's browser takes it
ATTRIBUTES = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ExpiresString",
    "Metadata",
    "WebsiteRedirectLocation",
)


def content_type(key: str) -> str:
    """Return what a browser is told that an object is."""
    return CONTENT_TYPES.get(PurePosixPath(key).suffix, PLAIN_BYTES)


def foreign_attributes(key: str, answer: Mapping[str, Any]) -> list[str]:
    """Return which attributes of an object, as the store tells them, no publication of Guise gives."""
    told = [name for name in ATTRIBUTES if answer.get(name)]
    suffix, kind = PurePosixPath(key).suffix, answer.get("ContentType", PLAIN_BYTES).split(";")[0]
    # of what has no type of its own, stores make one up
    known = kind in (content_type(key), *PLAIN) if suffix in CONTENT_TYPES else kind not in RUN_BY_BROWSERS
    return told if known else ["ContentType", *told]

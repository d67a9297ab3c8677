"""Approved candidate -> object storage; no DVC stage, since uploading is a side effect."""

from tasks.publish.probe import require_faithful
from tasks.publish.store import Bucket, has_credentials, open_bucket
from tasks.publish.upload import Package, Step, Tell, publish_release, read_manifest

__all__ = [
    "Bucket",
    "Package",
    "Step",
    "Tell",
    "has_credentials",
    "open_bucket",
    "publish_release",
    "read_manifest",
    "require_faithful",
]

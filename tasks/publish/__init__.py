"""Approved candidate -> object storage; no DVC stage, since uploading is a side effect."""

from tasks.publish.plan import manifest_bytes, plan_upload
from tasks.publish.store import Bucket, open_bucket
from tasks.publish.upload import publish_release, read_manifest

__all__ = [
    "Bucket",
    "manifest_bytes",
    "open_bucket",
    "plan_upload",
    "publish_release",
    "read_manifest",
]

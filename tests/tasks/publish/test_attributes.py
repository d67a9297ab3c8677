"""What somebody gave an object beside its bytes."""

import pytest

from tasks.publish.attributes import content_type, foreign_attributes


@pytest.mark.parametrize("key", ["a/videos/x.mp4", "manifest.json", "clips.csv", "datasheet.md"])
def test_what_was_given_at_publication_is_known(key):
    for kind in (content_type(key), f"{content_type(key)}; charset=utf-8", "binary/octet-stream"):
        assert foreign_attributes(key, {"ContentType": kind, "Metadata": {}}) == []
    assert foreign_attributes(key, {"ContentType": "text/plain"}) == ["ContentType"]


@pytest.mark.parametrize("key", ["params.yaml", "manifest.json.sig", "LICENSE", "x.parquet"])
def test_a_type_that_a_store_made_up_is_no_finding_unless_a_browser_runs_it(key):
    assert foreign_attributes(key, {"ContentType": "application/pgp-signature"}) == []
    assert foreign_attributes(key, {}) == []
    assert foreign_attributes(key, {"ContentType": "image/svg+xml"}) == ["ContentType"]


@pytest.mark.parametrize("name", ["CacheControl", "ContentDisposition", "WebsiteRedirectLocation"])
def test_other_attributes_are_named(name):
    assert foreign_attributes("x.mp4", {"ContentType": "video/mp4", name: "x"}) == [name]
    assert foreign_attributes("x.mp4", {"Metadata": {"patient": "x"}}) == ["Metadata"]

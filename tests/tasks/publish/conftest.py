"""A bucket of its own for every test, on a real S3 server."""

import pytest

from tasks.publish import open_bucket


@pytest.fixture
def to(store, monkeypatch, request):
    """The address below which a test publishes."""
    for name, value in store.environment().items():
        monkeypatch.setenv(name, value)
    name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name.lower())[:60].strip(
        "-"
    )
    address = f"s3://{name}/some/prefix"
    open_bucket(address).make()
    return address


@pytest.fixture
def bucket(to):
    return open_bucket(to)

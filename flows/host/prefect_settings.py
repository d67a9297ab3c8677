"""Prefect's settings, read anew only where they are not what is wanted."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flows.host.environment import API_URL

if TYPE_CHECKING:
    from prefect.settings.legacy import Setting


@contextmanager
def prefect_settings(wanted: dict["Setting", Any]) -> Iterator[None]:
    """Let these be Prefect's settings in the block. Where they are, its reading all anew is spared."""
    from prefect.settings import temporary_settings

    if all(setting.value() == value for setting, value in wanted.items()):
        yield
        return
    with temporary_settings(wanted):
        yield


def api_setting() -> dict["Setting", Any]:
    """Return the address of the Prefect server that the environment names, as its setting."""
    from prefect.settings import PREFECT_API_URL

    return {PREFECT_API_URL: os.environ[API_URL]} if os.environ.get(API_URL) else {}


def without_heartbeat() -> dict["Setting", Any]:
    """Return the setting by which flows tell nobody that they still live: ending that takes a second."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY

    return {PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}

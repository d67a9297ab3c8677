"""A word from the terminal lets the release runs go on that wait for it on Prefect's page."""

import os
import sys
from pathlib import Path
from typing import Any

from flows.host.environment import API_URL
from tasks.files.pseudonyms import fingerprint, known_key


def workspace_tag(root: Path) -> str:
    """Return what marks the runs of a workspace: the fingerprint of its pseudonym key."""
    return f"workspace:{fingerprint(known_key(root))}"


def resume_waiting(root: Path, form: str, answer: dict[str, Any], version: str | None = None) -> int:
    """Resume this workspace's suspended runs that wait for such a form; return how many went on.

    form: `clips` or `candidate`, as flows.service.deployed names what it asks. version: of a candidate.
    Without a server that PREFECT_API_URL names nobody waits; one that does not answer is no reason to lose
    the word, and is said.
    """
    if not os.environ.get(API_URL):
        return 0
    from httpx import HTTPError
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import (
        FlowRunFilter,
        FlowRunFilterState,
        FlowRunFilterStateType,
        FlowRunFilterTags,
    )
    from prefect.client.schemas.objects import StateType

    state = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED]))
    tags = FlowRunFilterTags(all_=[workspace_tag(root), *([f"version:{version}"] if version else [])])
    try:
        with get_client(sync_client=True) as client:
            runs = client.read_flow_runs(flow_run_filter=FlowRunFilter(state=state, tags=tags))
            waiting = [
                run
                for run in runs
                if run.state and (run.state.state_details.pause_key or "").startswith(form)
            ]
            for run in waiting:
                client.resume_flow_run(run.id, run_input=answer)
    except (HTTPError, OSError):
        print("guise: the word is on record, but the Prefect server does not answer: resume the run there",
              file=sys.stderr)  # fmt: skip
        return 0
    return len(waiting)

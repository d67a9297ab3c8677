"""People are told by a webhook, where one is set: who waits, what failed, what ended."""

import json
import os
import urllib.request

from flows.host.environment import WEBHOOK

ANSWER_S = 10


def tell(event: str, what: str, text: str) -> str | None:
    """Post an event to GUISE_WEBHOOK; return why it did not arrive, None where it did or none is set.

    event: waiting, failed, finished or unsound. what: the run's name, which names nobody.
    """
    address = os.environ.get(WEBHOOK)
    if not address:
        return None
    body = json.dumps({"event": event, "run": what, "text": text}).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_S):
            return None
    except (OSError, ValueError) as error:
        return f"the webhook could not be reached ({type(error).__name__})"

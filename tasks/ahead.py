"""Work that runs ahead of whoever needs it."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

Item = TypeVar("Item")
END: Final = object()


def ahead(items: Iterable[Item], depth: int = 2) -> Iterator[Item]:
    """Yield the items in order while a thread of its own makes the next `depth` ones.

    What making one raises is raised here, in its place.
    """
    source = iter(items)
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as worker:
        try:
            pending = deque(worker.submit(next, source, END) for _ in range(depth))
            while (item := pending.popleft().result()) is not END:
                pending.append(worker.submit(next, source, END))
                yield item  # type: ignore[misc]
        finally:
            worker.shutdown(wait=True, cancel_futures=True)

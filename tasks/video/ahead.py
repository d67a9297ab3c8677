"""Work that runs ahead of whoever needs it."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Iterable[Item], depth: int = 2) -> Iterator[Item]:
    """Yield the items in order while a thread of its own makes the next `depth` ones.

    What making one raises is raised here, in its place.
    """
    source = iter(items)

    def make() -> list[Item]:
        return list(islice(source, 1))

    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as worker:
        try:
            pending = deque(worker.submit(make) for _ in range(depth))
            while made := pending.popleft().result():
                pending.append(worker.submit(make))
                yield made[0]
        finally:
            worker.shutdown(wait=True, cancel_futures=True)

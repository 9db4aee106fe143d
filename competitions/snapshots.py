"""What is the same for everybody, made once for each version of a board.

While thousands of browsers ask, each request costs the query that reads the version: whoever comes
first makes the answer, the others in this process wait for it, and the cache has it for all.
"""

from collections.abc import Callable
from threading import Lock
from typing import TypeVar

from django.core.cache import cache

KEPT = 60  # seconds: a newer version has another key, an older one is asked for no more

_making = Lock()

Made = TypeVar("Made")


def once(key: str, make: Callable[[], Made], keeps: Callable[[Made], bool] = bool) -> Made:
    """What ``make`` makes, from the cache where it is there.

    ``keeps`` tells what is worth a place in the cache: what anybody may make up in an address must
    not fill it. The key has to name the version.
    """
    found: Made | None = cache.get(key)
    if found is not None:
        return found
    with _making:
        found = cache.get(key)
        if found is None:
            found = make()
            if keeps(found):
                cache.set(key, found, KEPT)
    return found

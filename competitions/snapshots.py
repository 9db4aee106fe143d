"""What is the same for everybody, made once for each version of a board.

While thousands of browsers ask, each request costs the query that reads the version: whoever comes
first makes the answer, the others in this process wait for it, and the cache has it for all.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TypeVar
from weakref import WeakValueDictionary

from django.core.cache import cache

KEPT = 60  # seconds: a newer version has another key, an older one is asked for no more
KEPT_AS_LATEST = 600

# A lock is there as long as somebody makes or waits for what it is of.
_making: WeakValueDictionary[str, Lock] = WeakValueDictionary()
_looking = Lock()

Made = TypeVar("Made")


def once(key: str, make: Callable[[], Made], keeps: Callable[[Made], bool] = bool) -> Made:
    """What ``make`` makes, from the cache where it is there.

    ``keeps`` tells what is worth a place in the cache: what anybody may make up in an address must
    not fill it. The key has to name the version.
    """
    found: Made | None = cache.get(key)
    if found is not None:
        return found
    with _alone(key):
        found = cache.get(key)
        if found is None:
            found = make()
            if keeps(found):
                cache.set(key, found, KEPT)
    return found


def latest(name: str, version: str, make: Callable[[], Made]) -> Made:
    """As ``once``, for what is large: of each name one version is kept, the one made last."""
    found: tuple[str, Made] | None = cache.get(name)
    if found is not None and found[0] == version:
        return found[1]
    with _alone(name):
        found = cache.get(name)
        if found is not None and found[0] == version:
            return found[1]
        made = make()
        cache.set(name, (version, made), KEPT_AS_LATEST)
    return made


@contextmanager
def _alone(key: str) -> Iterator[None]:
    """Nobody else in this process makes the same meanwhile; other keys are not held up."""
    with _looking:
        lock = _making.setdefault(key, Lock())
    with lock:
        yield

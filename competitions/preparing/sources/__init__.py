"""Every form in which labelled images come, read as one list of items.

The content decides, never the name of the upload: ``read_source`` looks which files there are and
hands them to the module of that form.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import IO

from competitions.preparing.sources import batches, containers, idx, kaggle, tabled
from competitions.preparing.sources import folders as class_folders
from competitions.preparing.sources.catalogue import published
from competitions.preparing.sources.containers import Container
from competitions.preparing.sources.item import Item, Source
from competitions.preparing.sources.packing import packed

__all__ = ["Container", "Item", "Source", "packed", "published", "read_source"]

FORMS = (
    "Taken are: a zip or tar with one folder of images per class; images with a labels.csv; the "
    "idx files of MNIST; the python batches of CIFAR; or train and test images with a solution.csv."
)


@contextmanager
def read_source(
    stream: IO[bytes], name: str, alive: Callable[[], None] = lambda: None
) -> Iterator[Source]:
    """The items of an upload called ``name``; both stay open while they are read.

    ``alive`` is called while archives are unpacked, and may end that by raising.
    Raises Refused with a sentence: what is wrong, where, and what to do.
    """
    with ExitStack() as open_files:
        yield _source(containers.opened(stream, open_files, alive), name)


def _source(container: Container, name: str) -> Source:
    names = container.names
    if not names:
        raise container.refusal(f"is empty. {FORMS}")
    for form in (kaggle, batches, idx, tabled, class_folders):
        if form.fits(names):
            found: Source = form.read(container, name)
            class_folders.refuse_alike_names(container, found.items)
            return found
    class_folders.refuse_from_phones(container, names)
    raise container.refusal(f"holds no images that could be read here. {FORMS}")

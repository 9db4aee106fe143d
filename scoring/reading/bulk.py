"""The fast reading: nearly every file is right, and this proves it in a few passes of numpy."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from scoring.decoding import end_of_text
from scoring.reading.blocks import Block, Positions, Unclear, spans
from scoring.reading.forms import Form, Values, places_of

# Below, starting threads costs more than they save. numpy works without the interpreter's lock.
THREADED = 4 << 20  # bytes
MAX_THREADS = 4

Span = tuple[int, int]


def read(text: bytes, start: int, form: Form) -> Values | None:
    """The values in the template's order, from the rows after `start`; None unless all is right."""
    rows = len(form.template.ids)
    aligned, seen = form.empty(rows), np.zeros(rows, np.bool_)
    by_row = _rows_as_items(aligned)

    def read_block(span: Span) -> int:
        places, values = read_lines(text[slice(*span)], form)
        by_row[places] = _rows_as_items(values.astype(aligned.dtype, copy=False))
        seen[places] = True
        return len(places)

    # a plain table has a line for each row: what is longer is not read to its end
    if text.count(b"\n", start, end_of_text(text)) + 1 != rows:
        return None
    try:
        found = _total(read_block, list(spans(text, start)), len(text))
    except Unclear:
        return None
    # so many rows, each with a known id, and none left out: no id occurs twice
    return aligned if found == rows and seen.all() else None


def read_lines(text: bytes, form: Form) -> tuple[Positions, Values]:
    """The places of some lines' ids, and their values; raises Unclear unless all are right."""
    block = Block(text, len(form.columns))
    ids = block.starts[:, form.id_at], block.ends[:, form.id_at]
    return places_of(form.template.id_vocabulary, block, *ids), form.block(block)


def _total(read_block: Callable[[Span], int], blocks: list[Span], size: int) -> int:
    threads = min(MAX_THREADS, len(os.sched_getaffinity(0))) if size >= THREADED else 1
    if threads == 1:
        return sum(map(read_block, blocks))
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(read_block, blocks))


def _rows_as_items(values: Values) -> Values:
    """A view in which a row is one item: numpy then copies it in one piece."""
    if values.ndim == 1 or not values.shape[1]:
        return values
    whole = np.ascontiguousarray(values)
    return whole.view(f"V{whole.shape[1] * whole.itemsize}").reshape(len(whole))

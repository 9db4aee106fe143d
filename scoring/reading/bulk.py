"""The fast reading: nearly every file is right, and this proves it in a few passes of numpy."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from scoring.reading.blocks import Block, Lines, Positions, Unclear, spans
from scoring.reading.forms import Form, Values, places_of, prepare

# Below, starting threads costs more than they save.
THREADED = 4 << 20  # bytes
# numpy works without the interpreter's lock, but taking the lock again costs microseconds: threads
# get larger blocks.
TIMES_LARGER, TIMES_LARGER_IF_WIDE = 2, 4  # measured with 2 and with 11 columns
WIDE = 8  # columns
MAX_THREADS = 4

Span = tuple[int, int]


def read(text: bytes, start: int, form: Form) -> Values | None:
    """The values in the template's order, from the rows after `start`; None unless all is right."""
    rows = len(form.template.ids)
    aligned, seen = form.empty(rows), np.zeros(rows, np.bool_)
    by_row = _rows_as_items(aligned)
    taken: list[int] = []
    prepare(form.template.id_vocabulary)

    failed: list[Span] = []

    def read_block(span: Span) -> None:
        if failed:  # what is thrown keeps its block alive: one for each thread is enough
            return
        try:
            places, values = read_lines(text[slice(*span)], form)
        except Unclear:
            failed.append(span)
            raise
        by_row[places] = _rows_as_items(values.astype(aligned.dtype, copy=False))
        seen[places] = True
        taken.append(len(places))
        if sum(taken) > rows:  # there is no need to read further
            raise Unclear

    try:
        _read_all(read_block, text, start, len(form.columns) > WIDE)
    except Unclear:
        return None
    # so many rows, each with a known id, and none left out: no id occurs twice
    return aligned if sum(taken) == rows and seen.all() else None


def read_lines(text: bytes, form: Form) -> tuple[Positions, Values]:
    """The places of some lines' ids, and their values; raises Unclear unless all are right."""
    lines, ids = Lines(text), form.template.id_vocabulary
    if (found := form.regular(lines)) is not None:
        return places_of(ids, lines, found.starts, found.ends), found.values
    block = Block(lines, len(form.columns))
    starts, ends = block.starts[:, form.id_at], block.ends[:, form.id_at]
    return places_of(ids, block, starts, ends), form.block(block)


def _read_all(read_block: Callable[[Span], None], text: bytes, start: int, is_wide: bool) -> None:
    threads = min(MAX_THREADS, _processors()) if len(text) >= THREADED else 1
    if threads == 1:
        for span in spans(text, start):
            read_block(span)
        return
    with ThreadPoolExecutor(threads) as pool:
        times = TIMES_LARGER_IF_WIDE if is_wide else TIMES_LARGER
        for _ in pool.map(read_block, spans(text, start, times)):
            pass


def _processors() -> int:
    """Those that this process may use, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _rows_as_items(values: Values) -> Values:
    """A view in which a row is one item: numpy then copies it in one piece."""
    if values.ndim == 1 or not values.shape[1]:
        return values
    whole = np.ascontiguousarray(values)
    return whole.view(f"V{whole.shape[1] * whole.itemsize}").reshape(len(whole))

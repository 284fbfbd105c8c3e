"""Pages that can be asked for before it is their turn, because the first one tells how many there are."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.sourcespec.paging import Ask, Page
from reconciler.sourcespec.specification import Offset, Pages, Specification

LEAST: int = 8
"""Of fewer pages none is asked for early: the time is not worth a burst."""


def foreseen(specification: Specification, first: Page) -> Iterator[Ask]:
    """What will be asked for after the page *first*, in order, if the answers are what it says they will be.

    Nothing where that is not known, where a condition may end the walk earlier, or where pauses are wanted between requests.
    """
    paging = specification.paging
    if paging.delay_s or paging.end is not None or not first.has_content or not first.elements:
        return
    match paging.kind:
        case Pages(limit_name=limit_name, limit=limit, name=name, first=begin, last=last):
            told = first.headers.get(last.lower(), "").strip() if isinstance(last, str) else ""
            end = last if isinstance(last, int) else begin + int(told) - 1 if told.isdecimal() else begin
            asks = [
                Ask(((limit_name, str(limit)), (name, str(number)))) for number in range(begin + 1, _most(begin, end))
            ]
        case Offset(limit_name=limit_name, limit=limit, offset_name=name):
            total = specification.extensions.total.of(first.document) if specification.extensions.total else 0
            # A server that gives less than was asked for has other pages than these.
            rows = total if isinstance(total, int) and not isinstance(total, bool) and first.elements == limit else 0
            asks = [Ask(((limit_name, str(limit)), (name, str(row)))) for row in range(limit, rows, limit)]
        case _:
            return
    if len(asks) >= LEAST:
        yield from asks[: paging.requests_at_most - 1]


def _most(begin: int, end: int) -> int:
    """The number behind the last page; a header may tell any number, of which no more are foreseen than a run may ask for."""
    return min(end + 1, begin + 100_000)

"""What forges answer: objects, and lists in numbered pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from reconciler.errors import Permanent
from reconciler.http.client import Client
from reconciler.http.request import Request, get
from reconciler.model.json import Json

Row = Mapping[str, Json]

PAGE: Final = 100
"""The most that a page of GitHub or GitLab holds."""
LARGEST_PLAN_BYTES: Final = 256 * 1024 * 1024
_MOST_PAGES: Final = 500
_TOO_MANY: Final = "look at it there; where a server between gives every page anew, go past it"


def only(client: Client, request: Request) -> Row:
    """The object that *request* is answered with.

    Raises:
        ProviderError: it is refused, or something else comes.
    """
    told = client.json(request)
    if not isinstance(told, Mapping):
        raise client.unusable(request, "something else than an object")
    return told


def pages(client: Client, at: str, query: Mapping[str, str]) -> Iterator[Row]:
    """The objects of all pages.

    Raises:
        ProviderError: as `only`, or the pages have no end.
    """
    before: Json = None
    for number in range(1, _MOST_PAGES + 1):
        request = get(at, {**query, "per_page": str(PAGE), "page": str(number)})
        told = client.json(request)
        if not isinstance(told, list):
            raise client.unusable(request, "something else than a list")
        if told and told == before:
            raise client.unusable(request, "the page before it once more")
        yield from rows(told)
        if len(told) < PAGE:
            return
        before = told
    raise Permanent(f"{at} has more than {_MOST_PAGES * PAGE} entries, or its pages have no end", hint=_TOO_MANY)


def joined(pieces: Iterable[bytes], most_bytes: int) -> bytes:
    """All *pieces* as one.

    Raises:
        Permanent: they are longer than *most_bytes*.
    """
    return b"".join(limited(pieces, most_bytes))


def limited(pieces: Iterable[bytes], most_bytes: int) -> Iterator[bytes]:
    """The same *pieces*.

    Raises:
        Permanent: they are longer than *most_bytes*; those before were given.
    """
    count = 0
    for piece in pieces:
        count += len(piece)
        if count > most_bytes:
            raise Permanent("what the pipeline left is larger than any plan", hint="see what its job uploads")
        yield piece


def rows(told: Json) -> list[Row]:
    """The objects of a list."""
    return [row for row in told if isinstance(row, Mapping)] if isinstance(told, list) else []

"""What forges answer: objects, and lists in numbered pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from reconciler.http.client import Client
from reconciler.http.request import Request, get
from reconciler.model.json import Json

Row = Mapping[str, Json]

PAGE: Final = 100
"""The most that a page of GitHub or GitLab holds."""


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
        ProviderError: as `only`.
    """
    number = 1
    while True:
        request = get(at, {**query, "per_page": str(PAGE), "page": str(number)})
        told = client.json(request)
        if not isinstance(told, list):
            raise client.unusable(request, "something else than a list")
        yield from rows(told)
        if len(told) < PAGE:
            return
        number += 1


def rows(told: Json) -> list[Row]:
    """The objects of a list."""
    return [row for row in told if isinstance(row, Mapping)] if isinstance(told, list) else []

"""Pages that never end, each at an address of its own: given up, and whatever they told is not believed."""

from __future__ import annotations

import itertools

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from reconciler.apis.qlik_connect import connect
from reconciler.emulators.serving import Server
from reconciler.errors import Transient
from reconciler.model.secret import Secret


@pytest.mark.parametrize("rows", [[], [{"id": "space-1", "name": "the same"}]], ids=["empty", "the same"])
def test_pages_that_tell_nothing_new_are_given_up(rows: list[dict[str, str]]) -> None:
    numbers = itertools.count()

    async def spaces(_request: Request) -> JSONResponse:
        return JSONResponse({"data": rows, "links": {"next": {"href": f"/api/v1/spaces?page={next(numbers)}"}}})

    with Server(Starlette(routes=[Route("/api/v1/spaces", spaces)])) as server:
        client = connect(server.url, Secret("env:QLIK_API_KEY", "FAKE-key"))
        with pytest.raises(Transient, match="never end"):
            client.spaces()
        client.close()
    assert next(numbers) < 20

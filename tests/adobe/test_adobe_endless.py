"""Pages that never end, each with a token of its own: given up, and whatever they told is not believed."""

from __future__ import annotations

import itertools

import pytest
from adobe_scene import APPLICATION, CLIENT_SECRET, ORG
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from reconciler.apis.adobe import Kind
from reconciler.apis.adobe_connect import connect
from reconciler.emulators.serving import Server
from reconciler.errors import Transient
from reconciler.model.dataflows import AdobeTarget
from reconciler.model.secret import Secret


@pytest.mark.parametrize("items", [[], [{"id": "flow-1", "name": "the same"}]], ids=["empty", "the same"])
def test_pages_that_tell_nothing_new_are_given_up(items: list[dict[str, str]]) -> None:
    numbers = itertools.count()

    async def flows(_request: Request) -> JSONResponse:
        return JSONResponse(
            {"items": items, "_links": {"next": {"href": f"/flows?continuationToken=t{next(numbers)}"}}}
        )

    async def token(_request: Request) -> JSONResponse:
        return JSONResponse({"access_token": "FAKE-token", "expires_in": 86_399})

    app = Starlette(
        routes=[Route("/ims/token/v3", token, methods=["POST"]), Route("/data/foundation/flowservice/flows", flows)]
    )
    with Server(app) as server:
        target = AdobeTarget(
            org_id=ORG,
            client_id=Secret("env:ID", APPLICATION.client_id),
            client_secret=Secret("env:SECRET", CLIENT_SECRET),
            base_url=server.url,
            login_url=server.url,
        )
        api = connect(target)
        with pytest.raises(Transient, match="never end"):
            api.listed(Kind.FLOWS)
        api.close()
    assert next(numbers) < 20

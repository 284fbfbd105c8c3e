"""An app, a clock that only moves when told, and a wire that holds every request against the vendor's description."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from reconciler.apis.pinterest import Pace, PinterestClient
from reconciler.apis.pinterest_connect import App, connect
from reconciler.emulators.pinterest.tokens import AppCredentials
from reconciler.emulators.sandbox import Sandbox
from reconciler.http.retry import RetryPolicy
from reconciler.model.secret import Secret
from reconciler.scrubbing import Scrubber
from reconciler.sealing import MasterKey, Sealer
from reconciler.stores.tokens import SealedTokenStore

ACCOUNT = "549700000001"
CREDENTIALS = AppCredentials("1234567", "FAKE-app-secret", "pinr.FAKE-refresh-0")
APP = App(
    Secret("env:ID", CREDENTIALS.app_id),
    Secret("env:SECRET", CREDENTIALS.app_secret),
    Secret("env:REFRESH", CREDENTIALS.refresh_token),
)
DESCRIPTION = Path(__file__).resolve().parents[4] / "shared" / "contracts" / "pinterest-v5-openapi.yaml"
SERVER = "https://api.pinterest.com"


@dataclass
class FakeClock:
    """Time that passes by sleeping only."""

    time: float = 1_790_000_000.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


def token_store(folder: Path) -> SealedTokenStore:
    return SealedTokenStore(folder, Sealer(MasterKey("a test", bytes(32))))


def connected(
    sandbox: Sandbox,
    folder: Path,
    *,
    clock: FakeClock | None = None,
    wire: httpx.BaseTransport | None = None,
    pace: Pace | None = None,
    scrubber: Scrubber | None = None,
) -> PinterestClient:
    return connect(
        APP,
        token_store(folder),
        base_url=sandbox.base_url,
        clock=clock or FakeClock(),
        policy=RetryPolicy(attempts=3),
        transport=wire,
        pace=pace,
        scrubber=scrubber,
    )


class DescribedWire(httpx.BaseTransport):
    """The network, but what the vendor's description does not allow is not sent."""

    def __init__(self) -> None:
        self._network = httpx.HTTPTransport()
        self.sent: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        scheme = "Basic" if request.url.path.endswith("/oauth/token") else "Bearer"
        assert request.headers["Authorization"].startswith(scheme + " ")
        with warnings.catch_warnings():
            # openapi-core does not check OAuth itself; that is what the assertion is for.
            warnings.filterwarnings("ignore", "Unsupported scheme type")
            description().validate_request(_Described(request))
        self.sent.append(f"{request.method} {request.url.raw_path.decode()}")
        return self._network.handle_request(request)

    def close(self) -> None:
        self._network.close()


@cache
def description() -> Any:
    from openapi_core import OpenAPI  # noqa: PLC0415 - slow to load, and only where the description is there

    return OpenAPI.from_file_path(str(DESCRIPTION))


class _Described:
    """A request as openapi-core reads it."""

    def __init__(self, request: httpx.Request) -> None:
        from openapi_core.datatypes import RequestParameters  # noqa: PLC0415 - see above
        from werkzeug.datastructures import Headers, ImmutableMultiDict  # noqa: PLC0415 - see above

        self.host_url = SERVER
        self.path = request.url.path
        self.method = request.method.lower()
        self.content_type = request.headers.get("content-type", "").partition(";")[0]
        self.body = request.read() or None
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(list(request.url.params.multi_items())),
            header=Headers(dict(request.headers)),
        )

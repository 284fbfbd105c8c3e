"""Documents, memories and questions for the provider, and a hand in the vendor's console."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from reconciler.apis.pinterest import PinterestClient
from reconciler.apis.pinterest_connect import App, connect
from reconciler.emulators.pinterest.tokens import AppCredentials
from reconciler.emulators.sandbox import Sandbox
from reconciler.http.retry import RetryPolicy
from reconciler.model.address import Address
from reconciler.model.connections import PinterestConnection
from reconciler.model.kinds import AudienceSpec, Identifier
from reconciler.model.observation import Finding, Observation, Seen
from reconciler.model.record import Record
from reconciler.model.resource import Origin, Resource
from reconciler.model.secret import Secret
from reconciler.model.spec import Lifecycle
from reconciler.ports.provider import Context, Wanted
from reconciler.providers.pinterest.provider import PinterestProvider
from reconciler.sealing import MasterKey, Sealer
from reconciler.stores.tokens import SealedTokenStore

ACCOUNT = "549700000001"
PARTNER = "549700000002"
CREDENTIALS = AppCredentials("1234567", "FAKE-app-secret", "pinr.FAKE-refresh-0")
VIP = Address("audience", "vip")
MAIN = Address("connection", "main")


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


def connection(name: str = "main", base_url: str | None = None) -> Resource:
    spec = PinterestConnection(
        type="pinterest",
        client_id=Secret("env:ID", CREDENTIALS.app_id),
        client_secret=Secret("env:SECRET", CREDENTIALS.app_secret),
        refresh_token=Secret("env:REFRESH", CREDENTIALS.refresh_token),
        base_url=base_url,
    )
    return Resource(Address("connection", name), spec, Lifecycle(), Origin("main.yaml", 0))


def audience(
    name: str = "vip",
    *,
    title: str = "VIP",
    description: str | None = "Best buyers",
    account: str = ACCOUNT,
    identifier: Identifier = Identifier.EMAIL,
    through: str = "main",
) -> Resource:
    spec = AudienceSpec(
        connection=through, ad_account_id=account, title=title, description=description, identifier=identifier
    )
    return Resource(Address("audience", name), spec, Lifecycle(), Origin("vip.yaml", 0))


def remembered(remote_id: str, *, account: str = ACCOUNT, title: str = "VIP", through: str = "main") -> Record:
    applied = {"title": title, "description": "Best buyers", "ad_account_id": account, "identifier": "email"}
    return Record(remote_id, applied, depends_on=(Address("connection", through),))


class Scene:
    """One sandbox, its console, and the provider over it."""

    def __init__(self, sandbox: Sandbox, folder: Path, connections: tuple[Resource, ...] = (connection(),)) -> None:
        self.sandbox = sandbox
        self.control = sandbox.control
        self.clock = FakeClock()
        self.context = Context({one.address: one for one in connections})
        self._store = SealedTokenStore(folder, Sealer(MasterKey("a test", bytes(32))))
        self.provider = PinterestProvider(self._client, connections)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.provider.close()

    def there(self, title: str = "VIP", *, description: str | None = "Best buyers", account: str = ACCOUNT) -> str:
        """An audience that was there before; its id."""
        made = self.control.call("POST", "/lists", {"ad_account_id": account, "name": title})
        wanted = {"ad_account_id": account, "name": title, "customer_list_id": made["id"], "description": description}
        return str(self.control.call("POST", "/audiences", wanted)["id"])

    def look(self, resource: Resource | None, record: Record | None = None) -> Seen:
        """What the provider makes of one resource."""
        return self.provider.observe([Wanted(VIP, resource, record)], self.context)[VIP]

    def found(self, resource: Resource | None, record: Record | None = None) -> Finding:
        """The same, where it must be readable."""
        seen = self.look(resource, record)
        assert isinstance(seen, Finding), seen
        return seen

    def ids(self, observations: tuple[Observation, ...]) -> list[str]:
        return [one.remote_id for one in observations]

    def calls(self) -> list[str]:
        """Method and path of what was asked of the vendor, tokens left out."""
        return [
            f"{one['method']} {one['path'].replace(ACCOUNT, 'N')}"
            for one in self.control.traffic()
            if one["path"] != "/oauth/token"
        ]

    def _client(self, declared: Resource) -> PinterestClient:
        spec = declared.spec
        assert isinstance(spec, PinterestConnection)
        return connect(
            App(spec.client_id, spec.client_secret, spec.refresh_token),
            self._store,
            base_url=spec.base_url or self.sandbox.base_url,
            clock=self.clock,
            policy=RetryPolicy(attempts=3),
        )

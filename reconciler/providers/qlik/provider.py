"""The verbs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from reconciler.apis.qlik import QlikClient
from reconciler.diagnostics import Diagnostic
from reconciler.errors import Permanent, ProviderError
from reconciler.model.address import Address
from reconciler.model.observation import Observation, Seen, Unreadable
from reconciler.model.qlik import QlikTarget
from reconciler.model.record import Record
from reconciler.model.resource import Resource
from reconciler.model.web_address import travels_in_clear
from reconciler.ports.listing import Declaration, Directory, Found, Undeclarable, Unlisted
from reconciler.ports.provider import Context, Desired, KindTraits, Wanted
from reconciler.providers.qlik import connections, wire
from reconciler.providers.qlik.connections import Connections
from reconciler.providers.qlik.sources import Sources


class QlikProvider:
    """One tenant of Qlik Cloud; implements the ports `Provider` and `Lists`."""

    name = "qlik"
    kinds: Mapping[str, KindTraits] = {connections.KIND: connections.TRAITS}

    def __init__(self, client_for: Callable[[QlikTarget], QlikClient], target: QlikTarget | None) -> None:
        """Speak to *target*; None where the environment names no tenant.

        client_for: makes the client; called once, when it is first needed.
        """
        self._client_for = client_for
        self._target = target
        self._client: QlikClient | None = None
        self._families: Connections | None = None
        self._lock = threading.Lock()

    @property
    def api_calls(self) -> int:
        """Requests sent so far."""
        return self._client.calls if self._client else 0

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()

    def account(self) -> str:
        """Host of the tenant: a key is good nowhere else.

        Raises:
            Permanent: the environment names no tenant.
        """
        if self._target is None:
            raise _no_tenant()
        return urlsplit(self._target.tenant).netloc

    def check(self, resource: Resource, context: Context) -> Iterable[Diagnostic]:
        """What can be said without any call."""
        del context
        if self._target is None:
            error = _no_tenant()
            yield Diagnostic("no-tenant", error.message, subject=str(resource.address), path="/kind", hint=error.hint)
            return
        clear = self._target.tenant if travels_in_clear(self._target.tenant) else ""
        yield from connections.problems(resource, clear)

    def desired(self, resource: Resource, context: Context) -> Desired:
        """What *resource* should look like."""
        del context
        return wire.desired(resource, self.account() if self._target else "")

    def observe(self, wanted: Sequence[Wanted], context: Context) -> Mapping[Address, Seen]:
        """Look at all of *wanted*."""
        del context
        try:
            family = self._connections()
        except ProviderError as error:
            return {question.address: Unreadable(error) for question in wanted}
        return family.observe(wanted)

    def create(self, resource: Resource, desired: Desired) -> Observation:
        """Make it."""
        return self._connections().create(resource, desired)

    def update(self, resource: Resource, remote_id: str, desired: Desired, paths: Sequence[str]) -> Observation:
        """Change the fields at *paths*."""
        return self._connections().update(resource, remote_id, desired, paths)

    def delete(self, address: Address, remote_id: str, record: Record) -> None:
        """Take it away."""
        del address, record
        self._connections().delete(remote_id)

    def disable(self, address: Address, remote_id: str, record: Record) -> None:
        """Refuse: a connection does nothing by itself, and has no switch.

        Raises:
            Permanent: always.
        """
        del remote_id, record
        raise Permanent(
            f"{address}: a connection in Qlik Cloud cannot be switched off, only removed",
            hint="write `on_delete: forget` to leave it there, or `on_delete: delete` to remove it",
        )

    def listing(self) -> Iterator[Found | Unlisted]:
        """Everything there that documents could declare. Nothing where the environment names no tenant."""
        if self._target is None:
            return
        try:
            yield from self._connections().listing()
        except ProviderError as error:
            yield Unlisted("qlik: connections", error.message)

    def declare(self, found: Found, name: str, directory: Directory) -> Declaration | Undeclarable:
        """What the document *name* would say of *found*."""
        del directory
        return self._connections().declare(found, name)

    def _connections(self) -> Connections:
        with self._lock:
            if self._families is None:
                if self._target is None:
                    raise _no_tenant()
                self._client = self._client_for(self._target)
                self._families = Connections(self._client, Sources(self._client), self._target.authorised_by)
            return self._families


def _no_tenant() -> Permanent:
    return Permanent(
        "the environment names no tenant of Qlik Cloud",
        hint="add `qlik: {tenant: https://…, api_key: ${secret:env:QLIK_API_KEY}}` to it",
    )

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
from reconciler.ports.clock import Clock, SystemClock
from reconciler.ports.listing import Declaration, Directory, Found, Undeclarable, Unlisted
from reconciler.ports.provider import Context, Desired, KindTraits, Wanted
from reconciler.providers.qlik import connections, tasks, wire
from reconciler.providers.qlik.connections import Connections
from reconciler.providers.qlik.sources import Sources
from reconciler.providers.qlik.tasks import Tasks


class QlikProvider:
    """One tenant of Qlik Cloud; implements the ports `Provider` and `Lists`."""

    name = "qlik"
    kinds: Mapping[str, KindTraits] = {connections.KIND: connections.TRAITS, tasks.KIND: tasks.TRAITS}

    def __init__(
        self, client_for: Callable[[QlikTarget], QlikClient], target: QlikTarget | None, clock: Clock | None = None
    ) -> None:
        """Speak to *target*; None where the environment names no tenant.

        client_for: makes the client; called once, when it is first needed.
        """
        self._client_for = client_for
        self._target = target
        self._client: QlikClient | None = None
        self._clock = clock or SystemClock()
        self._families: tuple[Connections, Tasks] | None = None
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
        tenant = self.account() if self._target else ""
        return tasks.desired(resource, tenant) if _is_task(resource.address) else wire.desired(resource, tenant)

    def observe(self, wanted: Sequence[Wanted], context: Context) -> Mapping[Address, Seen]:
        """Look at all of *wanted*."""
        del context
        try:
            of_connections, of_tasks = self._both()
        except ProviderError as error:
            return {question.address: Unreadable(error) for question in wanted}
        asked = [question for question in wanted if _is_task(question.address)]
        others = [question for question in wanted if not _is_task(question.address)]
        seen: dict[Address, Seen] = {}
        if others:
            seen.update(of_connections.observe(others))
        if asked:
            seen.update(of_tasks.observe(asked))
        return seen

    def create(self, resource: Resource, desired: Desired) -> Observation:
        """Make it, where the API can."""
        of_connections, of_tasks = self._both()
        return of_tasks.create(resource) if _is_task(resource.address) else of_connections.create(resource, desired)

    def update(self, resource: Resource, remote_id: str, desired: Desired, paths: Sequence[str]) -> Observation:
        """Change the fields at *paths*."""
        of_connections, of_tasks = self._both()
        if _is_task(resource.address):
            return of_tasks.update(resource, remote_id, paths)
        return of_connections.update(resource, remote_id, desired, paths)

    def delete(self, address: Address, remote_id: str, record: Record) -> None:
        """Take a connection away; stop a task, which no call removes."""
        del record
        of_connections, of_tasks = self._both()
        if _is_task(address):
            of_tasks.stop(remote_id)
        else:
            of_connections.delete(remote_id)

    def disable(self, address: Address, remote_id: str, record: Record) -> None:
        """Stop a task.

        Raises:
            Permanent: it is a connection, which does nothing by itself and has no switch.
        """
        del record
        if _is_task(address):
            self._both()[1].stop(remote_id)
            return
        raise Permanent(
            f"{address}: a connection in Qlik Cloud cannot be switched off, only removed",
            hint="write `on_delete: forget` to leave it there, or `on_delete: delete` to remove it",
        )

    def listing(self) -> Iterator[Found | Unlisted]:
        """Everything there that documents could declare. Nothing where the environment names no tenant."""
        if self._target is None:
            return
        of_connections, of_tasks = self._both()
        for what, listing in (("connections", of_connections.listing), ("projects", of_tasks.listing)):
            try:
                yield from listing()
            except ProviderError as error:
                yield Unlisted(f"qlik: {what}", error.message)

    def declare(self, found: Found, name: str, directory: Directory) -> Declaration | Undeclarable:
        """What the document *name* would say of *found*."""
        del directory
        of_connections, of_tasks = self._both()
        return of_tasks.declare(found, name) if found.kind == tasks.KIND else of_connections.declare(found, name)

    def _both(self) -> tuple[Connections, Tasks]:
        with self._lock:
            if self._families is None:
                if self._target is None:
                    raise _no_tenant()
                self._client = client = self._client_for(self._target)
                of_connections = Connections(client, Sources(client), self._target.authorised_by)
                self._families = of_connections, Tasks(client, self._clock)
            return self._families


def _is_task(address: Address) -> bool:
    return address.kind == tasks.KIND


def _no_tenant() -> Permanent:
    return Permanent(
        "the environment names no tenant of Qlik Cloud",
        hint="add `qlik: {tenant: https://…, api_key: ${secret:env:QLIK_API_KEY}}` to it",
    )

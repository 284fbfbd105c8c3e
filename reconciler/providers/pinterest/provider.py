"""The verbs."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from reconciler.apis.pinterest import PinterestClient
from reconciler.diagnostics import Diagnostic
from reconciler.errors import Denied, NotFound, Permanent, ProviderError
from reconciler.model.address import Address
from reconciler.model.connections import PinterestConnection
from reconciler.model.json import Json
from reconciler.model.kinds import AudienceSpec
from reconciler.model.observation import Finding, Observation, Seen, Unreadable
from reconciler.model.record import Record
from reconciler.model.resource import Resource
from reconciler.ports.listing import Declaration, Directory, Found, Undeclarable, Unlisted
from reconciler.ports.provider import Context, Desired, KindTraits, Wanted
from reconciler.ports.readers import readers
from reconciler.providers.pinterest import limits, wire
from reconciler.providers.pinterest.checks import audience_problems
from reconciler.providers.pinterest.listing import Listing, Place

MOST_READS_AT_ONCE = 4

Listings = Mapping[Place, Listing | ProviderError]


class PinterestProvider:
    """Audiences, over one client for each declared connection to Pinterest.

    client_for: makes the client of a connection; called once for each, when it is first needed.
    connections: the declared connections; those of other types are ignored.
    """

    name = "pinterest"
    kinds: Mapping[str, KindTraits] = {"audience": limits.AUDIENCE}
    verbs = limits.VERBS

    def __init__(self, client_for: Callable[[Resource], PinterestClient], connections: Iterable[Resource]) -> None:
        self._client_for = client_for
        self._connections = {
            connection.address: connection
            for connection in connections
            if isinstance(connection.spec, PinterestConnection)
        }
        self._clients: dict[Address, PinterestClient] = {}
        self._lock = threading.Lock()

    @property
    def api_calls(self) -> int:
        """Requests sent so far, over all connections."""
        return sum(client.calls for client in list(self._clients.values()))

    def close(self) -> None:
        """Close all clients."""
        for client in self._clients.values():
            client.close()

    def account(self) -> str:
        """Whom the connections act for: ids of Pinterest users, sorted and joined by commas.

        Ad accounts come and go and are named by every audience besides; a user stays. An app without the scope
        user_accounts:read stands for itself, as ``app-`` and a digest.

        Raises:
            ProviderError: a connection does not work, or none is declared.
        """
        if not self._connections:
            raise Permanent(
                "Pinterest: no connection is declared, so nobody can ask for what was made through one",
                hint="keep the Connection's document until that is deleted, or forget it with `tdr state rm`",
            )
        return ",".join(sorted({self._user(connection) for connection in self._connections.values()}))

    def expiries(self) -> Mapping[Address, float]:
        """Connection -> when its refresh token dies, where an answer has told."""
        told = {address: self._client(address).expires() for address in sorted(self._connections)}
        return {address: at for address, at in told.items() if at is not None}

    def check(self, resource: Resource, context: Context) -> Iterable[Diagnostic]:
        """What can be said against an audience without any call."""
        return audience_problems(resource, _spec(resource), context.resources)

    def desired(self, resource: Resource, context: Context) -> Desired:  # noqa: ARG002 - the protocol's
        """Title, description, ad account and identifier."""
        return wire.desired(_spec(resource))

    def observe(self, wanted: Sequence[Wanted], context: Context) -> Mapping[Address, Seen]:  # noqa: ARG002 - the protocol's
        """One listing for each connection and ad account; an id that its listing lacks is asked for by itself."""
        places = sorted({place for question in wanted for place in self._places_of(question)})
        with readers(MOST_READS_AT_ONCE, "pinterest") as pool:
            listings = dict(zip(places, pool.map(self._listed, places), strict=True))
            looks = pool.map(lambda question: self._look(question, listings), wanted)
            return {question.address: seen for question, seen in zip(wanted, looks, strict=True)}

    def create(self, resource: Resource, desired: Desired) -> Observation:  # noqa: ARG002 - the protocol's
        """Refuse: the first export makes the audience.

        Raises:
            Permanent: always.
        """
        raise limits.cannot_create(resource.address)

    def update(self, resource: Resource, remote_id: str, desired: Desired, paths: Sequence[str]) -> Observation:
        """Change title and description, of them only what is in *paths*."""
        spec = _spec(resource)
        fields = wire.patch(desired, paths)
        client = self._client(Address("connection", spec.connection))
        changed = client.update_audience(spec.ad_account_id, remote_id, fields)
        return wire.observation(changed, spec.identifier.value)

    def delete(self, address: Address, remote_id: str, record: Record) -> None:
        """Remove the audience; its list of people stays, for Pinterest cannot remove lists."""
        place = self._remembered_place(address, record, None)
        client = self._client(place.connection)
        try:
            client.remove_audience(place.ad_account_id, remote_id)
        except NotFound as error:
            # An ad account that cannot be seen answers the same. Only in one that can be seen is this a success.
            client.ad_account(place.ad_account_id)
            look = self.observe([Wanted(address, None, record)], Context({}))[address]
            if isinstance(look, Unreadable):
                raise look.error from error
            if look.by_id is not None:
                raise Permanent(f"{error.message}, and yet it is listed: {remote_id}", status=error.status) from error

    def disable(self, address: Address, remote_id: str, record: Record) -> None:  # noqa: ARG002 - the protocol's
        """Refuse: there is no switch.

        Raises:
            Permanent: always.
        """
        raise limits.cannot_disable(address)

    def listing(self) -> Iterable[Found | Unlisted]:
        """The audiences of every ad account that a declared connection sees, each once."""
        told: set[str] = set()
        for connection in sorted(self._connections):
            try:
                accounts = self._client(connection).ad_accounts()
            except ProviderError as error:
                yield Unlisted(f"pinterest: ad accounts of {connection}", error.message)
                continue
            for account in sorted(accounts, key=lambda account: account.id):
                listed = self._listed(Place(connection, account.id))
                if isinstance(listed, ProviderError):
                    yield Unlisted(f"pinterest: audiences of ad account {account.id}", listed.message)
                    continue
                for audience in listed.by_id.values():
                    if audience.id not in told:
                        told.add(audience.id)
                        yield wire.found(
                            audience, connection, has_twins=len(listed.by_title[audience.name.strip()]) > 1
                        )

    def declare(self, found: Found, name: str, directory: Directory) -> Declaration | Undeclarable:
        """What a document would say of *found*."""
        del name, directory
        return wire.declaration(found)

    # -- looking -------------------------------------------------------------------------------------------------

    def _listed(self, place: Place) -> Listing | ProviderError:
        try:
            return Listing.of(self._client(place.connection).audiences(place.ad_account_id))
        except ProviderError as error:
            return error

    def _look(self, question: Wanted, listings: Listings) -> Seen:
        try:
            return Finding(self._by_id(question, listings), self._by_key(question, listings))
        except ProviderError as error:
            return Unreadable(error)

    def _by_id(self, question: Wanted, listings: Listings) -> Observation | None:
        if question.record is None:
            return None
        place = self._remembered_place(question.address, question.record, question.resource)
        found = _told(listings[place]).by_id.get(question.record.remote_id)
        if found is None:
            # Listed late, or gone: only asking for it tells.
            try:
                found = self._client(place.connection).audience(place.ad_account_id, question.record.remote_id)
            except NotFound:
                return None
        return wire.observation(found, _identifier(question, found.id)) if wire.is_managed_kind(found) else None

    def _by_key(self, question: Wanted, listings: Listings) -> tuple[Observation, ...]:
        if question.resource is None:
            return ()
        spec = _spec(question.resource)
        same_title = _told(listings[_declared_place(spec)]).by_title.get(spec.title.strip(), ())
        return tuple(wire.observation(found, _identifier(question, found.id)) for found in same_title)

    def _places_of(self, question: Wanted) -> Iterator[Place]:
        if question.resource is not None:
            yield _declared_place(_spec(question.resource))
        if question.record is not None:
            try:
                yield self._remembered_place(question.address, question.record, question.resource)
            except Permanent:
                return  # told when the question is answered

    def _remembered_place(self, address: Address, record: Record, resource: Resource | None) -> Place:
        """Where the remembered audience is, which a changed document may have left.

        Raises:
            Permanent: no connection is declared through which it could be seen.
        """
        declared = _declared_place(_spec(resource)) if resource is not None else None
        account_id = record.applied.get("ad_account_id")
        if declared is not None and account_id in {None, declared.ad_account_id}:
            return declared
        used = next((named for named in record.depends_on if named in self._connections), None)
        connection = used or (declared.connection if declared else None)
        if connection is None or not isinstance(account_id, str):
            raise Permanent(
                f"{address}: the connection it was made through is not declared any more",
                hint="declare the connection again, or let go of the audience with `tdr state rm`",
            )
        return Place(connection, account_id)

    # -- clients -------------------------------------------------------------------------------------------------

    def _client(self, connection: Address) -> PinterestClient:
        """The client of a connection.

        Raises:
            Permanent: no connection to Pinterest is declared under that name.
        """
        declared = self._connections.get(connection)
        if declared is None:
            raise Permanent(f"`{connection}` is not a declared connection to Pinterest")
        with self._lock:
            if connection not in self._clients:
                self._clients[connection] = self._client_for(declared)
            return self._clients[connection]

    def _user(self, connection: Resource) -> str:
        client = self._client(connection.address)
        try:
            return client.user_account().id
        except Denied:
            # For want of that scope, or altogether? The ad accounts need no more than what every other call needs.
            client.ad_accounts()
        spec = connection.spec
        app = spec.client_id.reveal() if isinstance(spec, PinterestConnection) else ""
        return "app-" + hashlib.sha256(app.encode()).hexdigest()[:12]


def _spec(resource: Resource) -> AudienceSpec:
    if not isinstance(resource.spec, AudienceSpec):
        raise TypeError(str(resource.address))
    return resource.spec


def _declared_place(spec: AudienceSpec) -> Place:
    return Place(Address("connection", spec.connection), spec.ad_account_id)


def _told(listing: Listing | ProviderError) -> Listing:
    if isinstance(listing, ProviderError):
        raise listing
    return listing


def _identifier(question: Wanted, audience_id: str) -> Json:
    """What the members of an audience are known by: as remembered of ours, as declared of one that is not ours yet."""
    declared = _spec(question.resource).identifier.value if question.resource is not None else None
    if question.record is not None and question.record.remote_id == audience_id:
        return question.record.applied.get("identifier", declared)
    return declared

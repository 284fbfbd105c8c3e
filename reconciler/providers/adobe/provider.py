"""The verbs."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from reconciler.apis.adobe import FlowService
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.errors import Permanent, ProviderError
from reconciler.model.address import Address
from reconciler.model.dataflows import AdobeTarget
from reconciler.model.observation import Observation
from reconciler.model.observation import Seen as Look
from reconciler.model.record import Record
from reconciler.model.resource import Resource
from reconciler.model.web_address import travels_in_clear
from reconciler.ports.clock import Clock
from reconciler.ports.listing import Declaration, Directory, Found, Undeclarable, Unlisted
from reconciler.ports.provider import Context, Desired, Job, KindTraits, Wanted
from reconciler.providers.adobe import accounts, flows, limits, registrations
from reconciler.providers.adobe.families import name_of
from reconciler.providers.adobe.runs import FlowRuns
from reconciler.providers.adobe.seen import Seen

_COLLECTIONS: Final = {"sourceregistration": "specification", "sourceaccount": "connection", "dataflow": "flow"}


class AdobeProvider:
    """Sources in one sandbox of one organisation.

    target: which; None where the environment names none, and then every document of these kinds is refused.
    client_for: makes the client; called once, when it is first needed.
    owner: ``PROJECT/ENVIRONMENT``, which signs what has a place for it.
    """

    name = "adobe"
    kinds: Mapping[str, KindTraits] = {
        "sourceregistration": limits.REGISTRATION,
        "sourceaccount": limits.ACCOUNT,
        "dataflow": limits.FLOW,
    }

    def __init__(
        self, target: AdobeTarget | None, client_for: Callable[[AdobeTarget], FlowService], clock: Clock, owner: str
    ) -> None:
        self._target = target
        self._client_for = client_for
        self._clock = clock
        self._owner = owner
        self._seen = Seen()
        self._clients: list[FlowService] = []
        self._started: FlowRuns | None = None
        self._lock = threading.Lock()
        self._resources: Mapping[Address, Resource] = {}

    @property
    def api_calls(self) -> int:
        """Requests sent so far."""
        return sum(client.calls for client in list(self._clients))

    def close(self) -> None:
        """Close the client."""
        for client in self._clients:
            client.close()

    def account(self) -> str:
        """``ORGANISATION/SANDBOX``, once a call has shown that the app may use it.

        Raises:
            ProviderError: it may not, or the environment names none.
        """
        self._api().may_read()
        target = self._where()
        return f"{target.org_id}/{target.sandbox}"

    def check(self, resource: Resource, context: Context) -> Iterable[Diagnostic]:
        """What can be said without any call."""
        yield from self._target_problems(resource)
        found: Mapping[str, Callable[[Resource, Context], Iterator[Diagnostic]]] = {
            "sourceregistration": registrations.problems,
            "sourceaccount": accounts.problems,
            "dataflow": flows.problems,
        }
        yield from found[resource.address.kind](resource, context)

    def desired(self, resource: Resource, context: Context) -> Desired:
        """What it should look like. Its name stands for it, although Adobe would let several have it."""
        self._resources = context.resources
        kind = resource.address.kind
        target = self._target
        place = f"{target.org_id}/{target.sandbox}" if target else ""
        key = f"adobe:{place}/{_COLLECTIONS[kind]}/{name_of(resource)}"
        match kind:
            case "sourceregistration":
                return Desired(key, registrations.Registrations.attributes(resource, context))
            case "sourceaccount":
                return Desired(key, accounts.Accounts.attributes(resource, context))
            case _:
                return Desired(key, flows.Flows.attributes(resource, context))

    def observe(self, wanted: Sequence[Wanted], context: Context) -> Mapping[Address, Look]:
        """Lists, one for each kind that is asked for."""
        self._resources = context.resources
        asked: dict[str, list[Wanted]] = defaultdict(list)
        for question in wanted:
            asked[question.address.kind].append(question)
        seen: dict[Address, Look] = {}
        if questions := asked["sourceregistration"]:
            seen |= self._registrations().observe(questions)
        if questions := asked["sourceaccount"]:
            seen |= self._accounts().observe(questions)
        if questions := asked["dataflow"]:
            seen |= self._flows().observe(questions)
        return seen

    def create(self, resource: Resource, desired: Desired) -> Observation:
        """Make it."""
        match resource.address.kind:
            case "sourceregistration":
                return self._registrations().create(resource, Context(self._resources))
            case "sourceaccount":
                return self._accounts().create(resource, desired.attributes)
            case _:
                return self._flows().create(resource, desired.attributes)

    def update(
        self,
        resource: Resource,
        remote_id: str,
        desired: Desired,  # noqa: ARG002 - the protocol's
        paths: Sequence[str],
    ) -> Observation:
        """Change what is at *paths*; refused when somebody changed the object since it was looked at."""
        match resource.address.kind:
            case "sourceregistration":
                return self._registrations().update(resource, remote_id, Context(self._resources), paths)
            case "sourceaccount":
                return self._accounts().update(resource, remote_id, paths)
            case _:
                return self._flows().update(resource, remote_id, paths)

    def delete(self, address: Address, remote_id: str, record: Record) -> None:
        """Remove it, as far as Adobe lets anybody."""
        match address.kind:
            case "sourceregistration":
                self._registrations().delete(remote_id, record)
            case "sourceaccount":
                self._accounts().delete(remote_id)
            case _:
                self._flows().delete(address, remote_id)

    def disable(self, address: Address, remote_id: str, record: Record) -> None:  # noqa: ARG002 - the protocol's
        """Switch a flow off.

        Raises:
            Permanent: it is no flow.
        """
        if address.kind != "dataflow":
            raise limits.cannot_disable(address)
        self._flows().disable(remote_id)

    def listing(self) -> Iterable[Found | Unlisted]:
        """Everything in the sandbox; nothing where the environment names none."""
        if self._target is None:
            return
        listings: Mapping[str, Callable[[], Iterator[Found]]] = {
            "specifications": self._registrations().found,
            "connections": self._accounts().found,
            "flows": self._flows().found,
        }
        for what, found in listings.items():
            try:
                yield from list(found())
            except ProviderError as error:
                yield Unlisted(f"adobe: {what} of sandbox {self._target.sandbox}", error.message)

    def declare(self, found: Found, name: str, directory: Directory) -> Declaration | Undeclarable:
        """What a document would say of *found*."""
        del name
        match found.kind:
            case "sourceregistration":
                return self._registrations().declare(found)
            case "sourceaccount":
                return self._accounts().declare(found, directory)
            case _:
                return self._flows().declare(found, directory)

    def run(self, address: Address, remote_id: str, domain_key: str) -> str:  # noqa: ARG002 - Adobe takes no keys
        """Start a run of a flow, or name the one that is under way."""
        return self._runs().run(address, remote_id)

    def job(self, job_id: str) -> Job:
        """How a run stands."""
        return self._runs().job(job_id)

    def last_job(self, address: Address, remote_id: str) -> Job | None:
        """The newest run, or None when it never ran."""
        return next(iter(self.jobs(address, remote_id, 1)), None)

    def jobs(self, address: Address, remote_id: str, limit: int) -> Sequence[Job]:  # noqa: ARG002 - the protocol's
        """The newest *limit* runs, newest first."""
        return self._runs().jobs(remote_id, limit)

    # -- whom to ask ---------------------------------------------------------------------------------------------

    def _target_problems(self, resource: Resource) -> Iterator[Diagnostic]:
        if self._target is None:
            yield Diagnostic(
                "no-adobe",
                "the environment names no organisation of Adobe Experience Platform",
                subject=str(resource.address),
                path="/kind",
                hint="add `adobe: {org_id: …@AdobeOrg, client_id: ${secret:env:NAME}, client_secret: ${secret:env:NAME}}` to it",
            )
            return
        if any(travels_in_clear(address) for address in (self._target.base_url, self._target.login_url)):
            yield Diagnostic(
                "credentials-in-clear",
                "the environment's `adobe` sends its credentials unencrypted to another machine",
                Severity.WARNING,
                subject=str(resource.address),
                path="/kind",
                hint="use https addresses",
            )

    def _where(self) -> AdobeTarget:
        if self._target is None:
            raise Permanent(
                "Adobe: the environment names no organisation",
                hint="add `adobe: {org_id: …, client_id: …, client_secret: …}` to the environment",
            )
        return self._target

    def _api(self) -> FlowService:
        target = self._where()
        with self._lock:
            if not self._clients:
                self._clients.append(self._client_for(target))
            return self._clients[0]

    def _runs(self) -> FlowRuns:
        api = self._api()
        with self._lock:
            if self._started is None:
                self._started = FlowRuns(api, self._where(), self._clock)
            return self._started

    def _registrations(self) -> registrations.Registrations:
        return registrations.Registrations(self._api(), self._where(), self._seen)

    def _accounts(self) -> accounts.Accounts:
        return accounts.Accounts(self._api(), self._seen)

    def _flows(self) -> flows.Flows:
        return flows.Flows(self._api(), self._seen, self._clock, self._owner)

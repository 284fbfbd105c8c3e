"""Treasure Data as the engine sees it. Which service answers (the vendor's or the embedded one) makes no difference here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconciler.apis.treasure_data import TreasureData
from reconciler.apis.treasure_data_cdp import CustomerData
from reconciler.apis.treasure_data_workflows import Workflows
from reconciler.diagnostics import Diagnostic
from reconciler.errors import NotFound, Permanent
from reconciler.model.address import Address
from reconciler.model.observation import Observation, Seen, Unreadable
from reconciler.model.probe import AccountFacts, FactName
from reconciler.model.record import Record
from reconciler.model.resource import Resource
from reconciler.ports.clock import Clock, SystemClock
from reconciler.ports.listing import Built, Declaration, Directory, Found, Undeclarable, Unlisted
from reconciler.ports.probing import Answered
from reconciler.ports.provider import Context, Desired, Job, KindTraits, Preview, Rows, Wanted
from reconciler.ports.readers import readers
from reconciler.providers.treasure_data import activation_runs, builds, runs, workflow_runs
from reconciler.providers.treasure_data.activation_sources import Activations, Observes, source_of, source_told
from reconciler.providers.treasure_data.activations import SegmentActivations
from reconciler.providers.treasure_data.connections import Connections
from reconciler.providers.treasure_data.databases import Databases, Tables
from reconciler.providers.treasure_data.declaring import declare
from reconciler.providers.treasure_data.family import Attributes, Family
from reconciler.providers.treasure_data.imports import Imports
from reconciler.providers.treasure_data.journey_activations import JourneyActivations
from reconciler.providers.treasure_data.listing import listing, segment_listing
from reconciler.providers.treasure_data.lookups import Lookups
from reconciler.providers.treasure_data.names import name_of
from reconciler.providers.treasure_data.parent_segments import KIND as PARENT_SEGMENT
from reconciler.providers.treasure_data.parent_segments import ParentSegments
from reconciler.providers.treasure_data.probing import Probing
from reconciler.providers.treasure_data.queries import SavedQueries
from reconciler.providers.treasure_data.referenced_connections import ReferencedConnections
from reconciler.providers.treasure_data.segments import SegmentTrees
from reconciler.providers.treasure_data.timings import Timings
from reconciler.providers.treasure_data.workflows import KIND as WORKFLOW
from reconciler.providers.treasure_data.workflows import WorkflowProjects, workflow_listing
from reconciler.schedule import Dialect

_SAME_NAMESPACE = {"activation": "query"}
"""Kinds whose objects cannot have the name of another kind's."""
_OPTIONAL: Mapping[str, tuple[str, FactName]] = {
    **dict.fromkeys((PARENT_SEGMENT, *SegmentTrees.kinds), ("parent segments", FactName.CUSTOMER_DATA_ANSWERS)),
    WORKFLOW: ("workflows", FactName.WORKFLOWS_ANSWER),
}
"""Kind -> what not every account has, and the fact that tells."""


class TreasureDataProvider:
    """One account; implements the ports `Provider`, `Runs`, `Lists`, `Probes` and `Fingerprints`."""

    name = "treasure_data"

    def __init__(
        self,
        api: TreasureData,
        account: str,
        *,
        creates_connections: bool,
        facts: AccountFacts | None = None,
        cron_dialect: Dialect | str = Dialect.DOCUMENTED,
        clock: Clock | None = None,
        owner: str = "",
        customer_data: CustomerData | None = None,
        workflows: Workflows | None = None,
    ) -> None:
        """Speak through *api*.

        account: who answers, such as ``us01/1234`` or ``embedded/1`` (see `treasure_data_endpoint.account_id`).
        creates_connections: whether the API makes connections, as the embedded service does. Treasure Data has people make
            those in its console, so there they are looked up by name.
        facts: what holds in this account where the vendor's documents leave it open.
        cron_dialect: how cron texts are read, see `reconciler.schedule`.
        owner: ``PROJECT/ENVIRONMENT`` for ownership marks; "" marks nothing.
        customer_data: what answers for parent segments and all in them; None knows nothing of these kinds.
        workflows: what answers for workflow projects; None knows nothing of them.
        """
        self._api = api
        self._account = account
        self._clock = clock or SystemClock()
        timings = Timings(Dialect(cron_dialect), self._clock)
        self._facts = facts = facts or AccountFacts()
        lookups = Lookups(api, facts)
        made = Connections(api, owner)
        connections = made if creates_connections else ReferencedConnections(lookups)
        self._queries = SavedQueries(api, timings, lookups, facts, runs_here=creates_connections)
        self._imports = Imports(api, timings, lookups, facts, runs_here=creates_connections)
        is_made_and_listed = creates_connections and facts.holds(FactName.CONNECTIONS_LISTED, default=True)
        self._connections = made.listing if is_made_and_listed else lookups.listing
        self._customer_data = customer_data
        families: list[Family] = [connections, Databases(api), Tables(api), self._queries, self._imports]
        self._trees: SegmentTrees | None = None
        self._of_segments: SegmentActivations | None = None
        self._of_journeys: JourneyActivations | None = None
        if customer_data is not None:
            self._trees = trees = SegmentTrees(customer_data, facts)
            self._of_segments = SegmentActivations(api, customer_data, trees, timings, self._clock, owner, facts)
            self._of_journeys = JourneyActivations(customer_data, self._of_segments)
            families += [ParentSegments(customer_data), trees]
        others = {"segment": self._of_segments, "journey": self._of_journeys}
        families.append(
            Activations(self._queries, {source: verbs for source, verbs in others.items() if verbs is not None})
        )
        self._workflows = workflows
        if workflows is not None:
            families.append(WorkflowProjects(workflows, timings))
        # The last one for a kind answers for it: activations are not saved queries only.
        self._families = {kind: family for family in families for kind in family.kinds}
        self.kinds: Mapping[str, KindTraits] = {
            kind: traits for family in families for kind, traits in family.kinds.items()
        }

    @property
    def api_calls(self) -> int:
        """Requests sent so far."""
        others = (self._customer_data, self._workflows)
        return self._api.calls + sum(one.calls for one in others if one is not None)

    def account(self) -> str:
        """The account of the key. The key says it itself, and one that is wrong for its region is refused with 401."""
        return self._account

    def reach(self) -> None:
        """Ask for the user of the key, whose data go no further."""
        self._api.user()

    def probe(self) -> Sequence[Answered]:
        """What this account does where the vendor's documents leave it open. Reads only."""
        account = self._account.rpartition("/")[2]
        return Probing(self._api, self._customer_data, self._workflows, account).answers()

    def check(self, resource: Resource, context: Context) -> Iterable[Diagnostic]:
        """What can be said against *resource* without any call."""
        missing = _missing(resource, self._facts)
        return [*missing, *self._families[resource.address.kind].check(resource, context)]

    def desired(self, resource: Resource, context: Context) -> Desired:
        """What *resource* should look like."""
        kind = resource.address.kind
        namespace = kind if source_of(resource) != "query" else _SAME_NAMESPACE.get(kind, kind)
        return Desired(
            f"{self.name}:{self._account}/{namespace}/{name_of(resource, context)}",
            self._families[kind].attributes(resource, context),
        )

    def preview(self, resource: Resource, context: Context) -> Preview:
        """The first rows that an import would bring."""
        return self._imports.preview(resource, context)

    def ask(self, resource: Resource, context: Context, limit: int, domain_key: str) -> str:
        """Start the query of an activation without its export."""
        return self._queries.ask(resource, context, limit, domain_key)

    def withdraw(self, job_id: str) -> None:
        """End a query that was asked for itself."""
        self._api.kill_job(job_id)

    def observe(self, wanted: Sequence[Wanted], context: Context) -> Mapping[Address, Seen]:
        """Look at all of *wanted*: a call a family, the families at once."""
        by_family: dict[Observes, list[Wanted]] = {}
        seen: dict[Address, Seen] = {}
        for question in wanted:
            family: Observes | Unreadable = self._families[question.address.kind]
            if isinstance(family, Activations):
                family = family.answering(question)
            if isinstance(family, Unreadable):
                seen[question.address] = family
            else:
                by_family.setdefault(family, []).append(question)
        looks = list(by_family.items())
        if len(looks) == 1:
            family, asked = looks[0]
            seen.update(family.observe(asked, context))
        elif looks:
            with readers(len(looks), "treasure-data") as pool:
                for answers in pool.map(lambda entry: entry[0].observe(entry[1], context), looks):
                    seen.update(answers)
        return seen

    def create(self, resource: Resource, desired: Desired) -> Observation:
        """Make it; Conflict when the name is taken."""
        return self._families[resource.address.kind].create(resource, desired.attributes)

    def update(self, resource: Resource, remote_id: str, desired: Desired, paths: Sequence[str]) -> Observation:
        """Change the top-level fields that *paths* lie in; a field that is not declared any more returns to its default."""
        kind = resource.address.kind
        changed = frozenset(path.split("/", 2)[1] for path in paths)
        defaults = {name: value for name, value in self.kinds[kind].defaults.items() if name in changed}
        attributes: Attributes = {**defaults, **desired.attributes}
        return self._families[kind].update(resource, remote_id, attributes, changed)

    def delete(self, address: Address, remote_id: str, record: Record) -> None:
        """Remove it; one that is not there any more is a success.

        Raises:
            Permanent: the vendor says that it is not there, and lists it.
        """
        try:
            self._families[address.kind].delete(address, remote_id)
        except NotFound as error:
            look = self.observe([Wanted(address, None, record)], Context({}))[address]
            if isinstance(look, Unreadable):
                raise look.error from error
            if look.by_id is not None:
                raise Permanent(f"{error.message}, and yet it is listed: {remote_id!r}", status=error.status) from error

    def disable(self, address: Address, remote_id: str, record: Record) -> None:
        """Leave it there without its schedule; one that is not there any more does nothing already."""
        del record
        try:
            self._families[address.kind].disable(address, remote_id)
        except NotFound:
            return

    def fingerprints(self, kind: str) -> Mapping[str, bytes]:
        """Of saved queries, whose list a plan reads anyway; of no other kind."""
        return self._queries.fingerprints() if kind in self._queries.kinds else {}

    def listing(self) -> Iterable[Found | Unlisted | Built]:
        """Everything that the account holds."""
        known = self._facts.known
        yield from listing(self._api, self._queries, self._imports, self._connections)
        if self._customer_data is not None and self._trees is not None:
            answers = known.get(FactName.CUSTOMER_DATA_ANSWERS)
            yield from segment_listing(
                self._customer_data, self._trees, self._of_segments, self._of_journeys, answers=answers
            )
        if self._workflows is not None:
            yield from workflow_listing(self._workflows, answers=known.get(FactName.WORKFLOWS_ANSWER))

    def declare(self, found: Found, name: str, directory: Directory) -> Declaration | Undeclarable:
        """What the document *name* would say of *found*."""
        return declare(found, name, directory)

    def run(self, address: Address, remote_id: str, domain_key: str) -> str:
        """Start a query, an activation, an import, the build of a parent segment or a workflow now.

        The same *domain_key* never starts a second job; builds and activations of segments take none.
        """
        if address.kind == WORKFLOW:
            return workflow_runs.run(self._projects(), self._clock, address, remote_id, domain_key)
        if address.kind == PARENT_SEGMENT:
            return builds.run(self._parents(), remote_id)
        if _is_of_journey(address, remote_id):
            raise Permanent(
                f"{address} runs when its journey does", hint="run the journey in the console of Treasure Data"
            )
        if _is_of_segment(address, remote_id):
            return activation_runs.run(self._parents(), remote_id, domain_key)
        return runs.run(self._api, self._clock, address, remote_id, domain_key)

    def retry(self, job_id: str) -> None:
        """Finish the export of a run of a saved query."""
        if builds.is_build(job_id) or workflow_runs.is_run(job_id) or activation_runs.is_run(job_id):
            raise Permanent("only exports of queries can be finished", hint="run it anew")
        runs.retry(self._api, job_id)

    def job(self, job_id: str) -> Job:
        """A run, its export included."""
        if builds.is_build(job_id):
            return builds.job(self._parents(), job_id)
        if workflow_runs.is_run(job_id):
            return workflow_runs.job(self._projects(), job_id)
        if activation_runs.is_run(job_id):
            return activation_runs.job(self._parents(), job_id)
        return runs.job(self._api, job_id)

    def rows(self, job_id: str, limit: int) -> Rows | None:
        """The first rows that a query gave; builds, workflows and activations of segments give none."""
        if "/" in job_id:
            return None
        return runs.rows(self._api, job_id, limit)

    def last_job(self, address: Address, remote_id: str) -> Job | None:
        """The newest run."""
        if address.kind == WORKFLOW:
            return workflow_runs.last_job(self._projects(), remote_id)
        if address.kind == PARENT_SEGMENT:
            return next(iter(builds.jobs(self._parents(), remote_id)), None)
        if _is_of_journey(address, remote_id):
            return None
        if _is_of_segment(address, remote_id):
            return next(iter(activation_runs.jobs(self._parents(), remote_id)), None)
        return runs.last_job(self._api, address, remote_id)

    def jobs(self, address: Address, remote_id: str, limit: int) -> Sequence[Job]:
        """The newest runs, newest first."""
        if address.kind == WORKFLOW:
            return workflow_runs.jobs(self._projects(), remote_id, limit)
        if address.kind == PARENT_SEGMENT:
            return builds.jobs(self._parents(), remote_id)[:limit]
        if _is_of_journey(address, remote_id):
            return []  # told by no documented address
        if _is_of_segment(address, remote_id):
            return activation_runs.jobs(self._parents(), remote_id)[:limit]
        return runs.jobs(self._api, address, remote_id, limit)

    def _projects(self) -> Workflows:
        if self._workflows is None:
            raise Permanent("nobody here answers for workflows")
        return self._workflows

    def _parents(self) -> CustomerData:
        if self._customer_data is None:
            raise Permanent("nobody here answers for parent segments")
        return self._customer_data


def _missing(resource: Resource, facts: AccountFacts) -> Iterator[Diagnostic]:
    """That the account was found to have nothing of the sort."""
    what, fact = _OPTIONAL.get(resource.address.kind, ("", None))
    if resource.address.kind == "activation" and source_of(resource) != "query":
        what, fact = _OPTIONAL[PARENT_SEGMENT]
    if fact is not None and not facts.holds(fact, default=True):
        yield Diagnostic(
            "account-without",
            f"this account has no {what} (`facts: {{{fact}: false}}`)",
            subject=str(resource.address),
            hint="run `tdr doctor --probe` again if it has by now, or keep the document to another environment",
        )


def _is_of_segment(address: Address, remote_id: str) -> bool:
    return address.kind == "activation" and source_told(remote_id) == "segment"


def _is_of_journey(address: Address, remote_id: str) -> bool:
    return address.kind == "activation" and source_told(remote_id) == "journey"

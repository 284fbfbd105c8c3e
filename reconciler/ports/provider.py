"""What the engine asks of a vendor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

from reconciler.diagnostics import Diagnostic
from reconciler.model.activation import AudienceVerbs, Resolution
from reconciler.model.address import Address
from reconciler.model.egress import Outflow
from reconciler.model.json import Json
from reconciler.model.observation import Observation, Seen
from reconciler.model.record import Record
from reconciler.model.resource import Resource
from reconciler.model.secret import Secret
from reconciler.model.unknown import Unknown


class FieldClass(StrEnum):
    """How a field of a kind behaves; anything not classed is an ordered input."""

    INPUT = "input"
    IMMUTABLE = "immutable"
    SET = "set"
    WRITE_ONLY = "write_only"


class Anew(StrEnum):
    """Whether an object may be deleted and made anew because somebody asks for it."""

    FREELY = "freely"
    """What names it does so by a name that the new one has, too."""
    UNNAMED = "unnamed"
    """Only while nothing names it, for whatever does holds an id that goes."""
    NEVER = "never"
    """It holds others, which would go with it."""


@dataclass(frozen=True, slots=True)
class Desired:
    """What one resource should look like at its vendor, normalised as observations are.

    natural_key: what makes the object unique there, account included; equal keys mean the same object.
    attributes: comparable fields; a leaf may be a Secret (compared by fingerprint) or Unknown (filled during apply).
    """

    natural_key: str
    attributes: Mapping[str, Json | Secret | Unknown | Mapping[str, Json | Secret | Unknown]]


@dataclass(frozen=True, slots=True)
class Context:
    """What a provider may know besides the resource itself.

    resources: every declared resource, to follow references.
    remote_ids: ids of resources that exist, from state or from this run.
    resolution: for an activation, what the audience resolver decided.
    """

    resources: Mapping[Address, Resource]
    remote_ids: Mapping[Address, str] = field(default_factory=dict)
    resolution: Resolution | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question to `observe`: a declared resource, a remembered one, or both."""

    address: Address
    resource: Resource | None
    record: Record | None


@dataclass(frozen=True, slots=True)
class KindTraits:
    """What the engine must know of a kind.

    classes: JSON pointer of a field -> its class.
    defaults: field -> the vendor's documented default, which an input returns to when it is no longer declared.
    removes: JSON pointers of fields that hold what people name themselves: what was declared there when last applied and is not any
        more is taken away, where other fields without a default keep it.
    visible_within_s: how long after a create a read may still miss it.
    absent_after_s: how long to wait between two looks before an absence is believed.
    referenced: whether objects of this kind are made by people elsewhere and only checked here, so that taking notice of one
        needs nobody's leave and letting go of it deletes nothing.
    anew: whether it may be made anew on request.
    verbs: for an audience, what an export to its destination understands.
    ingests_within_s: for an audience, how long its vendor takes to take in a list; 0 when nobody says.
    outflow: for an activation, its comparable fields -> what they send where; None when they send nothing.
    fixed: whether nothing of an object can be changed once it is there.
    anew_means: what making an object anew because of an immutable field comes to, as a sentence without an end; "" for nothing.
    leaves: what stays at the vendor when an object is deleted, as a sentence without an end; "" where nothing does.
    made_by_people: whether only people can make one, which is then taken over and kept.
    """

    classes: Mapping[str, FieldClass] = field(default_factory=dict)
    defaults: Mapping[str, Json] = field(default_factory=dict)
    removes: frozenset[str] = frozenset()
    visible_within_s: float = 0.0
    absent_after_s: float = 1.0
    referenced: bool = False
    anew: Anew = Anew.FREELY
    verbs: AudienceVerbs | None = None
    ingests_within_s: float = 0.0
    outflow: Callable[[Mapping[str, object]], Outflow | None] | None = None
    fixed: bool = False
    anew_means: str = ""
    leaves: str = ""
    made_by_people: bool = False


class Provider(Protocol):
    """One vendor, or one account of it.

    Every verb may raise Transient, OutcomeUnknown, NotFound, Denied, Conflict or Permanent, and nothing else that a
    vendor's behaviour could cause. Verbs that write are never repeated by the provider when their outcome is unknown.
    """

    name: str
    kinds: Mapping[str, KindTraits]
    """Kind (lower case, as in addresses) -> traits."""

    def account(self) -> str:
        """The account that answers, such as ``us01/1234``; asked before anything is read."""
        ...

    def check(self, resource: Resource, context: Context) -> Iterable[Diagnostic]:
        """What can be said against *resource* without any call."""
        ...

    def desired(self, resource: Resource, context: Context) -> Desired:
        """What *resource* should look like, normalised."""
        ...

    def observe(self, wanted: Sequence[Wanted], context: Context) -> Mapping[Address, Seen]:
        """Look at all of *wanted*, by list calls where the vendor has them. Never raises for a single object."""
        ...

    def create(self, resource: Resource, desired: Desired) -> Observation:
        """Make it. Conflict when the vendor says the name is taken."""
        ...

    def update(self, resource: Resource, remote_id: str, desired: Desired, paths: Sequence[str]) -> Observation:
        """Change the fields at *paths* (and what the vendor forces to go with them)."""
        ...

    def delete(self, address: Address, remote_id: str, record: Record) -> None:
        """Remove it; one that is not there any more is a success."""
        ...

    def disable(self, address: Address, remote_id: str, record: Record) -> None:
        """Leave it there, doing nothing."""
        ...

    @property
    def api_calls(self) -> int:
        """Requests sent so far."""
        ...


class JobStatus(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    ERROR = "error"
    KILLED = "killed"

    @property
    def is_finished(self) -> bool:
        """Whether it will not move any more."""
        return self in (JobStatus.SUCCESS, JobStatus.ERROR, JobStatus.KILLED)


@dataclass(frozen=True, slots=True)
class Job:
    """One run at the vendor. *done* and *total* count rows, 0 while not known. *log* ends with the error of a failed run.

    created_at, started_at, ended_at: Unix seconds, None when it is not so far or the vendor does not tell.
    """

    job_id: str
    status: JobStatus
    done: int = 0
    total: int = 0
    log: str = ""
    created_at: int | None = None
    started_at: int | None = None
    ended_at: int | None = None


FIRST_RUN_KEY = "tdr-first-"
"""How the key of a run begins that makes an audience, and so must not happen twice even where the vendor takes no keys."""

RUNNABLE = frozenset({"activation", "dataflow", "import", "parentsegment", "query", "workflow"})
"""Kinds whose objects can be run."""


@runtime_checkable
class Runs(Protocol):
    """A provider whose objects can be run now: activations, queries, imports, parent segments, workflows, dataflows."""

    def run(self, address: Address, remote_id: str, domain_key: str) -> str:
        """Start it and return the job's id; the same *domain_key* never starts a second job where the vendor takes one."""
        ...

    def job(self, job_id: str) -> Job:
        """Look at a run; a job that exports is finished when its export is."""
        ...

    def last_job(self, address: Address, remote_id: str) -> Job | None:
        """The newest run of an object, or None when it never ran."""
        ...

    def jobs(self, address: Address, remote_id: str, limit: int) -> Sequence[Job]:
        """The newest *limit* runs of an object, newest first, exports included; as far back as the vendor remembers."""
        ...


@dataclass(frozen=True, slots=True)
class Rows:
    """The first rows that a query gave, in its order. They may hold personal data: nothing may be shown unmasked."""

    columns: tuple[str, ...]
    values: tuple[tuple[Json, ...], ...] = field(repr=False)


@runtime_checkable
class GivesRows(Protocol):
    """A provider that keeps what a query gave for a while."""

    def rows(self, job_id: str, limit: int) -> Rows | None:
        """The first *limit* rows of a finished run; None when they are not kept, or too many to fetch."""
        ...


@runtime_checkable
class Asks(Protocol):
    """A provider that runs the query of a document by itself."""

    def ask(self, resource: Resource, context: Context, limit: int, domain_key: str) -> str:
        """Start the query of *resource*, applied or not, without its export, for at most *limit* rows; returns the job's id.

        The same *domain_key* never starts a second one.

        Raises:
            Permanent: the query waits for something that is not applied yet, or its dialect cannot be bounded.
        """
        ...

    def withdraw(self, job_id: str) -> None:
        """End a query that was so started; nobody waits for its rows any more."""
        ...


@runtime_checkable
class Retries(Protocol):
    """A provider that can finish a run without doing all of it again."""

    def retry(self, job_id: str) -> None:
        """Go on where the run broke off, or send once more what the destination refused in it. `Runs.job` then tells of it.

        Raises:
            Permanent: this account cannot.
        """
        ...


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would bring: its columns with their types, and its first rows, which may hold personal data."""

    columns: tuple[tuple[str, str], ...]
    values: tuple[tuple[Json, ...], ...] = field(repr=False)


@runtime_checkable
class Previews(Protocol):
    """A provider that reads the beginning of a source without keeping any of it."""

    def preview(self, resource: Resource, context: Context) -> Preview:
        """What the import *resource* would bring, whether it is applied or not.

        Raises:
            Permanent: the source cannot be read, or waits for something that is not applied yet.
        """
        ...


@runtime_checkable
class Fingerprints(Protocol):
    """A provider that tells shortly of many objects whether they are still the same."""

    def fingerprints(self, kind: str) -> Mapping[str, bytes]:
        """Remote id -> digest over all that the vendor tells of it and a plan may look at, of each object of *kind*.

        By the newest list that was read; by a new one when none was.
        """
        ...


@runtime_checkable
class Expires(Protocol):
    """A provider whose credentials come to an end some day."""

    def expiries(self) -> Mapping[Address, float]:
        """Connection -> Unix seconds from which on a person must authorise it again; left out where nobody knows."""
        ...

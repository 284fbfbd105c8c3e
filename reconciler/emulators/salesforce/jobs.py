"""Jobs of both bulk APIs: what was sent, how far it is, and what became of each row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.emulators.salesforce.schema import Column, SObject
from reconciler.emulators.salesforce.tables import Table, TableError
from reconciler.emulators.salesforce.writing import HeaderError, Outcome, Writer
from reconciler.model.json import Json

if TYPE_CHECKING:
    from reconciler.emulators.salesforce.world import World

WRITING = frozenset({"insert", "update", "upsert", "delete", "hardDelete"})
READING = frozenset({"query", "queryAll"})
_AHEAD = 10_000  # rows of one of the batches that Bulk API 2.0 makes by itself


@dataclass(slots=True)
class Batch:
    """Rows of a job. *table* is empty where they cannot be read, and *message* says why.

    looks: how often it is found at work still. found: what a query found, rows in the order of *columns*.
    """

    id: str
    made: str
    body: bytes
    table: Table | None = None
    state: str = "Queued"
    message: str = ""
    looks: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    columns: Sequence[str] = ()
    found: list[dict[str, Json]] = field(default_factory=list)
    result_id: str = ""

    @property
    def processed(self) -> int:
        """Rows that were tried, or found."""
        return len(self.outcomes) or len(self.found)

    @property
    def failed(self) -> int:
        """Rows that were tried in vain."""
        return sum(outcome.error is not None for outcome in self.outcomes)

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state in {"Completed", "Failed", "NotProcessed"}


@dataclass(slots=True)
class Job:
    """One job. *api* is 1 or 2; *state* is in the words of that API."""

    id: str
    api: int
    operation: str
    sobject: SObject
    key: Column | None
    version: str
    made: str
    content_type: str = "CSV"
    serial: bool = False
    line_ending: str = "LF"
    delimiter: str = "COMMA"
    state: str = "Open"
    as_json: bool = True
    soql: str = ""
    batches: dict[str, Batch] = field(default_factory=dict)

    def add(self, world: World, body: bytes, table: Table | TableError | None, *, looks: int | None = None) -> Batch:
        """Another batch; a table that could not be read fails it later on."""
        batch = Batch(world.next_id("751"), world.now(), body)
        batch.looks = world.knobs.polls if looks is None else looks
        if isinstance(table, TableError):
            batch.message = str(table)
        else:
            batch.table = table
        rows = len(batch.table.rows) if batch.table is not None else 0
        world.batches += 1 if self.api == 1 else max(1, -(-rows // _AHEAD))
        self.batches[batch.id] = batch
        return batch

    def look(self, world: World) -> None:
        """Somebody asks how far it is: that is how time goes by here."""
        for batch in self._ready():
            if batch.looks > 0:
                batch.looks -= 1
                batch.state = "InProgress"
            else:
                _process(world, self, batch)

    def work(self, world: World) -> None:
        """Do all that is to be done."""
        for batch in self._ready():
            _process(world, self, batch)

    def abort(self) -> None:
        """What is not done yet is not done at all."""
        for batch in self.batches.values():
            if not batch.is_over:
                batch.state = "NotProcessed"
        self.state = "Aborted"

    def _ready(self) -> Iterator[Batch]:
        if self.api == 2 and self.state == "Open":
            return
        yield from [batch for batch in self.batches.values() if not batch.is_over]


def _process(world: World, job: Job, batch: Batch) -> None:
    batch.looks = 0
    if batch.message:
        batch.state = "Failed"
        return
    if job.operation in READING:
        _read(world, job, batch)
        return
    if world.batches > world.knobs.daily_batches:
        batch.state, batch.message = "Failed", "ExceededQuota : ApiBatchItems Limit exceeded."
        return
    if batch.table is None:
        batch.state = "Completed"
        return
    writer = Writer(world, job.operation, job.sobject, job.key, is_serial=job.serial)
    rows = batch.table.rows
    try:
        writer.read_headers(batch.table.names)
        if job.key is not None and rows and job.key.name.lower() not in {name.lower() for name in batch.table.names}:
            raise HeaderError(f"Field name not found : {job.key.name}")  # noqa: TRY301 - as any other header
    except HeaderError as error:
        batch.state, batch.message = "Failed", f"InvalidBatch : {error}"
        return
    breakage = world.breakages.pop(0) if world.breakages else None
    batch.outcomes = writer.write(rows if breakage is None else rows[: breakage.rows])
    batch.state = "Completed" if breakage is None else "Failed"
    batch.message = "" if breakage is None else breakage.message


def _read(world: World, job: Job, batch: Batch) -> None:
    from reconciler.emulators.salesforce.soql import SoqlError, parsed  # noqa: PLC0415 - it needs the world, too

    try:
        query = parsed(world, batch.body.decode(), deleted=job.operation == "queryAll")
        if query.counts:
            raise SoqlError("FUNCTIONALITY_NOT_ENABLED", "Aggregate Relationships not supported in Bulk Query")  # noqa: TRY301
        batch.columns, batch.found = query.columns, query.flat()
    except SoqlError as error:
        batch.state, batch.message = "Failed", f"InvalidBatch : Failed to process query: {error.code}: {error}"
        return
    batch.result_id = world.next_id("752")[:15]
    batch.state = "Completed"

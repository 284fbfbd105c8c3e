"""Parts that travel by Bulk API 1.0: batches of one job, which begin as soon as they arrive.

So a batch of which nobody heard is looked for among those of its job, by what it was made of, before it is added again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.connectors.destinations.salesforce_codes import (
    NOT_PROCESSED,
    UNKNOWN,
    passes,
    refused_as_a_whole,
)
from reconciler.connectors.destinations.salesforce_desk import Desk
from reconciler.connectors.destinations.salesforce_journal import Part, PartState, Round, Stage
from reconciler.connectors.destinations.salesforce_staged import Staged
from reconciler.errors import Denied, OutcomeUnknown, Permanent, ProviderError, Transient

if TYPE_CHECKING:
    from reconciler.apis.salesforce_bulk1 import Batch, Bulk1

_ATTEMPTS: Final = 5
_ARRIVING_S: Final = 5.0
"""After which a batch whose sender was killed is listed, if it arrived."""


class Bulk1Channel:
    """Sends parts of *one* round."""

    def __init__(self, api: Bulk1, stage: Stage, one: Round, staged: Staged, desk: Desk) -> None:
        self._api = api
        self._stage = stage
        self._round = one
        self._staged = staged
        self._desk = desk
        self._seen: dict[str, Batch] = {}
        self._is_open = False

    def submit(self, part: Part) -> None:
        """Have the rows arrive once. A part that was on its way when the run broke off is looked for first."""
        if part.state is PartState.SENT:
            return
        self._desk.stop_if_cancelled()
        body = self._staged.csv(part, ordered=True)
        if part.state is PartState.SENDING:
            self._desk.wait(_ARRIVING_S)
            part.batch = self._arrived(part.job, body)
        if not part.batch:
            part.job = self._job()
            part.state = PartState.SENDING
            self._desk.journal.keep()  # before a row leaves
            part.batch = self._added(part.job, body)
        part.state = PartState.SENT
        self._desk.journal.keep()

    def close(self) -> None:
        """Say that no batch follows. A job that stays open does no harm, so that nothing depends on it."""
        if not self._is_open:
            return
        self._is_open = False
        self._api.close(self._round.job)

    def settle(self, part: Part) -> list[tuple[int, str]]:
        """Wait for the part's batch: number and code of each row that was not taken.

        Raises:
            Permanent: no row was looked at, for what is wrong with all of them.
            Transient: not every row is accounted for.
        """
        batch = self._ended(part)
        if batch.state == "Failed" and batch.processed == 0 and not passes(batch.message):
            raise refused_as_a_whole(batch.message, self._desk.settings.object, self._staged.columns)
        codes = self._codes(part, batch)
        refused = sum(1 for code in codes if code)
        is_complete = batch.state == "Completed"
        if len(codes) > part.rows or (
            is_complete and (len(codes), batch.processed, batch.failed) != (part.rows, part.rows, refused)
        ):
            raise Transient(
                f"batch {batch.id} of Salesforce does not account for all of its {part.rows} rows: {batch.processed} "
                f"processed, {batch.failed} failed, {len(codes)} results, of which {refused} are refusals",
                hint="a new run of the same job reads the results again; the job is kept for seven days",
            )
        rest = NOT_PROCESSED if batch.state == "NotProcessed" and batch.processed == 0 else UNKNOWN
        told = codes + [rest] * (part.rows - len(codes))
        return [(row, code) for row, code in zip(self._staged.numbers(part), told, strict=True) if code]

    def _codes(self, part: Part, batch: Batch) -> list[str]:
        """What the batch says of its rows; of one that did not complete also where its counters say that it did nothing."""
        if batch.state == "Completed":
            return self._api.result(part.job, batch.id)
        try:
            return self._api.result(part.job, batch.id)
        except Denied:
            raise  # who may not ask has heard nothing about the rows
        except Permanent:
            return []  # "Records not processed", status 400

    def _ended(self, part: Part) -> Batch:
        """The part's batch once it is over. One request tells of all batches."""
        from reconciler.apis.salesforce_bulk1 import BATCH_ENDED  # noqa: PLC0415 - brings httpx's vocabulary along

        pauses = self._desk.pauses()
        while part.batch not in self._seen:
            told = self._api.batches(part.job)
            self._seen |= {batch.id: batch for batch in told if batch.state in BATCH_ENDED}
            if part.batch not in {batch.id for batch in told}:
                raise Transient(
                    f"job {part.job} of Salesforce does not know its batch {part.batch}", hint="run the same job again"
                )
            if part.batch not in self._seen:
                next(pauses)
        return self._seen[part.batch]

    def _job(self) -> str:
        """The job of the round, open; a new one when that of an earlier try takes no more batches."""
        if not self._is_open:
            if not self._round.job or self._api.state(self._round.job) != "Open":
                self._round.job = self._api.create(
                    self._desk.settings.object,
                    self._stage.operation,
                    self._stage.key if self._stage.operation == "upsert" else "",
                    serial=self._round.api == "bulk1-serial",
                )
            self._is_open = True
        return self._round.job

    def _added(self, job: str, body: bytes) -> str:
        pauses = self._desk.pauses()
        for attempt in range(1, _ATTEMPTS + 1):
            self._desk.requests += 1
            try:
                return self._api.add(job, body)
            except OutcomeUnknown:
                next(pauses)  # what is still on its way arrives meanwhile
                batch = self._arrived(job, body)
                if batch:
                    return batch
                if attempt == _ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    def _arrived(self, job: str, body: bytes) -> str:
        """The batch of *job* that was made of *body* and belongs to no part yet; "" when there is none.

        Raises:
            ProviderError: that cannot be told now.
        """
        known = {part.batch for part in self._round.parts}
        for batch in self._api.batches(job):
            if batch.id not in known and self._is_made_of(job, batch.id, body):
                return batch.id
        return ""

    def _is_made_of(self, job: str, batch: str, body: bytes) -> bool:
        try:
            return self._api.sent(job, batch).strip() == body.strip()
        except ProviderError as error:
            raise Transient(
                f"what batch {batch} of job {job} was made of cannot be told: {error.message}",
                hint="run the same job again; nothing is sent a second time before that is known",
            ) from error

"""Parts that travel by Bulk API 2.0: a job each, which is started only once its rows have arrived whole.

An answer that got lost on the way so leaves a job without effect, and never records twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.connectors.destinations.salesforce_codes import NOT_PROCESSED, passes, refused_as_a_whole
from reconciler.connectors.destinations.salesforce_desk import Desk
from reconciler.connectors.destinations.salesforce_journal import Part, PartState, Stage
from reconciler.connectors.destinations.salesforce_staged import Staged
from reconciler.errors import ProviderError, Transient

if TYPE_CHECKING:
    from reconciler.apis.salesforce import BulkJob, Salesforce

_UPLOADS: Final = 3


class Bulk2Channel:
    """Sends parts of one round."""

    def __init__(self, api: Salesforce, stage: Stage, staged: Staged, desk: Desk) -> None:
        self._api = api
        self._stage = stage
        self._staged = staged
        self._desk = desk

    def submit(self, part: Part) -> None:
        """Have the rows arrive whole in a job that is started. One known from before is looked at first."""
        if part.job and not self._is_without_effect(part.job):
            return
        for attempt in range(1, _UPLOADS + 1):
            self._desk.stop_if_cancelled()
            if part.job:
                self._give_up(part.job)
            key = self._stage.key if self._stage.operation == "upsert" else ""
            part.job = self._api.create(self._desk.settings.object, self._stage.operation, key)
            part.state = PartState.SENDING
            self._desk.journal.keep()  # before a row leaves
            self._desk.requests += 1
            try:
                self._api.upload(part.job, self._staged.csv(part, ordered=False))
            except Transient:
                if attempt == _UPLOADS:
                    raise
                continue  # not started, so that whatever arrived stays without effect
            self._start(part.job)
            return

    def close(self) -> None:
        """Nothing is left to be said: every job was started by itself."""

    def settle(self, part: Part) -> list[tuple[int, str]]:
        """Wait for the part's job: number and code of each row that was not taken.

        Raises:
            Permanent: no row was looked at, for what is wrong with all of them.
            Transient: not every row is accounted for.
        """
        told = self._ended(part.job)
        if told.state == "Failed" and told.processed == 0 and not passes(told.message):
            raise refused_as_a_whole(told.message, self._desk.settings.object, self._staged.columns)
        found = self._staged.found_again
        refused = found(part, self._api.failed(part.job)) if told.failed else []
        left = found(part, self._api.unprocessed(part.job)) if told.processed < part.rows else []
        if (len(refused), told.processed + len(left)) != (told.failed, part.rows):
            raise Transient(
                f"job {part.job} of Salesforce does not account for all of its {part.rows} rows: {told.processed} processed, "
                f"{told.failed} failed, of which {len(refused)} were given back, and {len(left)} not processed",
                hint="a new run of the same job reads the results again; the job is kept for seven days",
            )
        return [*refused, *((row, NOT_PROCESSED) for row, _ in left)]

    def _ended(self, job: str) -> BulkJob:
        from reconciler.apis.salesforce import ENDED  # noqa: PLC0415 - brings httpx's vocabulary along

        pauses = self._desk.pauses()
        while (told := self._api.job(job)).state not in ENDED:
            next(pauses)
        return told

    def _is_without_effect(self, job: str) -> bool:
        """Whether a job was never started: it is open, or was given up by a try that then broke off itself."""
        told = self._api.job(job)
        return told.state == "Open" or (told.state == "Aborted" and told.processed == 0)

    def _give_up(self, job: str) -> None:
        try:
            self._api.abort(job)
        except ProviderError:
            if self._api.job(job).state not in {"Open", "Aborted"}:
                raise

    def _start(self, job: str) -> None:
        try:
            self._api.start(job)
        except ProviderError:
            # Perhaps it was started and only the answer is lost; a start that arrives twice changes nothing.
            if self._api.job(job).state == "Open":
                self._api.start(job)

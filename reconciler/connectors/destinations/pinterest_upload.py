"""Members on their way into one customer list, or out of it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from reconciler.connectors.destinations.pinterest_api import AddOrRemove, AudienceApi
from reconciler.dataplane.batches import RECORD_BYTES, Batch, batches, send_in_turn
from reconciler.dataplane.ledger import Run
from reconciler.errors import Permanent, Transient
from reconciler.ports.exports import Progress

RECORDS_PER_REQUEST = 1_900
"""Pinterest documents no maximum; this is what Braze's connector sends."""

BODY_BYTES = 1_000_000
"""Nor a maximum of bytes; this is what Tealium's connector sends."""

TOO_LARGE = 413


class Uploader:
    """Sends batches to one list, one at a time as the vendor asks, and counts.

    size: members of a request. Halved, for the rest of the run, when the vendor says that a body is too large.
    total: members to send in all, for progress.
    """

    def __init__(
        self, api: AudienceApi, list_id: str, size: int, total: int, progress: Progress, cancelled: threading.Event
    ) -> None:
        self._api = api
        self._list_id = list_id
        self._size = size
        self._total = total
        self._progress = progress
        self._cancelled = cancelled
        self._sent = 0
        self.requests = 0

    def carry_out(self, run: Run) -> None:
        """Send what *run* says, removals first: who opted out is gone even when a limit stops the run half way.

        Raises:
            ProviderError: the vendor refused or did not answer; the run keeps how far it got.
        """
        try:
            send_in_turn(
                batches(run.remove, self._size), lambda batch: self._send(batch, self._api.remove, run.removed)
            )
            send_in_turn(batches(run.add, self._size), lambda batch: self._send(batch, self._api.add, run.added))
        except BaseException:
            run.stop()
            raise
        run.finish()

    def _send(self, batch: Batch, act: AddOrRemove, confirm: Callable[[int], None]) -> None:
        if batch.count > self._size:
            for half in batch.halves():
                self._send(half, act, confirm)
            return
        if self._cancelled.is_set():
            raise Transient(
                f"the run was cancelled after {self._sent} of {self._total} members",
                hint="a new run goes on from there",
            )
        try:
            self.requests += 1
            act(self._list_id, batch.records)
        except Permanent as error:
            if error.status != TOO_LARGE or batch.count == 1:
                raise
            self._size = (batch.count + 1) // 2
            self._progress(self._sent, self._total, f"requests are too large; going on with {self._size} members each")
            self._send(batch, act, confirm)
            return
        confirm(batch.count)
        self._sent += batch.count
        self._progress(self._sent, self._total)


def batch_size(limit: int | None) -> int:
    """Members of a request for the setting `limit_records_per_request`, as far as a body may grow."""
    return min(limit or RECORDS_PER_REQUEST, BODY_BYTES // RECORD_BYTES)

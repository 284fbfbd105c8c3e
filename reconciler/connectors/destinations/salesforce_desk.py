"""What everybody who works on one export to Salesforce shares: the journal, time, and the wish to stop."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from reconciler.connectors.destinations.salesforce_journal import Journal
from reconciler.dataplane.workspace import Workspace
from reconciler.errors import Transient
from reconciler.ports.clock import Clock
from reconciler.ports.exports import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.connectors.destinations.salesforce_settings import SalesforceSettings

LONGEST_PAUSE_S: Final = 30.0
"""Between two looks at a job. Every look is a request of the org's daily allowance."""


class Desk:
    """One run's. requests: writes made to Salesforce so far."""

    def __init__(
        self,
        settings: SalesforceSettings,
        journal: Journal,
        workspace: Workspace,
        clock: Clock,
        progress: Progress,
        cancelled: threading.Event,
    ) -> None:
        self.settings = settings
        self.journal = journal
        self.workspace = workspace
        self.progress = progress
        self.requests = 0
        self._clock = clock
        self._cancelled = cancelled

    @property
    def folder(self) -> Path:
        """Where the run's rows are."""
        return self.journal.folder

    def wait(self, seconds: float) -> None:
        """Wait, unless somebody wants the run to stop.

        Raises:
            Transient: somebody does.
        """
        self.stop_if_cancelled()
        self._clock.sleep(seconds)

    def pauses(self) -> Iterator[None]:
        """Wait before each further step: a second at first, then ever longer."""
        wait_s = 1.0
        while True:
            self.wait(wait_s)
            yield
            wait_s = min(wait_s * 1.5, LONGEST_PAUSE_S)

    def stop_if_cancelled(self) -> None:
        """Stop here when somebody wants that.

        Raises:
            Transient: somebody does.
        """
        if self._cancelled.is_set():
            raise Transient("the run was cancelled", hint="a new run of the same job goes on from there")

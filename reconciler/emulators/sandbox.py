"""A Pinterest on this machine: for tests in a thread, for people as ``tdr sandbox``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType

from reconciler.emulators.pinterest.app import ACCOUNTS, PREFIX, Pinterest
from reconciler.emulators.pinterest.knobs import Knobs
from reconciler.emulators.pinterest.objects import Account
from reconciler.emulators.pinterest.tokens import AppCredentials
from reconciler.emulators.standing import Standing
from reconciler.emulators.timeline import Timeline


class Sandbox(Standing):
    """Answers at `base_url` while the context is open; `control` reaches what the API does not show.

    port: 0 takes any free one. *timeline* and the rest go to `Pinterest`.

    Raises:
        TdrError: the port or the state file cannot be used.
    """

    def __init__(
        self,
        credentials: AppCredentials,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        accounts: Iterable[Account] = ACCOUNTS,
        knobs: Knobs | None = None,
        timeline: Timeline | None = None,
        state_file: Path | None = None,
    ) -> None:
        """Take the port and read the state file; calls are answered once the context is open."""
        self._pinterest = Pinterest(
            credentials, accounts=accounts, knobs=knobs, timeline=timeline, state_file=state_file
        )
        try:
            super().__init__(self._pinterest.asgi, host=host, port=port)
        except BaseException:
            self._pinterest.close()
            raise
        self.base_url += PREFIX

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._pinterest.close()

    def run(self, announce: Callable[[str], None]) -> None:
        """As `Standing.run`; what happened is saved at its end."""
        try:
            super().run(announce)
        finally:
            self._pinterest.close()


def serve(
    credentials: AppCredentials,
    *,
    announce: Callable[[str], None],
    host: str = "127.0.0.1",
    port: int = 8765,
    knobs: Knobs | None = None,
    state_file: Path | None = None,
) -> None:
    """Run a sandbox until SIGINT or SIGTERM. *announce* hears its base URL when it listens.

    Raises:
        TdrError: the port or the state file cannot be used.
    """
    Sandbox(credentials, host=host, port=port, knobs=knobs, state_file=state_file).run(announce)

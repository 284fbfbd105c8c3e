"""An Intercom on this machine: for tests in a thread, for people as ``tdr sandbox --vendor intercom``."""

from __future__ import annotations

from reconciler.emulators.intercom.app import Intercom
from reconciler.emulators.intercom.knobs import Knobs
from reconciler.emulators.standing import Standing
from reconciler.emulators.timeline import Timeline


class IntercomSandbox(Standing):
    """Answers at `base_url` while the context is open; `intercom` is what answers, `control` its other end over HTTP.

    port: 0 takes any free one. token: the access token that is good.

    Raises:
        TdrError: the port cannot be used.
    """

    def __init__(
        self,
        token: str,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        knobs: Knobs | None = None,
        timeline: Timeline | None = None,
    ) -> None:
        """Take the port; calls are answered once the context is open."""
        self.intercom = Intercom(token=token, knobs=knobs, timeline=timeline)
        super().__init__(self.intercom.asgi, host=host, port=port)

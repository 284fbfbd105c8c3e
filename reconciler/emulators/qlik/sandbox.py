"""A tenant of Qlik Cloud on this machine: for tests in a thread, for people as ``tdr sandbox --vendor qlik``."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.emulators.qlik.app import QlikCloud
from reconciler.emulators.qlik.knobs import Knobs
from reconciler.emulators.standing import Standing
from reconciler.emulators.timeline import Timeline


class QlikSandbox(Standing):
    """Answers at `base_url` while the context is open; `tenant` is what answers, `control` its other end over HTTP.

    port: 0 takes any free one. *key*, *clients*, *knobs* and *timeline* go to `QlikCloud`.

    Raises:
        TdrError: the port cannot be used.
    """

    def __init__(
        self,
        key: str,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        clients: Mapping[str, str] | None = None,
        knobs: Knobs | None = None,
        timeline: Timeline | None = None,
    ) -> None:
        """Take the port; calls are answered once the context is open."""
        self.tenant = QlikCloud(key=key, clients=clients, knobs=knobs, timeline=timeline)
        super().__init__(self.tenant.asgi, host=host, port=port)

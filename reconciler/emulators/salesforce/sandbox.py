"""A Salesforce org on this machine: for tests in a thread, for people as ``tdr sandbox --vendor salesforce``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from starlette.types import ASGIApp

from reconciler.emulators.salesforce.app import Salesforce
from reconciler.emulators.salesforce.knobs import Knobs
from reconciler.emulators.salesforce.schema import OBJECTS, SObject
from reconciler.emulators.salesforce.sessions import Credentials
from reconciler.emulators.standing import Standing
from reconciler.emulators.timeline import Timeline
from reconciler.model.json import Json


class SalesforceSandbox(Standing):
    """Answers at `base_url`, which is login and instance, while the context is open.

    `org` is what answers; `control` is its other end over HTTP: faults, knobs, time, locks.
    port: 0 takes any free one. door: what stands between the network and the org, such as somebody who notes what passes.

    Raises:
        TdrError: the port cannot be used.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        objects: Iterable[SObject] = OBJECTS,
        knobs: Knobs | None = None,
        timeline: Timeline | None = None,
        door: Callable[[ASGIApp], ASGIApp] | None = None,
    ) -> None:
        """Take the port; calls are answered once the context is open."""
        self.org = Salesforce(credentials, objects=objects, knobs=knobs, timeline=timeline)
        app = self.org.asgi if door is None else door(self.org.asgi)
        super().__init__(app, host=host, port=port)

    def put(self, object_name: str, *rows: Mapping[str, Json]) -> list[str]:
        """Records that are there already; returns their ids.

        Raises:
            ValueError: a row is not taken.
        """
        told: list[str] = self.control.call("POST", f"/records/{object_name}", {"rows": list(rows)})["ids"]
        return told

    def records(self, object_name: str, *, deleted: bool = False) -> list[dict[str, Json]]:
        """The records of an object, oldest first, with Id and what is not null."""
        query = "?deleted=true" if deleted else ""
        told: list[dict[str, Json]] = self.control.call("GET", f"/records/{object_name}{query}")["records"]
        return told

    def alter(
        self, object_name: str, fields: Mapping[str, Mapping[str, Json] | None] | None = None, **rights: bool
    ) -> None:
        """An administrator changes fields of an object, None taking one away, or what the user may do to its records."""
        self.control.call("PATCH", f"/objects/{object_name}", {"fields": fields or {}, **rights})

    def hide(self, object_name: str) -> None:
        """The user may not see the object any more."""
        self.control.call("DELETE", f"/objects/{object_name}")

    def lock(self, field: str, value: str, times: int = 1, *, unless_serial: bool = False) -> None:
        """Rows whose *field* holds *value* (``*`` is any) answer UNABLE_TO_LOCK_ROW so often.

        unless_serial: only where the batches of their job go at the same time.
        """
        told = {"field": field, "value": value, "times": times, "unless_serial": unless_serial}
        self.control.call("POST", "/locks", told)

    def rule(self, field: str, value: str, message: str = "not here") -> None:
        """A validation rule refuses rows whose *field* holds *value*, with FIELD_CUSTOM_VALIDATION_EXCEPTION."""
        self.control.call("POST", "/rules", {"field": field, "value": value, "message": message})

    def lift_rules(self) -> None:
        """Take all validation rules away."""
        self.control.call("DELETE", "/rules")

    def break_next(self, rows: int, message: str) -> None:
        """The next job or batch commits *rows* rows, then fails with *message*, such as ``Timeout : ...``."""
        self.control.call("POST", "/breakages", {"rows": rows, "message": message})

    def session(self) -> str:
        """The id of a new session."""
        return str(self.control.call("POST", "/sessions")["session_id"])

    def logins(self) -> list[str]:
        """How somebody tried to log in, let in or not, oldest first: ``grant_type`` of OAuth without its namespace, or ``soap``."""
        told: list[str] = self.control.call("GET", "/")["logins"]
        return told

    def calls(self) -> dict[str, int]:
        """API calls so far by route, such as ``GET /jobs/{kind}/{job}``."""
        told: dict[str, int] = self.control.call("GET", "/")["calls"]["routes"]
        return told

"""Adobe's ways to say no. Codes are ``<number>-<http status>``; the body around them is not published and a knob."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from starlette.responses import JSONResponse

from reconciler.emulators.adobe.knobs import Knobs


class Refused(Exception):
    """The call has no effect and is answered with *code*, whose end is the HTTP status."""

    def __init__(
        self, code: str, message: str, *, status: int | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        """Hold what the client will read. *status*: where it is not the end of *code*."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status or int(code.rpartition("-")[2])
        self.headers = dict(headers or {})

    def response(self, knobs: Knobs) -> JSONResponse:
        """The answer."""
        body = {
            "title": self.message,
            "status": self.status,
            knobs.code_member: f"{knobs.code_prefix}{self.code}",
            "message": self.message,
        }
        return JSONResponse(body, self.status, {"x-request-id": uuid.uuid4().hex, **self.headers})


def invalid(message: str) -> Refused:
    """400 for a body that nothing can be done with; the number is assumed."""
    return Refused("1413-400", message)


def not_there(what: str) -> Refused:
    """404."""
    return Refused("1101-404", f"The requested resource is not found. Error from flow provider: {what} does not exist.")


def limited(reset_s: int) -> Refused:
    """429; the number is assumed."""
    return Refused("1429-429", "Too many requests.", headers={"Retry-After": str(reset_s)})


def passing(state: str) -> Refused:
    """400 while a flow is on its way to another state."""
    return Refused("1420-400", f"The flow is in state {state} and cannot be changed now.")

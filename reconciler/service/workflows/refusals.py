"""Errors in the shape of the workflow API: ``{"message": "…", "status": 404}``. Source: digdag's server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.service.answers import ApiError


class WorkflowError(ApiError):
    """A refusal. *answer* is a body that is told in its place, as an attempt that exists already is."""

    def __init__(self, status: int, message: str, answer: Mapping[str, Any] | None = None) -> None:
        """Hold the status and the sentence the client will show."""
        super().__init__(status, message)
        self._answer = answer

    def body(self) -> dict[str, Any]:
        """As the server of digdag tells it."""
        return {"message": self.message, "status": self.status} if self._answer is None else dict(self._answer)


def unknown(what: str, which: object) -> WorkflowError:
    """404: there is no such *what*."""
    return WorkflowError(404, f"{what} does not exist: {which}")


def bad(message: str) -> WorkflowError:
    """400: the request, or the project in it, cannot be used."""
    return WorkflowError(400, message)

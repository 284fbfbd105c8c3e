"""What is found in a specification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem. *at* is the path of the member, such as ``attributes.paginationParams.limitValue``, or ``text``."""

    severity: Literal["error", "warning"]
    at: str
    message: str
    hint: str = ""


class Refused(Exception):
    """A specification, or what is put into it, cannot be used; *finding* says why."""

    def __init__(self, at: str, message: str, hint: str = "") -> None:
        self.finding = Finding("error", at, message, hint)
        super().__init__(message)

"""What is found in a specification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem.

    at: the path of the member, such as ``attributes.paginationParams.limitValue``, or ``text``. line, column: where the text is
    no text of a specification, from 1; 0 where *at* says it.
    """

    severity: Literal["error", "warning"]
    at: str
    message: str
    hint: str = ""
    line: int = 0
    column: int = 0


class Refused(Exception):
    """A specification, or what is put into it, cannot be used; *finding* says why."""

    def __init__(self, at: str, message: str, hint: str = "", line: int = 0, column: int = 0) -> None:
        self.finding = Finding("error", at, message, hint, line, column)
        super().__init__(message)

"""What a document finds fault with, for tools that show findings at their places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.errors import TdrError

LEVELS = {"error": "error", "warning": "warning", "notice": "note"}
"""Severity of a finding -> its level in SARIF."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault.

    level: ``error``, ``warning`` or ``note``.
    file: relative to the project, "" when it is not about a file; line and column count from 1, 0 when not known.
    subject: the address concerned, or "".
    """

    rule: str
    level: str
    message: str
    hint: str = ""
    subject: str = ""
    file: str = ""
    line: int = 0
    column: int = 0

    @property
    def told(self) -> str:
        """Message and hint in one."""
        return f"{self.message}\n{self.hint}" if self.hint else self.message


def problems(document: Mapping[str, Any]) -> list[Problem]:
    """Everything that *document* finds fault with, in its order.

    Raises:
        TdrError: it is of a kind that judges nothing.
    """
    match document["format"]:
        case "tdr.validation":
            return [_finding(one) for one in document["diagnostics"]]
        case "tdr.plan":
            return list(_of_plan(document))
        case "tdr.drift":
            return list(_of_drift(document))
        case "tdr.error":
            return [Problem(document["error"], "error", document["message"], document["hint"])]
        case "tdr.run":
            return list(_of_run(document))
        case name:
            raise TdrError(
                f"a document of the format {name!r} judges nothing", hint="show it as text, json or markdown"
            )


def _finding(one: Mapping[str, Any]) -> Problem:
    return Problem(
        one["rule"],
        LEVELS[one["severity"]],
        one["message"],
        one["hint"],
        one["subject"],
        one["file"] or "",
        one["line"] or 0,
        one["column"] or 0,
    )


def _of_plan(document: Mapping[str, Any]) -> Iterator[Problem]:
    places = {change["address"]: place(change["source"]) for change in document["changes"]}
    for gate in document["gates"]:
        for address in gate["addresses"] or ("",):
            yield Problem(
                f"gate/{gate['rule']}", "error", gate["message"], gate["hint"], address, *places.get(address, ())
            )
    for change in document["changes"]:
        address, at = change["address"], places[change["address"]]
        for risk in change.get("risk", ()):
            yield Problem(f"risk/{risk.partition(':')[0]}", "warning", f"{address}: {risk}", "", address, *at)
        if change["actions"] == ["undecided"]:
            yield Problem("undecided", "error", f"{address}: {change['note']}", "", address, *at)
    yield from (_finding(one) for one in document["warnings"])


def _of_drift(document: Mapping[str, Any]) -> Iterator[Problem]:
    levels = {"drifted": "warning", "missing": "error", "unknown": "error"}
    for entry in document["resources"]:
        verdict = entry["verdict"]
        if verdict not in levels:
            continue
        names = ", ".join(field["path"] for field in entry["fields"])
        told = ": ".join(filter(None, (f"{entry['address']} {verdict}", names or entry["note"])))
        yield Problem(f"drift/{verdict}", levels[verdict], told, "", entry["address"], *place(entry["source"]))
    for one in document.get("unlisted", ()):
        yield Problem("drift/unlisted", "error", f"{one['where']}: {one['why']}")
    yield from (_finding(one) for one in document.get("warnings", ()))


def _of_run(document: Mapping[str, Any]) -> Iterator[Problem]:
    for one in document["results"]:
        if one["status"] != "done":
            level = "warning" if one["status"] == "skipped" else "error"
            message = f"{one['address']} ({one['action']}): {one['message']}"
            yield Problem(f"run/{one['status']}", level, message, one["hint"], one["address"])
    yield from (Problem("run/unsettled", "warning", f"does not settle: {line}") for line in document["unsettled"])


def place(source: str) -> tuple[str, int, int]:
    """File, line and column of ``file:line`` or ``file:line:column``; a part that is missing is "" or 0."""
    file, numbers = source, list[int]()
    while (parted := file.rpartition(":"))[2].isdecimal() and len(numbers) < 2:
        file = parted[0]
        numbers.insert(0, int(parted[2]))
    line, column = (*numbers, 0, 0)[:2]
    return file, line, column

"""What forges read from a job: GitHub's annotations, GitLab's code quality report, and GitLab's counts of a plan.

Sources: GitHub, "Workflow commands for GitHub Actions", "Setting an error message"; its runner takes ``%25``, ``%0D`` and ``%0A``
for ``%`` and line ends, and in properties ``%3A`` and ``%2C`` for ``:`` and ``,``. GitLab, "Code Quality", "Code Quality report
format", and "Terraform integration in merge requests", whose own counts take a replacement for both a create and a delete.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from reconciler.errors import TdrError
from reconciler.reports.characters import visible
from reconciler.reports.problems import Problem, problems

_COMMANDS: Final = {"error": "error", "warning": "warning", "note": "notice"}
_SEVERITIES: Final = {"error": "major", "warning": "minor", "note": "info"}
_SETTINGS: Final = "tdr.yaml"
"""Where a finding stands that is about no file: GitLab shows none without a place."""
_COUNTED: Final[Mapping[str, tuple[str, ...]]] = {
    "create": ("create",),
    "update": ("update",),
    "adopt": ("update",),
    "pause": ("update",),
    "resume": ("update",),
    "disable": ("update",),
    "replace": ("create", "delete"),
    "delete": ("delete",),
}
"""Action -> what GitLab counts it as; what only the state learns of is nothing there."""


def workflow_commands(document: Mapping[str, Any], below: str = "") -> str:
    """A line for each finding, which GitHub's runner makes an annotation of; "" for none.

    below: where the project is in its repository, such as ``shop/``; "" where it is the repository.
    """
    return "".join(f"{_annotation(one, below)}\n" for one in problems(document))


def code_quality(document: Mapping[str, Any], below: str = "") -> str:
    """The findings as a JSON list. *below*: as for `workflow_commands`. Ends with a line break."""
    import orjson  # noqa: PLC0415 - not for what is read by people

    seen: Counter[str] = Counter()
    entries = [_entry(one, below, seen) for one in problems(document)]
    return orjson.dumps(entries, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def plan_counts(document: Mapping[str, Any], below: str = "") -> str:
    """What a plan creates, updates and deletes, as one line of JSON.

    Raises:
        TdrError: there is no plan. Zeros would say that nothing changes.
    """
    del below  # counts have no place
    if document["format"] != "tdr.plan":
        raise TdrError("there is no plan to count", hint="mend what kept it from being made, and plan again")
    counts = dict.fromkeys(("create", "update", "delete"), 0)
    for action, count in document["summary"].items():
        for name in _COUNTED.get(action, ()):
            counts[name] += count
    return "{" + ", ".join(f'"{name}": {count}' for name, count in counts.items()) + "}\n"


REPORTS: Final[Mapping[str, Callable[[Mapping[str, Any], str], str]]] = {
    "github": workflow_commands,
    "codequality": code_quality,
    "terraform": plan_counts,
}
"""Name of a report -> what makes it."""


def _annotation(one: Problem, below: str) -> str:
    told = {"file": f"{below}{one.file}"} if one.file else {}
    if one.file and one.line:
        told["line"] = str(one.line)
        told |= {"col": str(one.column)} if one.column else {}
    told["title"] = f"tdr: {one.rule}"
    properties = ",".join(f"{name}={_property(value)}" for name, value in told.items())
    return f"::{_COMMANDS[one.level]} {properties}::{_data(visible(one.told))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(visible(text)).replace(":", "%3A").replace(",", "%2C")


def _entry(one: Problem, below: str, seen: Counter[str]) -> dict[str, Any]:
    # Without the line, which moves with what is written above. GitLab shows one of those that have the same.
    identity = f"{one.rule}\0{one.subject}\0{one.file}\0{one.message}"
    seen[identity] += 1
    return {
        "description": visible(" ".join(one.told.split())),
        "check_name": one.rule,
        "fingerprint": hashlib.sha256(f"{identity}\0{seen[identity]}".encode()).hexdigest()[:32],
        "severity": _SEVERITIES[one.level],
        "location": {"path": f"{below}{one.file or _SETTINGS}", "lines": {"begin": max(one.line, 1)}},
    }

"""Documents as JUnit XML, which pipelines show as tests: a resource each, or a finding each.

There is no schema that all readers share; this keeps to `testsuites`, `testsuite`, `testcase`, `failure`, `error` and
`system-out` with the attributes that GitLab, Jenkins and GitHub's common actions read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from reconciler.reports import text
from reconciler.reports.characters import visible
from reconciler.reports.problems import Problem, place, problems
from reconciler.reports.values import moved

# What XML 1.0 has no way to write, beyond the control characters.
_NEVER = re.compile(r"[\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Case:
    """One test. *faults* make it fail; *out* is what a reader may want to see of it."""

    group: str
    name: str
    file: str = ""
    faults: tuple[Problem, ...] = ()
    out: str = ""

    @property
    def is_error(self) -> bool:
        """Whether all that is wrong with it is that nobody knows what holds."""
        return bool(self.faults) and all(fault.rule in _NOT_KNOWN for fault in self.faults)


_NOT_KNOWN = frozenset({"undecided", "drift/unknown", "drift/unlisted", "run/unknown"})
"""Rules of what could not be found out, rather than found to be wrong."""


def document(source: Mapping[str, Any]) -> str:
    """One suite. Ends with a line break."""
    cases = list(_cases(source))
    errors = sum(one.is_error for one in cases)
    failed = sum(bool(one.faults) for one in cases) - errors
    counts = f'tests="{len(cases)}" failures="{failed}" errors="{errors}"'
    kind = str(source["format"]).removeprefix("tdr.")
    name = f"tdr {kind} {source['environment']}" if source.get("environment") else f"tdr {kind}"
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites {counts}>",
        f"  <testsuite name={_attribute(name)} {counts} timestamp={_attribute(source['created_at'])}>",
        *(line for one in cases for line in _case(one)),
        "  </testsuite>",
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _cases(source: Mapping[str, Any]) -> Iterator[Case]:
    found = problems(source)
    match source["format"]:
        case "tdr.plan":
            yield from _of_resources(source["changes"], found, {"gate", "undecided"}, text.change_lines)
        case "tdr.drift":
            yield from _of_resources(source["resources"], found, {"drift"}, _moved)
        case "tdr.run":
            yield from _of_resources(source["results"], found, {"run"}, lambda one: [one["message"]])
        case "tdr.validation":
            for one in found:
                where = f"{one.line}:{one.column} {one.rule}" if one.line else one.rule
                is_fault = one.level == "error"
                out = "" if is_fault else one.told
                yield Case(one.file or "manifests", where, one.file, (one,) if is_fault else (), out)
            if not found:
                yield Case("manifests", "valid")
        case name:
            yield Case(str(name), str(source.get("command", name)), "", tuple(found))


def _of_resources(resources: Any, found: list[Problem], failing: set[str], lines_of: Any) -> Iterator[Case]:
    """A case for each resource with what is remarked of it, then one for each fault that is about none."""
    faults: dict[str, list[Problem]] = {}
    remarks: dict[str, list[str]] = {}
    for one in found:
        if one.rule.partition("/")[0] in failing:
            faults.setdefault(one.subject, []).append(one)
        else:
            remarks.setdefault(one.subject, []).append(one.told)
    for resource in resources:
        address = str(resource["address"])
        is_quiet = resource.get("actions") == ["noop"]
        out = "\n".join([*remarks.get(address, ()), *(() if is_quiet else lines_of(resource))])
        file = place(resource.get("source", ""))[0]
        yield Case(address.partition("/")[0], address, file, tuple(faults.pop(address, ())), out)
    for subject, left in faults.items():
        for one in left:
            yield Case("tdr", subject or one.rule, "", (one,))


def _moved(entry: Mapping[str, Any]) -> Iterator[str]:
    for field in entry["fields"]:
        yield from moved(field["path"], field["applied"], field["found"])


def _case(one: Case) -> Iterator[str]:
    file = f" file={_attribute(one.file)}" if one.file else ""
    head = f"    <testcase classname={_attribute(one.group)} name={_attribute(one.name)}{file}"
    if not one.faults and not one.out:
        yield f"{head}/>"
        return
    yield f"{head}>"
    if one.faults:
        # One of them, for that is all that readers take.
        tag = "error" if one.is_error else "failure"
        kinds = _attribute(", ".join(dict.fromkeys(fault.rule for fault in one.faults)))
        message = _attribute("; ".join(fault.message for fault in one.faults))
        told = "\n".join(fault.told for fault in one.faults)
        yield f"      <{tag} type={kinds} message={message}>{_content(told)}</{tag}>"
    if one.out:
        yield f"      <system-out>{_content(one.out)}</system-out>"
    yield "    </testcase>"


def _attribute(value: str) -> str:
    return quoteattr(_content_of(value), {"\n": "&#10;", "\t": "&#9;"})


def _content(value: str) -> str:
    return escape(_content_of(value))


def _content_of(value: str) -> str:
    return _NEVER.sub("\ufffd", visible(value))

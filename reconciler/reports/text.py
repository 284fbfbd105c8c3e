"""Documents as text for a terminal: complete without colour, stable when piped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.model.secret import OF_ANOTHER_KEY
from reconciler.reports import leaving, schedules
from reconciler.reports.collections import entries_that_differ
from reconciler.reports.partial import partial
from reconciler.reports.values import aligned, counted, dotted, is_long, show, text_changes

SYMBOLS = {
    "create": "+",
    "update": "~",
    "pause": "~",
    "resume": "~",
    "replace": "-/+",
    "delete": "-",
    "disable": "-",
    "adopt": "»",
    "forget": "∅",
    "move": "→",
    "undecided": "?",
}
WORDS = {
    "create": "create",
    "update": "update in place",
    "pause": "pause",
    "resume": "resume",
    "replace": "replace",
    "delete": "delete",
    "disable": "disable",
    "adopt": "adopt",
    "forget": "forget",
    "move": "move",
    "undecided": "undecided",
}
# Deletes and replacements first: what takes something away must not be the part nobody scrolls to.
ORDER = ("delete", "disable", "replace", "undecided", "pause", "update", "resume", "create", "adopt", "move", "forget")

_NO_TIMINGS: Mapping[str, Any] = {"entries": ()}
"""Of plans saved before they told schedules."""


def plan(document: Mapping[str, Any], *, verbose: bool = False) -> str:
    """A plan as a reader wants it: gates, what goes, what changes, what comes, a summary. Ends with a line break.

    verbose: also name what stays as it is.
    """
    changes: Sequence[Mapping[str, Any]] = document["changes"]
    doing = [change for change in changes if change["actions"] != ["noop"]]
    lines: list[str] = [_headline(document)]
    if doing:
        lines.append(
            f"Plan {document['plan_digest']}, from serial {document['base']['serial']} of the state{checkout(document)}"
        )
    lines += banners(document)
    if not doing and not document["gates"]:
        nothing = f"No changes. {counted(sum(document['summary'].values()), 'resource')} as declared."
        quiet = [*lines, nothing, *staying(changes, verbose=verbose), *warning_lines(document)]
        return "\n".join(quiet + _requests(document, verbose=verbose)) + "\n"
    for gate in document["gates"]:
        lines += _gate(gate)
    if document["gates"]:
        lines.append("")
    lines += leaving.lines(document.get("egress", ()))
    timings = timings_of(document)
    for action in ORDER:
        for change in doing:
            if change["actions"] == [action]:
                lines += [*change_lines(change), *timings.get(change["address"], ()), ""]
    lines += staying(changes, verbose=verbose)
    lines += warning_lines(document)
    lines += _requests(document, verbose=verbose)
    lines.append(summary_line(document))
    return "\n".join(lines) + "\n"


def _requests(document: Mapping[str, Any], *, verbose: bool) -> list[str]:
    """How many requests each vendor was sent for it, when *verbose*."""
    told = ", ".join(f"{vendor} {count}" for vendor, count in document.get("api_calls", {}).items())
    return [f"Requests: {told}"] if verbose and told else []


def staying(changes: Sequence[Mapping[str, Any]], *, verbose: bool) -> list[str]:
    """What stays as it is: by name when *verbose*, else what there is to say of it."""
    quiet = [change for change in changes if change["actions"] == ["noop"]]
    named = [f"  {change['address']}  unchanged" for change in quiet] if verbose else []
    return named + [f"  {change['address']}: {change['note']}" for change in quiet if change.get("note")]


def _headline(document: Mapping[str, Any]) -> str:
    accounts = ", ".join(f"{vendor} {account}" for vendor, account in document["base"]["accounts"].items())
    return f"Environment {document['environment']}" + (f" ({accounts})" if accounts else "")


def checkout(document: Mapping[str, Any]) -> str:
    """``, commit 1a2b3c…`` for the end of a line, or "" when nobody knows the commit."""
    if not document.get("commit"):
        return ""
    return f", commit {document['commit'][:12]}{' with changes that are not committed' if document['dirty'] else ''}"


def banners(document: Mapping[str, Any]) -> Iterator[str]:
    """What a reader must know of how the plan was made."""
    if not document["complete"]:
        yield from partial("plan", document.get("partial"))
    if not document.get("refreshed", True):
        yield "! remote not read: what was last applied stands for what is there"


def _gate(gate: Mapping[str, Any]) -> Iterator[str]:
    yield f"! {gate['rule']}: {gate['message']}"
    if gate["hint"]:
        yield f"    {gate['hint']}"
    if gate.get("approve"):
        yield f"    or, if it is meant: {gate['approve']} --reason WHY"


def warning_lines(document: Mapping[str, Any]) -> list[str]:
    """What else the reader should know, but for what is told with a schedule."""
    entries = document.get("schedules", _NO_TIMINGS)["entries"]
    beside = {(notice["rule"], notice["message"]) for entry in entries for notice in entry["notices"]}
    return [
        line
        for warning in document.get("warnings", ())
        if (warning["rule"], warning["message"]) not in beside  # told with the schedule that changes
        for line in (
            f"{warning['severity']}: {warning['message']}",
            *([f"    {warning['file']}:{warning['line']}:{warning['column']}"] if warning["file"] else []),
            *(f"    {line}" for line in warning["hint"].splitlines()),
        )
    ]


def timings_of(document: Mapping[str, Any]) -> dict[str, list[str]]:
    """Address -> what its schedule will do, by meaning."""
    entries = document.get("schedules", _NO_TIMINGS)["entries"]
    return {entry["address"]: list(schedules.lines(entry)) for entry in entries}


def change_lines(change: Mapping[str, Any]) -> Iterator[str]:
    """One resource: what is done to it, where it is written, and its fields."""
    action = change["actions"][0]
    title = f"{SYMBOLS[action]} {change['address']}"
    made_by = f"  by the first run of {change['made_by']}" if change.get("made_by") else ""
    if change.get("moved_to"):
        title += f" → {change['moved_to']}"
    yield f"{title:<48} {WORDS[action]:<16} [{change['reason']}]{made_by}"
    if change["source"]:
        yield f"    {change['source']}"
    if change.get("note"):
        yield f"    {change['note']}"
    if risks := [code for code in change.get("risk", ()) if "_egress:" not in code]:
        yield f"    risk: {', '.join(risks)}"
    resolved = change.get("resolved")
    if resolved:
        yield f"    resolved to {resolved['mode']}: {resolved['evidence']}"
        for number, step in enumerate(resolved["steps"], 1):
            yield f"      {number}. {step}"
    for field in change["fields"]:
        yield from _field(field, is_new=action == "create")


def _field(field: Mapping[str, Any], *, is_new: bool) -> Iterator[str]:
    name = dotted(field["path"])
    release = f": tdr {field['introduced_in']} says it so" if field.get("introduced_in") else ""
    origin = "" if is_new or field["origin"] == "config" else f"   [{field['origin']}{release}]"
    before, after = field["before"], field["after"]
    if field["sensitive"]:
        symbol = "+" if is_new or before is None else "-" if after is None else "~"
        yield f"  {symbol} {name:<22} {secret(before, after)}"
    elif is_long(before) or is_long(after):
        yield f"  {'+' if before is None else '~'} {name}:{origin}"
        yield from (f"      {line}" for line in text_changes(before, after))
    elif isinstance(before, list) and isinstance(after, list):
        yield f"  ~ {name}:{origin}"
        yield from (f"      {line}" for line in entries_that_differ(before, after))
    elif is_new or before is None:
        yield f"  + {name:<22} {show(after)}{origin}"
    else:
        yield f"  ~ {name:<22} {show(before)} → {show(after)}{origin}"
    if "applied" in field:
        yield f"      conflict: {conflict(field['applied'])}"


def conflict(applied: object) -> str:
    """What a field was that both sides left since."""
    if is_long(applied) or isinstance(applied, list):
        return "the vendor and the manifest both left what was last applied; `tdr explain` shows all three"
    return f"the vendor and the manifest both left what was last applied, {show(applied)}"


def secret(before: object, after: object) -> str:
    """What is told of a secret: never a value. *before*: None where there was none; *after*: None where it goes."""
    match before:
        case None:
            return "(secret set)"
        case _ if after is None:
            return "(secret taken away)"
        case str() if before == OF_ANOTHER_KEY:
            return "(secret cannot be compared: fingerprinted with another key)"
        case _:
            return "(secret changed)"


def summary_line(document: Mapping[str, Any]) -> str:
    """How much of what, where it comes from, and the digest."""
    summary: Mapping[str, int] = document["summary"]
    parts = [f"{summary.get(action, 0)} to {action}" for action in ("create", "update", "delete")]
    parts += [
        f"{summary[action]} to {action}"
        for action in ("replace", "adopt", "move", "disable", "forget", "pause", "resume")
        if summary.get(action)
    ]
    undecided = f" {summary['undecided']} undecided." if summary.get("undecided") else ""
    origins: Mapping[str, int] = document.get("origins", {})
    # What comes from the manifests alone is what a reader expects.
    told = ", ".join(f"{count} from {origin.replace('_', ' ')}" for origin, count in origins.items())
    from_where = f" {told}." if set(origins) - {"config"} else ""
    return f"Plan: {', '.join(parts)}.{undecided}{from_where} {document['plan_digest'][:15]}"


def run(document: Mapping[str, Any]) -> str:
    """What an apply did. Ends with a line break."""
    lines = [f"approved: {one['rule']} by {one['who']}: {one['reason']}" for one in document.get("approvals", ())]
    for result in document["results"]:
        if result["status"] == "done":
            continue
        message = result["message"].removeprefix(f"{result['address']}: ")  # errors name it, and so does this line
        lines.append(f"{result['status']}: {result['address']} ({result['action']}): {message}")
        if result["hint"]:
            lines.append(f"    {result['hint']}")
    lines += [f"does not settle: {text}" for text in document["unsettled"]]
    summary = document["summary"]
    counts = ", ".join(f"{count} {status}" for status, count in summary.items()) or "nothing to do"
    lines.append(f"Apply{' interrupted' if document['interrupted'] else ''}: {counts}.")
    return "\n".join(lines) + "\n"


def diagnostics(document: Mapping[str, Any]) -> str:
    """Findings with place, source line and hint. Ends with a line break, or is empty when there are none."""
    blocks = []
    for finding in document["diagnostics"]:
        head = f"{finding['severity']}[{finding['rule']}]: {finding['message']}"
        lines = [head]
        if finding["file"]:
            lines.append(f"  --> {finding['file']}:{finding['line']}:{finding['column']}")
        elif finding["subject"]:
            lines.append(f"  --> {finding['subject']}")
        lines += [f"   | {line}" for line in finding["frame"].splitlines()]
        if finding["hint"]:
            lines.append(f"  hint: {finding['hint']}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n" if blocks else ""


def validation(document: Mapping[str, Any]) -> str:
    """What `validate` found. Ends with a line break."""
    found = diagnostics(document)
    errors = document["summary"]["errors"]
    where, agreed = ("", ", as far as the vendors can tell") if document.get("online") else (" in the manifests", "")
    verdict = f"The manifests are valid{agreed}." if not errors else f"{counted(errors, 'error')}{where}."
    overlays = [
        f"  {one['address']} {one['path']}  {one['file']}:{one['line']}:{one['column']}" for one in document["overlays"]
    ]
    told = ["The environment says otherwise:", *overlays] if overlays else []
    return (found + "\n" if found else "") + "\n".join([verdict, *told]) + "\n"


def error(document: Mapping[str, Any]) -> str:
    """Why a command did not come to a result. Ends with a line break."""
    hint = f"hint: {document['hint']}\n" if document["hint"] else ""
    return f"error: {document['message']}\n{hint}"


def table(document: Mapping[str, Any]) -> str:
    """Any other document: its plain values by name, its lists as columns. Ends with a line break."""
    lines: list[str] = []
    for name, value in document.items():
        if name in HEADING:
            continue
        if isinstance(value, list) and value and all(isinstance(row, Mapping) for row in value):
            lines += _columns(value)
        elif isinstance(value, Mapping):
            lines += [f"{name}:", *(f"  {key}: {show(item)}" for key, item in value.items())]
        elif value not in ("", []):
            lines.append(f"{name}: {value if isinstance(value, str) else show(value)}")
    return "\n".join(lines) + "\n"


HEADING = ("format", "format_version", "tdr_version", "created_at")


def _columns(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    names = [name for name in rows[0] if any(row[name] not in ("", None) for row in rows)]
    cells = [[_cell(row[name]) for name in names] for row in rows]
    return aligned([names, *cells])


def _cell(value: object) -> str:
    return value if isinstance(value, str) else show(value)

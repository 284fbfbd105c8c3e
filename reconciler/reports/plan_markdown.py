"""A plan as a page of Markdown, such as a comment on a change request: what somebody must see is never folded or left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.reports import leaving, text
from reconciler.reports.characters import block, code, html_code, prose
from reconciler.reports.fitting import fitted
from reconciler.reports.values import counted, dotted

Change = Mapping[str, Any]

PROTECTED = ("delete", "disable", "replace", "undecided")
"""Actions whose changes are always named."""
_STAYING, _FIELDS_NEW, _FIELDS, _NAMES, _KINDS, _REPLACED = range(1, 7)
"""How many cuts take away: what stays, fields of what is new, fields of what changes, names of both with the warnings, counts by
kind in their place, and fields of what is replaced."""


def plan(document: Mapping[str, Any], *, max_chars: int | None = None, verbose: bool = False) -> str:
    """The page. Ends with a line break.

    verbose: also name what stays as it is.

    Raises:
        TdrError: gates, risks, deletes and replacements alone are longer than *max_chars*.
    """
    doing = [one for one in document["changes"] if one["actions"] != ["noop"]]
    doing.sort(key=lambda one: (text.ORDER.index(one["actions"][0]), one["address"]))
    staying = text.staying(document["changes"], verbose=verbose)
    return fitted(
        lambda cuts: "\n".join(_page(document, doing, staying, cuts)) + "\n",
        _cuts(document, doing, staying),
        max_chars,
    )


def _cuts(document: Mapping[str, Any], doing: Sequence[Change], staying: Sequence[str]) -> list[str]:
    warnings = "the warnings" if document["warnings"] else ""
    replaced = [one for one in doing if one["actions"] == ["replace"]]
    new = [one for one in doing if one["actions"] == ["create"]]
    moving = [one for one in doing if one["actions"][0] not in (*PROTECTED, "create")]
    named = len(new) + len(moving)
    with_fields = [one for one in moving if one["fields"]]
    return [
        counted(len(staying), "line") + " about what stays as it is" if staying else "",
        f"the fields of {counted(len(new), 'resource')} to create" if new else "",
        f"the fields of {counted(len(with_fields), 'other resource')}" if with_fields else "",
        " and ".join(filter(None, (f"the names of {counted(named, 'resource')}" if named else "", warnings))),
        "counts by kind" if named else "",
        f"the fields of {counted(len(replaced), 'resource')} to replace" if replaced else "",
    ]


def _page(document: Mapping[str, Any], doing: Sequence[Change], staying: Sequence[str], cuts: int) -> Iterator[str]:
    yield f"### Plan for {code(document['environment'])}: {verdict(document, doing)}"
    yield ""
    yield f"{_origin(document)}."
    if banners := list(text.banners(document)):
        yield from ("", block(banners))
    yield from _held(document)
    yield from _risks(doing)
    if document.get("egress"):
        yield from ("", "**Data that leaves**", "", block(list(leaving.lines(document["egress"]))[1:-1]))
    ours = [one for one in doing if one.get("origin") != "drift"]
    theirs = [one for one in doing if one.get("origin") == "drift"]
    yield from _changes(document, ours, "Changes", cuts)
    yield from _changes(document, theirs, "Not caused by this change", cuts)
    if staying and cuts < _STAYING:
        yield from ("", f"<details><summary>Stays as it is ({len(staying)})</summary>", "")
        yield from (block(staying), "", "</details>")
    if cuts < _NAMES and (warnings := text.warning_lines(document)):
        yield from ("", "**Warnings**", "", block(warnings))


def verdict(document: Mapping[str, Any], doing: Sequence[Change]) -> str:
    """What the plan comes to, in words; what goes is in bold. doing: its changes but those that stay."""
    if not doing:
        return "no changes"
    counts = Counter(one["actions"][0] for one in doing)
    words = ("create", "update", "delete", "replace", "adopt", "move", "disable", "forget", "pause", "resume")
    parts = [f"{counts[word]} to {word}" for word in words if counts[word] or word in words[:3]]
    parts += [f"{counts['undecided']} undecided"] if counts["undecided"] else []
    loud = [f"**{part}**" if part.split()[-1] in PROTECTED and part[0] != "0" else part for part in parts]
    return ", ".join(loud) + (", **held by a gate**" if document["gates"] else "")


def _origin(document: Mapping[str, Any]) -> str:
    accounts = [f"{prose(vendor)} {code(account)}" for vendor, account in document["base"]["accounts"].items()]
    parts = [f"Plan {code(document['plan_digest'])}", *accounts, f"serial {document['base']['serial']} of the state"]
    if document.get("commit"):
        parts.append(f"commit {code(document['commit'])}{' with uncommitted changes' if document['dirty'] else ''}")
    return ", ".join(parts)


def _held(document: Mapping[str, Any]) -> Iterator[str]:
    if document["gates"]:
        yield from ("", "**Held by gates**", "")
    for gate in document["gates"]:
        yield f"- {code(gate['rule'])}: {prose(gate['message'])}"
        if gate["hint"]:
            yield f"  <br>{prose(gate['hint'])}"
        if gate.get("approve"):
            yield f"  <br>if it is meant: {code(gate['approve'] + ' --reason WHY')}"


def _risks(doing: Sequence[Change]) -> Iterator[str]:
    risky = [one for one in doing if one.get("risk")]
    if risky:
        yield from ("", "**Risks**", "")
    for one in risky:
        yield f"- {code(one['address'])}: {', '.join(code(risk) for risk in one['risk'])}"


def _changes(document: Mapping[str, Any], changes: Sequence[Change], title: str, cuts: int) -> Iterator[str]:
    if not changes:
        return
    named = [one for one in changes if cuts < _NAMES or one["actions"][0] in PROTECTED]
    unnamed = [one for one in changes if cuts >= _NAMES and one["actions"][0] not in PROTECTED]
    yield from ("", f"**{title}** ({len(changes)})", "")
    if named:
        yield from ("| | resource | | fields | origin |", "|---|---|---|---|---|")
        yield from (_row(one, cuts) for one in named)
    if unnamed and cuts < _KINDS:
        counts = Counter((one["actions"][0], str(one["address"]).partition("/")[0]) for one in unnamed)
        yield from ("", *(f"- {text.WORDS[action]}: {n} {kind}" for (action, kind), n in sorted(counts.items())))
    timings = text.timings_of(document)
    for one in named:
        if _shows_fields(one, cuts):
            yield from _details(one, timings.get(one["address"], []))


def _shows_fields(change: Change, cuts: int) -> bool:
    match change["actions"][0]:
        case "create":
            return cuts < _FIELDS_NEW
        case action if action in PROTECTED:
            return cuts < _REPLACED and bool(change["fields"] or change.get("note"))
        case _:
            return cuts < _FIELDS


def _row(change: Change, cuts: int) -> str:
    action = change["actions"][0]
    name = code(change["address"])
    if change.get("moved_to"):
        name += f" → {code(change['moved_to'])}"
    names = [dotted(field["path"]) for field in change["fields"]]
    fields = ""
    if names and action == "create":
        fields = f"{len(names)} new"
    elif names and _shows_fields(change, cuts):
        fields = code(", ".join(names))
    elif names:
        fields = counted(len(names), "field")
    return (
        f"| {text.SYMBOLS[action]} | {name} | {text.WORDS[action]} | {fields} | {prose(change.get('origin') or '')} |"
    )


def _details(change: Change, timing: Sequence[str]) -> Iterator[str]:
    """What is done to one resource: open where something goes, else folded."""
    lines = [*text.change_lines(change), *timing]
    if change["actions"][0] in PROTECTED:
        yield from ("", block(lines))
    else:
        title = f"{html_code(change['address'])} {text.WORDS[change['actions'][0]]}"
        yield from ("", f"<details><summary>{title}</summary>", "", block(lines), "", "</details>")

"""What moved since the last apply as a page of Markdown: what is missing or could not be read is never left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.reports import drift as reports
from reconciler.reports.characters import block, code, html_code, prose
from reconciler.reports.fitting import fitted
from reconciler.reports.partial import partial
from reconciler.reports.text import warning_lines
from reconciler.reports.values import counted, dotted, moved

Entry = Mapping[str, Any]

ALWAYS = ("missing", "unknown")
"""Verdicts whose resources are always named."""
_ORDER = ("missing", "unknown", "drifted", "converging", "in_sync")
_QUIET, _UNMANAGED, _FIELDS, _NAMES = range(1, 5)
"""How many cuts take away: what is as it was, what nothing manages, fields of what moved, and names of what moved with the
warnings."""


def drift(document: Mapping[str, Any], *, max_chars: int | None = None, verbose: bool = False) -> str:
    """The page. Ends with a line break.

    verbose: also name what is as it was.

    Raises:
        TdrError: what is missing and what could not be read alone are longer than *max_chars*.
    """
    entries: list[Entry] = [one for one in document["resources"] if verbose or one["verdict"] != "in_sync"]
    entries.sort(key=lambda one: (_ORDER.index(one["verdict"]), one["address"]))
    quiet = [one for one in entries if one["verdict"] in ("in_sync", "converging")]
    drifted = [one for one in entries if one["verdict"] == "drifted"]
    unmanaged = document.get("unmanaged", ())
    last = [f"the names of {counted(len(drifted), 'resource')} that moved"] if drifted else []
    last += ["the warnings"] if document.get("warnings") else []
    cuts = [
        f"{counted(len(quiet), 'resource')} that did not move" if quiet else "",
        f"{counted(len(unmanaged), 'object')} that nothing manages" if unmanaged else "",
        f"the fields of {counted(len(drifted), 'resource')}" if drifted else "",
        " and ".join(last),
    ]
    return fitted(lambda made: "\n".join(_page(document, entries, made)) + "\n", cuts, max_chars)


def _page(document: Mapping[str, Any], entries: Sequence[Entry], cuts: int) -> Iterator[str]:
    yield f"### Drift of {code(document['environment'])}: {_verdict(document)}"
    yield ""
    yield f"Digest {code(document['digest'])}."
    if document.get("partial"):
        yield from ("", block(partial("look", document["partial"])))
    if document["summary"].get("unknown") or document.get("unlisted"):
        yield from ("", "**Not all could be read, so this is not all there may be.**")
    shown = [one for one in entries if _is_named(one, cuts)]
    if shown:
        yield from ("", "| | resource | | fields | written at |", "|---|---|---|---|---|")
        yield from (_row(one, cuts) for one in shown)
    if cuts >= _NAMES:
        kinds = Counter(str(one["address"]).partition("/")[0] for one in entries if one["verdict"] == "drifted")
        yield from ("", *(f"- {n} {kind} drifted" for kind, n in sorted(kinds.items())))
    for one in shown:
        if one["fields"] and cuts < _FIELDS:
            yield from _details(one)
    if cuts < _UNMANAGED:
        yield from _unmanaged(document)
    yield from _besides(document, cuts)


def _besides(document: Mapping[str, Any], cuts: int) -> Iterator[str]:
    """What is about no remembered resource."""
    for one in document.get("unlisted", ()):
        yield from ("", f"Cannot be listed: {prose(one['where'])}: {prose(one['why'])}")
    if cuts < _NAMES and (warnings := warning_lines(document)):
        yield from ("", "**Warnings**", "", block(warnings))
    for one in document.get("accepted", ()):
        yield from ("", f"Accepted: {code(one['address'] + one['path'])} in {code(one['file'])}")


def _verdict(document: Mapping[str, Any]) -> str:
    if document["clean"]:
        return "none"
    loud = ("drifted", *ALWAYS)
    counts = [(verdict, n) for verdict, n in document["summary"].items() if n]
    return ", ".join(
        f"**{n} {verdict}**" if verdict in loud else f"{n} {verdict.replace('_', ' ')}" for verdict, n in counts
    )


def _is_named(entry: Entry, cuts: int) -> bool:
    match entry["verdict"]:
        case "in_sync" | "converging":
            return cuts < _QUIET
        case "drifted":
            return cuts < _NAMES
        case _:
            return True


def _row(entry: Entry, cuts: int) -> str:
    names = ", ".join(dotted(field["path"]) for field in entry["fields"])
    fields = (code(names) if cuts < _FIELDS else counted(len(entry["fields"]), "field")) if names else ""
    verdict = entry["verdict"].replace("_", " ")
    note = f": {prose(entry['note'])}" if entry["note"] else ""
    place = code(entry["source"]) if entry["source"] else ""
    symbol = reports.SYMBOLS[entry["verdict"]]
    return f"| {symbol} | {code(entry['address'])} | {verdict}{note} | {fields} | {place} |"


def _details(entry: Entry) -> Iterator[str]:
    lines = [line for field in entry["fields"] for line in moved(field["path"], field["applied"], field["found"])]
    when = reports.changed(entry)
    title = html_code(entry["address"]) + (f" {prose(when)}" if when else "")
    yield from ("", f"<details><summary>{title}</summary>", "", block(lines), "", "</details>")


def _unmanaged(document: Mapping[str, Any]) -> Iterator[str]:
    found = document.get("unmanaged", ())
    if found:
        lines = [f"{one['kind']} {one['id']}  {one['name']}" for one in found]
        title = f"Nothing manages {counted(len(lines), 'object')}"
        yield from ("", f"<details><summary>{title}</summary>", "", block(lines), "", "</details>")
    shares = [f"{one['kind']}: {one['managed']} of {one['total']} managed" for one in document.get("coverage", ())]
    if shares:
        yield from ("", block(shares))

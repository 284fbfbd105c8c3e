"""What a command did, or found wrong, as a page of Markdown: what failed is never folded or left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.reports import text
from reconciler.reports.characters import block, code, prose
from reconciler.reports.fitting import fitted
from reconciler.reports.values import counted

_DONE, _SKIPPED = range(1, 3)
"""How many cuts take away: the names of what was done, and of what was skipped."""


def run(document: Mapping[str, Any], *, max_chars: int | None = None, verbose: bool = False) -> str:  # noqa: ARG001 - all is told
    """A run's page: failures, what does not settle, then what was done. Ends with a line break.

    Raises:
        TdrError: what failed is longer than *max_chars*.
    """
    counts = document["summary"]
    cuts = [
        f"the names of {counted(counts[status], 'resource')} {words}" if counts.get(status) else ""
        for status, words in (("done", "that were done"), ("skipped", "that were skipped"))
    ]
    return fitted(lambda made: "\n".join(_run(document, made)) + "\n", cuts, max_chars)


def _run(document: Mapping[str, Any], cuts: int) -> Iterator[str]:
    loud = ("failed", "unknown")
    counts = ", ".join(f"**{n} {status}**" if status in loud else f"{n} {status}" for status, n in _counts(document))
    what = str(document.get("operation", "apply")).capitalize()
    stopped = " interrupted" if document["interrupted"] else ""
    yield f"### {prose(what)} to {code(document['environment'])}{stopped}: {counts or 'nothing to do'}"
    yield ""
    yield f"Plan {code(document['plan_digest'])}, run {code(document['run'])}, exit code {document['exit_code']}."
    for one in document.get("approvals", ()):
        yield from ("", f"Approved: {code(one['rule'])} by {prose(one['who'])}: {prose(one['reason'])}")
    results: Sequence[Mapping[str, Any]] = document["results"]
    for status, title, is_shown in (
        ("failed", "Failed", True),
        ("unknown", "Unknown: the next run looks before it does anything", True),
        ("skipped", "Skipped", cuts < _SKIPPED),
    ):
        found = [one for one in results if one["status"] == status]
        if found and is_shown:
            yield from ("", f"**{title}** ({len(found)})", "", *(line for one in found for line in _result(one)))
    if document["unsettled"]:
        yield from ("", "**Does not settle**", "", block(document["unsettled"]))
    done = [f"{one['action']:<10} {one['address']}" for one in results if one["status"] == "done"]
    if done and cuts < _DONE:
        yield from ("", f"<details><summary>Done ({len(done)})</summary>", "", block(done), "", "</details>")


def _counts(document: Mapping[str, Any]) -> list[tuple[str, int]]:
    return list(document["summary"].items())


def _result(one: Mapping[str, Any]) -> Iterator[str]:
    message = one["message"].removeprefix(f"{one['address']}: ")
    yield f"- {code(one['address'])} ({prose(one['action'])}): {prose(message)}"
    if one["hint"]:
        yield f"  <br>{prose(one['hint'])}"


def validation(document: Mapping[str, Any], *, max_chars: int | None = None, verbose: bool = False) -> str:  # noqa: ARG001 - all is told
    """What `validate` found: errors in full, then the rest. Ends with a line break.

    Raises:
        TdrError: the errors alone are longer than *max_chars*.
    """
    errors = [one for one in document["diagnostics"] if one["severity"] == "error"]
    others = [one for one in document["diagnostics"] if one["severity"] != "error"]

    def render(cuts: int) -> str:
        shown = errors if cuts else [*errors, *others]
        verdict = "valid" if document["valid"] else f"**{counted(document['summary']['errors'], 'error')}**"
        lines = [f"### Manifests: {verdict}"]
        if shown:
            lines += ["", block(text.diagnostics({"diagnostics": shown}).rstrip().splitlines())]
        return "\n".join(lines) + "\n"

    return fitted(render, [f"{counted(len(others), 'warning')}" if others else ""], max_chars)


def error(document: Mapping[str, Any], *, max_chars: int | None = None, verbose: bool = False) -> str:  # noqa: ARG001 - all is told
    """Why a command did not come to a result. Ends with a line break.

    Raises:
        TdrError: it is longer than *max_chars*.
    """
    page = (
        f"### {prose(document['command'])} failed, exit code {document['exit_code']}\n\n{prose(document['message'])}\n"
    )
    if document["hint"]:
        page += f"\n{prose(document['hint'])}\n"
    return fitted(lambda _cuts: page, (), max_chars)

"""What moved, as the body of an issue: the page, what can be done about it, and a mark by which a program finds it again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.reports import drift_markdown
from reconciler.reports.characters import code

_CALLS = 20
"""Resources that commands are written for; those of the others are the same with other names."""


def body(document: Mapping[str, Any], project: str, *, max_chars: int | None = None, verbose: bool = False) -> str:
    """The body. The same drift gives the same bytes, so that an issue is edited only when something moved.

    Raises:
        TdrError: what must not be left out is longer than *max_chars*.
    """
    # Project, environment and digest are of letters that end no comment: their forms are checked where they are read.
    mark = f"<!-- tdr:drift project={project} env={document['environment']} v=1 digest={document['digest']} -->\n"
    advice = "".join(f"{line}\n" for line in _advice(document))
    left = None if max_chars is None else max_chars - len(mark) - len(advice)
    return mark + drift_markdown.drift(document, max_chars=left, verbose=verbose) + advice


def _advice(document: Mapping[str, Any]) -> Iterator[str]:
    moved = [one for one in document["resources"] if one["verdict"] in ("drifted", "missing")]
    if not moved:
        return
    yield from ("", "#### What now", "")
    for one in moved[:_CALLS]:
        yield f"- {code(one['address'])}"
        yield from (f"  - {line}" for line in _answers(document["environment"], one))
    if len(moved) > _CALLS:
        yield f"- and {len(moved) - _CALLS} more in the same ways"


def _answers(environment: str, entry: Mapping[str, Any]) -> Iterator[str]:
    address = str(entry["address"])
    yield f"put it back: {_call('apply', environment, '--target', address)}"
    if entry["verdict"] != "drifted" or not entry["source"]:
        return
    paths = [str(field["path"]) for field in entry["fields"]]
    accepted = [part for path in paths for part in ("--accept", f"{address}{path}")]
    yield f"write it into the manifest: {_call('drift', environment, *accepted)}"
    ignored = ", ".join(f"{{path: {path}, reason: …}}" for path in paths)
    yield f"leave it to others: {code(f'lifecycle: {{ignore: [{ignored}]}}')} at {code(entry['source'])}"


def _call(verb: str, environment: str, *arguments: str) -> str:
    return code(shlex.join(("tdr", verb, "--env", environment, *arguments)))

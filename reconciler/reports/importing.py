"""What an import did, as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def imported(document: Mapping[str, Any]) -> str:
    """Files, what is remembered from now on, what is left and why. Ends with a line break."""
    return "\n".join([*_lines(document), ""])


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    yield f"Environment {document['environment']}"
    for file in document["files"]:
        if document["dry_run"]:
            yield f"+ {file['path']}"
            yield from (f"    {line}" for line in file["text"].splitlines())
        else:
            yield f"+ {file['path']}  written"
    yield from (f"» {one['address']}  is object {one['id']}" for one in document["adopted"])
    for one in document["left_out"]:
        yield f"? {one['kind']} {one['id']} {one['label']!r} is left out: {one['why']}"
    yield from (f"? {one['where']}: {one['why']}" for one in document["unlisted"])
    yield from (
        f"? {address}: nothing was found at its vendor; `tdr apply` makes it" for address in document["not_found"]
    )
    for one in document["unsettled"]:
        yield f"! {one['address']}{': ' + one['path'] if one['path'] else ''}: {one['why']}"
    yield from (f"notice: {note}" for note in document["notes"])
    yield from _secrets(document)
    yield _summary(document)


def _secrets(document: Mapping[str, Any]) -> Iterator[str]:
    if document["secrets_to_set"]:
        yield "Set these, then run the same command again; nothing is remembered yet of what needs them:"
        yield from (f"  {name}" for name in document["secrets_to_set"])
    elif document["secrets"]:
        yield "Secrets cannot be read. Documents refer to these, which are taken for those in use:"
        yield from (f"  {name}" for name in document["secrets"])


def _summary(document: Mapping[str, Any]) -> str:
    left = len(document["left_out"]) + len(document["unlisted"])
    if document["dry_run"]:
        return f"Import: {len(document['files'])} files would be written, {left} left out. Nothing was changed."
    not_found = f", {len(document['not_found'])} not found" if document["not_found"] else ""
    proof = "The next plan leaves them as they are."
    if document["unsettled"]:
        proof = "The next plan would change what is marked with `!`."
    told = proof if document["adopted"] else "Nothing new is remembered."
    counts = f"{len(document['files'])} files written, {len(document['adopted'])} adopted, {left} left out{not_found}"
    return f"Import: {counts}. {told}"

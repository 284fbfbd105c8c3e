"""`dependsOn`: what a document waits for besides the documents that its fields name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from reconciler.diagnostics import did_you_mean
from reconciler.manifest.transitions import NOTHING_AT_VENDORS
from reconciler.model.address import Address
from reconciler.model.resource import Reference, Resource

KEY = "dependsOn"

Refuse = Callable[[str, str, str, str], None]
"""Told (rule, path, message, hint) of an entry that cannot be meant."""


def needed_references(
    address: Address, written: Sequence[str], declared: Collection[Address], refuse: Refuse
) -> Iterator[Reference]:
    """The references that the entries *written* in the document of *address* are, against what is *declared*."""
    if address.kind in NOTHING_AT_VENDORS:
        message = f"`{address}` is nothing at any vendor, so it waits for nothing"
        refuse("wrong-kind", f"/{KEY}", message, f"remove `{KEY}`, or write it in the documents that use it")
        return
    for index, text in enumerate(written):
        path, target = f"/{KEY}/{index}", Address.parse(text)
        if target.kind in NOTHING_AT_VENDORS:
            message = f"`{target}` is nothing at any vendor, so there is nothing to wait for"
            refuse("wrong-kind", path, message, "remove this entry")
        elif address.kind == "audience" and target.kind == "connection":
            # State remembers only addresses, and an audience is reached through the one connection among them.
            message = f"`{address}` is managed through one connection, and `{target}` stands beside it"
            refuse("wrong-kind", path, message, "name its connection in `spec.connection`, and remove this entry")
        elif target in declared:
            yield Reference(path, target)
        else:
            hint = did_you_mean(text, map(str, declared)) or f"declare `{text}` in a document, or remove this entry"
            refuse("unresolved-reference", path, f"no document declares `{text}`", hint)


def needed_besides(resource: Resource) -> list[Address]:
    """What `dependsOn` of *resource* names, sorted, each once."""
    return sorted({reference.target for reference in resource.references if reference.path.startswith(f"/{KEY}/")})

"""`tdr kinds`: what each kind can be asked for, by whom it is held, and in which versions. Needs no project."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.adoption.drafting import ORDER
from reconciler.commands.answer import Answer
from reconciler.diagnostics import did_you_mean
from reconciler.errors import UsageError
from reconciler.model.kinds import KINDS
from reconciler.model.spec import API_VERSION
from reconciler.ports.clock import rfc3339
from reconciler.ports.provider import RUNNABLE, Anew, FieldClass, KindTraits
from reconciler.reports.documents import Document, heading
from reconciler.wiring.supported import APIS, Support, supported


def kinds(only: str | None, now: float) -> Answer:
    """All kinds, or *only* one, in any case.

    Raises:
        UsageError: there is no such kind.
    """
    chosen = {name.lower(): name for name in KINDS}
    if only is not None:
        if only.lower() not in chosen:
            hint = did_you_mean(only, KINDS) or f"kinds: {', '.join(KINDS)}"
            raise UsageError(f"there is no kind {only!r}", hint=hint)
        chosen = {only.lower(): chosen[only.lower()]}
    held = [support for support in supported() if support.kind in chosen]
    rows = [
        row
        for kind, name in chosen.items()
        for row in [_held(name, support) for support in held if support.kind == kind] or [_shared(name)]
    ]
    document = heading("kinds", rfc3339(now)) | {
        "api_version": API_VERSION,
        "providers": [{"provider": name, "api": api} for name, api in sorted(APIS.items())],
        "kinds": list(rows),
    }
    return Answer(document)


def _held(name: str, support: Support) -> Document:
    traits = support.traits
    return {
        "kind": name,
        "provider": support.provider,
        "services": list(support.services),
        "verbs": list(_verbs(support.kind, traits)),
        "immutable": _immutable(traits),
        "notes": list(_notes(traits)),
    }


def _shared(name: str) -> Document:
    notes = ["nothing by itself at any vendor; others name it"]
    return {"kind": name, "provider": None, "services": [], "verbs": [], "immutable": [], "notes": notes}


def _verbs(kind: str, traits: KindTraits) -> Iterator[str]:
    if not traits.referenced:
        if not traits.made_by_people:
            yield "create"
        if not traits.fixed:
            yield "update"
        if _immutable(traits) or traits.anew is not Anew.NEVER:
            yield "replace"
        yield "delete"
    yield "adopt"
    if kind in ORDER and not traits.referenced:
        yield "import"
    if kind in RUNNABLE:
        yield "run"


def _immutable(traits: KindTraits) -> list[str]:
    return sorted(pointer for pointer, its in traits.classes.items() if its is FieldClass.IMMUTABLE)


def _notes(traits: KindTraits) -> Iterator[str]:
    if traits.referenced:
        yield "people make it at the vendor; it is looked up by its name and never written"
    if traits.verbs is not None:
        yield "the first run of an activation that writes to it makes it"
    if traits.made_by_people:
        yield "people make it at the vendor; it is taken over and kept"
    if traits.leaves:
        yield f"when one is deleted: {traits.leaves}"

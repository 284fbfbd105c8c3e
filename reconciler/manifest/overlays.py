"""Overlays of an environment: trees laid over the trees of documents, before variables and secrets are put in.

What comes of it remembers where each overlaid value is written, so that a message about it, and an edit of it, go there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from reconciler.diagnostics import Severity, did_you_mean
from reconciler.manifest.documents import document_model
from reconciler.manifest.findings import Findings, Overlaid, Place
from reconciler.manifest.pointers import pointer
from reconciler.manifest.shapes import fields_of, list_key, models_in
from reconciler.manifest.tree import Tree
from reconciler.model.address import Address

KEY = "overlays"


@dataclass(frozen=True, slots=True)
class Overlays:
    """The entries of one environment, as written at *path* of the document at *place*, unresolved."""

    findings: Findings
    entries: Mapping[str, Tree] = field(default_factory=dict)
    place: Place | None = None
    path: str = ""

    def __contains__(self, address: Address) -> bool:
        """Whether something is laid over the document of *address*."""
        return bool(self.entries) and str(address) in self.entries

    def over(self, address: Address, kind: str, tree: dict[str, Tree]) -> tuple[dict[str, Tree], Overlaid]:
        """*tree*, a document of *kind*, with the entry of *address* laid over it, and where what it changes is written.

        Raises:
            KeyError: there is none.
        """
        entry, place = self.entries[str(address)], self.place
        if place is None:
            raise KeyError(address)
        merge = _Merge()
        written = self.path + pointer(str(address))
        merged = merge.mapping(tree, entry if isinstance(entry, dict) else {}, [document_model(kind)], "", written)
        for path, source in merge.idle:
            what = f"{path.lstrip('/').replace('/', '.')} of {address}" if path else str(address)
            message = (
                f"the overlay changes nothing: {what} is so already" if path else f"the overlay of {what} is empty"
            )
            self.findings.add(
                "overlay-without-effect",
                message,
                place,
                source,
                hint="remove it",
                severity=Severity.WARNING,
                subject=str(address),
                at_key=True,
            )
        return merged, Overlaid(place, merge.written)

    def refuse_unknown(self, declared: Collection[Address]) -> None:
        """Tell of entries that are laid over nothing."""
        known = [str(address) for address in declared] if self.entries else []
        for name in self.entries:
            if name not in known and self.place is not None:
                message = f"no document declares `{name}`, over which this is laid"
                hint = did_you_mean(name, known) or "name an address, kind/name, of a document"
                self.findings.add(
                    "unknown-address", message, self.place, self.path + pointer(name), hint=hint, at_key=True
                )


@dataclass
class _Merge:
    """One merge. *written*: pointer in the merged document -> pointer where it is written. *idle*: such pairs without effect."""

    written: dict[str, str] = field(default_factory=dict)
    idle: list[tuple[str, str]] = field(default_factory=list)

    def mapping(
        self,
        base: dict[str, Tree],
        over: dict[str, Tree],
        models: Iterable[type[BaseModel]],
        path: str,
        source: str,
    ) -> dict[str, Tree]:
        """*base* with *over* laid over it. *models*: those that may describe it."""
        merged = dict(base)
        if not over:
            self.idle.append((path, source))
        fields = [found for model in models if (found := fields_of(model))]
        for key, value in over.items():
            at, written = path + pointer(key), source + pointer(key)
            known = next((names[key] for names in fields if key in names), None)
            if key not in base:
                # A null stays, so that a key that is not known is told.
                merged[key] = value
                self.written[at] = written
                if value is None and known is not None:
                    self.idle.append((at, written))
            elif value is None:
                del merged[key]
                self.written[at] = written
            else:
                merged[key] = self._value(base[key], value, known, at, written)
        return merged

    def _value(self, base: Tree, over: Tree, known: FieldInfo | None, path: str, source: str) -> Tree:
        models = list(models_in(known.annotation)) if known is not None else []
        if isinstance(base, dict) and isinstance(over, dict):
            return self.mapping(base, over, models, path, source)
        by = list_key(known) if known is not None else None
        if isinstance(base, list) and isinstance(over, list) and by is not None:
            return self._keyed(base, over, by, models, path, source)
        self.written[path] = source
        if base == over:
            self.idle.append((path, source))
        return over

    def _keyed(
        self, base: list[Tree], over: list[Tree], by: str, models: list[type[BaseModel]], path: str, source: str
    ) -> list[Tree]:
        """*base* with the entries of *over* laid over those of the same key, the others behind them."""
        merged = list(base)
        places = {_key_of(entry, by): index for index, entry in enumerate(base) if _key_of(entry, by) is not None}
        for number, entry in enumerate(over):
            written = f"{source}/{number}"
            index = places.get(_key_of(entry, by))
            before = merged[index] if index is not None else None
            if index is not None and isinstance(before, dict) and isinstance(entry, dict):
                rest = {key: value for key, value in entry.items() if key != by}
                merged[index] = self.mapping(before, rest, models, f"{path}/{index}", written)
            else:
                self.written[f"{path}/{len(merged)}"] = written
                merged.append(entry)
        return merged


def _key_of(entry: Tree, by: str) -> str | None:
    key = entry.get(by) if isinstance(entry, dict) else None
    return key if isinstance(key, str) else None

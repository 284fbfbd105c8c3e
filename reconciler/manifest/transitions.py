"""Reads `Transitions` documents and an environment's `imports`, and finds everything that cannot be meant."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from reconciler.diagnostics import did_you_mean
from reconciler.manifest.findings import Findings, Place
from reconciler.manifest.mistakes import mistakes
from reconciler.model.address import Address
from reconciler.model.spec import OnDelete
from reconciler.model.transitions import ImportEntry, Transitions, TransitionsDocument

SAME_IDS = {"activation": "query"}
"""Kinds whose objects share the ids of another kind's."""
NOTHING_AT_VENDORS = frozenset({"schedule", "sourcespec"})


@dataclass(frozen=True, slots=True)
class _Written:
    """One entry at *path* of the document at *place*. *one* is its address, *other* the id or the second address."""

    place: Place
    path: str
    one: Address
    other: str

    def position(self) -> str:
        return str(self.place.position(self.path))


@dataclass
class TransitionsReading:
    """Collects entries while documents are read; `checked` then tells them against what is declared."""

    findings: Findings
    _imports: list[_Written] = field(default_factory=list)
    _moved: list[_Written] = field(default_factory=list)
    _removed: list[_Written] = field(default_factory=list)

    def document(self, place: Place, tree: object, written: object, failed: Collection[str]) -> None:
        """Read one document. *tree* has its references replaced, *failed* are the places where that did not work."""
        try:
            content = TransitionsDocument.model_validate(tree)
        except ValidationError as error:
            for mistake in mistakes(error, TransitionsDocument, written):
                if mistake.path not in failed:
                    self.findings.add(
                        mistake.rule, mistake.message, place, mistake.path, hint=mistake.hint, at_key=mistake.at_key
                    )
            return
        self.imports(place, content.imports, "/imports")
        for index, moved in enumerate(content.moved):
            self._moved.append(_Written(place, f"/moved/{index}", Address.parse(moved.from_), moved.to))
        for index, removed in enumerate(content.removed):
            where = f"/removed/{index}"
            self._removed.append(_Written(place, where, Address.parse(removed.address), removed.on_delete))

    def imports(self, place: Place, entries: Iterable[ImportEntry], path: str) -> None:
        """Take the `imports` at *path* of a document or an environment."""
        for index, entry in enumerate(entries):
            self._imports.append(_Written(place, f"{path}/{index}", Address.parse(entry.to), entry.id))

    def checked(self, declared: Collection[Address]) -> Transitions:
        """Everything that was written, against the addresses *declared*; what cannot be meant becomes a finding."""
        for entry in self._imports:
            self._must_be_declared(entry, entry.one, "to", declared)
        self._refuse_twice(self._imports, "two-imports", "is imported twice")
        self._refuse_one_id_twice()
        moved = self._check_moves(declared)
        for entry in self._removed:
            if entry.one in declared:
                message = f"`{entry.one}` is declared, so it is not removed"
                self._add("removed-declared", message, entry, "address", "remove this entry, or the document")
        self._refuse_twice(self._removed, "two-removals", "is removed twice")
        return Transitions(
            imports={entry.one: entry.other for entry in self._imports},
            moved=moved,
            removed={entry.one: OnDelete(entry.other) for entry in self._removed},
        )

    def _add(self, rule: str, message: str, entry: _Written, key: str, hint: str) -> None:
        self.findings.add(rule, message, entry.place, f"{entry.path}/{key}", hint=hint, subject=str(entry.one))

    def _must_be_declared(self, entry: _Written, address: Address, key: str, declared: Collection[Address]) -> None:
        if address.kind in NOTHING_AT_VENDORS:
            message = f"`{address}` is nothing at any vendor, so there is nothing to take over"
            self._add("wrong-kind", message, entry, key, "remove this entry")
        elif address not in declared:
            hint = did_you_mean(str(address), map(str, declared)) or f"declare `{address}` in a document"
            self._add("unknown-address", f"no document declares `{address}`", entry, key, hint)

    def _refuse_twice(self, entries: Iterable[_Written], rule: str, what: str) -> None:
        first: dict[Address, _Written] = {}
        for entry in entries:
            before = first.setdefault(entry.one, entry)
            if before is not entry:
                key = "to" if rule == "two-imports" else "address"
                message = f"`{entry.one}` {what}: at {before.position()} and here"
                self._add(rule, message, entry, key, "keep one of the two entries")

    def _refuse_one_id_twice(self) -> None:
        first: dict[tuple[str, str], _Written] = {}
        for entry in self._imports:
            kind = SAME_IDS.get(entry.one.kind, entry.one.kind)
            before = first.setdefault((kind, entry.other), entry)
            if before.one != entry.one:
                both = f"as `{before.one}` at {before.position()} and as `{entry.one}` here"
                message = f"the object {entry.other!r} is imported {both}"
                self._add(
                    "one-id-twice", message, entry, "id", "one object is one resource: keep one of the two entries"
                )

    def _check_moves(self, declared: Collection[Address]) -> dict[Address, Address]:
        step: dict[Address, _Written] = {}
        arrived: dict[Address, _Written] = {}
        removed = {entry.one for entry in self._removed}
        for entry in self._moved:
            target = Address.parse(entry.other)
            if entry.one.kind != target.kind:
                message = f"`{entry.one}` cannot become `{target}`: the kinds differ"
                self._add("wrong-kind", message, entry, "to", "name an address of the same kind")
            if entry.one in declared:
                message = f"`{entry.one}` is still declared, so it has not moved"
                self._add("moved-declared", message, entry, "from", "remove this entry, or the document of that name")
            for key, known, place in (("from", step, entry.one), ("to", arrived, target)):
                before = known.setdefault(place, entry)
                if before is not entry:
                    message = f"`{place}` is the `{key}` of two moves: at {before.position()} and here"
                    self._add("two-moves", message, entry, key, "keep one of the two entries")
        for entry in self._moved:
            target = Address.parse(entry.other)
            if target not in step and target not in removed:
                self._must_be_declared(entry, target, "to", declared)
        return {address: end for address in step if (end := self._end_of(address, step)) is not None}

    def _end_of(self, address: Address, step: Mapping[Address, _Written]) -> Address | None:
        """Where a chain of moves ends; None when it runs in a circle, which is told once, at its first entry."""
        path = [address]
        while (entry := step.get(path[-1])) is not None:
            following = Address.parse(entry.other)
            if following in path:
                circle = path[path.index(following) :]
                if address == min(circle):
                    shown = " -> ".join(map(str, [*circle, following]))
                    self._add(
                        "moved-circle", f"moves run in a circle: {shown}", step[address], "to", "remove one of them"
                    )
                return None
            path.append(following)
        return path[-1]

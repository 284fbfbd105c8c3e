"""The records of an org, by object and id, and its recycle bin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.emulators.salesforce import ids
from reconciler.emulators.salesforce.schema import Column, SObject
from reconciler.emulators.salesforce.values import RowError
from reconciler.model.json import Json


@dataclass(slots=True)
class Record:
    """One record; *values* has what is not null, by field name. A deleted one lies in the recycle bin."""

    id: str
    values: dict[str, Json] = field(default_factory=dict)
    deleted: bool = False

    def get(self, name: str) -> Json:
        """The value of a field, null for none."""
        if name == "Id":
            return self.id
        return self.deleted if name == "IsDeleted" else self.values.get(name)


class Records:
    """All records of *objects*."""

    def __init__(self, objects: Iterable[SObject]) -> None:
        """Start without any."""
        self._first = tuple(objects)
        self.objects = {one.name.lower(): one for one in self._first}
        self._kept: dict[str, dict[str, Record]] = {one.name: {} for one in self.objects.values()}
        self._numbers = dict.fromkeys(self._kept, 0)
        self._index: dict[tuple[str, str], dict[str, set[str]]] = {}

    def clear(self) -> None:
        """Forget them, and what became of the objects; ids begin anew."""
        self.objects.clear()
        self.objects.update({one.name.lower(): one for one in self._first})
        for kept in self._kept.values():
            kept.clear()
        self._numbers = dict.fromkeys(self._kept, 0)
        self._index.clear()

    def redefine(self, sobject: SObject) -> None:
        """The object of that name is *sobject* from now on; values of fields that are gone stay where nobody sees them."""
        self.objects[sobject.name.lower()] = sobject
        for column in sobject.columns:
            self._index.pop((sobject.name, column.name), None)
            for record in self._kept[sobject.name].values():
                self._note(sobject, column, record, there=True)

    def all(self, sobject: SObject, *, deleted: bool = False) -> Iterator[Record]:
        """Those of an object, oldest first; *deleted* shows the recycle bin, too."""
        return (one for one in self._kept[sobject.name].values() if deleted or not one.deleted)

    def get(self, sobject: SObject, record_id: str) -> Record | None:
        """The record of that id, deleted or not."""
        return self._kept[sobject.name].get(record_id)

    def add(self, sobject: SObject, values: Mapping[str, Json]) -> Record:
        """A new record."""
        self._numbers[sobject.name] += 1
        made = Record(ids.numbered(sobject.prefix, self._numbers[sobject.name]))
        self._kept[sobject.name][made.id] = made
        self.change(sobject, made, values)
        return made

    def change(self, sobject: SObject, record: Record, values: Mapping[str, Json]) -> None:
        """Set what is given; null empties."""
        for name, value in values.items():
            column = sobject.column(name)
            self._note(sobject, column, record, there=False)
            if value is None:
                record.values.pop(name, None)
            else:
                record.values[name] = value
            self._note(sobject, column, record, there=True)

    def found(self, sobject: SObject, column: Column, value: str) -> list[Record]:
        """The records with that key. Case counts, unless the field is unique and says it does not."""
        if column.name == "Id":
            known = self.get(sobject, ids.read(value) or "")
            return [known] if known is not None and not known.deleted else []
        kept = self._index.get((sobject.name, column.name), {}).get(folded(column, value), set())
        named = (self._kept[sobject.name][one] for one in sorted(kept))
        return [one for one in named if not one.deleted]

    def delete(self, sobject: SObject, record: Record, *, hard: bool = False) -> None:
        """Into the recycle bin, or for good; details go with their master, lookups are emptied.

        Raises:
            RowError: something refers to it that forbids that.
        """
        children = list(self._children(sobject, record))
        for _, column, child in children:
            if column.restrict:
                message = (
                    f"Your attempt to delete the record could not be completed because it is referenced: {child.id}"
                )
                raise RowError("DELETE_FAILED", message)
        for owner, column, child in children:
            if column.cascade:
                self.delete(owner, child, hard=hard)
            else:
                self.change(owner, child, {column.name: None})
        record.deleted = True
        if hard:
            for column in sobject.columns:
                self._note(sobject, column, record, there=False)
            del self._kept[sobject.name][record.id]

    def _children(self, sobject: SObject, record: Record) -> Iterator[tuple[SObject, Column, Record]]:
        for owner in self.objects.values():
            for column in owner.columns:
                if sobject.name in column.to:
                    for child in self.all(owner):
                        if child.values.get(column.name) == record.id:
                            yield owner, column, child

    def _note(self, sobject: SObject, column: Column | None, record: Record, *, there: bool) -> None:
        """Keep the index of keys as the record is."""
        if column is None or not (column.is_key or column.unique) or column.name not in record.values:
            return
        index = self._index.setdefault((sobject.name, column.name), {})
        kept = index.setdefault(folded(column, str(record.values[column.name])), set())
        if there:
            kept.add(record.id)
        else:
            kept.discard(record.id)


def folded(column: Column, value: str) -> str:
    """*value* as keys of *column* are compared."""
    return value.lower() if (column.unique and not column.case_sensitive) or column.type == "email" else value

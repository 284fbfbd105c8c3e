"""Rows that become, change or delete records: 200 at a time, success or an error for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.emulators.salesforce import ids
from reconciler.emulators.salesforce.records import Record, folded
from reconciler.emulators.salesforce.schema import Column, SObject
from reconciler.emulators.salesforce.values import RowError, stamp, stored
from reconciler.model.json import Json

if TYPE_CHECKING:
    from reconciler.emulators.salesforce.world import World

CHUNK = 200
Row = Mapping[str, Json]
"""Values by the name of their column; null empties, and what is not there is left alone."""


class HeaderError(ValueError):
    """A column cannot be told, so that no row is looked at."""


@dataclass(frozen=True, slots=True)
class Header:
    """A column of the rows: a field, or the lookup *column* whose parent has *key*."""

    column: Column
    parent: SObject | None = None
    key: Column | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a row."""

    id: str = ""
    created: bool = False
    error: RowError | None = None


class Writer:
    """Carries out one job's operation. *key* is the field that upserts go by; *is_serial* whether nobody writes beside it."""

    def __init__(
        self, world: World, operation: str, sobject: SObject, key: Column | None, *, is_serial: bool = False
    ) -> None:
        """Write to *sobject* of *world*."""
        self._world = world
        self._operation = operation
        self._sobject = sobject
        self._key = key
        self._is_serial = is_serial
        self._headers: dict[str, Header] = {}

    def read_headers(self, names: Iterable[str]) -> None:
        """Find out what the columns are.

        Raises:
            HeaderError: one is nothing.
        """
        for name in names:
            if self._operation in {"delete", "hardDelete"} and name.lower() != "id":
                raise HeaderError("The 'delete' batch must contain only ids.")
            self._headers[name] = header_of(self._world, self._sobject, name)

    def write(self, rows: Sequence[Row]) -> list[Outcome]:
        """What becomes of each row, in their order."""
        chunks = (rows[at : at + CHUNK] for at in range(0, len(rows), CHUNK))
        return [outcome for chunk in chunks for outcome in self._chunk(chunk)]

    def _chunk(self, rows: Sequence[Row]) -> list[Outcome]:
        keys = [self._key_of(row) for row in rows]
        often = Counter(key for key in keys if key)
        outcomes = []
        for row, key in zip(rows, keys, strict=True):
            try:
                if self._operation == "upsert" and key and often[key] > 1:
                    name = self._key.name if self._key else "Id"
                    raise RowError("DUPLICATE_VALUE", f"Duplicate external id specified: {key}", name)  # noqa: TRY301
                outcomes.append(self._one(row))
            except RowError as error:
                outcomes.append(Outcome(error=error))
        return outcomes

    def _key_of(self, row: Row) -> str:
        if self._key is None:
            return ""
        value = self._value(row, self._key.name)
        return folded(self._key, str(value)) if value is not None else ""

    def _value(self, row: Row, name: str) -> Json:
        return next((value for told, value in row.items() if told.lower() == name.lower()), None)

    def _one(self, row: Row) -> Outcome:
        target = self._target(row)
        self._check_right(is_new=target is None)
        self._world.check_lock(self._sobject, row, target, is_serial=self._is_serial)
        if self._operation in {"delete", "hardDelete"}:
            if target is None:
                raise RowError("MISSING_ARGUMENT", "Id not specified in a delete call")
            self._world.records.delete(self._sobject, target, hard=self._operation == "hardDelete")
            return Outcome(target.id)
        values = self._values(row, is_new=target is None)
        self._world.check_rules(values)
        self._check_unique(values, target)
        now = stamp(datetime.fromtimestamp(self._world.timeline.now(), UTC))
        if target is not None:
            self._world.records.change(self._sobject, target, {**values, "SystemModstamp": now})
            return Outcome(target.id)
        missing = [one.name for one in self._sobject.columns if one.is_required and values.get(one.name) is None]
        if missing:
            names = ", ".join(missing)
            raise RowError("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{names}]", *missing)
        made = {**self._defaults(), **values, "CreatedDate": now, "SystemModstamp": now}
        return Outcome(self._world.records.add(self._sobject, made).id, created=True)

    def _check_right(self, *, is_new: bool) -> None:
        """Refuse what the user may not do to any record of the object."""
        if self._operation in {"delete", "hardDelete"}:
            may = self._sobject.deletable
        else:
            may = self._sobject.createable if is_new else self._sobject.updateable
        if not may:
            raise RowError("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")

    def _target(self, row: Row) -> Record | None:
        """The record that the row is about; None for a new one."""
        told = self._value(row, "Id")
        if self._operation == "insert":
            if told is not None:
                raise RowError("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", "Id")
            return None
        if self._operation == "upsert" and self._key is not None and self._key.name != "Id":
            return self._by_key(self._key, self._value(row, self._key.name))
        if told is None:
            if self._operation == "upsert":
                return None
            raise RowError("MISSING_ARGUMENT", f"Id not specified in an {self._operation} call")
        return self._by_id(str(told))

    def _by_id(self, text: str) -> Record:
        record_id = ids.read(text)
        if record_id is None or not record_id.startswith(self._sobject.prefix):
            raise RowError("MALFORMED_ID", f"{self._sobject.name} ID: id value of incorrect type: {text}", "Id")
        found = self._world.records.get(self._sobject, record_id)
        if found is None:
            raise RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if found.deleted and self._operation != "hardDelete":
            raise RowError("ENTITY_IS_DELETED", "entity is deleted")
        return found

    def _by_key(self, key: Column, value: Json) -> Record | None:
        if value is None:
            raise RowError("MISSING_ARGUMENT", f"{key.name} not specified", key.name)
        found = self._world.records.found(self._sobject, key, str(value))
        if len(found) > 1:
            ids_found = ", ".join(one.id for one in found)
            message = f"{key.name}: more than one record found for external id field: [{ids_found}]"
            raise RowError("DUPLICATE_EXTERNAL_ID", message, key.name)
        return found[0] if found else None

    def _values(self, row: Row, *, is_new: bool) -> dict[str, Json]:
        values: dict[str, Json] = {}
        for name, value in row.items():
            header = self._headers.get(name) or header_of(self._world, self._sobject, name)
            column = header.column
            if column.name == "Id":
                continue
            if not (column.createable if is_new else column.updateable):
                message = (
                    f"Unable to create/update fields: {column.name}. Please check the security settings of this field"
                )
                raise RowError("INVALID_FIELD_FOR_INSERT_UPDATE", message, column.name)
            values[column.name] = self._parent(header, value) if header.parent else self._own(column, value)
            if values[column.name] is None and column.is_required and not is_new:
                raise RowError("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{column.name}]", column.name)
        return values

    def _own(self, column: Column, value: Json) -> Json:
        kept = stored(column, value)
        if column.type != "reference" or kept is None:
            return kept
        parents = [one for name in column.to if (one := self._world.objects.get(name.lower())) is not None]
        parent = next((one for one in parents if str(kept).startswith(one.prefix)), None)
        if parent is None:
            raise RowError("MALFORMED_ID", f"{column.label} ID: id value of incorrect type: {kept}", column.name)
        found = self._world.records.get(parent, str(kept))
        if found is None or found.deleted:
            code = "ENTITY_IS_DELETED" if found else "INVALID_CROSS_REFERENCE_KEY"
            raise RowError(code, "entity is deleted" if found else "invalid cross reference id", column.name)
        return kept

    def _parent(self, header: Header, value: Json) -> Json:
        if header.parent is None or header.key is None or value is None:
            return None
        found = self._world.records.found(header.parent, header.key, str(value))
        if len(found) == 1:
            return found[0].id
        message = (
            f"Foreign key external ID: {value} not found for field {header.key.name} in entity {header.parent.name}"
        )
        raise RowError("INVALID_FIELD", message)

    def _check_unique(self, values: Mapping[str, Json], target: Record | None) -> None:
        for column in self._sobject.columns:
            value = values.get(column.name)
            if not column.unique or value is None:
                continue
            others = [one for one in self._world.records.found(self._sobject, column, str(value)) if one is not target]
            if others:
                told = f"{column.name} duplicates value on record with id: {others[0].id}"
                raise RowError("DUPLICATE_VALUE", f"duplicate value found: {told}", column.name)

    def _defaults(self) -> dict[str, Json]:
        made: dict[str, Json] = {}
        for column in self._sobject.columns:
            if column.defaulted and column.createable:
                by_type: dict[str, Json] = {"boolean": False, "reference": ids.USER_ID}
                made[column.name] = by_type.get(column.type, column.values[0] if column.values else None)
        return made


def header_of(world: World, sobject: SObject, name: str) -> Header:
    """What a column called *name* fills.

    Raises:
        HeaderError: nothing.
    """
    relationship, dot, key_name = name.partition(".")
    if not dot:
        column = sobject.column(name)
        if column is None:
            raise HeaderError(f"Field name not found : {name}")
        return Header(column)
    kind, colon, bare = relationship.rpartition(":")
    lookup = sobject.by_relationship(bare)
    if lookup is None:
        raise HeaderError(f"Unable to find relationship: {bare}")
    if colon and len(lookup.to) == 1:
        raise HeaderError(f"type is not needed for non polymorphic foreign key references: {bare}")
    target = kind if colon else lookup.to[0]
    if (len(lookup.to) > 1 and not colon) or target.lower() not in {one.lower() for one in lookup.to}:
        raise HeaderError(f"Unable to find relationship: {relationship}")
    parent = world.objects.get(target.lower())
    key = parent.column(key_name) if parent is not None else None
    if parent is None or key is None or not key.is_key:
        raise HeaderError(f"Field name not found : {name}")
    return Header(lookup, parent, key)

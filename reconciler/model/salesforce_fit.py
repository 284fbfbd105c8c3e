"""Whether a query's columns fit an object of Salesforce, judged by what describe tells of it. Pure.

Both a plan and the beginning of a run ask here. Sources: REST API guide, describe; Bulk API guide, relationship fields in a header
row; Treasure Data's page of the Salesforce export for the key of an upsert.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from reconciler.diagnostics import closest
from reconciler.model.salesforce_objects import Intent, Misfit, ObjectField, ObjectShape, OutColumn
from reconciler.model.salesforce_types import too_long, type_misfit

_MAKES: Final = frozenset({"insert", "upsert", "replace"})
_CHANGES: Final = frozenset({"upsert", "update"})
_HIDDEN: Final = "or give the user access to it: fields that a user may not see are not told"

Parents = Callable[[str], ObjectShape | None]
"""The shape of an object that a lookup points at; None where it cannot be looked at."""


def misfits(
    shape: ObjectShape, columns: Sequence[OutColumn] | None, intent: Intent, parents: Parents
) -> Iterator[Misfit]:
    """Everything that will keep rows of *columns*, which None says that nobody knows yet, from doing what *intent* says."""
    yield from _about_object(shape, intent)
    yield from _about_key(shape, columns, intent)
    if columns is None:
        return
    filled: set[str] = set()
    for column in columns:
        is_twice = column.name.lower() in filled
        filled.add(column.name.lower())
        if is_twice:
            hint = "give each column a field of its own"
            yield Misfit("column", f"column {column.name} is there twice: case makes no difference to Salesforce", hint)
        elif "." in column.name:
            yield from _about_relationship(shape, column, intent, parents)
        else:
            yield from _about_field(shape, column, intent)
    yield from _about_required(shape, columns, intent)


def _about_object(shape: ObjectShape, intent: Intent) -> Iterator[Misfit]:
    needs = {
        "insert": ("createable",),
        "upsert": ("createable", "updateable"),
        "update": ("updateable",),
        "replace": ("createable", "deletable", "queryable"),
    }[intent.operation]
    words = {
        "createable": "make",
        "updateable": "change",
        "deletable": "delete",
        "queryable": "read",
    }
    lacks = [words[name] for name in needs if not getattr(shape, name)]
    if lacks:
        yield Misfit(
            "object",
            f"the user may not {' or '.join(lacks)} records of {shape.name}, which `{intent.operation}` needs",
            "give the user's profile or permission set that right, or write another `write`",
        )


def _about_key(shape: ObjectShape, columns: Sequence[OutColumn] | None, intent: Intent) -> Iterator[Misfit]:
    key = intent.key
    if not key:
        return
    if columns is not None and not any(column.name.lower() == key.lower() for column in columns):
        yield Misfit("key", f"the query puts out no column {key}, by which records are found", f"select it AS {key}")
    field = shape.field(key)
    if field is None:
        yield Misfit("key", f"{shape.name} has no field {key}, by which records are found", _suggested(shape, key))
        return
    if intent.operation == "upsert" and not (field.external_id and field.is_custom):
        there = [one.name for one in shape.fields if one.external_id and one.is_custom]
        known = f"those of {shape.name} are: {', '.join(there)}" if there else f"{shape.name} has none yet"
        yield Misfit(
            "key",
            f"{shape.name}.{field.name} is no external id, which the key of an upsert must be",
            f"mark the field as External ID in Salesforce, or take another; {known}",
        )
    elif intent.operation == "update" and field.name != "Id" and not (field.finds_records or field.unique):
        yield Misfit(
            "key",
            f"{shape.name}.{field.name} is not unique, so that one row may find several records",
            "find records by `Id`, or by a field that is an external id or unique",
            is_certain=False,
        )


def _about_field(shape: ObjectShape, column: OutColumn, intent: Intent) -> Iterator[Misfit]:
    field = shape.field(column.name)
    if field is None:
        if column.name.lower() != intent.key.lower():
            yield Misfit(
                "column",
                f"column {column.name} is no field of {shape.name}",
                _suggested(shape, column.name),
            )
        return
    if field.name.lower() == intent.key.lower():
        long = too_long(column, field)
        if long is not None:
            yield long
        return
    unwritable = _unwritable(shape, column, field, intent)
    if unwritable is not None:
        yield unwritable
        return
    misfit = type_misfit(column, field)
    if misfit is not None:
        yield misfit


def _suggested(shape: ObjectShape, name: str) -> str:
    near = shape.nearest(name)
    return f"write `AS {near}`, if that is meant; {_HIDDEN}" if near else f"name a field of {shape.name}; {_HIDDEN}"


def _unwritable(shape: ObjectShape, column: OutColumn, field: ObjectField, intent: Intent) -> Misfit | None:
    """Why nobody can write the field with this operation, or None."""
    told = f"column {column.name}: {shape.name}.{field.name}"
    parts = [one.name for one in shape.fields if one.compound == field.name and one.name != field.name]
    if field.name == "Id":
        return Misfit("column", f"{told} cannot be written", "leave the column out, or write `update: Id`")
    makes, changes = intent.operation in _MAKES, intent.operation in _CHANGES
    may_make, may_change = not makes or field.createable, not changes or field.updateable
    if may_make and may_change:
        return None
    if field.calculated or field.auto_number:
        made = "calculated" if field.calculated else "numbered"
        return Misfit("column", f"{told} is {made} by Salesforce", "leave the column out")
    if parts and not field.createable and not field.updateable:
        return Misfit("column", f"{told} is made of other fields", f"fill those instead: {', '.join(parts)}")
    is_half = makes and changes and (field.createable or field.updateable)
    if is_half:
        written, refused = ("new", "change") if field.createable else ("existing", "make")
        return Misfit(
            "column",
            f"{told} may be written on {written} records only: rows that {refused} one are refused",
            "leave the column out, or write `insert` or `update` instead of `upsert`",
            is_certain=False,
        )
    when = "when a record is made" if makes and not changes else "when a record is changed"
    return Misfit("column", f"{told} cannot be written {when}", "leave the column out, or give the user access to it")


def _about_relationship(shape: ObjectShape, column: OutColumn, intent: Intent, parents: Parents) -> Iterator[Misfit]:
    """Of a column that names a parent by its key, such as ``Owner.Username`` or ``User:Owner.Username``."""
    front, _, key = column.name.partition(".")
    chosen, colon, relationship = front.rpartition(":")
    lookup = shape.lookup(relationship)
    if lookup is None:
        own = shape.field(relationship)
        names = [one.relationship for one in shape.fields if one.relationship]
        near = own.relationship if own is not None and own.relationship else closest(relationship, names)
        hint = f'write `AS "{near}.{key}"`' if near else "name a lookup's relationship, such as Owner or Parent__r"
        yield Misfit("column", f"column {column.name}: {shape.name} has no relationship {relationship}", hint)
        return
    unwritable = _unwritable(shape, column, lookup, intent)
    if unwritable is not None:
        yield unwritable
        return
    several = len(lookup.references) > 1
    known = ", ".join(lookup.references)
    if colon and not several:
        yield Misfit(
            "column",
            f"column {column.name}: {lookup.relationship} is always a {known}, and then Salesforce takes no type before it",
            f'write `AS "{lookup.relationship}.{key}"`',
        )
        return
    if several and not colon:
        yield Misfit(
            "column",
            f"column {column.name}: {lookup.relationship} may be one of {known}",
            f'say which: `AS "{lookup.references[-1]}:{lookup.relationship}.{key}"`',
        )
        return
    parent_name = next((one for one in lookup.references if not colon or one.lower() == chosen.lower()), None)
    if parent_name is None:
        near = closest(chosen, lookup.references) or lookup.references[0]
        hint = f'write `AS "{near}:{lookup.relationship}.{key}"`'
        yield Misfit("column", f"column {column.name}: {lookup.relationship} is no {chosen}, but one of {known}", hint)
        return
    yield from _about_parent_key(parents(parent_name), column, key)


def _about_parent_key(parent: ObjectShape | None, column: OutColumn, key: str) -> Iterator[Misfit]:
    if parent is None:
        return
    field = parent.field(key)
    if field is not None and field.finds_records:
        return
    there = [one.name for one in parent.fields if one.finds_records]
    what = "is no field" if field is None else "finds no records"
    hint = f"name one of {', '.join(there)}" if there else f"mark a field of {parent.name} as External ID in Salesforce"
    yield Misfit("column", f"column {column.name}: {key} {what} of {parent.name}", hint)


def _about_required(shape: ObjectShape, columns: Sequence[OutColumn], intent: Intent) -> Iterator[Misfit]:
    if intent.operation not in _MAKES:
        return
    filled = {column.name.lower() for column in columns}
    parents = {name.partition(".")[0].rpartition(":")[2] for name in filled if "." in name}
    missing = [
        field.name
        for field in shape.fields
        if field.required and field.name.lower() not in filled and field.relationship.lower() not in parents
    ]
    if missing:
        is_certain = intent.operation != "upsert"
        rows = "every row is refused" if is_certain else "rows that would make a record are refused"
        yield Misfit(
            "columns",
            f"{shape.name} needs {', '.join(missing)}, which the query does not put out: {rows}",
            f"select {' and '.join(f'… AS {name}' for name in missing)}",
            is_certain=is_certain,
        )

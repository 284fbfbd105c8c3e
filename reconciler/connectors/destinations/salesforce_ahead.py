"""What is known before the first row leaves: whether the columns are fields of the object, for the user who writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from reconciler.connectors.destinations.salesforce_rows import ERASING, file_sql, literal, quoted
from reconciler.diagnostics import closest
from reconciler.errors import Permanent
from reconciler.model.salesforce_fit import misfits
from reconciler.model.salesforce_objects import Intent, Misfit, ObjectField, ObjectShape, OutColumn

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from reconciler.apis.salesforce_describe import Descriptions
    from reconciler.connectors.destinations.salesforce_desk import Desk
    from reconciler.connectors.destinations.salesforce_settings import SalesforceSettings


_ROWS_NAMED: Final = 3
"""Rows that a message names by their number; the first ones show what is wrong."""


def look_ahead(org: Descriptions, desk: Desk, columns: Mapping[str, str], staged: Path) -> None:
    """Refuse what could never arrive, and tell what some rows will be refused for.

    columns: result column -> SQL type. staged: the rows, as text.

    Raises:
        Permanent: no row could be written, or some could not and none may be left out. Nothing was sent.
    """
    settings = desk.settings
    shape = org.shape(settings.object)
    if shape is None:
        near = closest(settings.object, org.names())
        hint = f"did you mean `{near}`?" if near else "custom objects end with __c"
        raise Permanent(f"nothing was sent: the org has no object {settings.object} that the user may see", hint=hint)
    longest = _longest(desk, shape, columns, staged)
    out = [OutColumn(name, kind, longest.get(name)) for name, kind in columns.items()]
    found = [*misfits(shape, out, _intent(settings), org.shape)]
    found += _outside_choices(desk, shape, columns, staged)
    if settings.mode == "truncate" and settings.hard_delete and org.may_hard_delete() is False:
        hint = "give the user the permission `Bulk API Hard Delete`, or write `replace: soft`"
        found.append(Misfit("write", "the user may not delete records for good", hint))
    stops = [one for one in found if one.is_certain or _cannot_be_left_out(one, settings)]
    if stops:
        told = "; ".join(one.message for one in stops)
        raise Permanent(f"nothing was sent: {told}", hint="; ".join(dict.fromkeys(one.hint for one in stops)))
    for one in found:
        desk.progress(0, desk.journal.rows, f"notice: {one.message}")


def _intent(settings: SalesforceSettings) -> Intent:
    return Intent("replace" if settings.mode == "truncate" else settings.operation, settings.key)


def _cannot_be_left_out(misfit: Misfit, settings: SalesforceSettings) -> bool:
    """What was measured in the rows is there for sure."""
    return misfit.is_measured and not settings.ignore_invalid_records


def _longest(desk: Desk, shape: ObjectShape, columns: Mapping[str, str], staged: Path) -> dict[str, int]:
    """Column -> characters of its longest text, of those whose field has a bound."""
    bounded = [name for name in columns if (field := shape.field(name)) is not None and field.length]
    if not bounded:
        return {}
    measured = ", ".join(f"coalesce(max(length({quoted(name)})), 0)" for name in bounded)

    def work(engine: duckdb.DuckDBPyConnection) -> tuple[int, ...]:
        [row] = engine.sql(f"SELECT {measured} FROM {file_sql(staged)}").fetchall()
        return tuple(int(one) for one in row)

    return dict(zip(bounded, desk.workspace.with_room(work), strict=True))


def _outside_choices(desk: Desk, shape: ObjectShape, columns: Mapping[str, str], staged: Path) -> list[Misfit]:
    """Columns with values that their restricted picklist does not offer, with the numbers of the first such rows.

    Case is passed over: nobody writes down whether Salesforce minds it, and a row that would arrive must not be held back.
    """
    picked = {name: field for name in columns if (field := shape.field(name)) is not None and field.choices}
    if not picked:
        return []
    strange = [f"FILTER (WHERE {_is_strange(name, field)})" for name, field in picked.items()]
    counted = ", ".join(f"count(*) {one}, min(tdr_row, {_ROWS_NAMED}) {one}" for one in strange)

    def work(engine: duckdb.DuckDBPyConnection) -> tuple[Any, ...]:
        [row] = engine.sql(f"SELECT {counted} FROM {file_sql(staged)}").fetchall()
        return tuple(row)

    told = iter(desk.workspace.with_room(work))
    return [
        _not_offered(name, field, count, first)
        for (name, field), count, first in zip(picked.items(), told, told, strict=True)
        if count
    ]


def _is_strange(name: str, field: ObjectField) -> str:
    """A condition: the row has a value in column *name* that *field* does not offer."""
    offered = ", ".join(f"lower({literal(one.strip())})" for one in field.choices)
    text = f"lower({quoted(name)})"
    # Several values of one field stand in one text.
    values = f"string_split({text}, ';')" if field.type == "multipicklist" else f"[{text}]"
    strangers = f"list_filter({values}, lambda one: trim(one) NOT IN ({offered}) AND one <> '')"
    return f"{quoted(name)} <> {literal(ERASING)} AND len({strangers}) > 0"


def _not_offered(name: str, field: ObjectField, count: int, first: Sequence[int]) -> Misfit:
    numbers = ", ".join(map(str, first)) + (", …" if count > len(first) else "")
    rows = "1 row" if count == 1 else f"{count} rows"
    told = f"column {name} has values that {field.name} does not offer, in {rows} (row {numbers})"
    hint = f"select one of the {len(field.choices)} values of the picklist AS {name}, or add to them in Salesforce"
    return Misfit("column", told, hint, is_certain=False, is_measured=True)

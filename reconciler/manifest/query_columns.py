"""Which columns a query puts out, with their types as far as its text and the declared tables tell them. Nothing is run."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from reconciler.model.queries import Engine
from reconciler.model.salesforce_objects import OutColumn

if TYPE_CHECKING:
    from sqlglot import exp

Tables = Mapping[str, Mapping[str, str]]
"""Name of a table of the query's own database, or ``database.table``, in lower case -> columns in lower case -> types."""

_BOUNDED: Final = re.compile(r"(?:N?VAR)?CHAR\(([0-9]+)\)", re.IGNORECASE)


def columns_put_out(sql: str, engine: Engine, tables: Tables) -> tuple[OutColumn, ...] | None:
    """The columns of *sql* in order; None where its text does not tell them: with ``*``, or when it does not parse."""
    import sqlglot  # noqa: PLC0415 - 120 ms that most plans must not pay
    from sqlglot import exp  # noqa: PLC0415 - as above
    from sqlglot.errors import SqlglotError  # noqa: PLC0415 - as above
    from sqlglot.optimizer.annotate_types import annotate_types  # noqa: PLC0415 - as above

    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    try:
        statement = sqlglot.parse_one(sql, read=engine.value)
        if not isinstance(statement, exp.Query) or any(one.is_star for one in statement.selects):
            return None
        if not isinstance(statement, exp.Select):
            # Of what is joined by UNION the first part gives the names, and all of them the types.
            return tuple(OutColumn(one.output_name or f"_col{number}") for number, one in enumerate(statement.selects))
        annotate_types(statement, dialect=engine.value)
    except (SqlglotError, RecursionError):
        return None
    sources = _sources(statement, tables)
    return tuple(_column(one, number, sources) for number, one in enumerate(statement.selects))


def _sources(statement: exp.Select, tables: Tables) -> dict[str, Mapping[str, str] | None]:
    """Name or alias of each source of the query -> its columns; None where nobody knows them."""
    from sqlglot import exp  # noqa: PLC0415 - as above

    made = {one.alias.lower() for one in statement.find_all(exp.CTE)}
    clauses = [statement.args.get("from_") or statement.args.get("from"), *(statement.args.get("joins") or ())]
    found: dict[str, Mapping[str, str] | None] = {}
    for clause in clauses:
        source = clause.this if clause is not None else None
        if isinstance(source, exp.Table):
            own = source.name.lower()
            name = f"{source.db.lower()}.{own}" if source.db else own
            found[source.alias_or_name.lower()] = None if name in made else tables.get(name)
        elif source is not None:
            found[source.alias_or_name.lower()] = None
    return found


def _column(selected: exp.Expr, number: int, sources: Mapping[str, Mapping[str, str] | None]) -> OutColumn:
    from sqlglot import exp  # noqa: PLC0415 - as above

    name, value = selected.output_name or f"_col{number}", selected.unalias()
    if isinstance(value, exp.Literal) and value.is_string:
        return OutColumn(name, "VARCHAR", len(value.this))
    kind = _type_of(value, sources) if isinstance(value, exp.Column) else _told(value)
    bound = _BOUNDED.fullmatch(kind)
    return OutColumn(name, kind, int(bound[1]) if bound else None, is_bound=bound is not None)


def _type_of(column: exp.Column, sources: Mapping[str, Mapping[str, str] | None]) -> str:
    """The declared type; "" where several sources may be meant, or nobody declares the one that is."""
    asked = [sources.get(column.table.lower())] if column.table else list(sources.values())
    if any(one is None for one in asked):
        return ""
    types = [one[column.name.lower()] for one in asked if one is not None and column.name.lower() in one]
    return types[0] if len(types) == 1 else ""


def _told(value: exp.Expr) -> str:
    from sqlglot import exp  # noqa: PLC0415 - as above

    kind = value.type
    if kind is None or kind.is_type(exp.DataType.Type.UNKNOWN, exp.DataType.Type.NULL):
        return ""
    return kind.sql()

"""Counts the members of a segment. Brings sqlglot and duckdb, so it is imported with the first count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.service.catalog import Catalog
from reconciler.service.cdp.rules import Matrix, members
from reconciler.service.dialect import Select, translate
from reconciler.service.engines import DuckdbTarget, prepare
from reconciler.service.warehouse import Warehouse


def count(
    rule: Mapping[str, Any], matrix: Matrix, database: str, *, catalog: Catalog, warehouse: Warehouse, now: int
) -> int:
    """How many customers in *database* the rule takes in.

    now: Unix seconds that times are measured from.

    Raises:
        RuleError: the rule cannot be read.
        TdrError: its SQL cannot be run.
    """
    sql = f"SELECT COUNT(*) AS n FROM ({members(rule, matrix, '1 AS one')}) AS found"
    statement = translate(
        sql,
        engine="trino",
        database=database,
        find_table=catalog.find_table,
        target=DuckdbTarget(catalog.find_table),
        scheduled_time=now,
    )
    if not isinstance(statement, Select):
        raise TypeError(statement)
    with warehouse.connection() as connection:
        prepare(statement.tables, catalog, warehouse, connection)
        connection.execute("SET integer_division = true")
        [(found,)] = connection.execute(statement.sql).fetchall()
    return int(found)

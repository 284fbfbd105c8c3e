"""Where Trino and Hive mean something else than DuckDB by the same words, and functions under other names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import sqlglot
from sqlglot import exp

from reconciler.errors import TdrError
from reconciler.service.td_functions import Argument, Call, translate

_Rewrite: TypeAlias = Callable[[exp.Expression], exp.Expression]

_RENAMED: Final = {"RLIKE": "regexp_matches", "ARRAYS_OVERLAP": "list_has_any", "CODEPOINT": "unicode"}
_CONSTANTS: Final = {"NAN": "CAST('nan' AS DOUBLE)", "INFINITY": "CAST('inf' AS DOUBLE)"}
_URL: Final = r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?"
# Parts of a URL as one regular expression and a group. Source: Trino's "URL functions", Hive's parse_url.
_URL_PARTS: Final = {
    "HOST": (rf"{_URL}([^/?#:]+)", 1),
    "PATH": (rf"{_URL}[^/?#]*([^?#]*)", 1),
    "PROTOCOL": (r"^([A-Za-z][A-Za-z0-9+.-]*)://", 1),
    "QUERY": (r"^[^?#]*\?([^#]*)", 1),
    "FRAGMENT": (r"#(.*)$", 1),
}


def adapt(query: exp.Query, engine: str, scheduled_time: int) -> exp.Query:
    """*query* (changed in place), whose types are known, so that DuckDB gives what *engine* would.

    Raises:
        TdrError: a function of Treasure Data that the embedded engine does not have.
    """
    for kind, rewrite in _rules(engine, scheduled_time):
        # Deepest first, so that an argument is ready when the call around it is written as text.
        for node in reversed(list(query.find_all(kind, bfs=True))):
            replacement = rewrite(node)
            if replacement is not node:
                node.replace(replacement)
    return query


def _rules(engine: str, scheduled_time: int) -> list[tuple[type[exp.Expression], _Rewrite]]:
    own: tuple[type[exp.Expression], _Rewrite] = (exp.Anonymous, lambda node: _function(node, scheduled_time))
    if engine == "hive":
        return [(exp.ParseUrl, _parse_url), own]
    dates: list[tuple[type[exp.Expression], _Rewrite]] = [
        (kind, _kept_a_date) for kind in (exp.DateAdd, exp.Add, exp.Sub, exp.DateTrunc)
    ]
    return [
        *dates,
        (exp.DateDiff, _whole_units),
        (exp.Cast, _cut_to_length),
        (exp.SHA, _bytes),
        (exp.Format, _printed),
        own,
    ]


def name_columns(query: exp.Query, engine: str) -> None:
    """Call the nameless columns of the result ``_col0``, ``_col1`` by their place, as *engine* does."""
    prefix = "_c" if engine == "hive" else "_col"
    select = query
    while isinstance(select, exp.SetOperation):
        select = select.left
    if not isinstance(select, exp.Select):
        return
    for place, column in enumerate(select.expressions):
        if not column.output_name and not column.is_star:
            column.replace(exp.alias_(column.copy(), f"{prefix}{place}"))


def _kept_a_date(node: exp.Expression) -> exp.Expression:
    """A date and whole days make a date in Trino, a timestamp in DuckDB."""
    span = node.args.get("unit") or node.expression.args.get("unit")
    if node.this.type is None or not node.this.is_type(exp.DType.DATE) or span is None:
        return node
    if span.name.upper() in {"HOUR", "MINUTE", "SECOND", "MILLISECOND"}:
        return node
    return _raw(f"CAST({node.sql(dialect='duckdb')} AS DATE)")


def _function(node: exp.Expression, scheduled_time: int) -> exp.Expression:
    name = str(node.this).upper()
    if name.startswith("TD_"):
        return _raw(translate(Call(name, [_argument(one) for one in node.expressions], scheduled_time)))
    if name in _CONSTANTS:
        return _raw(_CONSTANTS[name])
    if name in _RENAMED:
        return exp.Anonymous(this=_RENAMED[name], expressions=node.expressions)
    if name == "AT_TIMEZONE":
        moment, zone = node.expressions
        return exp.Anonymous(this="timezone", expressions=[zone, moment])
    if name.startswith("URL_EXTRACT_") and name.removeprefix("URL_EXTRACT_") in _URL_PARTS:
        return _url_part(node.expressions[0], name.removeprefix("URL_EXTRACT_"))
    return node


def _parse_url(node: exp.Expression) -> exp.Expression:
    part = node.args["part_to_extract"].name.upper()
    if part not in _URL_PARTS or node.args.get("key") is not None:
        raise TdrError(
            f"the embedded engine cannot take {part} and a key from a URL", hint=f"use one of {', '.join(_URL_PARTS)}"
        )
    return _url_part(node.this, part)


def _url_part(url: exp.Expression, part: str) -> exp.Expression:
    pattern, group = _URL_PARTS[part]
    return _raw(f"nullif(regexp_extract({url.sql(dialect='duckdb')}, '{pattern}', {group}), '')")


def _whole_units(node: exp.Expression) -> exp.Expression:
    """Trino counts whole units that passed, DuckDB's date_diff the boundaries between; date_sub counts as Trino does."""
    unit = node.args["unit"].name.lower()
    earlier, later = (one.sql(dialect="duckdb") for one in (node.args["expression"], node.this))
    return _raw(f"date_sub('{unit}', {earlier}, {later})")


def _bytes(node: exp.Expression) -> exp.Expression:
    """Trino's sha1 gives bytes, DuckDB's gives hexadecimal digits."""
    return exp.Anonymous(this="unhex", expressions=[node.copy()])


def _printed(node: exp.Expression) -> exp.Expression:
    """Trino's format is C's printf."""
    return exp.Anonymous(this="printf", expressions=[node.this.copy(), *(one.copy() for one in node.expressions)])


def _cut_to_length(node: exp.Expression) -> exp.Expression:
    """Trino's cast to varchar(n) cuts, DuckDB ignores n."""
    kind = node.args["to"]
    if kind.this not in (exp.DType.VARCHAR, exp.DType.CHAR) or not kind.expressions:
        return node
    length = kind.expressions[0].sql()
    text = exp.cast(node.this.copy(), exp.DType.TEXT)
    return exp.Anonymous(this="left", expressions=[text, exp.Literal.number(length)])


def _argument(node: exp.Expression) -> Argument:
    sql = node.sql(dialect="duckdb")
    if isinstance(node, exp.Null):
        return Argument(sql, None, is_null=True)
    if isinstance(node, exp.Literal):
        return Argument(sql, str(node.this) if node.is_string else int(float(node.this)))
    if isinstance(node, exp.Neg) and isinstance(node.this, exp.Literal) and not node.this.is_string:
        return Argument(sql, -int(float(node.this.this)))
    return Argument(sql)


def _raw(sql: str) -> exp.Expression:
    expression = sqlglot.parse_one(sql, read="duckdb")
    if not isinstance(expression, exp.Expression):
        raise TypeError(sql)
    return expression

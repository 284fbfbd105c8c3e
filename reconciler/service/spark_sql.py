"""Queries in Spark's SQL, made of the same tree that DuckDB's are made of.

`semantics` has by then written Treasure Data's functions in DuckDB's words; this module says those, and where Spark means
something else by the same words, in Spark's. It expects a session in UTC whose `TIMESTAMP` has no zone
(`spark.sql.timestampType`), and `spark.sql.ansi.enabled` for Trino but not for Hive.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import sqlglot
from sqlglot import ErrorLevel, exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify_columns import qualify_columns
from sqlglot.optimizer.qualify_tables import qualify_tables

from reconciler.errors import TdrError

_Rewrite: TypeAlias = Callable[[exp.Expression], exp.Expression]
Schema: TypeAlias = Mapping[str, Mapping[str, str]]
"""Table -> column -> type in DuckDB's words."""

_SPARK: Final = "spark"
_MONTHS: Final = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}
_SECONDS: Final = {"WEEK": 604_800, "DAY": 86_400, "HOUR": 3_600, "MINUTE": 60, "SECOND": 1}


def spark_sql(query: exp.Query) -> str:
    """*query*, adapted by `semantics` and with its types annotated, in Spark's words.

    Raises:
        TdrError: Spark has no words for a part of it.
    """
    for kind, rewrite in _RULES:
        # Deepest first, so that an argument is ready when the call around it is written.
        for node in reversed(list(query.find_all(kind, bfs=True))):
            replacement = rewrite(node)
            if replacement is not node:
                node.replace(replacement)
    try:
        return query.sql(dialect=_SPARK, comments=False, unsupported_level=ErrorLevel.RAISE)
    except SqlglotError as error:
        raise TdrError(f"Spark cannot run this SQL: {error}") from error


def know_types(query: exp.Query, dialect: str, schema: Schema) -> exp.Query:
    """*query* with the types of its expressions, as far as the columns of *schema* tell them: `/` depends on them."""
    tables = qualify_tables(query, dialect=dialect)
    columns: dict[str, object] = {name: dict(types) for name, types in schema.items()}
    qualified = qualify_columns(
        tables,
        schema=columns,
        expand_alias_refs=False,
        expand_stars=False,
        allow_partial_qualification=True,
        dialect=dialect,
    )
    return annotate_types(qualified, schema=columns, dialect=dialect)


def _zoned(node: exp.Expression) -> exp.Expression:
    zone, moment = node.expressions
    inner = moment.unnest()
    # Of what has no zone, DuckDB's function makes a moment; of a moment, what clocks showed then.
    local = isinstance(inner, exp.Cast) and inner.args["to"].this != exp.DType.TIMESTAMPLTZ
    if local:
        return _call("to_utc_timestamp", moment, zone)
    return exp.cast(_call("from_utc_timestamp", moment, zone), exp.DType.TIMESTAMPNTZ)


def _function(node: exp.Expression) -> exp.Expression:
    name = str(node.this).upper()
    if name == "TIMEZONE":
        return _zoned(node)
    if name == "TO_SECONDS":
        zero = exp.Literal.number(0)
        return _call("make_dt_interval", zero, zero.copy(), zero.copy(), *node.expressions)
    if name == "DATE_SUB" and len(node.expressions) == 3:
        unit, earlier, later = node.expressions
        return _call("timestampdiff", exp.var(str(unit.this)), earlier, later)
    if name in _RENAMED:
        return _call(_RENAMED[name], *node.expressions)
    return node


_RENAMED: Final = {"LIST_HAS_ANY": "arrays_overlap", "UNICODE": "ascii"}


def _divided(node: exp.Expression) -> exp.Expression:
    if not node.args.get("typed") and not isinstance(node, exp.IntDiv):
        return node
    left, right = node.this, node.expression
    if all(one.type is not None and one.is_type(*exp.DataType.INTEGER_TYPES) for one in (left, right)):
        return exp.IntDiv(this=left.copy(), expression=right.copy())
    return exp.Div(this=exp.cast(left.copy(), exp.DType.DOUBLE), expression=right.copy())


def _tried(node: exp.Expression) -> exp.Expression:
    inner = node.this.unnest()
    if isinstance(inner, (exp.Div, exp.IntDiv)):
        divisor = exp.Nullif(this=inner.expression.copy(), expression=exp.Literal.number(0))
        return type(inner)(this=inner.this.copy(), expression=divisor)
    if isinstance(inner, exp.Cast):
        return exp.TryCast(this=inner.this.copy(), to=inner.args["to"].copy())
    raise TdrError("Spark tries casts and divisions only", hint="write TRY_CAST, or NULLIF around what may be zero")


def _interval(node: exp.Expression) -> exp.Expression:
    unit = node.args.get("unit")
    if unit is None or node.this is None:
        return node
    name = unit.name.upper().removesuffix("S")
    count = node.this.unnest()
    if isinstance(count, exp.Literal):
        count = exp.Literal.number(str(count.this))
    if name in _MONTHS:
        return _call("make_ym_interval", exp.Literal.number(0), _times(count, _MONTHS[name]))
    if name in _SECONDS:
        zero = exp.Literal.number(0)
        return _call("make_dt_interval", zero, zero.copy(), zero.copy(), _times(count, _SECONDS[name]))
    return node


def _times(count: exp.Expression, factor: int) -> exp.Expression:
    return count.copy() if factor == 1 else exp.Mul(this=exp.paren(count.copy()), expression=exp.Literal.number(factor))


def _moment(node: exp.Expression) -> exp.Expression:
    return _call("timestamp_seconds", node.this)


def _matched(node: exp.Expression) -> exp.Expression:
    return exp.RegexpLike(this=node.this.copy(), expression=exp.Literal.string(f"^(?:{node.expression.name})$"))


def _shown(node: exp.Expression) -> exp.Expression:
    """Text by a pattern: DuckDB's are C's, Spark's are Java's, in which every other letter is quoted."""
    pattern = node.args["format"]
    if not isinstance(pattern, exp.Literal):
        raise TdrError("Spark needs the format of a time as a text literal")
    return _call("date_format", node.this, exp.Literal.string(_java(pattern.name)))


def _java(pattern: str) -> str:
    parts: list[str] = []
    literal = ""
    for match in [*_TOKEN.finditer(pattern), None]:
        token = None if match is None else match["token"]
        if match is not None and token in {None, "%%"}:
            literal += match["text"] or "%"
            continue
        if literal:
            parts.append("'" + literal.replace("'", "''") + "'")
            literal = ""
        if token is not None:
            if token not in _JAVA:
                raise TdrError(f"Spark has no pattern for {token!r} in the format of a time")
            parts.append(_JAVA[token])
    return "".join(parts)


# Source: strftime's and java.time's patterns.
_JAVA: Final = {
    "%Y": "yyyy", "%y": "yy", "%B": "MMMM", "%b": "MMM", "%m": "MM", "%-m": "M", "%d": "dd", "%-d": "d", "%H": "HH",
    "%-H": "H", "%I": "hh", "%-I": "h", "%M": "mm", "%-M": "m", "%S": "ss", "%-S": "s", "%g": "SSS", "%f": "SSSSSS",
    "%A": "EEEE", "%a": "EEE", "%p": "a", "%j": "DDD", "%-j": "D",
}  # fmt: skip
_TOKEN: Final = re.compile(r"(?P<token>%-?[A-Za-z]|%%)|(?P<text>[^%]+|%)")


def _weekday(node: exp.Expression) -> exp.Expression:
    return exp.paren(exp.Add(this=_call("weekday", node.this), expression=exp.Literal.number(1)))


def _gathered(node: exp.Expression) -> exp.Expression:
    """Trino's array_agg keeps NULLs, keeps an order it is given, and is NULL over no rows; Spark's does neither."""
    inner, order = node.this, None
    if isinstance(inner, exp.Order):
        inner, order = inner.this, inner.expressions
    if order is not None and len(order) != 1:
        raise TdrError("Spark gathers arrays in the order of one expression", hint="order by one")
    wrapped = inner.sql(dialect=_SPARK)
    if order is None:
        gathered = f"collect_list(struct({wrapped} AS v))"
    else:
        rising = str(not order[0].args.get("desc")).upper()
        gathered = (
            f"sort_array(collect_list(struct({order[0].this.sql(dialect=_SPARK)} AS k, {wrapped} AS v)), {rising})"
        )
    return _raw(f"CASE WHEN count(*) > 0 THEN transform({gathered}, one -> one.v) END")


def _cut(node: exp.Expression) -> exp.Expression:
    """A time cut to a unit has no zone when what is cut has none; Spark gives it one."""
    inner = node.this.unnest()
    zoned = isinstance(inner, exp.UnixToTime) or _is_call(inner, "timestamp_seconds")
    return node if zoned else exp.cast(node.copy(), exp.DType.TIMESTAMPNTZ)


def _whole(node: exp.Expression) -> exp.Expression:
    """Trino's truncate keeps the type of the number."""
    if node.args.get("decimals") is not None:
        return node
    number = node.this.copy()
    below = exp.LT(this=number, expression=exp.Literal.number(0))
    return _call("if", below, _call("ceil", number), _call("floor", number))


def _from_iso(node: exp.Expression) -> exp.Expression:
    return exp.cast(node.this.copy(), exp.DType.TIMESTAMPLTZ)


def _is_call(node: exp.Expression, name: str) -> bool:
    return isinstance(node, exp.Anonymous) and str(node.this).lower() == name


def _digest(node: exp.Expression) -> exp.Expression:
    """Trino's hashes are bytes, Spark's hexadecimal digits."""
    return _call("unhex", node)


def _kind(node: exp.Expression) -> exp.Expression:
    if node.this == exp.DType.TIMESTAMPTZ:
        return exp.DataType(this=exp.DType.TIMESTAMPLTZ)
    return node


def _clock(node: exp.Expression) -> exp.Expression:
    """A time of day as text, since older clusters have no type for it."""
    if node.args["to"].this != exp.DType.TIME:
        return node
    day = exp.Concat(expressions=[exp.Literal.string("1970-01-01 "), node.this.copy()])
    return _call("date_format", exp.cast(day, exp.DType.TIMESTAMPNTZ), exp.Literal.string("HH:mm:ss"))


def _call(name: str, *arguments: exp.Expression) -> exp.Expression:
    return exp.Anonymous(this=name, expressions=[one.copy() for one in arguments])


def _raw(sql: str) -> exp.Expression:
    expression = sqlglot.parse_one(sql, read=_SPARK)
    if not isinstance(expression, exp.Expression):
        raise TypeError(sql)
    return expression


_RULES: Final[list[tuple[type[exp.Expression], _Rewrite]]] = [
    (exp.Try, _tried),
    (exp.Div, _divided),
    (exp.Cast, _clock),
    (exp.DataType, _kind),
    (exp.DayOfWeekIso, _weekday),
    (exp.ArrayAgg, _gathered),
    (exp.Interval, _interval),
    (exp.SHA2Digest, _digest),
    (exp.TimestampTrunc, _cut),
    (exp.Trunc, _whole),
    (exp.FromISO8601Timestamp, _from_iso),
    (exp.RegexpFullMatch, _matched),
    (exp.TimeToStr, _shown),
    (exp.Anonymous, _function),
    (exp.UnixToTime, _moment),
]

"""Whether SQL parses, and where it stops doing so. sqlglot takes 120 ms to import, so ask only for what no run has seen."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass

from reconciler.model.queries import Engine

_UNCLOSED = re.compile(r"Missing (?P<quote>\S+) from (?P<line>\d+):(?P<column>\d+)\s*$")
_EXPECTED = re.compile(r"Expect(?:ing|ed) (?P<what>[^<]+?)(?: but got.*)?$", re.DOTALL)
_MISSING = re.compile(r"Required keyword: '\w+' missing")


@dataclass(frozen=True, slots=True)
class SqlProblem:
    """Why a text does not parse. *line* and *column* start at 1 and are of the text; *near* is the word there, or ""."""

    message: str
    line: int = 1
    column: int = 1
    near: str = ""


def sql_problem(sql: str, engine: Engine) -> SqlProblem | None:
    """The first problem of *sql*, or None when it parses. What functions and tables there are is not looked at."""
    import sqlglot  # noqa: PLC0415 - 120 ms that a run without new SQL must not pay
    from sqlglot import exp  # noqa: PLC0415 - as above
    from sqlglot.errors import ParseError, TokenError  # noqa: PLC0415 - as above

    # What it only knows by its first word it writes a warning about; that is no finding.
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    try:
        statements = [one for one in sqlglot.parse(sql, read=engine.value) if one is not None]
    except ParseError as error:
        return _unexpected(error.errors[0]) if error.errors else SqlProblem("it cannot be read")
    except TokenError as error:
        return _untokenized(sql, str(error.__cause__ or error))
    except RecursionError:
        return SqlProblem("it is nested too deep")
    if len(statements) > 1:
        return SqlProblem(f"a query is one statement, this has {len(statements)}")
    if statements and isinstance(statements[0], exp.Alias | exp.Column):
        # What begins with no keyword, such as SELEKT, is read as a name.
        return SqlProblem("it begins with no statement")
    return None


def tables_needed(sql: str, engine: Engine) -> tuple[tuple[str, str], ...]:
    """Database, or "" where the SQL names none, and name of each table that *sql* needs, sorted; none when it does not parse.

    What the query names or makes itself, the catalog's own tables and functions that give rows are left out.
    """
    import sqlglot  # noqa: PLC0415 - as in sql_problem
    from sqlglot import exp  # noqa: PLC0415 - as above
    from sqlglot.errors import SqlglotError  # noqa: PLC0415 - as above

    try:
        statement = sqlglot.parse_one(sql, read=engine.value)
    except (SqlglotError, RecursionError):
        return ()
    named = {one.alias.lower() for one in statement.find_all(exp.CTE)}
    made = {
        id(table)
        for one in statement.find_all(exp.Create, exp.Drop)
        for table in (one if isinstance(one, exp.Drop) else one.this).find_all(exp.Table)
    }
    found = set()
    for table in statement.find_all(exp.Table):
        database, name = table.db.lower(), table.name.lower()
        is_named = (
            isinstance(table.this, exp.Identifier)
            and not table.catalog
            and database != "information_schema"
            and id(table) not in made
        )
        if is_named and name and (database or name not in named):
            found.add((database, name))
    return tuple(sorted(found))


def _unexpected(error: dict[str, object]) -> SqlProblem:
    near = str(error.get("highlight") or "")
    line, end = int(str(error.get("line") or 1)), int(str(error.get("col") or 1))
    description = str(error.get("description") or "")
    if _MISSING.match(description):
        message = f"something is missing after `{near}`"
    elif expected := _EXPECTED.match(description):
        what = expected["what"].strip()
        message = (
            f"expected `{what}` at `{near}`" if not what.isalpha() or what.isupper() else f"expected {what} at `{near}`"
        )
    else:
        message = f"`{near}` is not expected here"
    return SqlProblem(message, line, max(1, end - len(near) + 1), near)


def _untokenized(sql: str, why: str) -> SqlProblem:
    """An error before there are words. Errors of this sort repeat the SQL, so only what is known of it is told."""
    found = _UNCLOSED.search(why)
    if found is None:
        return SqlProblem("a quote or a comment is not closed")
    quote, line = found["quote"], int(found["line"])
    lines = sql.split("\n")
    # The line is where the text ended or where the quote began; only a line that has one can be pointed at.
    column = lines[line - 1].find(quote) + 1 if line <= len(lines) else 0
    return SqlProblem(f"a quote {quote} is not closed", line if column else 1, column or 1)

"""A shelf in a PostgreSQL database: one table, a row an object, every write committed before it returns."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reconciler.errors import StateError, UsageError
from reconciler.model.secret import Secret
from reconciler.ports.store import KEEPS, Keeps
from reconciler.scrubbing import everything
from reconciler.stores.shelf import Kept, TakenError

if TYPE_CHECKING:
    import psycopg

_CONNECT_S = 10
_STALLED_S = 20.0
# A connection whose other end went without a word would otherwise be waited for without end.
_PATIENCE = {"connect_timeout": _CONNECT_S, "keepalives_idle": 20, "tcp_user_timeout": 60_000}
_WAIT_S = 60
# Any number that nobody else uses for an advisory lock: "tdr" in ASCII.
_MAKING_TABLES = 0x746472


class PostgresShelf:
    """Objects of *place* in the table ``objects`` of a schema, both made on first need.

    One connection, shared by the threads of this process and opened again when it breaks.
    """

    def __init__(
        self,
        connection: Secret,
        place: str,
        *,
        schema: str = "tdr",
        keeps: Keeps = KEEPS,
        stalled_s: float = _STALLED_S,
    ) -> None:
        """Use the database of *connection*, a connection text of libpq or an address ``postgresql://…``.

        place: tells the states in one table apart, such as ``shop/prod``.
        stalled_s: how long rows stay locked for a process that stands still in the middle of its writes; well below a
            lease, so that whoever takes the lock over is not kept from fencing that process out.

        Raises:
            UsageError: psycopg is not installed, or *connection* does not parse.
        """
        self._connection_text = connection
        self._place = place
        self._schema = schema
        self._stalled_s = stalled_s
        self.keeps = keeps
        self.caveat = ""
        self.where = f"{_address(connection)}, schema {schema}, {place}"
        self._mutex = threading.RLock()
        self._open: psycopg.Connection[Any] | None = None

    def get(self, key: str) -> Kept | None:
        """The object *key*, or None."""
        rows = self._run("SELECT data, version FROM {objects} WHERE place = %s AND key = %s", self._place, key)
        return Kept(bytes(rows[0][0]), str(rows[0][1])) if rows else None

    def put(self, key: str, data: bytes, expected: str | None) -> str:
        """Write *key*, if it still has the version *expected*."""
        if expected is None:
            rows = self._run(
                "INSERT INTO {objects} (place, key, data) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING RETURNING version",
                self._place,
                key,
                data,
            )
        else:
            rows = self._run(
                "UPDATE {objects} SET data = %s, version = nextval('{versions}') "
                "WHERE place = %s AND key = %s AND version = %s RETURNING version",
                data,
                self._place,
                key,
                int(expected),
            )
        if not rows:
            raise TakenError(key)
        return str(rows[0][0])

    def scan(self, prefix: str) -> Sequence[tuple[str, bytes]]:
        """Every object whose key begins with *prefix*, by key."""
        rows = self._run(
            "SELECT key, data FROM {objects} WHERE place = %s AND key >= %s AND key < %s ORDER BY key",
            self._place,
            prefix,
            _after(prefix),
        )
        return [(key, bytes(data)) for key, data in rows]

    def sizes(self, prefix: str) -> Mapping[str, int]:
        """Key -> size in bytes, by key."""
        rows = self._run(
            "SELECT key, length(data) FROM {objects} WHERE place = %s AND key >= %s AND key < %s ORDER BY key",
            self._place,
            prefix,
            _after(prefix),
        )
        return dict(rows)

    def remove(self, keys: Iterable[str]) -> None:
        """Remove objects."""
        gone = list(keys)
        if gone:
            self._run("DELETE FROM {objects} WHERE place = %s AND key = ANY(%s)", self._place, gone)

    @contextmanager
    def together(self) -> Iterator[None]:
        """One transaction; other threads of this process wait for its end."""
        import psycopg  # noqa: PLC0415 - only where state is in a database

        with self._mutex:
            try:
                with self._connected().transaction():
                    yield
            except psycopg.Error as error:
                raise self._failed(error) from error

    def close(self) -> None:
        """Close the connection."""
        with self._mutex:
            if self._open is not None:
                self._open.close()
                self._open = None

    def _run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        import psycopg  # noqa: PLC0415 - as above
        from psycopg import sql  # noqa: PLC0415 - as above

        text = sql.SQL(statement).format(
            objects=sql.Identifier(self._schema, "objects"), versions=sql.SQL(f'"{self._schema}".versions')
        )
        with self._mutex:
            try:
                cursor = self._connected().execute(text, values)
                return cursor.fetchall() if cursor.description else []
            except psycopg.Error as error:
                raise self._failed(error) from error

    def _connected(self) -> psycopg.Connection[Any]:
        import psycopg  # noqa: PLC0415 - as above

        if self._open is not None and not self._open.closed:
            return self._open
        from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415 - as above

        wanted: dict[str, Any] = {**_PATIENCE, **conninfo_to_dict(self._connection_text.reveal())}
        self._open = psycopg.connect(autocommit=True, **wanted)
        # A commit that is not on disk when it returns would be no journal.
        self._open.execute("SET synchronous_commit = on")
        self._open.execute(f"SET idle_in_transaction_session_timeout = {round(self._stalled_s * 1000)}")
        self._open.execute(f"SET statement_timeout = '{_WAIT_S}s'")
        self._make_tables(self._open)
        return self._open

    def _make_tables(self, connection: psycopg.Connection[Any]) -> None:
        """Make what is missing. Whoever may only read and write rows needs an administrator to do this once."""
        from psycopg import sql  # noqa: PLC0415 - as above

        row = connection.execute("SELECT to_regclass(%s)", (f'"{self._schema}".objects',)).fetchone()
        if row and row[0]:
            return
        name = sql.Identifier(self._schema)
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MAKING_TABLES,))
            connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(name))
            connection.execute(sql.SQL("CREATE SEQUENCE IF NOT EXISTS {}.versions").format(name))
            connection.execute(
                sql.SQL(
                    "CREATE TABLE IF NOT EXISTS {schema}.objects ("
                    'place text NOT NULL, key text COLLATE "C" NOT NULL, data bytea NOT NULL, '
                    "version bigint NOT NULL DEFAULT nextval({versions}), PRIMARY KEY (place, key))"
                ).format(schema=name, versions=sql.Literal(f'"{self._schema}".versions'))
            )

    def _failed(self, error: psycopg.Error) -> StateError:
        if self._open is not None and self._open.broken:
            self._open = None
        told = error.diag.message_primary or str(error).strip().partition("\n")[0] or type(error).__name__
        words = everything().without_known(told)
        return StateError(
            f"the state at {self.where} cannot be reached: {words}",
            hint="what was saved before is untouched; see whether the database answers, then run again",
        )


def _address(connection: Secret) -> str:
    """Host and name of the database, of a text that is otherwise secret."""
    try:
        from psycopg import Error  # noqa: PLC0415 - as above
        from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415 - as above
    except ImportError as error:
        raise UsageError(
            "state in PostgreSQL needs a driver that is not installed", hint="run: pip install 'tdr[postgres]'"
        ) from error
    try:
        parts = conninfo_to_dict(connection.reveal())
    except Error:
        # The driver's words repeat parts of the text, which may be the password.
        raise UsageError(
            "`state.connection` is no connection text of PostgreSQL",
            hint="write postgresql://USER:PASSWORD@HOST/DATABASE",
        ) from None
    host, port, database = (str(parts.get(name) or "") for name in ("host", "port", "dbname"))
    if "@" in host.removeprefix("@") + database or not re.fullmatch(r"[0-9,]*", port):
        # Where a password holds one of these, the rest of it is taken for a host, a port or a name, which would be shown.
        raise UsageError(
            "`state.connection` has its parts in the wrong places",
            hint="in postgresql://USER:PASSWORD@HOST/DATABASE, write @ : / ? # % of the password as %40 %3A %2F %3F %23 %25",
        )
    return f"postgresql {host or 'localhost'}{port and ':' + port}/{database}"


def _after(prefix: str) -> str:
    """The first key behind all that begin with *prefix*."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)

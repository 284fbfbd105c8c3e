"""What a bulk load would bring, before there is one: its columns and its first rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import TdrError
from reconciler.ports.loads import Importer, LoadRequest
from reconciler.service.answers import invalid
from reconciler.service.columns import quoted, stored, types
from reconciler.service.connections import Connections
from reconciler.service.runner import reason
from reconciler.service.warehouse import Warehouse

if TYPE_CHECKING:
    import duckdb

_PREVIEWED_ROWS: Final = 20
_ADD_TIME: Final = {"type": "add_time", "to_column": {"name": "time"}, "from_value": {"mode": "upload_time"}}
"""Gives rows the time of their import. Source: the example of td-client's `connector_guess`."""
# Types of a preview are those of Embulk, which reads sources for the vendor.
_EMBULK: Final = {"string": "string", "int": "long", "long": "long", "float": "double", "double": "double"}


class Previews:
    """Looks at sources and keeps nothing."""

    def __init__(self, connections: Connections, warehouse: Warehouse, importer: Importer) -> None:
        """Read by *importer*."""
        self._connections = connections
        self._warehouse = warehouse
        self._importer = importer

    def guess(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """*config* with the columns of its source, and a filter that gives rows a time where nothing else does.

        Raises:
            ApiError: 422 when the source cannot be read.
        """
        with self._reading(config) as relation:
            columns = [[name, stored(name, type_).type] for name, type_ in types(relation).items()]
        has_time = config["out"].get("time_column") or any(name == "time" for name, _ in columns)
        filters = config["filters"] or ([] if has_time else [_ADD_TIME])
        return {**config, "in": {**config["in"], "columns": columns}, "filters": filters}

    def preview(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The first rows of the source, with names and types of the columns.

        Raises:
            ApiError: 422 when the source cannot be read.
        """
        with self._reading(config) as relation:
            schema = [
                {"index": index, "name": name, "type": _EMBULK.get(stored(name, type_).type, "json")}
                for index, (name, type_) in enumerate(types(relation).items())
            ]
            rows = relation.limit(_PREVIEWED_ROWS).fetchall()
        return {"schema": schema, "records": [[_plain(value) for value in row] for row in rows]}

    @contextmanager
    def _reading(self, config: Mapping[str, Any]) -> Iterator[duckdb.DuckDBPyRelation]:
        try:
            request = LoadRequest(self._connections.with_settings(config["in"]), "preview", enough=_PREVIEWED_ROWS)
            with self._warehouse.scratch() as scratch:
                loaded = self._importer.read(request, scratch, _silent)
                yield scratch.sql(f"SELECT * FROM {quoted(loaded.relation)}")
        except TdrError as error:
            raise invalid(reason(error)) from error


def _silent(done: int, total: int, event: str = "") -> None:
    del done, total, event


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value if isinstance(value, str | int | float | bool | list | dict) or value is None else str(value)

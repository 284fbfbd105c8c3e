"""Loads into a Parquet file beside the same loads into a table: what becomes of one becomes of the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest
from service_world import OpenWorld, World

from reconciler.connectors.destinations.table_files import open_table_file
from reconciler.ports.exports import Progress
from reconciler.ports.loads import LoadedRows, LoadRequest

FILE = "lake/people.parquet"


class Told:
    """Brings what it is told to."""

    def __init__(self) -> None:
        self.requests: list[LoadRequest] = []
        self.key: tuple[str, ...] = ()
        self.whole = False
        self.sql = "SELECT 1 AS id"
        self.position: dict[str, Any] | None = None

    def read(self, request: LoadRequest, connection: duckdb.DuckDBPyConnection, progress: Progress) -> LoadedRows:
        self.requests.append(request)
        connection.execute(f"CREATE OR REPLACE VIEW told AS {self.sql}")
        return LoadedRows("told", self.key, self.position, ("one notice",), self.whole)


class Twins:
    """A service with two loads of one source: `table` into sales.people, `file` into a file."""

    def __init__(self, open_world: OpenWorld, project: Path, out: Mapping[str, Any]) -> None:
        self.told = Told()
        self.project = project
        self.world: World = open_world(importer=self.told, open_table_file=partial(open_table_file, project, None))
        self.world.post("/v3/database/create/sales")
        self.make("table", {"database": "sales", "table": "people", "config": {"in": {}, "out": dict(out)}})
        self.make("file", {"config": {"in": {}, "out": {"type": "files", "path": FILE, **out}}})

    def make(self, name: str, fields: Mapping[str, Any]) -> None:
        self.world.json("POST", "/v3/bulk_loads", {"name": name, **fields})

    @property
    def path(self) -> Path:
        return self.project / FILE

    def run(self, name: str = "file") -> dict[str, Any]:
        """The job of one run, ended."""
        job_id = self.world.json("POST", f"/v3/bulk_loads/{name}/jobs", {})["job_id"]
        assert self.world.service.wait(60)
        job: dict[str, Any] = self.world.get(f"/v3/job/show/{job_id}")
        return job

    def both(self, sql: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The jobs of the table and of the file that loaded what *sql* selects, a minute after those before."""
        self.world.clock.time += 60
        self.told.sql = sql
        return self.run("table"), self.run("file")

    def of_file(self) -> tuple[dict[str, str], list[list[Any]]]:
        """Columns with their types, and rows, of the file."""
        with duckdb.connect() as connection:
            found = connection.read_parquet(str(self.path))
            columns = dict(zip(found.columns, map(str, found.types), strict=True))
            return columns, [list(row) for row in found.fetchall()]

    def of_table(self) -> tuple[dict[str, str], list[list[Any]]]:
        """The same of the table, as DuckDB names types."""
        schema = orjson.loads(self.world.get("/v3/table/show/sales/people")["schema"])
        names = [*(column[0] for column in schema), "time"]
        listed = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
        types = {column[0]: DUCKDB[column[1]] for column in schema} | {"time": "BIGINT"}
        return types, self.world.rows(f"SELECT {listed} FROM people")

    def begun_at(self) -> list[dict[str, Any]]:
        """The position that each run so far was given."""
        return [dict(request.position) for request in self.told.requests]

    def position(self, name: str = "file") -> Any:
        return self.world.get(f"/v3/bulk_loads/{name}")["config_diff"]


DUCKDB = {
    "string": "VARCHAR",
    "int": "INTEGER",
    "long": "BIGINT",
    "double": "DOUBLE",
    "float": "FLOAT",
    "array<int>": "INTEGER[]",
    "array<string>": "VARCHAR[]",
}


OUTS = {
    "append": {"mode": "append"},
    "replace": {"mode": "replace"},
    "replace_on_new_data": {"mode": "replace_on_new_data"},
    "upsert": {"mode": "upsert", "key": ["id"]},
}

Open = Callable[..., Twins]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def twins(open_world: OpenWorld, project: Path) -> Open:
    def make(**out: Any) -> Twins:
        return Twins(open_world, project, out)

    return make

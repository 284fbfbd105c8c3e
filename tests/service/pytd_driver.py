"""Runs in the environment of the vendor's pandas client, not in ours: drives it once through all that applies here.

Reads TDR_SERVICE_URL and TD_API_KEY. Prints one JSON object: `told`, what the client made of each answer; `members`, what it
offers; `called`, what of that really ran; `writers`, its ways of bringing a frame into a table.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import pytd
import pytd.dbapi
import pytd.pandas_td
import pytd.writer
import trino.dbapi
from pytd.query_engine import HiveQueryEngine, PrestoQueryEngine
from pytd.table import Table
from tdclient.errors import NotFoundError

URL, KEY = os.environ["TDR_SERVICE_URL"], os.environ["TD_API_KEY"]
OFFERED = (
    pytd.Client,
    Table,
    PrestoQueryEngine,
    HiveQueryEngine,
    pytd.writer.BulkImportWriter,
    pytd.writer.InsertIntoWriter,
)
MODULES = (pytd.pandas_td, pytd.dbapi)

called: set[str] = set()


class LocalPresto(PrestoQueryEngine):
    """The client's own engine knows hosts with TLS at port 443 only; this one asks the embedded service."""

    def _connect(self) -> tuple:
        _, jobs = super()._connect()
        place = urlsplit(self.endpoint)
        statements = trino.dbapi.connect(
            host=place.hostname, port=place.port, http_scheme="http", user=self.apikey, schema=self.database
        )
        return statements, jobs


def members() -> dict[str, str]:
    """What the client offers: name of the code that runs -> name that a caller writes."""
    found = {}
    for owner in OFFERED:
        for name, member in inspect.getmembers(owner):
            function = member.fget if isinstance(member, property) else member
            if not name.startswith("_") and inspect.isfunction(function) and function.__module__.startswith("pytd."):
                # An inherited one has the name of its owner's base, and is called by that.
                found[f"{function.__module__}:{function.__qualname__}"] = function.__qualname__
    for module in MODULES:
        for name, member in vars(module).items():
            if not name.startswith("_") and inspect.isfunction(member) and member.__module__ == module.__name__:
                found[f"{module.__name__}:{member.__qualname__}"] = (
                    f"{module.__name__.removeprefix('pytd.')}.{member.__name__}"
                )
    return found


def watch(frame: FrameType, event: str, _argument: object) -> None:
    if event == "call" and (frame.f_globals.get("__name__") or "").startswith("pytd."):
        called.add(f"{frame.f_globals['__name__']}:{frame.f_code.co_qualname}")


def refusal(call: Callable[[], object]) -> str:
    try:
        call()
    except (RuntimeError, ValueError, NotFoundError, trino.exceptions.TrinoUserError) as error:
        return type(error).__name__
    return ""


def catalog(client: pytd.Client, engine: PrestoQueryEngine) -> dict[str, Any]:
    told: dict[str, Any] = {}
    client.create_database_if_not_exists("shop")
    client.create_database_if_not_exists("shop")
    told["databases"] = sorted(one.name for one in client.list_databases())
    told["exists"] = [client.exists("shop"), client.exists("nothing"), client.exists("shop", "people")]
    told["no such database"] = refusal(lambda: client.get_table("nothing", "people"))
    return told


def queries(client: pytd.Client, engine: PrestoQueryEngine) -> dict[str, Any]:
    told: dict[str, Any] = {}
    told["query"] = client.query("SELECT 1 AS n, 'a' AS s, 1.5E0 AS d, NULL AS e, nan() AS f, ARRAY[1, 2] AS l")
    told["query"]["data"] = [[repr(value) for value in row] for row in told["query"]["data"]]
    told["by"] = type(client.query_executed).__name__
    told["no rows"] = client.query("SELECT 1 AS n WHERE false")
    told["typed"] = [
        repr(value)
        for value in client.query(
            "SELECT DATE '2025-03-01' AS d, TIMESTAMP '2025-03-01 09:00:00' AS t, CAST(1.25 AS DECIMAL(5, 2)) AS c,"
            " MAP(ARRAY['a'], ARRAY[1]) AS m, true AS b"
        )["data"][0]
    ]
    many = client.query("SELECT n FROM UNNEST(sequence(1, 30000)) AS t (n)")["data"]
    told["many"] = [len(many), many[0], many[-1], sum(row[0] for row in many)]
    told["by job"] = client.query("SELECT 2 AS n", force_tdclient=True)
    told["with options"] = client.query("SELECT 3 AS n", priority=1, retry_limit=1, db="shop")
    told["by hive"] = client.query("SELECT 4 AS n", engine="hive")
    told["job"] = client.get_job(client.query_executed).query.splitlines()[-1]
    told["wrong"] = refusal(lambda: client.query("SELECT nope"))
    told["wrong by job"] = refusal(lambda: pytd.pandas_td.read_td_job(client.list_jobs()[0].job_id, engine))
    return told


def writes(client: pytd.Client, engine: PrestoQueryEngine) -> dict[str, Any]:
    told: dict[str, Any] = {}
    people = pd.DataFrame({"time": [1_700_000_000, 1_700_003_600], "email": ["a@example.com", "it's"], "n": [1, 2]})
    client.load_table_from_dataframe(people, "shop.people", writer="bulk_import", if_exists="error")
    rows = pytd.pandas_td.read_td_table("shop.people", engine, columns=["time", "email", "n"])
    told["bulk import"] = sorted(rows.to_numpy(dtype=object).tolist())
    told["there already"] = refusal(lambda: client.load_table_from_dataframe(people, "shop.people", if_exists="error"))
    client.load_table_from_dataframe(people, "shop.people", if_exists="ignore")
    client.load_table_from_dataframe(people, "shop.people", if_exists="append", fmt="msgpack")
    told["appended"] = client.query("SELECT count(*) AS n FROM shop.people")["data"]

    # No text is missing here: with pandas 3 the client writes that as nan(), which is no text; a number becomes null.
    scores = pd.DataFrame({"email": ["a@example.com", "it's", ""], "score": [0.5, float("inf"), float("nan")]})
    client.load_table_from_dataframe(scores, "shop.scores", writer="insert_into", if_exists="overwrite")
    client.load_table_from_dataframe(scores, "shop.scores", writer="insert_into", if_exists="append")
    client.load_table_from_dataframe(scores, "shop.scores", writer="insert_into", if_exists="overwrite")
    told["insert into"] = repr(client.query("SELECT email, score FROM shop.scores ORDER BY 1")["data"])
    pytd.pandas_td.to_td(people[["email", "n"]], "shop.copies", client, if_exists="fail", index=False)
    told["tables"] = sorted(one.name for one in client.list_tables("shop"))
    told["schemas"] = {one.name: one.schema for one in client.list_tables("shop")}

    copies = client.get_table("shop", "copies")
    copies.delete()
    told["deleted"] = copies.exists
    copies.create()
    told["created"] = copies.exists
    return told


def other_ways_in(client: pytd.Client, engine: PrestoQueryEngine) -> dict[str, Any]:
    told: dict[str, Any] = {}
    hive = pytd.Client(apikey=KEY, endpoint=URL, database="sales", default_engine="hive")
    told["default hive"] = hive.query("SELECT 5 AS n")
    hive.close()
    with pytd.dbapi.connect(client) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT 6 AS n")
        told["dbapi"] = cursor.fetchall()
    made = pytd.pandas_td.create_engine("hive:sales", con=pytd.pandas_td.connect(KEY, URL))
    told["pandas"] = pytd.pandas_td.read_td_query("SELECT 7 AS n", made)["n"].tolist()
    told["jobs"] = len(client.list_jobs()) > 0
    return told


def drive() -> dict[str, Any]:
    engine = LocalPresto(KEY, URL, "sales", header=True)
    told: dict[str, Any] = {}
    with pytd.Client(default_engine=engine) as client:
        for part in (catalog, queries, writes, other_ways_in):
            told |= part(client, engine)
    return told


def main() -> None:
    sleep = time.sleep
    # It looks at jobs every five seconds, and theirs are done at once.
    time.sleep = lambda seconds: sleep(min(seconds, 0.05))
    sys.setprofile(watch)
    told = drive()
    sys.setprofile(None)
    offered = members()
    ran = sorted(offered[name] for name in called & offered.keys())
    writers = sorted(one.__name__ for one in pytd.writer.Writer.__subclasses__())
    answer = {"told": told, "members": sorted(offered.values()), "called": ran, "writers": writers}
    print(json.dumps(answer))  # noqa: T201 - who started this reads it


if __name__ == "__main__":
    main()

"""What one run does to the vendors: one verb of one kind, with the calls that a fault can strike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.apis.treasure_data import TreasureData

CONNECTION = """\
apiVersion: tdr/v1
kind: Connection
metadata: {name: pinterest-XX}
spec:
  type: pinterest
  client_id: ${secret:env:PINTEREST_CLIENT_ID}
  client_secret: ${secret:env:PINTEREST_CLIENT_SECRET}
  refresh_token: ${secret:env:PINTEREST_REFRESH_TOKEN}
"""
NOTHING = """\
apiVersion: tdr/v1
kind: Schedule
metadata: {name: nightly-XX}
spec: {cron: "0 3 * * *"}
"""
DATABASE = """\
apiVersion: tdr/v1
kind: Database
metadata: {name: base-XX}
spec: {}
"""
TABLE = """\
apiVersion: tdr/v1
kind: Table
metadata: {name: table-XX}
spec:
  database: shop
  columns: [{name: email, type: string}]
"""
QUERY = """\
apiVersion: tdr/v1
kind: Query
metadata: {name: query-XX}
spec: {database: shop, sql: SELECT 1 AS one, schedule: {cron: "0 3 * * *"}}
"""
IMPORT = """\
apiVersion: tdr/v1
kind: Import
metadata: {name: import-XX}
spec:
  from: {type: files, paths: [data/customers.csv]}
  to: {database: shop, table: customers, mode: replace_on_new_data}
"""
AUDIENCE = """\
apiVersion: tdr/v1
kind: Audience
metadata: {name: audience-XX}
spec:
  connection: pinterest-XX
  ad_account_id: "549700000001"
  title: Audience XX
  description: As it was
"""
ACTIVATION = """\
apiVersion: tdr/v1
kind: Activation
metadata: {name: activation-XX}
spec:
  from: {query: {database: shop, sql: SELECT email FROM customers LIMIT 20}}
  to: {audience: audience-XX}
  membership: replace
  schedule: {cron: "0 3 * * *"}
  delivery: {retry_count: 2, retry_initial_wait_millis: 10, max_retry_wait_millis: 20}
"""


@dataclass(frozen=True, slots=True)
class Call:
    """Calls of one kind to one vendor: ``treasure_data`` or ``pinterest``."""

    vendor: str
    method: str
    path: str


@dataclass(frozen=True, slots=True)
class Scene:
    """One verb. ``XX`` in texts stands for what makes the names of one test its own.

    before: manifests applied undisturbed. after: manifests whose apply is disturbed.
    write, read: the calls that faults strike; a scene without *write* changes nothing at a vendor.
    left: vendor's object -> how many of it must be there at the end, by `counted`.
    others: what somebody else made before, by the vendor's API.
    """

    before: str
    after: str
    left: Mapping[str, int]
    read: Call
    write: Call | None = None
    others: Callable[[TreasureData, str], object] | None = None


def _td(method: str, path: str) -> Call:
    return Call("treasure_data", method, path)


DATABASES = _td("GET", "/v3/database/list")
TABLES = _td("GET", "/v3/table/list/**")
QUERIES = _td("GET", "/v3/schedule/list")
IMPORTS = _td("GET", "/v3/bulk_loads")
CONNECTIONS = _td("GET", "/v4/connections")
AUDIENCES = Call("pinterest", "GET", "/ad_accounts/*/audiences")
MADE = f"{CONNECTION}---\n{AUDIENCE}---\n{ACTIVATION}"
ONE_OF_EACH = {"activation": 1, "audience": 1, "list": 1}
"""What an activation with its audience leaves, however often it was begun."""
ADOPTED = "lifecycle: {adopt: always}\n"

SCENES: dict[str, Scene] = {
    "create database": Scene("", DATABASE, {"database": 1}, DATABASES, _td("POST", "/v3/database/create/*")),
    "delete database": Scene(DATABASE, "", {"database": 0}, DATABASES, _td("POST", "/v3/database/delete/*")),
    "adopt database": Scene(
        "", DATABASE + ADOPTED, {"database": 1}, DATABASES, others=lambda td, n: td.create_database(f"base_{n}")
    ),
    "create table": Scene("", TABLE, {"table": 1}, TABLES, _td("POST", "/v3/table/create/**")),
    "update table": Scene(
        TABLE,
        TABLE.replace("type: string}", "type: string}, {name: age, type: long}"),
        {"table": 1},
        TABLES,
        _td("POST", "/v3/table/update-schema/**"),
    ),
    "replace table": Scene(
        f"{DATABASE}---\n{TABLE}",
        f"{DATABASE}---\n{TABLE.replace('database: shop', 'database: base-XX')}",
        {"database": 1, "table": 0, "table in its own database": 1},
        TABLES,
        _td("POST", "/v3/table/**"),
    ),
    "delete table": Scene(TABLE, "", {"table": 0}, TABLES, _td("POST", "/v3/table/delete/**")),
    "create query": Scene("", QUERY, {"query": 1}, QUERIES, _td("POST", "/v3/schedule/create/*")),
    "update query": Scene(
        QUERY, QUERY.replace("0 3", "0 4"), {"query": 1}, QUERIES, _td("POST", "/v3/schedule/update/*")
    ),
    "rename query": Scene(
        QUERY.replace("{database", "{name: old-XX, database"),
        QUERY,
        {"query": 1},
        QUERIES,
        _td("POST", "/v3/schedule/update/*"),
    ),
    "delete query": Scene(QUERY, "", {"query": 0}, QUERIES, _td("POST", "/v3/schedule/delete/*")),
    "adopt query": Scene(
        "",
        QUERY + ADOPTED,
        {"query": 1},
        QUERIES,
        _td("POST", "/v3/schedule/update/*"),
        others=lambda td, n: td.create_saved_query(
            f"query-{n}", {"type": "trino", "database": "shop", "query": "SELECT 2", "cron": "", "timezone": "UTC"}
        ),
    ),
    "create import": Scene("", IMPORT, {"import": 1}, IMPORTS, _td("POST", "/v3/bulk_loads")),
    "update import": Scene(
        IMPORT, IMPORT.replace("replace}", "append}"), {"import": 1}, IMPORTS, _td("PUT", "/v3/bulk_loads/*")
    ),
    "delete import": Scene(IMPORT, "", {"import": 0}, IMPORTS, _td("DELETE", "/v3/bulk_loads/*")),
    "create connection": Scene("", CONNECTION, {"connection": 1}, CONNECTIONS, _td("POST", "/v4/connections")),
    "update connection": Scene(
        CONNECTION,
        CONNECTION.replace("CLIENT_SECRET", "OTHER_SECRET"),
        {"connection": 1},
        CONNECTIONS,
        _td("PUT", "/v4/connections/*"),
    ),
    "delete connection": Scene(CONNECTION, "", {"connection": 0}, CONNECTIONS, _td("DELETE", "/v4/connections/*")),
    "bootstrap the query": Scene("", MADE, ONE_OF_EACH, QUERIES, _td("POST", "/v3/schedule/create/*")),
    "bootstrap the switch to update": Scene("", MADE, ONE_OF_EACH, QUERIES, _td("POST", "/v3/schedule/update/*")),
    "bootstrap the run": Scene(
        "",
        MADE,
        ONE_OF_EACH,
        _td("GET", "/v3/job/**"),
        _td("POST", "/v3/schedule/run/**"),
    ),
    "bootstrap the list": Scene(
        "",
        MADE,
        ONE_OF_EACH,
        Call("pinterest", "GET", "/ad_accounts/*/customer_lists/**"),
        Call("pinterest", "POST", "/ad_accounts/*/customer_lists"),
    ),
    "bootstrap the audience": Scene(
        "",
        MADE,
        ONE_OF_EACH,
        AUDIENCES,
        Call("pinterest", "POST", "/ad_accounts/*/audiences"),
    ),
    "update audience": Scene(
        MADE,
        MADE.replace("As it was", "As it is"),
        ONE_OF_EACH,
        AUDIENCES,
        Call("pinterest", "PATCH", "/ad_accounts/*/audiences/*"),
    ),
    "update activation": Scene(
        MADE,
        MADE.replace("0 3", "0 5"),
        ONE_OF_EACH,
        QUERIES,
        _td("POST", "/v3/schedule/update/*"),
    ),
    "delete audience": Scene(
        MADE,
        CONNECTION,
        {"activation": 0, "audience": 0, "list": 1},
        AUDIENCES,
        Call("pinterest", "PATCH", "/ad_accounts/*/audiences/*"),
    ),
    "delete activation": Scene(
        MADE,
        f"{CONNECTION}---\n{AUDIENCE}",
        {"activation": 0, "audience": 1, "list": 1},
        QUERIES,
        _td("POST", "/v3/schedule/delete/*"),
    ),
}


def counted(td: TreasureData, pinterest: Any, n: str) -> dict[str, int]:
    """How many of each object are there that belong to the test *n*."""
    audiences = [one for one in pinterest.audiences() if one["status"] != "ARCHIVED"]

    def tables(database: str) -> Iterator[Mapping[str, Any]]:
        return (table for table in td.tables(database) if table["name"] == f"table_{n}")

    databases = [one for one in td.databases() if one["name"] == f"base_{n}"]
    return {
        "database": len(databases),
        "table": len(list(tables("shop"))),
        "table in its own database": len(list(tables(f"base_{n}"))) if databases else 0,
        "query": sum(one["name"] == f"query-{n}" for one in td.saved_queries()),
        "activation": sum(one["name"] == f"activation-{n}" for one in td.saved_queries()),
        "import": sum(one["name"] == f"import-{n}" for one in td.bulk_loads()),
        "connection": sum(one["name"] == f"pinterest-{n}" for one in td.connections()),
        "audience": sum(one["name"] == f"Audience {n}" for one in audiences),
        "list": sum(one["name"] == f"Audience {n}" for one in pinterest.lists()),
    }

"""Projects to plan: *n* saved queries in 100 files, in step with the embedded service and with the state.

Applying ten thousand queries one by one takes minutes, so the set-up goes around HTTP and the journal: it writes the
service's metadata through the service's own Python API in one transaction, and the state as one checkpoint. What it writes
is what an apply would have written; a plan that then finds a difference fails the benchmark.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from reconciler.engine.diff import Tree
from reconciler.engine.session import Session
from reconciler.ports.provider import Desired
from reconciler.service.requests import Call
from reconciler.wiring.runtime import Runtime, open_runtime

FILES = 100
QUERY = """\
apiVersion: tdr/v1
kind: Query
metadata:
  name: query-{number:05}
  labels:
    team: team-{team}
spec:
  database: shop
  engine: trino
  sql: |
    SELECT customer_id,
           email,
           SUM(amount) AS spent
    FROM orders
    WHERE TD_TIME_RANGE(time, '2026-01-01', NULL, 'Asia/Tokyo')
      AND category = {number}
      AND status IN ('paid', 'shipped')
    GROUP BY customer_id, email
    HAVING SUM(amount) > {least}
    ORDER BY spent DESC
  schedule:
    cron: "{minute} {hour} * * *"
    timezone: Asia/Tokyo
    delay: 10m
  priority: 0
  retry_limit: 1
"""
DATABASE = "apiVersion: tdr/v1\nkind: Database\nmetadata: {name: shop}\nspec: {}\n"
SETTINGS = "apiVersion: tdr/v1\nproject: bench\nenvironments: {local: {}}\n"


def query(number: int, least: int = 100) -> str:
    """One document. Another *least* is another query."""
    return QUERY.format(number=number, team=number % 7, minute=number % 60, hour=number % 24, least=least)


def files(count: int) -> dict[str, str]:
    """Name -> text of 100 files that declare *count* queries together."""
    each = max(count // FILES, 1)
    return {
        f"queries-{first // each:03}.yaml": "---\n".join(query(number) for number in range(first, first + each))
        for first in range(0, count, each)
    }


def write_project(root: Path, count: int) -> None:
    """A project of *count* queries, applied."""
    manifests = root / "manifests"
    manifests.mkdir(parents=True)
    (root / "tdr.yaml").write_text(SETTINGS)
    (manifests / "database.yaml").write_text(DATABASE)
    for name, text in files(count).items():
        (manifests / name).write_text(text)
    with open_runtime(start=root, environment=None, variables={}, resolve_secrets=True) as runtime:
        _apply(runtime)


def change_share(root: Path, share: float) -> int:
    """Edit *share* of the queries, spread over the files; how many that are."""
    step, edited = round(1 / share), 0
    for path in sorted((root / "manifests").glob("queries-*.yaml")):
        documents = path.read_text().split("---\n")
        for index, document in enumerate(documents):
            number = int(document.partition("query-")[2][:5])
            if number % step == 0:
                documents[index] = query(number, least=200)
                edited += 1
        path.write_text("---\n".join(documents))
    return edited


def listed(root: Path) -> bytes:
    """What the service answers when asked for all saved queries."""
    with open_runtime(start=root, environment=None, variables={}, resolve_secrets=True) as runtime:
        assert runtime.embedded is not None
        return runtime.embedded.service().queries.all()


def _apply(runtime: Runtime) -> None:
    world = runtime.world
    assert runtime.embedded is not None
    service = runtime.embedded.service()
    desired = {
        address: world.providers[address.kind].desired(resource, world.context())
        for address, resource in world.resources.items()
    }
    with service.storage.transaction():
        for address in sorted(desired):
            if address.kind == "database":
                service.catalog.create_database(_text(desired[address], "name"))
            else:
                service.queries.create(_text(desired[address], "name"), _call(desired[address]))
    with runtime.store.lock("bench", "bench", 0):
        session = Session(world, runtime.store, "bench", runtime.store.read().state)
        records = {
            address: session.record_of(world.resources[address], _text(wanted, "name"), cast("Tree", wanted.attributes))
            for address, wanted in desired.items()
        }
        start = session.state
        accounts = {provider.name: provider.account() for provider in [world.providers["query"]]}
        state = type(start)(start.lineage, start.environment, start.serial + 1, accounts, records)
        runtime.store.checkpoint(state, start.serial)


def _text(desired: Desired, name: str) -> str:
    return str(desired.attributes[name])


def _call(desired: Desired) -> Call:
    """What the client would send."""
    renamed = {"engine": "type", "sql": "query"}
    fields: Mapping[str, object] = {renamed.get(name, name): value for name, value in desired.attributes.items()}
    return Call({}, {}, {name: str(value) for name, value in fields.items()})

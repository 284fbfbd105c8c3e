"""Against the embedded service, in process and over HTTP: what is declared is what is seen after it was made."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest
import uvicorn
from embedded_world import AROUND, KEY, SECRETS, World
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.apis.treasure_data_connect import connect
from reconciler.apis.treasure_data_endpoint import Endpoint
from reconciler.engine.diff import without_secrets
from reconciler.errors import Conflict
from reconciler.model.activation import Outcome, Resolution
from reconciler.model.address import Address
from reconciler.model.observation import Finding
from reconciler.model.record import Record
from reconciler.model.resource import Resource
from reconciler.ports.provider import Context, Wanted
from reconciler.providers.treasure_data.provider import TreasureDataProvider
from reconciler.service.app import create_app
from reconciler.service.service import Service

Declare = Callable[[Mapping[str, Mapping[str, object]]], dict[Address, Resource]]

NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=3, max_size=30
).filter(lambda name: len(name.strip()) >= 3)
IDENTIFIERS = st.from_regex(r"[a-z][a-z0-9_]{2,20}", fullmatch=True)
LINES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
SQL = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "\n", "  "]),
    LINES.filter(lambda sql: bool(sql.strip("; \t\r\n\f\v"))),
    st.sampled_from(["", ";", "\r\n", " ;\n\n"]),
)
TIMINGS = st.fixed_dictionaries(
    {"cron": st.sampled_from(["", "@daily", "*/7 1-3 * * mon,fri", "0 0 */5 * *", "0 0 1 * 1"])},
    optional={
        "timezone": st.sampled_from(["UTC", "Asia/Tokyo", "Europe/Berlin"]),
        "delay": st.sampled_from([0, 90, "10m"]),
    },
)
PLANNING = {
    "schedule": st.one_of(TIMINGS, st.just("nightly")),
    "priority": st.integers(-2, 2),
    "retry_limit": st.integers(0, 32),
}
QUERIES = st.fixed_dictionaries(
    {"database": st.just("shop"), "sql": SQL, "name": NAMES},
    optional={"engine": st.sampled_from(["trino", "hive"]), **PLANNING},
)
DELIVERY = st.dictionaries(
    st.sampled_from(["limit_records_per_request", "retry_count", "read_timeout_secs"]), st.integers(1, 100)
)
ACTIVATIONS = st.fixed_dictionaries(
    {
        "from": st.fixed_dictionaries({"query": st.fixed_dictionaries({"database": st.just("shop"), "sql": SQL})}),
        "to": st.just({"audience": "buyers"}),
        "membership": st.sampled_from(["replace", "add", "remove", "clear"]),
        "name": NAMES,
    },
    optional={"on_invalid": st.sampled_from(["skip", "fail"]), "delivery": DELIVERY, **PLANNING},
)
COLUMNS = st.lists(
    st.fixed_dictionaries(
        {"name": IDENTIFIERS, "type": st.sampled_from(["string", "int", "double", "array<string>"])},
        optional={"alias": IDENTIFIERS},
    ),
    max_size=4,
    unique_by=(lambda column: column["name"], lambda column: column.get("alias", column["name"])),
)
TABLES = st.fixed_dictionaries(
    {"database": st.just("shop"), "name": IDENTIFIERS.filter(lambda name: name != "orders")},
    optional={"columns": COLUMNS, "expire_days": st.integers(0, 400), "description": st.text(max_size=20)},
)
IMPORTS = st.fixed_dictionaries(
    {
        "from": st.fixed_dictionaries(
            {"type": st.just("files"), "paths": st.lists(NAMES, min_size=1, max_size=3)},
            optional={"format": st.sampled_from(["csv", "parquet", "jsonl"]), "connection": st.just("here")},
        ),
        "to": st.fixed_dictionaries(
            {"database": st.just("shop"), "table": st.just("orders")},
            optional={
                "mode": st.sampled_from(["append", "replace", "replace_on_new_data"]),
                "time_column": IDENTIFIERS,
            },
        )
        | st.fixed_dictionaries(
            {
                "database": st.just("shop"),
                "table": st.just("orders"),
                "mode": st.just("upsert"),
                "key": st.lists(IDENTIFIERS, min_size=1, max_size=3),
            }
        )
        | st.fixed_dictionaries(
            {"file": st.sampled_from(["people.parquet", "lake/a b.parquet", "lake/日次.parquet"])},
            optional={"connection": st.just("here"), "time_column": IDENTIFIERS},
        )
        | st.fixed_dictionaries(
            {
                "file": st.just("lake/known.parquet"),
                "mode": st.just("upsert"),
                "key": st.lists(IDENTIFIERS, min_size=1, max_size=3),
            },
            optional={"connection": st.just("here")},
        ),
        "name": NAMES,
    },
    optional={"schedule": PLANNING["schedule"]},
)
CONNECTIONS = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("pinterest"), **{name: st.just(secret) for name, secret in SECRETS.items()}, "name": NAMES},
        optional={"base_url": st.just("http://127.0.0.1:9")},
    ),
    st.fixed_dictionaries({"type": st.just("files"), "name": NAMES}, optional={"root": NAMES}),
)
SPECS = {
    "query": QUERIES,
    "activation": ACTIVATIONS,
    "table": TABLES,
    "import": IMPORTS,
    "connection": CONNECTIONS,
    "database": st.fixed_dictionaries({"name": IDENTIFIERS.filter(lambda name: name != "shop")}),
}
RESOLUTIONS = st.sampled_from(
    [
        Resolution(Outcome.STEADY, "replace_current_audience", {"audience_id_replace": "643"}, "643"),
        Resolution(Outcome.BOOTSTRAP, "CREATE_NEW_AUDIENCE", {"audience_name": "Buyers", "audience_description": "x"}),
    ]
)
THERE = {Address("connection", "here"): "7"}
FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("kind", SPECS)
@FEW
@given(data=st.data())
def test_what_is_made_is_seen_as_declared(world: World, declare: Declare, kind: str, data: st.DataObject) -> None:
    address = Address(kind, "it")
    documents = {**AROUND, str(address): data.draw(SPECS[kind])}
    resources = declare(documents)
    context = Context(resources, THERE, data.draw(RESOLUTIONS) if kind == "activation" else None)
    resource = resources[address]

    made = world.provider.create(resource, world.provider.desired(resource, context))
    try:
        record = Record(made.remote_id, {})
        first, second = (world.look(resource, context, record) for _ in range(2))
        assert first is not None
        assert (world.unlike(resource, context, first), second) == ((), first)
        assert world.unlike(resource, context, made) == ()
        with pytest.raises(Conflict):
            world.provider.create(resource, world.provider.desired(resource, context))
    finally:
        world.provider.delete(address, made.remote_id, Record(made.remote_id, {}))
        world.provider.delete(address, made.remote_id, Record(made.remote_id, {}))
    assert world.look(resource, context, Record(made.remote_id, {})) is None


@pytest.mark.parametrize("kind", [kind for kind in SPECS if kind != "database"])
@FEW
@given(data=st.data())
def test_any_declaration_can_become_any_other_in_place(
    world: World, declare: Declare, kind: str, data: st.DataObject
) -> None:
    address = Address(kind, "it")
    resolution = data.draw(RESOLUTIONS) if kind == "activation" else None
    before, after = (declare({**AROUND, str(address): data.draw(SPECS[kind])})[address] for _ in range(2))
    context = Context(declare(AROUND), THERE, resolution)
    made = world.provider.create(before, world.provider.desired(before, context))
    remote_id = made.remote_id
    try:
        record = Record(remote_id, without_secrets(world.provider.desired(before, context).attributes))
        seen = world.look(before, context, record)
        assert seen is not None
        changes = [change for change in world.unlike(after, context, seen, record) if change.path != "/type"]
        if changes:
            desired = world.provider.desired(after, context)
            remote_id = world.provider.update(after, remote_id, desired, [change.path for change in changes]).remote_id
        seen = world.look(after, context, Record(remote_id, {}))
        assert seen is not None
        left = [
            change for change in world.unlike(after, context, seen, record) if not _is_of_another_type(before, after)
        ]
        assert left == []
    finally:
        world.provider.delete(address, remote_id, Record(remote_id, {}))


def _is_of_another_type(before: Resource, after: Resource) -> bool:
    return getattr(before.spec, "type", None) != getattr(after.spec, "type", None)


ODD_NAMES = ["daily push", "a/b", "50%+", "v1.2", "日次送信", "...", "x?y#z", "a%2Fb", "{}&="]


@pytest.mark.parametrize(
    ("kind", "name"),
    # The vendor refuses names of saved queries that have two characters.
    [*(("query", name) for name in ODD_NAMES), *(("import", name) for name in (*ODD_NAMES, ".."))],
)
def test_an_object_is_known_by_its_exact_name(world: World, declare: Declare, kind: str, name: str) -> None:
    address = Address(kind, "it")
    specs: dict[str, Mapping[str, object]] = {
        "query": {"database": "shop", "sql": "SELECT 1", "name": name},
        "import": {
            "from": {"type": "files", "paths": ["a.csv"]},
            "to": {"database": "shop", "table": "orders"},
            "name": name,
        },
    }
    resources = declare({str(address): specs[kind]})
    resource, context = resources[address], Context(resources)
    desired = world.provider.desired(resource, context)

    made = world.provider.create(resource, desired)
    changed = world.provider.update(resource, name, desired, ["/database"])
    seen = world.look(resource, context)

    assert (made.remote_id, changed.remote_id, seen) == (name, name, changed)
    world.provider.delete(address, name, Record(name, {}))
    assert world.look(resource, context) is None


@contextmanager
def serving(service: Service) -> Iterator[str]:
    """The address at which *service* answers for a while."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(create_app(service), log_level="warning", access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def test_over_http_the_same_is_seen(world: World, declare: Declare) -> None:
    spec = {"database": "shop", "sql": "SELECT 1", "name": "a/b %2F..", "schedule": {"cron": "@daily"}}
    resource = declare({"query/remote": spec})[Address("query", "remote")]
    context = Context({})
    with serving(world.service) as address:
        api = connect(Endpoint("embedded", address), KEY)
        provider = TreasureDataProvider(api, "embedded/1", creates_connections=True)
        made = provider.create(resource, provider.desired(resource, context))
        seen = provider.observe([Wanted(resource.address, resource, None)], context)[resource.address]
        provider.delete(resource.address, made.remote_id, Record(made.remote_id, {}))
        api.close()

    assert seen == Finding(None, (made,))


def ids_by_name(world: World) -> dict[str, str]:
    return {str(raw["name"]): str(raw["id"]) for raw in world.api.saved_queries()}


def test_a_renamed_query_is_the_same_object(world: World, declare: Declare) -> None:
    spec = {"database": "shop", "sql": "SELECT 1"}
    resource = declare({"query/daily": {**spec, "name": "daily-push"}})[Address("query", "daily")]
    context = Context({})
    world.provider.create(resource, world.provider.desired(resource, context))
    renamed = declare({"query/daily": {**spec, "name": "daily-push-jp"}})[Address("query", "daily")]

    before = ids_by_name(world)
    world.provider.update(renamed, "daily-push", world.provider.desired(renamed, context), ["/name"])

    assert ids_by_name(world)["daily-push-jp"] == before["daily-push"]
    world.provider.delete(renamed.address, "daily-push-jp", Record("daily-push-jp", {}))

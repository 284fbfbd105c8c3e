"""Against the embedded service, in process and over HTTP: what is declared is what is seen after it was made."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import duckdb
import pytest
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.apis.treasure_data import TreasureData
from reconciler.apis.treasure_data_connect import connect
from reconciler.apis.treasure_data_endpoint import Endpoint
from reconciler.engine.diff import Rules, differences, secrets_in, without_secrets
from reconciler.errors import Conflict
from reconciler.http.in_process import InProcessTransport
from reconciler.model.activation import Outcome, Resolution
from reconciler.model.address import Address
from reconciler.model.change import FieldChange
from reconciler.model.observation import Finding, Observation
from reconciler.model.record import Record
from reconciler.model.resource import Resource
from reconciler.model.secret import Secret
from reconciler.ports.clock import SystemClock
from reconciler.ports.exports import ExportReport, ExportRequest, LoadRequest, Progress
from reconciler.ports.provider import Context, Job, JobStatus, Wanted
from reconciler.providers.treasure_data.provider import TreasureDataProvider
from reconciler.schedule import check, next_after
from reconciler.sealing import MasterKey, Sealer
from reconciler.service.app import create_app
from reconciler.service.opening import open_service
from reconciler.service.service import Service

Declare = Callable[[Mapping[str, Mapping[str, object]]], dict[Address, Resource]]
KEY = Secret("env:TD_API_KEY", "1/0123456789abcdef")
SECRETS = {
    name: Secret(f"env:{name.upper()}", f"FAKE-{name}") for name in ("client_id", "client_secret", "refresh_token")
}


class Cron:
    """The service's view of `reconciler.schedule`."""

    def check(self, cron: str, timezone: str) -> None:
        for problem in check(cron, timezone):
            raise ValueError(problem.message)

    def next_after(self, cron: str, timezone: str, unix_s: float) -> float | None:
        return next_after(cron, timezone, unix_s)


@dataclass
class Kept:
    """An exporter that keeps what it was told to do."""

    requests: list[ExportRequest] = field(default_factory=list)

    def check(self, request: ExportRequest, columns: Mapping[str, str]) -> None:
        """Accept everything."""

    def export(
        self,
        request: ExportRequest,
        connection: duckdb.DuckDBPyConnection,
        progress: Progress,
        cancelled: threading.Event,
    ) -> ExportReport:
        self.requests.append(request)
        (rows,) = connection.execute("SELECT count(*) FROM rows").fetchone() or (0,)
        progress(rows, rows, "sent")
        return ExportReport(rows=rows, sent=rows)


class OneRow:
    """An importer whose files have one row."""

    def read(self, request: LoadRequest, connection: duckdb.DuckDBPyConnection, progress: Progress) -> str:
        connection.execute("CREATE OR REPLACE TEMP TABLE loaded AS SELECT 1 AS id")
        return "loaded"


@dataclass
class World:
    service: Service
    exporter: Kept
    provider: TreasureDataProvider
    api: TreasureData

    def look(self, resource: Resource, context: Context, record: Record | None = None) -> Observation | None:
        seen = self.provider.observe([Wanted(resource.address, resource, record)], context)[resource.address]
        assert isinstance(seen, Finding)
        assert len(seen.by_key) <= 1
        return seen.by_id or (seen.by_key[0] if seen.by_key else None)

    def unlike(
        self, resource: Resource, context: Context, observed: Observation, record: Record | None = None
    ) -> tuple[FieldChange, ...]:
        """What the engine would still change, secrets remembered as just applied."""
        desired = self.provider.desired(resource, context).attributes

        def fingerprint(secret: Secret, path: str) -> str:
            return secret.fingerprint(b"key", path)

        prints = {path: fingerprint(secret, path) for path, secret in secrets_in(desired)}
        applied = without_secrets(desired) if record is None else record.applied
        traits = self.provider.kinds[resource.address.kind]
        return differences(
            desired, observed.attributes, Record(observed.remote_id, applied, prints), Rules(traits, fingerprint)
        )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    exporter = Kept()
    with open_service(
        tmp_path_factory.mktemp("service"),
        exporter=exporter,
        importer=OneRow(),
        sealer=Sealer(MasterKey("test", b"k" * 32)),
        clock=SystemClock(),
        api_keys=[KEY.reveal()],
        cron=Cron(),
    ) as service:
        transport = InProcessTransport(create_app(service))
        api = connect(Endpoint("embedded", "http://embedded"), KEY, transport=transport)
        provider = TreasureDataProvider(api, "embedded/1", creates_connections=True)
        api.create_database("shop")
        api.create_table("shop", "orders", {})
        yield World(service, exporter, provider, api)
        api.close()


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
AROUND: dict[str, Mapping[str, object]] = {
    "schedule/nightly": {"cron": "30 2 * * *", "timezone": "Asia/Tokyo", "delay": "1h"},
    "connection/main": {"type": "pinterest", **SECRETS},
    "connection/here": {"type": "files", "root": "data"},
    "audience/buyers": {"connection": "main", "ad_account_id": "549760", "title": "Buyers"},
}
FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("kind", SPECS)
@FEW
@given(data=st.data())
def test_what_is_made_is_seen_as_declared(world: World, declare: Declare, kind: str, data: st.DataObject) -> None:
    address = Address(kind, "it")
    documents = {**AROUND, str(address): data.draw(SPECS[kind])}
    resources = declare(documents)
    context = Context(resources, resolution=data.draw(RESOLUTIONS) if kind == "activation" else None)
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
    context = Context(declare(AROUND), resolution=resolution)
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


def finished(world: World, job_id: str) -> Job:
    assert world.service.wait(60)
    return world.provider.job(job_id)


def test_a_run_exports_with_credentials_and_starts_once_a_key(world: World, declare: Declare) -> None:
    documents: dict[str, Mapping[str, object]] = {
        **AROUND,
        "activation/daily": {
            "from": {"query": {"database": "shop", "sql": "SELECT 'ana@example.com' AS email"}},
            "to": {"audience": "buyers"},
            "membership": "add",
        },
    }
    resources = declare(documents)
    address = Address("activation", "daily")
    add = Resolution(Outcome.STEADY, "add_people_to_current_audience", {"audience_id_add_people": "643"}, "643")
    context = Context(resources, resolution=add)
    made = world.provider.create(resources[address], world.provider.desired(resources[address], context))
    assert world.provider.last_job(address, made.remote_id) is None

    first, again = (world.provider.run(address, made.remote_id, "key-of-daily") for _ in range(2))
    job = finished(world, first)

    (request,) = world.exporter.requests
    assert (first == again, job.status, job.done, job.total) == (True, JobStatus.SUCCESS, 1, 1)
    assert (request.type, dict(request.settings)) == (
        "pinterest",
        {
            "client_id": "FAKE-client_id",
            "client_secret": "FAKE-client_secret",
            "refresh_token": "FAKE-refresh_token",
            "ad_account_id": "549760",
            "audience_type": "customer_list",
            "ignore_invalid_records": True,
            "action": "ADD_PEOPLE_TO_CURRENT_AUDIENCE",
            "audience_id_add_people": "643",
        },
    )
    last = world.provider.last_job(address, made.remote_id)
    assert last is not None
    assert last.job_id == first


def test_a_failed_run_says_why(world: World, declare: Declare) -> None:
    resource = declare({"query/wrong": {"database": "shop", "sql": "SELECT nothing FROM nowhere"}})[
        Address("query", "wrong")
    ]
    made = world.provider.create(resource, world.provider.desired(resource, Context({})))

    job = finished(world, world.provider.run(resource.address, made.remote_id, "key-of-wrong"))

    assert job.status is JobStatus.ERROR
    assert "nowhere" in job.log


def test_an_import_runs_into_its_table(world: World, declare: Declare) -> None:
    documents: dict[str, Mapping[str, object]] = {
        "import/arrivals": {
            "from": {"type": "files", "paths": ["a.csv"]},
            "to": {"database": "shop", "table": "arrivals"},
        }
    }
    address = Address("import", "arrivals")
    resource = declare(documents)[address]
    made = world.provider.create(resource, world.provider.desired(resource, Context({})))

    job = finished(world, world.provider.run(address, made.remote_id, "key-of-arrivals"))
    query = world.api.issue_job("trino", "shop", {"query": "SELECT id FROM arrivals"}, "key-of-count")

    assert job.status is JobStatus.SUCCESS, job.log
    assert finished(world, query).status is JobStatus.SUCCESS
    assert world.api.job_rows(query) == [[1]]


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

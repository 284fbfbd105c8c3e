"""What a document says of an object makes exactly that object: `desired` after `declare` is what was observed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from reconciler.model.activation import AudienceVerbs, Outcome, Resolution, Verb
from reconciler.model.address import Address
from reconciler.model.connections import PinterestConnection
from reconciler.model.kinds import KINDS, AudienceSpec, Membership
from reconciler.model.observation import Observation
from reconciler.model.probe import AccountFacts
from reconciler.model.resource import Origin, Resource
from reconciler.model.secret import Secret
from reconciler.model.spec import Lifecycle, Spec
from reconciler.ports.listing import Declaration, Directory, Found, SecretPlace, Undeclarable
from reconciler.ports.provider import Context
from reconciler.providers.treasure_data.connections import observed_connection
from reconciler.providers.treasure_data.databases import observed_database, observed_table
from reconciler.providers.treasure_data.imports import Imports
from reconciler.providers.treasure_data.lookups import Lookups
from reconciler.providers.treasure_data.provider import TreasureDataProvider
from reconciler.providers.treasure_data.queries import SavedQueries
from reconciler.providers.treasure_data.timings import Timings

API: Any = None  # nothing here asks anybody
PROVIDER = TreasureDataProvider(API, "us01/1", creates_connections=True)
FACTS = AccountFacts()
LOOKUPS = Lookups(API, FACTS)
QUERIES = SavedQueries(API, Timings(), LOOKUPS, FACTS)
IMPORTS = Imports(API, Timings(), LOOKUPS, FACTS, runs_here=True)
SECRET = Secret("env:X", "FAKE")
VERBS = AudienceVerbs(
    "CREATE",
    "audience_name",
    "audience_description",
    {one: Verb(one.name, f"audience_id_{one.value}") for one in Membership},
)
AUDIENCE = AudienceSpec(connection="pin", ad_account_id="549700000001", title="VIP")
PINTEREST = PinterestConnection(type="pinterest", client_id=SECRET, client_secret=SECRET, refresh_token=SECRET)
KNOWN: dict[Address, Spec] = {Address("audience", "vip"): AUDIENCE, Address("connection", "pin"): PINTEREST}
DIRECTORY = Directory({("audience", "77"): "vip", ("database", "shop_db"): "shop"}, KNOWN, VERBS)

IDENTIFIERS = st.from_regex(r"[a-z0-9_]{3,30}", fullmatch=True)
NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=3, max_size=60)
SQL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), min_size=1, max_size=80).map(
    lambda text: f"SELECT {text} x"
)
CRONS = st.sampled_from(["", None, "0 3 * * *", "@daily", "@hourly", "5 3 * * 1,3", "*/15 * * * * UTC"])
RUNNING = {
    "cron": CRONS,
    "timezone": st.sampled_from(["UTC", "Asia/Tokyo"]),
    "delay": st.integers(0, 7_200),
    "priority": st.integers(-2, 2),
    "retry_limit": st.integers(0, 32),
}
SAVED = {
    "name": NAMES,
    "database": IDENTIFIERS | st.just("shop_db"),
    "type": st.sampled_from(["presto", "trino", "hive"]),
}
COLUMN = st.tuples(IDENTIFIERS.map("c{}".format), st.sampled_from(["string", "long", "array<int>"]), IDENTIFIERS)


def resource(found: Found, declared: Declaration | Undeclarable) -> Resource:
    """As the loader makes it of the document that is written."""
    assert isinstance(declared, Declaration), declared

    def loaded(value: Any) -> Any:
        match value:
            case SecretPlace():
                return SECRET
            case Mapping():
                return {key: loaded(below) for key, below in value.items()}
            case list():
                return [loaded(below) for below in value]
            case int():
                return str(value)
            case _:
                return value

    kind = next(kind for kind in KINDS if kind.lower() == found.kind)
    adapter: TypeAdapter[Any] = TypeAdapter(KINDS[kind])
    address = Address(found.kind, "document")
    return Resource(address, adapter.validate_python(loaded(declared.spec)), Lifecycle(), Origin("x.yaml", 0))


def holds(kind: str, observed: Observation, resolution: Resolution | None = None) -> None:
    """The law, for the fields that the document says; the others are the vendor's defaults."""
    found = Found(kind, "label", observed)
    made = resource(found, PROVIDER.declare(found, "document", DIRECTORY))
    known = {address: Resource(address, spec, Lifecycle(), Origin("x.yaml", 0)) for address, spec in KNOWN.items()}
    shop = TypeAdapter[Any](KINDS["Database"]).validate_python({"name": "shop_db"})
    known[Address("database", "shop")] = Resource(Address("database", "shop"), shop, Lifecycle(), Origin("x.yaml", 0))
    desired = PROVIDER.desired(made, Context(known, resolution=resolution)).attributes
    defaults = PROVIDER.kinds[kind].defaults
    assert plain({**defaults, **desired}) == plain({**defaults, **observed.attributes})


def plain(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Without secrets; a zone without a schedule and no columns are nothing."""
    is_idle = not tree.get("cron", "x")
    return {
        name: plain(value) if isinstance(value, Mapping) else value
        for name, value in tree.items()
        if not isinstance(value, Secret)
        and not (is_idle and name in {"timezone", "delay"})
        and (name, value) != ("columns", [])
    }


@given(st.fixed_dictionaries({**SAVED, **RUNNING, "query": SQL}))
def test_a_query(raw: dict[str, Any]) -> None:
    holds("query", QUERIES.observed(Address("query", "any"), raw))


@given(
    st.fixed_dictionaries({**SAVED, **RUNNING, "query": SQL}),
    st.sampled_from(list(Membership)),
    st.booleans(),
    st.fixed_dictionaries({}, optional={"retry_count": st.integers(0, 100), "read_timeout_secs": st.integers(1, 999)}),
)
def test_an_activation(raw: dict[str, Any], membership: Membership, skips: bool, delivery: dict[str, int]) -> None:  # noqa: FBT001
    verb = VERBS.on_existing[membership]
    export = {
        "type": "pinterest",
        "action": verb.action,
        verb.id_setting: "77",
        "ignore_invalid_records": skips,
        **delivery,
    }
    export |= {"ad_account_id": "549700000001", "audience_type": "customer_list", "client_id": "***"}
    observed = QUERIES.observed(Address("activation", "any"), {**raw, "result": json.dumps(export)})

    holds("activation", observed, Resolution(Outcome.STEADY, verb.action, {verb.id_setting: "77"}, "77"))


@given(IDENTIFIERS)
def test_a_database(name: str) -> None:
    holds("database", observed_database(Address("database", "any"), {"name": name}))


@given(
    IDENTIFIERS | st.just("shop_db"),
    IDENTIFIERS,
    st.lists(COLUMN, max_size=3),
    st.integers(0, 999),
    NAMES | st.just(""),
)
def test_a_table(database: str, name: str, columns: list[Any], days: int, described: str) -> None:
    told = {"schema": json.dumps(columns), "expire_days": days, "description": described}

    holds("table", observed_table(Address("table", "any"), {"database": database, "name": name, **told}))


@given(NAMES, st.none() | st.just("https://api.example.com/v5"))
def test_a_connection_to_pinterest(name: str, base_url: str | None) -> None:
    told = {"client_id": "***", "refresh_token": "***", **({"base_url": base_url} if base_url else {})}

    holds("connection", observed_connection({"id": 1, "name": name, "type": "pinterest", "settings": told}))


@given(st.fixed_dictionaries({name: RUNNING[name] for name in ("cron", "timezone", "delay")}), NAMES, IDENTIFIERS)
@settings(max_examples=50)
def test_an_import(timing: dict[str, Any], name: str, table: str) -> None:
    source = {"type": "files", "paths": ["a.csv", "b/*.csv"], "root": "."}
    config = {"in": source, "out": {"mode": "replace", "time_column": "at"}}

    holds("import", IMPORTS.observed({"name": name, "database": "shop_db", "table": table, "config": config, **timing}))
    merging = {"in": source, "out": {"mode": "upsert", "key": ["id", "day"]}}
    holds(
        "import", IMPORTS.observed({"name": name, "database": "shop_db", "table": table, "config": merging, **timing})
    )


def said(kind: str, observed: Observation, directory: Directory = DIRECTORY) -> str:
    declared = PROVIDER.declare(Found(kind, "label", observed), "document", directory)
    assert isinstance(declared, Undeclarable)
    return declared.why


EXPORT = {"type": "pinterest", "action": "ADD", "audience_id_add": "77", "ad_account_id": "549700000001"}


@pytest.mark.parametrize(
    ("export", "why"),
    [
        ({"action": "CREATE"}, "its export is in create mode, so it fails as soon as the audience exists; "),
        ({"action": "SHUFFLE"}, "its export does 'SHUFFLE', for which manifests have no words"),
        ({"audience_id_add": "9"}, "its audience 9 is declared by no document and seen through no declared connection"),
        ({"colour": "red"}, "its export has settings for which manifests have no words: colour"),
        (
            {"base_url": "http://elsewhere"},
            "its export goes to another address than the connection of its audience names",
        ),
    ],
)
def test_an_export_that_no_document_can_say_is_told_with_its_reason(export: dict[str, str], why: str) -> None:
    raw = {"name": "x", "result": json.dumps({**EXPORT, **export})}

    assert said("activation", QUERIES.observed(Address("activation", "any"), raw)).startswith(why)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (
            lambda: (
                "query",
                QUERIES.observed(Address("query", "any"), {"name": "x", "result": "mysql://etl:FAKE@db/x"}),
            ),
            "the address that its rows go to holds a password, which nobody can read",
        ),
        (
            lambda: ("query", QUERIES.observed(Address("query", "any"), {"name": "x", "result_connection_id": 7})),
            "its rows go through connection 7, which no document declares",
        ),
        (
            lambda: ("import", IMPORTS.observed({"name": "x", "config": {"in": {"type": "s3"}}})),
            "imports from 's3' have no words in manifests yet",
        ),
    ],
)
def test_what_no_document_can_say_is_told_with_its_reason(
    make: Callable[[], tuple[str, Observation]], why: str
) -> None:
    assert said(*make()) == why


def test_a_name_that_another_document_has_is_not_referred_to() -> None:
    other = Directory({}, {Address("database", "shop"): AUDIENCE}, VERBS)

    assert said("query", QUERIES.observed(Address("query", "any"), {"name": "x", "database": "shop"}), other) == (
        "a document called 'shop' declares another database"
    )


@pytest.mark.parametrize("result", ['{"a": 1}', "{", '{"type": ""}', '{"type": 3, "url": "x"}', "[]", "*** "])
def test_an_export_that_makes_no_sense_is_left_out_and_breaks_nothing(result: str) -> None:
    observed = QUERIES.observed(Address("query", "any"), {"name": "x", "database": "shop_db", "result": result})

    declared = PROVIDER.declare(Found("query", "label", observed), "document", DIRECTORY)

    assert isinstance(declared, Undeclarable) or "export" in declared.spec

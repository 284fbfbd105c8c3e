"""What a load gives besides resources: places and a digest."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manifest_texts import CONNECTION, SECRETS, Load, Refusals, query

from reconciler.errors import SecretError
from reconciler.manifest.digest import config_digest
from reconciler.model.address import Address
from reconciler.model.connections import FilesConnection
from reconciler.model.environment import EnvironmentSpec
from reconciler.model.kinds import DatabaseSpec
from reconciler.model.resource import Origin, Resource
from reconciler.model.secret import Secret
from reconciler.model.spec import Lifecycle, Spec
from reconciler.model.timing import ScheduleSpec

DATABASE = "apiVersion: tdr/v1\nkind: Database\nmetadata: {name: shop}\nspec: {}\n"


def fingerprint(secret: Secret, path: str) -> str:
    return secret.fingerprint(b"key", path)


def test_places_are_found_when_asked_for(loaded: Load) -> None:
    text = "# note\n---\n" + DATABASE + "---\n\n" + query("sql: |\n  SELECT 1\nschedule: {cron: '', timezone: UTC}")
    found = loaded({"manifests/m.yaml": text})
    address = Address("query", "q")
    assert found.source(address) == "manifests/m.yaml:9"
    assert found.sources == {Address("database", "shop"): "manifests/m.yaml:3", address: "manifests/m.yaml:9"}
    assert found.resources[address].origin == Origin("manifests/m.yaml", 1)
    pointers = ["", "/spec", "/spec/sql", "/spec/schedule/timezone", "/spec/schedule/delay", "/nothing"]
    assert [str(found.locate(address, pointer)) for pointer in pointers] == [
        "manifests/m.yaml:9:1",
        "manifests/m.yaml:13:3",
        "manifests/m.yaml:14:8",
        "manifests/m.yaml:16:34",
        "manifests/m.yaml:16:13",
        "manifests/m.yaml:9:1",
    ]
    with pytest.raises(KeyError):
        found.locate(Address("query", "other"))


def test_the_digest_does_not_depend_on_files_order_or_form(loaded: Load, root: Path) -> None:
    body = "sql: SELECT 1\npriority: 1\nschedule: {cron: '0 3 * * *', delay: 10m}"
    one = loaded({"manifests/m.yaml": DATABASE + "---\n" + CONNECTION + "---\n" + query(body)}).config_digest(
        fingerprint
    )
    (root / "manifests" / "m.yaml").unlink()
    other_body = "schedule: {delay: 600, cron: '0 3 * * *'}\npriority: '1'\nfile: x.sql"
    other = loaded(
        {
            "manifests/z/1.yml": "# moved\n" + query(other_body) + "lifecycle: {}\n",
            "manifests/a.yaml": "---\n" + CONNECTION,
            "manifests/b.yaml": DATABASE,
            "x.sql": "SELECT 1",
        }
    ).config_digest(fingerprint)
    assert one == other
    assert one.startswith("sha256:")


@pytest.mark.parametrize(
    "change",
    [
        {"manifests/m.yaml": query("sql: SELECT 2") + "---\n" + CONNECTION},
        {"manifests/m.yaml": query("sql: SELECT 1\npriority: 1") + "---\n" + CONNECTION},
        {"manifests/m.yaml": query("sql: SELECT 1") + "lifecycle: {protect: true}\n---\n" + CONNECTION},
        {"manifests/m.yaml": query("sql: SELECT 1", "r") + "---\n" + CONNECTION},
        {"manifests/n.yaml": DATABASE},
        {"manifests/environments/local.yaml": "job_timeout: 5"},
    ],
)
def test_the_digest_changes_with_what_is_declared(change: dict[str, str], loaded: Load) -> None:
    files = {"manifests/m.yaml": query("sql: SELECT 1") + "---\n" + CONNECTION}
    before = loaded(files).config_digest(fingerprint)
    assert loaded({**files, **change}).config_digest(fingerprint) != before


@pytest.mark.parametrize(
    "settings", ["health: {stuck_after: 2h}", "state: {backend: http, address: 'https://x.example'}"]
)
def test_the_digest_does_not_depend_on_how_runs_are_watched_or_where_the_state_is(settings: str, loaded: Load) -> None:
    files = {"manifests/m.yaml": query("sql: SELECT 1")}
    before = loaded(files).config_digest(fingerprint)
    assert loaded(files | {"manifests/environments/local.yaml": settings}).config_digest(fingerprint) == before


def test_the_digest_changes_with_a_secret_and_knows_it_by_fingerprint_only(loaded: Load) -> None:
    files = {"manifests/m.yaml": CONNECTION}
    asked: list[tuple[str, str]] = []

    def note(secret: Secret, path: str) -> str:
        asked.append((secret.reference, path))
        return fingerprint(secret, path)

    before = loaded(files).config_digest(note)
    assert asked == [
        ("env:CLIENT_ID", "connection/pinterest-main/spec/client_id"),
        ("env:CLIENT_SECRET", "connection/pinterest-main/spec/client_secret"),
        ("env:REFRESH_TOKEN", "connection/pinterest-main/spec/refresh_token"),
    ]
    assert loaded(files, environ={**SECRETS, "CLIENT_ID": "other"}).config_digest(fingerprint) != before
    assert loaded(files).config_digest(fingerprint) == before


def test_the_digest_without_secrets_uses_their_references(loaded: Load) -> None:
    found = loaded({"manifests/m.yaml": CONNECTION}, environ={}, resolve_secrets=False)

    def refuse(secret: Secret, path: str) -> str:
        raise SecretError(f"{secret} {path}")

    assert found.config_digest(refuse) == found.config_digest(fingerprint)


SPECS = st.sampled_from(
    [DatabaseSpec(), DatabaseSpec(name="shop"), ScheduleSpec(cron="x"), FilesConnection(type="files")]
)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), SPECS, min_size=2))
def test_the_order_of_resources_does_not_matter(specs: dict[str, Spec]) -> None:
    resources = {
        Address("database", name): Resource(Address("database", name), spec, Lifecycle(), Origin("m", index))
        for index, (name, spec) in enumerate(specs.items())
    }
    reverse = dict(reversed(resources.items()))
    first = config_digest(resources, EnvironmentSpec(), fingerprint)
    assert first == config_digest(reverse, EnvironmentSpec(), fingerprint)


@pytest.mark.parametrize("is_enabled", [True, False])
def test_the_collector_is_left_as_it_was(is_enabled: bool, loaded: Load, refused: Refusals) -> None:  # noqa: FBT001 - a table
    was_enabled = gc.isenabled()
    try:
        (gc.enable if is_enabled else gc.disable)()
        loaded({"manifests/m.yaml": DATABASE})
        assert gc.isenabled() is is_enabled
        refused({"manifests/m.yaml": "a: @"})
        assert gc.isenabled() is is_enabled
        assert gc.get_freeze_count() == 0
    finally:
        (gc.enable if was_enabled else gc.disable)()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(value=st.text(st.characters(codec="utf-8", exclude_categories=["Cc"])).filter(lambda text: "${" not in text))
def test_any_quoted_text_reaches_its_spec_unchanged(value: str, loaded: Load) -> None:
    quoted = "".join(c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08X}" for c in value)
    table = "apiVersion: tdr/v1\nkind: Table\nmetadata: {name: orders}\nspec:\n  database: shop\n"
    found = loaded({"manifests/m.yaml": f'{table}  description: "{quoted}"\n'})
    assert found.resources[Address("table", "orders")].spec.model_dump()["description"] == value

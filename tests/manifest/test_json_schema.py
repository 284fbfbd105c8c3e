"""Schemas for editors agree with the loader."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from manifest_texts import CONNECTION, Load, Refusals, query

from reconciler.manifest.json_schema import SCHEMAS, json_schema, umbrella_schema
from reconciler.model.kinds import KINDS

MEMBERS = Path(__file__).resolve().parents[2] / "examples/09-rest-source/specs/list-members.json"
HEAD = "apiVersion: tdr/v1\nkind: {}\nmetadata: {{name: x}}\n"

EXAMPLES = {
    "Connection": CONNECTION,
    "Database": HEAD.format("Database")
    + "spec: {name: 2024}\nlifecycle: {protect: yes, on_delete: '${var:d|block}'}\n",
    "Table": HEAD.format("Table")
    + "spec: {database: x, expire_days: '3', columns: [{name: a, type: int}, {name: b, type: 'array<int>'}]}\n",
    "Query": query(
        'sql: select 1\npriority: 1\nschedule: {cron: "0 3 * * *", delay: 10m}\nretry_limit: ${env:LIMIT|3}'
    ),
    "Audience": HEAD.format("Audience")
    + "spec: {connection: pinterest-main, ad_account_id: 549700000001, title: 2024}\n",
    "Activation": HEAD.format("Activation")
    + "spec:\n  from: {query: {database: x, file: a.sql}}\n  to: {audience: x}\n  membership: ${var:m|add}\n",
    "SourceSpec": HEAD.format("SourceSpec") + "spec:\n  file: members.json\n  key: [id]\n",
    "SourceRegistration": HEAD.format("SourceRegistration") + "spec: {source: x, name: 2024}\n",
    "SourceAccount": HEAD.format("SourceAccount")
    + "spec: {source: x, auth: Basic, params: {domain: eu}, secrets: {password: '${secret:env:CLIENT_ID}'}}\n",
    "Dataflow": HEAD.format("Dataflow")
    + "spec:\n  account: x\n  to: {dataset_id: a1, schema_id: 'https://x'}\n  mapping: {id: m, version: '2'}\n"
    "  schedule: {frequency: minute, interval: '15', backfill: no}\n  enabled: yes\n",
    "Schedule": HEAD.format("Schedule") + "spec: {cron: '@daily', delay: 60}\n",
    "Import": HEAD.format("Import")
    + "spec: {from: {type: files, paths: [a]}, to: {database: x, table: x, time_column: null}, schedule: x}\n",
    "ParentSegment": HEAD.format("ParentSegment")
    + "spec:\n  master: {database: x, table: x}\n  attributes: [{name: Age, column: age, type: number}]\n"
    "  filters: [{column: country, values: [no, 07]}]\n  refresh: daily\n  refresh_at: 03:00\n",
    "SegmentFolder": HEAD.format("SegmentFolder") + "spec: {parent_segment: x, description: on}\n",
    "Segment": HEAD.format("Segment")
    + "spec:\n  parent_segment: x\n  folder: x\n  where:\n    any:\n      - {attribute: age, between: [20, 30.5], exclude: yes}\n"
    "      - all: [{behavior: orders, at_least: 3, during: 7 days}, {attribute: city, in: [no, 07]}]\n",
    "Workflow": HEAD.format("Workflow")
    + "spec:\n  schedule: x\n  enabled: no\n  tasks: [{name: 1, query: q}, {name: b, import: x}]\n  secrets: {}\n",
    "QlikConnection": HEAD.format("QlikConnection")
    + "spec: {client_id: 1500001, client_secret: '${secret:env:CLIENT_SECRET}', start_time: '2026-01-01'}\n",
    "QlikTask": HEAD.format("QlikTask")
    + "spec: {project: x, type: landing, method: cdc, tables: [a, b], settings: {tableLoadInParallel: 7}, enabled: no,\n"
    "  schedule: {every: FREQ=DAILY, start: '2026-01-01T03:00:00Z'}}\n",
}


def errors(schema: dict[str, Any], text: str) -> list[str]:
    validator = jsonschema.Draft202012Validator(schema)
    return [error.json_path for error in validator.iter_errors(yaml.safe_load(text))]


@pytest.mark.parametrize("kind", SCHEMAS)
def test_a_schema_is_a_valid_schema_with_descriptions(kind: str) -> None:
    schema = json_schema(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["description"]
    assert schema["additionalProperties"] is False


def test_an_unknown_kind_has_no_schema() -> None:
    with pytest.raises(KeyError):
        json_schema("Segmnt")


def test_the_loader_takes_all_examples(loaded: Load) -> None:
    files = {f"manifests/{kind}.yaml": text for kind, text in EXAMPLES.items()}
    assert len(
        loaded({**files, "a.sql": "select 1", "members.json": MEMBERS.read_text(encoding="utf-8")}).resources
    ) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_loader_takes_the_schemas_take(kind: str) -> None:
    assert errors(json_schema(kind), EXAMPLES[kind]) == []
    assert errors(umbrella_schema(), EXAMPLES[kind]) == []


@pytest.mark.parametrize(
    ("kind", "change", "path"),
    [
        ("Connection", ("${secret:env:CLIENT_ID}", "FAKE"), "$.spec"),
        ("Query", ("priority: 1", "priority: high"), "$.spec.priority"),
        ("Query", ("priority: 1", "prioritty: 1"), "$.spec"),
        ("Schedule", ("name: x", "name: X"), "$.metadata.name"),
        ("Audience", ("title: 2024", "titel: x"), "$.spec"),
        ("Activation", ("${var:m|add}", "append"), "$.spec"),
        ("Import", ("apiVersion: tdr/v1", "apiVersion: tdr/v2"), "$.apiVersion"),
        ("Table", ("expire_days: '3'", "expire_days: soon"), "$.spec.expire_days"),
    ],
)
def test_what_the_loader_refuses_the_schema_refuses(
    kind: str, change: tuple[str, str], path: str, refused: Refusals
) -> None:
    text = EXAMPLES[kind].replace(*change)
    assert path in errors(json_schema(kind), text)
    assert errors(umbrella_schema(), text) != []
    assert any(problem.is_error for problem in refused({"manifests/m.yaml": text}))


def properties(schema: Any, path: str = "$") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property of a schema, wherever it stands."""
    if isinstance(schema, dict):
        for name, inner in schema.get("properties", {}).items():
            yield f"{path}.{name}", inner
        for key, inner in schema.items():
            yield from properties(inner, f"{path}/{key}")
    elif isinstance(schema, list):
        for index, inner in enumerate(schema):
            yield from properties(inner, f"{path}/{index}")


@pytest.mark.parametrize("kind", SCHEMAS)
def test_every_field_says_what_it_is(kind: str) -> None:
    said = dict(properties(json_schema(kind)))
    assert len(said) > 4
    assert [path for path, inner in said.items() if not inner.get("description")] == []


def test_the_umbrella_takes_what_became_of_addresses_too() -> None:
    text = "apiVersion: tdr/v1\nkind: Transitions\nmoved: [{from: audience/a, to: audience/b}]\n"
    assert errors(json_schema("Transitions"), text) == []
    assert errors(umbrella_schema(), text) == []
    assert errors(umbrella_schema(), text.replace("moved", "movd")) != []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("Project", "project: shop\nenvironments: {prod: {protect: true, accounts: {treasure_data: us01/1}}}\n"),
        (
            "Environment",
            "treasure_data: {endpoint: us01, api_key: '${secret:env:KEY}'}\nthresholds: {max_deletes: 3}\n",
        ),
    ],
)
def test_settings_have_schemas(kind: str, text: str) -> None:
    assert errors(json_schema(kind), text) == []
    assert errors(json_schema(kind), text + "nonsense: 1\n") == ["$"]

"""What is valid and hardly meant is warned of where it stands, by `validate` and by `plan`; the examples are all meant."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from stage import MANIFESTS, Stage, environment

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
REPOSITORY = EXAMPLES.parent
RULES = {"audience-fed-twice", "audience-fed-by-several", "faster-than-ingested", "unused-connection"}
SECOND = """\
apiVersion: tdr/v1
kind: Activation
metadata: {name: more-buyers}
spec:
  from: {query: {database: shop, sql: SELECT email FROM customers}}
  to: {audience: spring-buyers}
  membership: add
"""


@pytest.fixture
def shop(tmp_path: Path) -> Stage:
    """The project of the journeys, of which nothing is applied and no vendor answers."""
    folder = tmp_path / "shop"
    folder.mkdir()
    stage = Stage(folder, None, environment(folder) | {"TDR_VAR_pinterest": "http://127.0.0.1:9/v5"})
    for path, text in MANIFESTS.items():
        stage.write(path, text)
    stage.shop_of(range(3))
    return stage


def odd(found: list[dict[str, Any]]) -> list[tuple[str, str, str, str]]:
    return [
        (one["rule"], one["severity"], one["subject"], f"{one['file']}:{one['line']}")
        for one in found
        if one["rule"] in RULES
    ]


def validated(stage: Stage) -> list[tuple[str, str, str, str]]:
    return odd(stage.tdr("validate", "--format", "json").document["diagnostics"])


def planned(stage: Stage) -> list[tuple[str, str, str, str]]:
    return odd(stage.tdr("plan", "--format", "json", expect=None).document["warnings"])


def test_a_replacing_activation_beside_another_that_feeds(shop: Stage) -> None:
    shop.write("manifests/second.yaml", SECOND)
    assert validated(shop) == [
        ("audience-fed-twice", "warning", "activation/spring-buyers-daily", "manifests/activation.yaml:8")
    ]


def test_two_that_add_are_told_once_and_one_that_takes_out_is_meant(shop: Stage) -> None:
    shop.edit("manifests/activation.yaml", "membership: replace", "membership: add")
    shop.write("manifests/second.yaml", SECOND)
    assert validated(shop) == [
        ("audience-fed-by-several", "warning", "activation/spring-buyers-daily", "manifests/activation.yaml:7")
    ]
    shop.edit("manifests/second.yaml", "membership: add", "membership: remove")
    assert validated(shop) == []


@pytest.mark.parametrize(
    ("cron", "membership", "settings", "is_told"),
    [
        ("0 * * * *", "replace", "", True),
        ("0 3,15 * * *", "replace", "", True),
        ("0 3 * * *", "replace", "", False),
        ("30 2 * * *", "replace", "", False),
        ("0 * * * *", "add", "", False),
        ("0 * * * *", "replace", "ingests_within: {pinterest: 1h}\n", False),
        ("0 * * * *", "replace", "ingests_within: {pinterest: 0}\n", False),
        ("0 3 * * *", "replace", "ingests_within: {pinterest: 2d}\n", True),
    ],
)
def test_a_list_that_is_replaced_before_it_is_taken_in(
    cron: str,
    membership: str,
    settings: str,
    is_told: bool,  # noqa: FBT001 - a table
    shop: Stage,
) -> None:
    shop.edit("manifests/pinterest.yaml", '"0 3 * * *"', f'"{cron}"')
    shop.edit("manifests/activation.yaml", "membership: replace", f"membership: {membership}")
    shop.edit("manifests/environments/local.yaml", "endpoints:", f"{settings}endpoints:")
    place = ("faster-than-ingested", "warning", "activation/spring-buyers-daily", "manifests/activation.yaml:9")
    assert validated(shop) == planned(shop) == ([place] if is_told else [])


def test_a_connection_that_nothing_uses(shop: Stage) -> None:
    (shop.folder / "manifests/activation.yaml").unlink()
    text = MANIFESTS["manifests/pinterest.yaml"].partition("---\n")[0]
    shop.write("manifests/pinterest.yaml", text)
    assert (
        planned(shop)
        == validated(shop)
        == [("unused-connection", "warning", "connection/pinterest-main", "manifests/pinterest.yaml:1")]
    )


@pytest.mark.parametrize("name", ["", *sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())])
def test_nothing_in_the_examples_is_odd(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    if name:
        shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns("state"))
    else:
        folder.mkdir()
        shutil.copy(REPOSITORY / "tdr.yaml", folder)
        shutil.copytree(REPOSITORY / "manifests", folder / "manifests")
    stage = Stage(folder, None, environment(folder))
    declared = sorted(path.stem for path in (folder / "manifests" / "environments").glob("*.yaml"))
    assert declared or not list(folder.rglob("tdr.yaml"))
    for one in declared:
        assert odd(stage.tdr("validate", "--env", one, "--format", "json").document["diagnostics"]) == []


def test_a_new_project_has_nothing_odd(project: Stage) -> None:
    assert validated(project) == []

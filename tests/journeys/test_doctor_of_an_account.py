"""What `tdr doctor` says of an account on the network: its key, whose it is, its region and its hosts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from other_account import OtherAccount, account_of
from stage import Stage, environment

from reconciler.model.probe import FactName as Fact

PROD = "manifests/environments/prod.yaml"
SEGMENTS = """\
apiVersion: tdr/v1
kind: ParentSegment
metadata: {name: people}
spec: {master: {database: shop, table: customers}}
"""


@pytest.fixture
def account(tmp_path: Path) -> Iterator[tuple[OtherAccount, str, str]]:
    """An account that holds nothing; what answers, its address and its key."""
    with account_of(stage_of(tmp_path / "vendor", "local", "{}\n")) as opened:
        yield opened


def stage_of(folder: Path, name: str, text: str, **environ: str) -> Stage:
    """A project with one database and one environment."""
    folder.mkdir()
    stage = Stage(folder, None, environment(folder) | environ)
    stage.write("tdr.yaml", "apiVersion: tdr/v1\nproject: shop\n")
    stage.write(f"manifests/environments/{name}.yaml", text)
    stage.write("manifests/shop.yaml", "apiVersion: tdr/v1\nkind: Database\nmetadata: {name: shop}\nspec: {}\n")
    return stage


@pytest.fixture
def project(tmp_path: Path, account: tuple[OtherAccount, str, str]) -> Stage:
    """A project with one database, in that account."""
    _, url, key = account
    text = f"treasure_data: {{endpoint: {url}, api_key: '${{secret:env:TD_API_KEY}}'}}\n"
    return stage_of(tmp_path / "project", "prod", text, TD_API_KEY=key)


def checks(stage: Stage, *, expect: int, **environ: str) -> dict[str, dict[str, Any]]:
    said = stage.tdr("doctor", "--format", "json", expect=expect, **environ).document
    return {one["check"]: one for one in said["checks"]}


def test_a_good_key_is_told_with_its_account(project: Stage, account: tuple[OtherAccount, str, str]) -> None:
    _, url, key = account

    told = checks(project, expect=0)
    assert told["accounts"]["message"] == f"treasure_data {url.removeprefix('http://')}/1"

    # As an editor leaves it at the end of a file of secrets.
    assert checks(project, expect=0, TD_API_KEY=f"{key}\n")["vendors"]["ok"]
    assert key.partition("/")[2] not in "".join(project.heard)


def test_a_project_that_declares_nothing_yet_has_its_key_looked_at(project: Stage) -> None:
    (project.folder / "manifests/shop.yaml").unlink()

    told = checks(project, expect=0)
    assert told["vendors"]["message"] == "nothing is declared yet, and Treasure Data takes the key"

    told = checks(project, expect=1, TD_API_KEY="1/0123abcd")
    assert "answered 401" in told["vendors"]["message"]


@pytest.mark.parametrize("key", ["TD1 1/89abcdef", "89abcdef", "1//", "1/89 abcdef", "1-89abcdef"])
def test_what_is_no_key_is_said_before_anything_is_sent(
    project: Stage, account: tuple[OtherAccount, str, str], key: str
) -> None:
    said = project.tdr("doctor", expect=64, TD_API_KEY=key).err

    assert "the Treasure Data key from env:TD_API_KEY is not of the form ACCOUNT/HEX" in said
    assert "hint: copy a master key from the console's page of API keys" in said
    assert (account[0].heard, key in said) == ([], False)


def test_a_key_that_is_refused_is_told_with_what_to_look_at(project: Stage) -> None:
    told = checks(project, expect=1, TD_API_KEY="1/0123abcd")

    assert "answered 401" in told["vendors"]["message"]
    assert told["vendors"]["hint"] == (
        "check `treasure_data.api_key` of the environment, and that the key belongs to this region"
    )
    assert "0123abcd" not in "".join(project.heard)


def test_the_key_of_another_account_is_stopped_by_what_the_environment_says(
    project: Stage, account: tuple[OtherAccount, str, str]
) -> None:
    server, url, _ = account
    place = url.removeprefix("http://")
    text = (project.folder / PROD).read_text("utf-8")
    project.write(PROD, text + f"accounts: {{treasure_data: {place}/77}}\n")

    told = checks(project, expect=1)

    assert told["accounts"]["message"] == (
        f"treasure_data: account '{place}/1' answers, but the environment belongs to '{place}/77'"
    )
    assert told["accounts"]["hint"] == "check the credentials and the endpoint of the environment `prod`"
    server.heard.clear()
    assert "belongs to" in project.tdr("apply", "--yes", expect=None).err
    assert server.heard == []

    project.write(PROD, text + f"accounts: {{treasure_data: {place}/1}}\n")
    checks(project, expect=0)
    # From now on the state knows, whatever the environment says.
    project.write(PROD, text)
    project.tdr("apply", "--yes")
    told = checks(project, expect=1, TD_API_KEY="77/0123abcd")
    assert f"but the state belongs to '{place}/1'" in told["accounts"]["message"]


@pytest.mark.parametrize(
    ("endpoint", "said", "hint"),
    [
        ("us1", "'us1' is no Treasure Data region or address", "did you mean `us01`?"),
        ("api.treasuredata.com", "is no Treasure Data region or address", "or an address with https://"),
        ("https://api.treasuredata.com/v3", "has a path: '/v3'", "write https://api.treasuredata.com"),
    ],
)
def test_a_region_that_there_is_not_is_said_with_those_that_there_are(
    project: Stage, endpoint: str, said: str, hint: str
) -> None:
    project.write(PROD, f"treasure_data: {{endpoint: '{endpoint}', api_key: '${{secret:env:TD_API_KEY}}'}}\n")

    told = project.tdr("doctor", expect=None).err

    assert said in told
    assert hint in told


def test_an_environment_without_a_key_is_said(project: Stage, account: tuple[OtherAccount, str, str]) -> None:
    project.write(PROD, f"treasure_data: {{endpoint: {account[1]}}}\n")

    said = project.tdr("doctor", expect=64).err

    assert "names Treasure Data, but no key" in said
    assert "api_key: ${secret:env:TD_API_KEY}" in said


def test_a_host_that_nobody_answers_at_is_told_and_the_other_checks_go_on(project: Stage) -> None:
    project.write(PROD, "treasure_data: {endpoint: 'http://127.0.0.1:9', api_key: '${secret:env:TD_API_KEY}'}\n")

    told = checks(project, expect=1)

    assert "nothing listens at 127.0.0.1:9 on this machine" in told["vendors"]["message"]
    assert [name for name, one in told.items() if not one["ok"]] == ["vendors"]
    said = project.tdr("doctor", "--probe", "--format", "json", expect=1).document
    (probe,) = [one for one in said["checks"] if one["check"] == "probe"]
    assert "nothing listens" in probe["message"]
    assert said["facts"] == []


def test_an_account_is_asked_at_the_pace_that_the_environment_says(project: Stage) -> None:
    def waited_s() -> float:
        begun = project.clock.now() - time.time()
        project.tdr("doctor", "--probe")
        return project.clock.now() - time.time() - begun

    assert waited_s() < 1
    project.edit(PROD, "treasure_data: {", "treasure_data: {pace: {api: 0.5}, ")
    assert waited_s() > 8  # six requests and more, two seconds from one to the next


@pytest.mark.parametrize("fact", [Fact.CUSTOMER_DATA_ANSWERS, Fact.WORKFLOWS_ANSWER])
def test_a_host_that_an_account_has_not_is_told_by_its_probe(
    tmp_path: Path, project: Stage, account: tuple[OtherAccount, str, str], fact: Fact
) -> None:
    account[0].otherwise = frozenset({fact})

    said = project.tdr("doctor", "--probe", "--format", "json").document

    (told,) = [one for one in said["facts"] if one["fact"] == fact]
    assert (told["answer"], told["seen"]) == ("no", "no such address")
    assert "are refused, and not asked for" in told["effect"]
    kind = "no parent segments" if fact is Fact.CUSTOMER_DATA_ANSWERS else "no workflows"
    project.write("manifests/people.yaml", SEGMENTS)
    project.write("flows/a.dig", "+a:\n  echo>: a\n")
    project.write(
        "manifests/flows.yaml",
        "apiVersion: tdr/v1\nkind: Workflow\nmetadata: {name: flows}\nspec: {directory: flows}\n",
    )
    assert f"this account has {kind}" in project.tdr("plan", expect=7).err

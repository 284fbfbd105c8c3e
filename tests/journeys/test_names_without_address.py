"""A name that nobody knows, in every place that an address can stand in: what, where and what now, and nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from rest_lists import SPECIFICATION, Lists, project, serving, table
from stage import Said, Stage, environment

UNKNOWN = "no-such-host.invalid"
TOLD = "the name no-such-host.invalid cannot be looked up ("
NO_NAMES = ["no..such-host.invalid", "n" * 64 + ".invalid"]
"""Such that no name server can even be asked."""
RAW = ("gaierror", "UnicodeError", "idna", "bug in tdr", "Traceback")
BUCKET = """\
apiVersion: tdr/v1
kind: Database
metadata: {name: shop}
spec: {}
---
apiVersion: tdr/v1
kind: Connection
metadata: {name: lake}
spec: {type: files, bucket: shop-lake, endpoint: "https://no-such-host.invalid", access_key_id: "${secret:env:ID}",
  secret_access_key: "${secret:env:KEY}"}
---
apiVersion: tdr/v1
kind: Import
metadata: {name: people}
spec:
  from: {type: files, connection: lake, paths: ["*.csv"]}
  to: {database: shop, table: people}
---
apiVersion: tdr/v1
kind: Query
metadata: {name: out}
spec: {database: shop, sql: SELECT 1 AS one, export: {connection: lake, settings: {path: out.csv}}}
"""


@pytest.fixture
def lists() -> Iterator[Lists]:
    with serving() as server:
        yield server


@pytest.fixture
def loaded(tmp_path: Path, lists: Lists) -> Stage:
    """A project whose import has run, and may read from public addresses only from now on."""
    stage = project(tmp_path / "shop", lists)
    stage.tdr("apply", "--yes")
    stage.tdr("run", "import/members")
    stage.edit("manifests/members.yaml", "  allowed_hosts: [127.0.0.1]\n  allow_private: true\n", "")
    return stage


@pytest.fixture
def begun(tmp_path: Path) -> Stage:
    folder = tmp_path / "project"
    folder.mkdir()
    stage = Stage(folder, None, environment(folder))
    stage.tdr("init", "--name", "shop")
    return stage


def plainly(said: Said, *words: str) -> None:
    text = said.out + said.err
    assert [word for word in RAW if word in text] == []
    assert [word for word in words if word not in text] == []


def at_another_name(stage: Stage, name: str) -> None:
    stage.environ["TDR_VAR_lists"] = f"https://{name}"
    stage.tdr("apply", "--yes")


def test_a_rest_source_says_which_name_and_goes_on_where_it_ended(loaded: Stage, lists: Lists) -> None:
    before = table(loaded)
    at_another_name(loaded, UNKNOWN)

    plainly(loaded.tdr("run", "import/members", expect=1), "GET /lists/L1/members", TOLD, "check the address")

    assert table(loaded) == before
    lists.members["L1"] = [{"id": "m9", "n": 9}]
    lists.asked.clear()
    loaded.edit("manifests/members.yaml", "  type: rest\n", "  type: rest\n  allow_private: true\n")
    at_another_name(loaded, "x")
    loaded.environ["TDR_VAR_lists"] = lists.address
    loaded.tdr("apply", "--yes")
    loaded.tdr("run", "import/members")
    assert "since" in lists.asked[0]
    assert ["m9", 9] in table(loaded)


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_rest_source_is_not_asked_for_what_is_no_name(loaded: Stage, name: str) -> None:
    before = table(loaded)
    at_another_name(loaded, name)

    plainly(loaded.tdr("run", "import/members", expect=1), f"{name} is no name", "correct the address")

    assert table(loaded) == before


def test_where_tokens_are_fetched_is_told_as_well(loaded: Stage) -> None:
    told = json.loads(json.dumps(SPECIFICATION))
    told["authSpec"] = [{"name": "OAuth", "type": "OAuth2 Client Credential", "spec": {"type": "object"}}]
    loaded.write("specs/members.json", json.dumps(told))
    loaded.edit("manifests/members.yaml", "  auth: KeyBased\n", "  auth: OAuth2 Client Credential\n")
    loaded.edit(
        "manifests/members.yaml",
        '  params: {host: "${var:lists}"}\n  secrets: {authKey1: "${secret:env:LISTS_KEY}"}\n',
        '  params: {host: "https://api.example.com", accessTokenUrl: "https://no-such-host.invalid/token"}\n'
        '  secrets: {clientId: "${secret:env:LISTS_KEY}", clientSecret: "${secret:env:LISTS_KEY}"}\n'
        "  allowed_hosts: [no-such-host.invalid, api.example.com]\n",
    )
    loaded.tdr("apply", "--yes")

    plainly(loaded.tdr("run", "import/members", expect=1), TOLD, "check the address")


@pytest.mark.parametrize("address", ["import/people", "query/out"])
def test_a_bucket_says_where_to_look(tmp_path: Path, address: str) -> None:
    stage = Stage(tmp_path, None, environment(tmp_path) | {"ID": "FAKE-id", "KEY": "FAKE-key"})
    stage.write("tdr.yaml", "apiVersion: tdr/v1\nproject: shop\n")
    stage.write("manifests/shop.yaml", BUCKET)
    stage.tdr("apply", "--yes")

    plainly(stage.tdr("run", address, expect=1), "s3://shop-lake cannot be", "check `endpoint`", "the network")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            UNKNOWN,
            "the name in its address, or that of the proxy, cannot be looked up\nhint: see that it is written right",
        ),
        *((name, "what its `url` refers to is no web address\nhint: write an address") for name in NO_NAMES),
    ],
)
@pytest.mark.parametrize("private", ["true", "false"])
def test_a_receiver_is_a_warning_that_shows_no_name(begun: Stage, name: str, words: str, private: str) -> None:
    receiver = 'notifications: [{type: slack, url: "${secret:env:HOOK}", allow_private: %s}]\n'
    begun.write("manifests/environments/local.yaml", receiver % private)

    said = begun.tdr("apply", "--yes", HOOK=f"https://{name}/FAKE-hook-path-0123")

    plainly(said, f"the slack receiver at ${{secret:env:HOOK}} was not told: {words}")
    assert name.removesuffix(".invalid") not in said.out + said.err
    assert "FAKE-hook-path" not in said.out + said.err


def test_a_proxy_whose_name_nobody_knows_is_the_one_that_is_told(begun: Stage) -> None:
    begun.write(
        "manifests/environments/local.yaml",
        "treasure_data: {endpoint: https://api.example.com, api_key: '${secret:env:TD}'}\n",
    )

    plainly(begun.tdr("plan", expect=1, TD="1/00fa0ce", HTTPS_PROXY=f"http://{UNKNOWN}:3128"), TOLD)


def test_the_vendor_is_told_in_the_same_words(begun: Stage) -> None:
    begun.write(
        "manifests/environments/local.yaml",
        "treasure_data: {endpoint: https://no-such-host.invalid, api_key: '${secret:env:TD}'}\n",
    )

    plainly(begun.tdr("plan", expect=1, TD="1/00fa0ce"), "treasure_data: GET", TOLD, "check the address")


@pytest.mark.parametrize("name", NO_NAMES)
@pytest.mark.parametrize(
    "written",
    [
        "treasure_data: {endpoint: 'https://%s', api_key: '${secret:env:TD}'}\n",
        "state: {backend: http, address: 'https://%s/state'}\n",
        "endpoints: {intercom: 'https://%s'}\n",
    ],
)
def test_what_is_no_name_is_told_wherever_it_is_written(begun: Stage, written: str, name: str) -> None:
    begun.write("manifests/environments/local.yaml", written % name)

    said = begun.tdr("plan", expect=None, TD="1/00fa0ce")

    assert said.code in {1, 7}
    plainly(said)
    assert f"{name} is no name" in said.out + said.err or "must be an address such as" in said.out + said.err

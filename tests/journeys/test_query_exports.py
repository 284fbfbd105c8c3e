"""Rows of queries that go to other systems: declared in each form that the vendor takes, run where they can, and taken over."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from stage import Stage, environment

SHOP = """\
apiVersion: tdr/v1
kind: Database
metadata: {name: shop}
spec: {}
---
apiVersion: tdr/v1
kind: Table
metadata: {name: customers}
spec: {database: shop, columns: [{name: email, type: string}]}
---
apiVersion: tdr/v1
kind: Table
metadata: {name: copies}
spec: {database: shop, columns: [{name: email, type: string}]}
"""
CRM = """\
apiVersion: tdr/v1
kind: Connection
metadata: {name: crm}
spec:
  type: other
  connector: sfdc_v2
  settings: {login_url: https://login.example.com, batch_size: 200, bulk: true}
  secrets: {password: "${secret:env:CRM_PASSWORD}", username: "${secret:env:CRM_USER}"}
"""
QUERY = """\
apiVersion: tdr/v1
kind: Query
metadata: {name: %s}
spec:
  database: shop
  sql: SELECT email FROM customers
  export: %s
"""
FORMS = {
    "address": '{url: "td://@/shop/copies?mode=replace"}',
    "connection": "{connection: crm}",
    "settings": "{connection: crm, settings: {object: Contact, key: Email__c, upsert: true, batch_size: 500}}",
    "others": "{connection: lake}",
    "typed": "{type: webhook, settings: {address: https://hooks.example.com/x, retries: 3, ids: ['0042', '7']}}",
}
PASSWORD, USER = "FAKE-crm-password/1", "FAKE-crm-user"


@pytest.fixture
def shop(tmp_path: Path) -> Stage:
    folder = tmp_path / "shop"
    folder.mkdir()
    stage = Stage(folder, None, environment(folder) | {"CRM_PASSWORD": PASSWORD, "CRM_USER": USER})
    stage.write("tdr.yaml", "apiVersion: tdr/v1\nproject: shop\n")
    stage.write("manifests/shop.yaml", SHOP)
    stage.write("manifests/crm.yaml", CRM)
    with stage.somebody() as td:
        td.create_connection({"name": "lake", "type": "s3_v2", "settings": {"bucket": "b", "secret_key": "FAKE-s"}})
    return stage


def declare(stage: Stage, **exports: str) -> None:
    stage.write("manifests/queries.yaml", "---\n".join(QUERY % one for one in exports.items()))


def saved(stage: Stage) -> dict[str, dict[str, Any]]:
    with stage.somebody() as td:
        return {str(raw["name"]): dict(raw) for raw in td.saved_queries()}


def test_every_form_is_sent_as_the_vendor_takes_it_and_settles(shop: Stage) -> None:
    declare(shop, **FORMS)
    shop.tdr("apply", "--yes")
    shop.tdr("plan", "--detailed-exitcode")

    told = saved(shop)
    crm = shop.records()["connection/crm"]["id"]
    assert told["address"]["result"] == "td://@/shop/copies?mode=replace"
    assert (told["connection"]["result"], told["others"]["result"]) == ("crm", "lake")
    assert told["settings"]["result_connection_id"] in {crm, int(crm)}
    assert json.loads(told["settings"]["result_connection_settings"]) == {
        "object": "Contact",
        "key": "Email__c",
        "upsert": True,
        "batch_size": 500,
    }
    assert json.loads(told["typed"]["result"]) == {
        "type": "webhook",
        "address": "https://hooks.example.com/x",
        "retries": 3,
        "ids": ["0042", 7],
    }
    with shop.somebody() as td:
        connection = next(raw for raw in td.connections() if raw["name"] == "crm")
    assert connection["settings"] == {
        "login_url": "https://login.example.com",
        "batch_size": 200,
        "bulk": True,
        "password": "***",
        "username": USER,
    }
    assert not [text for text in shop.heard if PASSWORD in text or USER in text]


def test_one_form_becomes_another_or_none(shop: Stage) -> None:
    for form in ("address", "settings", "connection", "settings", "typed", "", "settings", ""):
        if form:
            declare(shop, one=FORMS[form])
        else:
            shop.write("manifests/queries.yaml", re.sub(r"  export: .*\n", "", QUERY % ("one", "")))
        shop.tdr("apply", "--yes", *shop.approvals())
        shop.tdr("plan", "--detailed-exitcode")
    told = saved(shop)["one"]
    assert (told["result"], told["result_connection_id"]) == ("", None)


def test_rows_really_go_into_another_table(shop: Stage) -> None:
    shop.write("data/customers.csv", "email\njane@example.com\njohn@example.com\n")
    shop.write(
        "manifests/import.yaml",
        "apiVersion: tdr/v1\nkind: Import\nmetadata: {name: customers}\n"
        "spec: {from: {type: files, paths: [data/customers.csv]}, "
        "to: {database: shop, table: customers, mode: replace_on_new_data}}\n",
    )
    declare(shop, address=FORMS["address"])
    shop.tdr("apply", "--yes")
    shop.tdr("run", "import/customers")
    shop.tdr("run", "query/address")
    shop.tdr("run", "query/address")

    shop.write(
        "manifests/count.yaml",
        QUERY.replace("customers", "copies").replace("email", "count(*) AS n").replace("  export: %s\n", "") % "count",
    )
    shop.tdr("apply", "--yes")
    assert re.search(r"^n\n2$", shop.tdr("run", "query/count").out, re.MULTILINE)


def test_what_leaves_is_shown_before_it_does(shop: Stage) -> None:
    declare(shop, connection=FORMS["connection"], address=FORMS["address"])

    plan = shop.tdr("plan", "--format", "json", expect=None).document

    assert [(one["activation"], one["destination"], one["column"], one["pii"]) for one in plan["egress"]] == [
        ("query/connection", "connection:crm", "email", "email")
    ], "what stays in the account leaves nobody"


def test_a_change_by_hand_is_drift_and_put_back(shop: Stage) -> None:
    declare(shop, settings=FORMS["settings"])
    shop.tdr("apply", "--yes")
    with shop.somebody() as td:
        td.update_saved_query("settings", {"result": "td://@/shop/copies"})

    assert "export" in shop.tdr("drift", expect=2).out
    shop.tdr("apply", "--yes", *shop.approvals())
    shop.tdr("drift")


def test_what_others_made_is_taken_over_with_names_and_places_for_secrets(shop: Stage) -> None:
    (shop.folder / "manifests" / "crm.yaml").unlink()
    with shop.somebody() as td:
        settings = {"login_url": "https://login.example.com", "password": PASSWORD, "batch_size": 200}
        told = td.create_connection({"name": "CRM of sales", "type": "sfdc_v2", "settings": settings})
        both = {"type": "presto", "database": "shop", "query": "SELECT email FROM customers", "cron": ""}
        td.create_database("shop")
        td.create_saved_query("named", both | {"result": "lake"})
        pair = {"result_connection_id": str(told["id"]), "result_connection_settings": '{"object":"Lead","n":7}'}
        td.create_saved_query("pair", both | pair)
        td.create_saved_query("typed", both | {"result": '{"type":"webhook","address":"https://hooks.example.com"}'})
        hook = {"type": "webhook", "url": "https://hooks.example.com/x", "connection": "keep-alive"}
        td.create_saved_query("hook", both | {"result": json.dumps(hook)})
        td.create_saved_query("copied", both | {"result": "td://@/shop/copies?mode=append"})
        td.create_saved_query("hidden", both | {"result": '{"type":"sftp","host":"h","password":"FAKE-p"}'})
        td.create_saved_query("secret", both | {"result": "mysql://etl:FAKE-p@db.example.com/shop/t"})
    shop.write("manifests/shop.yaml", SHOP.replace("spec: {}", "spec: {}\nlifecycle: {adopt: always}", 1))

    said = shop.tdr("import", "--all", expect=None)

    assert said.code == 1, "two are left out"
    assert re.search(r"hidden.*told without password", said.out)
    assert re.search(r"secret.*holds a password", said.out)
    texts = {path.stem: path.read_text() for path in (shop.folder / "manifests").rglob("*.yaml")}
    crm = next(text for text in texts.values() if "CRM of sales" in text)
    name = re.search(r"name: (\S+)", crm)
    assert name is not None
    assert f"connection: {name[1]}" in texts["pair"]
    assert re.search(r'password: "\$\{secret:env:\w+\}"', crm)
    assert "***" not in "".join(texts.values())
    assert re.search(r"type: webhook\n\s+settings:\n\s+url: .*\n\s+connection: keep-alive", texts["hook"]), texts[
        "hook"
    ]
    shop.environ |= dict.fromkeys(re.findall(r"secret:env:(\w+)", "".join(texts.values())), "FAKE-again")
    shop.tdr("import", "--all", expect=None)
    plan = shop.tdr("plan", "--format", "json", "--target", "query/*", expect=None).document
    assert [one["address"] for one in plan["changes"] if one["actions"] != ["noop"]] == []
    assert saved(shop)["pair"]["result_connection_settings"] == '{"object":"Lead","n":7}'


@pytest.mark.parametrize(
    ("export", "rule", "words"),
    [
        ("{url: td.example.com}", "export-url", "no address of the form"),
        ('{url: "mysql://etl:FAKE-p@db/x/y"}', "literal-secret", "holds credentials"),
        ("{type: pinterest}", "export-type", "kind: Activation"),
        ("{type: sftp, settings: {password: FAKE-p}}", "", "let a Connection have it"),
        ("{type: sftp, connection: crm}", "", "needs exactly one of"),
        ("{settings: {a: b}}", "", "needs exactly one of"),
        ('{url: "td://@/a/b", settings: {a: b}}', "", "has its settings in it"),
        ("{type: x, settings: {type: pinterest}}", "", "stands beside `settings`"),
        ("{connection: crm, setings: {a: b}}", "unknown-key", "settings"),
    ],
)
def test_what_cannot_be_meant_is_told_where_it_stands(shop: Stage, export: str, rule: str, words: str) -> None:
    declare(shop, one=export)

    said = shop.tdr("validate", expect=7)

    assert rule in said.out + said.err
    assert words in said.out + said.err
    assert "manifests/queries.yaml:7" in said.out + said.err
    assert "FAKE-p" not in said.out.replace(export, "") + said.err.replace(export, "")


def test_a_connection_that_is_not_there_stops_the_plan_by_its_name(shop: Stage) -> None:
    declare(shop, one="{connection: nowhere, settings: {a: b}}")

    said = shop.tdr("plan", expect=None)

    assert said.code != 0
    assert "Treasure Data has no connection 'nowhere'" in said.out + said.err


def test_a_setting_that_has_no_value_is_one_mistake(shop: Stage) -> None:
    declare(shop, one="{connection: crm, settings: {object: ~}}")

    assert shop.tdr("validate", expect=7).err.count("error[empty-value]") == 1


HERE = "apiVersion: tdr/v1\nkind: Connection\nmetadata: {name: here}\nspec: {type: files, root: out}\n"


def test_rows_go_to_files_and_come_back_from_them(shop: Stage) -> None:
    shop.write("manifests/here.yaml", HERE)
    declare(
        shop,
        there="{connection: here, settings: {path: 'buyers/{job_id}.parquet'}}",
        beside="{type: files, settings: {path: out/buyers.jsonl.gz}}",
    )
    shop.write("data/customers.csv", "email\njane.doe@example.com\nhanako@example.com\n")
    shop.write(
        "manifests/import.yaml",
        "apiVersion: tdr/v1\nkind: Import\nmetadata: {name: customers}\n"
        "spec: {from: {type: files, paths: [data/customers.csv]}, to: {database: shop, table: customers}}\n---\n"
        "apiVersion: tdr/v1\nkind: Import\nmetadata: {name: back}\n"
        "spec: {from: {type: files, connection: here, paths: ['*.jsonl.gz']}, to: {database: shop, table: back}}\n",
    )
    shop.tdr("apply", "--yes")
    shop.tdr("plan", "--detailed-exitcode")
    for one in ("import/customers", "query/there", "query/beside", "import/back"):
        shop.tdr("run", one)

    (parquet,) = (shop.folder / "out/buyers").glob("*.parquet")
    assert parquet.stat().st_mode & 0o077 == 0
    with shop.somebody() as td:
        job = td.issue_job("presto", "shop", {"query": "SELECT email FROM back ORDER BY 1"}, "")
        while td.job(job)["status"] not in {"success", "error"}:
            shop.clock.sleep(0.05)
        assert td.job_rows(job) == [["hanako@example.com"], ["jane.doe@example.com"]]

"""Failures, retries, locks, lost replies and partial runs that people really met, each through the command line."""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from itertools import pairwise
from typing import Any

import httpx
import pytest
from field_cases import Check, cases_of
from http_doubles import FakeClock, Script
from stage import BUYERS, TITLE, Stage

from reconciler.apis.treasure_data_cdp import CustomerData
from reconciler.errors import Transient
from reconciler.http.client import Client
from reconciler.http.dialect import Dialect
from reconciler.http.request import get
from reconciler.model.address import Address
from reconciler.model.observation import Finding
from reconciler.model.probe import AccountFacts
from reconciler.model.resource import Origin, Resource
from reconciler.model.segments import SegmentSpec
from reconciler.model.spec import Lifecycle
from reconciler.ports.provider import Context, Wanted
from reconciler.providers.treasure_data.segments import SegmentTrees

Given = dict[str, Any]
AUDIENCES = "/ad_accounts/*/audiences"


def one_of_each(stage: Stage) -> None:
    """One audience, one list, the members of the query, and nothing left to do."""
    assert (len(stage.audiences()), len(stage.control.lists())) == (1, 1)
    assert stage.members() == stage.shop_of(range(BUYERS))
    stage.tdr("plan", "--detailed-exitcode")


def calls_on_audiences(stage: Stage) -> list[str]:
    return [one["method"] for one in stage.control.traffic() if re.search(r"/audiences$", one["path"])]


def created_and_the_reply_lost(loaded: Stage, _given: Given) -> None:
    loaded.control.fault("answer_lost", method="POST", path=AUDIENCES)

    code = loaded.tdr("apply", "--yes", expect=None).code
    if code:
        loaded.tdr("apply", "--yes")

    assert calls_on_audiences(loaded).count("POST") == 1
    one_of_each(loaded)


def no_blind_retry(loaded: Stage, _given: Given) -> None:
    loaded.control.fault("cut_midway", method="POST", path=AUDIENCES)
    loaded.control.fault("error", status=502, method="POST", path=AUDIENCES, nth=2)

    if loaded.tdr("apply", "--yes", expect=None).code:
        loaded.tdr("apply", "--yes")

    calls = calls_on_audiences(loaded)
    posts = [number for number, method in enumerate(calls) if method == "POST"]
    assert all("GET" in calls[one:other] for one, other in pairwise(posts)), calls
    one_of_each(loaded)


def not_visible_yet(loaded: Stage, _given: Given) -> None:
    loaded.control.fault("listed_late", method="POST", path=AUDIENCES, list_calls=3, get_calls=1)

    code = loaded.tdr("apply", "--yes", expect=None).code
    if code:
        loaded.tdr("apply", "--yes")

    assert calls_on_audiences(loaded).count("POST") == 1
    one_of_each(loaded)


def forbidden_is_not_gone(loaded: Stage, _given: Given) -> None:
    loaded.tdr("apply", "--yes")
    records = loaded.records()
    loaded.control.fault("error", status=403, path="/ad_accounts/**", method="GET", count=None)

    said = loaded.tdr("plan", "--format", "json", expect=1)
    loaded.tdr("apply", "--yes", expect=1)

    assert "create" not in {action for change in said.document["changes"] for action in change["actions"]}
    assert "403" in said.out
    assert loaded.records() == records


def wrong_region(loaded: Stage, _given: Given) -> None:
    loaded.tdr("apply", "--yes")
    loaded.write(
        "manifests/environments/local.yaml",
        'treasure_data: {endpoint: jp01, api_key: "${secret:env:TD_API_KEY}"}\nendpoints: {pinterest: "${var:pinterest}"}\n',
    )

    said = loaded.tdr("plan", expect=3, TD_API_KEY="1/0123456789abcdef")

    assert said.out == ""
    assert "account 'jp01/1' answers, but the state belongs to 'embedded/1'" in said.err


def retry_after(_loaded: Stage, given: Given) -> None:
    waits = {}
    for line in given["server_script"]:
        _, _, spelled = line.partition("Retry-After: ")
        clock = FakeClock()
        headers = {"retry-after": spelled} if spelled else {}
        script = Script([httpx.Response(429, headers=headers), httpx.Response(200, json={})])
        client = Client("http://vendor.test", Dialect("vendor"), clock=clock, transport=script, random=lambda: 0.5)
        with suppress(Transient):
            client.json(get("/things"))
        waits[spelled] = clock.slept
        client.close()
    # What is asked is kept, and a little more so that many do not come back at once; a day is not waited for at all.
    assert waits.pop("86400") == []
    longest = {"2": 3.0, "Wed, 21 Oct 2026 07:28:00 GMT": 12.0, "0.493": 2.0, "": 1.0}
    shortest = {"2": 2.0, "Wed, 21 Oct 2026 07:28:00 GMT": 10.0, "0.493": 1.0, "": 0.1}
    assert {spelled: shortest[spelled] <= sum(slept) <= longest[spelled] for spelled, slept in waits.items()} == (
        dict.fromkeys(shortest, True)
    )


def list_without_rules(_loaded: Stage, given: Given) -> None:
    assert given["change"] == "description only"
    leaf = {"type": "Value", "leftValue": {"name": "country"}, "operator": {"type": "Equal", "rightValue": "JP"}}
    rule = {"type": "And", "conditions": [{"type": "And", "conditions": [leaf]}]}
    listed = {"id": "7", "name": "vip", "description": "", "kind": 0, "segmentFolderId": "1", "rule": None}
    script = Script(
        [
            httpx.Response(200, json=[{"id": "3", "name": "customers"}]),
            httpx.Response(200, json=[{"id": "1", "name": "customers", "parentFolderId": None}]),
            httpx.Response(200, json=[listed]),
            httpx.Response(200, json={**listed, "rule": rule}),
            httpx.Response(200, json={"data": {"id": "7", "type": "segment-batch"}}),
        ]
    )
    client = Client("http://vendor.test", Dialect("vendor"), transport=script)
    family = SegmentTrees(CustomerData(client), AccountFacts())
    spec = SegmentSpec.model_validate(
        {
            "parent_segment": "customers",
            "description": "best",
            "where": {"all": [{"attribute": "country", "equals": "JP"}]},
        }
    )
    vip = Resource(Address("segment", "vip"), spec, Lifecycle(), Origin("manifests/vip.yaml", 0))
    context = Context({vip.address: vip})

    seen = family.observe([Wanted(vip.address, vip, None)], context)[vip.address]
    wanted = family.attributes(vip, context)

    assert isinstance(seen, Finding)
    (found,) = seen.by_key
    assert found.attributes["rule"] == wanted["rule"] != {}
    family.update(vip, found.remote_id, wanted, frozenset({"description"}))
    client.close()
    assert json.loads(script.requests[-1].content) == {
        "type": "segment-batch",
        "attributes": {"description": "best"},
        "relationships": {},
    }


def left_lock(loaded: Stage, given: Given) -> None:
    lock = given["lock"]
    record = {
        "format": "tdr.lock",
        "format_version": "1.0",
        "started": "another-boot/7",
        "lock_id": "left-1",
        "operation": "apply",
        "who": lock["holder"],
        "host": "another-host",
        "pid": lock["process"],
        "run": "run-9",
        "since": "2026-02-02T00:40:00Z",
    }
    loaded.write("state/local/lock.json", json.dumps(record))

    said = loaded.tdr("apply", "--yes", expect=5)
    assert all(
        word in said.err for word in (lock["holder"], "another-host", "2026-02-02T00:40:00Z", "tdr lock release left-1")
    )
    loaded.tdr("lock", "release", "left-2", expect=5)
    loaded.tdr("apply", "--yes", expect=5)
    loaded.tdr("lock", "release", "left-1")
    loaded.tdr("apply", "--yes")
    one_of_each(loaded)


def torn_state(loaded: Stage, given: Given) -> None:
    loaded.tdr("apply", "--yes")
    path = loaded.state / "state.json"
    whole = path.read_bytes()
    damages = {
        "truncated JSON": whole[: len(whole) // 2],
        "zero length": b"",
        "correct length, all zero bytes": b"\x00" * len(whole),
        "a JSON list instead of an object": b"[]",
    }
    for name in given["state_files"]:
        path.write_bytes(damages[name])
        said = loaded.tdr("apply", "--yes", expect=1)
        assert "state.json" in said.err
        assert "tdr state restore" in said.err
        assert path.read_bytes() == damages[name]
    path.write_bytes(whole)
    one_of_each(loaded)


def first_plan_twice(stage: Stage, _given: Given) -> None:
    stage.tdr("plan", "--out", "plan.json", "--target", "import/customers")
    stage.tdr("apply", "plan.json")

    assert "was applied already" in stage.tdr("apply", "plan.json", expect=4).err


def no_manifests(loaded: Stage, _given: Given) -> None:
    loaded.tdr("apply", "--yes")
    texts = {path: path.read_text(encoding="utf-8") for path in (loaded.folder / "manifests").glob("*.yaml")}
    for path in texts:
        path.unlink()
    loaded.tdr("apply", "--yes", expect=7)

    loaded.write(
        "manifests/environments/local.yaml",
        "thresholds: {minimum_resources: 1}\nendpoints: {pinterest: '${var:pinterest}'}\n",
    )
    # One file of three is back: the connection, so that the vendor can be asked.
    pinterest = next(text for path, text in texts.items() if path.name == "pinterest.yaml")
    loaded.write("manifests/pinterest.yaml", pinterest.partition("---\n")[0])
    gates = loaded.tdr("plan", "--format", "json", expect=3).document["gates"]

    assert [gate["rule"] for gate in gates] == ["deletes"]
    assert "30%" in gates[0]["message"]
    loaded.tdr("apply", "--yes", expect=3)
    assert len(loaded.audiences()) == 1


def order_of_deletion(loaded: Stage, given: Given) -> None:
    loaded.tdr("apply", "--yes")
    for name in ("activation.yaml", "pinterest.yaml"):
        (loaded.folder / "manifests" / name).rename(loaded.folder / name)
    # Without the connection's document nobody can ask the vendor, so nothing is done by halves.
    assert "can be deleted only through connection/" in loaded.tdr("plan", expect=3).out
    loaded.tdr("apply", "--yes", expect=3)
    assert len(loaded.audiences()) == 1
    for name in ("activation.yaml", "pinterest.yaml"):
        (loaded.folder / name).rename(loaded.folder / "manifests" / name)
    loaded.tdr("apply", "--yes")

    said = loaded.tdr("destroy", "--yes", "--env", "local")

    done = re.findall(r"^(activation|audience|connection)/\S+: done delete$", said.err, flags=re.MULTILINE)
    assert done == [thing.split()[0] for thing in ("activation vip-to-pin", "audience vip", "connection pin")]
    assert sorted(done) == sorted(thing.split()[0] for thing in given["remove"])
    assert loaded.audiences() == []


def still_processing(loaded: Stage, _given: Given) -> None:
    loaded.control.knobs(match_ratio=0.5)
    loaded.tdr("apply", "--yes")

    processing = loaded.tdr("plan", "--detailed-exitcode").out
    loaded.control.advance(90_000)
    small = loaded.tdr("plan", "--detailed-exitcode").out

    assert "48 hours" in processing
    assert "100" in small
    loaded.tdr("drift")


def first_use_of_new_token(stage: Stage) -> bool:
    """Whether a call came after the newest refresh; a token lost before that would be lost for anybody."""
    paths = [str(one["path"]) for one in stage.control.traffic()]
    refreshes = [number for number, path in enumerate(paths) if path.endswith("/oauth/token")]
    return len(refreshes) > 1 and refreshes[-1] < len(paths) - 1


def token_that_changes(loaded: Stage, _given: Given) -> None:
    loaded.control.knobs(refresh="old_dies")
    first = loaded.spawn("plan")
    second = loaded.spawn("plan")
    for process in (first, second):
        process.communicate(timeout=120)
    assert (first.returncode, second.returncode) == (0, 0)
    loaded.control.end_tokens("access")
    killed = loaded.spawn("apply", "--yes")
    while killed.poll() is None and not first_use_of_new_token(loaded):
        time.sleep(0.005)
    killed.kill()
    killed.communicate(timeout=120)

    loaded.control.end_tokens("access")
    loaded.tdr("apply", "--yes")
    one_of_each(loaded)


def second_page(loaded: Stage, _given: Given) -> None:
    loaded.tdr("apply", "--yes")
    (vip,) = loaded.audiences()
    for number in range(260):
        loaded.control.call(
            "POST",
            "/audiences",
            {
                "ad_account_id": "549700000001",
                "name": f"other {number}",
                "customer_list_id": vip["rule"]["customer_list_id"],
            },
        )
    pages = len([one for one in calls_on_audiences(loaded) if one == "GET"])

    loaded.tdr("plan", "--detailed-exitcode")

    assert len([one for one in calls_on_audiences(loaded) if one == "GET"]) > pages + 1
    assert [one["name"] for one in loaded.audiences()].count(TITLE) == 1


def hard_names(stage: Stage, given: Given) -> None:
    names = [name for name in given["names"] if name != ".."]

    def declare(sql: str, extra: tuple[str, ...] = ()) -> None:
        documents = [
            json.dumps(
                {
                    "apiVersion": "tdr/v1",
                    "kind": "Query",
                    "metadata": {"name": f"query-{number}"},
                    "spec": {"database": "shop", "sql": sql, "name": name},
                },
                ensure_ascii=False,
            )
            for number, name in enumerate((*names, *extra))
        ]
        stage.write("manifests/queries.yaml", "\n---\n".join(documents))

    def there() -> dict[str, str]:
        with stage.somebody() as client:
            return {str(one["name"]): str(one["query"]) for one in client.saved_queries()}

    for sql in ("SELECT 1", "SELECT 2"):
        declare(sql)
        stage.tdr("apply", "--yes", *[f"--target=query/query-{number}" for number in range(len(names))])
        assert there() == dict.fromkeys(names, sql)
    declare("SELECT 2", extra=("..",))
    assert "'..'" in stage.tdr("plan", expect=7).err
    declare("SELECT 2")
    documents = (stage.folder / "manifests/queries.yaml").read_text(encoding="utf-8").split("\n---\n")
    for number in range(len(names)):
        stage.write("manifests/queries.yaml", "\n---\n".join(documents[number + 1 :]))
        stage.tdr("apply", "--yes", f"--target=query/query-{number}")
        assert set(there()) == set(names[number + 1 :])


CHECKS: dict[str, Check] = {
    "apply-001": created_and_the_reply_lost,
    "apply-002": no_blind_retry,
    "apply-003": not_visible_yet,
    "apply-004": forbidden_is_not_gone,
    "apply-005": wrong_region,
    "apply-006": retry_after,
    "apply-007": left_lock,
    "apply-008": torn_state,
    "apply-009": first_plan_twice,
    "apply-010": no_manifests,
    "apply-011": order_of_deletion,
    "apply-012": list_without_rules,
    "apply-013": still_processing,
    "apply-014": token_that_changes,
    "apply-015": second_page,
    "apply-016": hard_names,
}
EMPTY = {first_plan_twice, hard_names}
"""Those that begin with nothing at all."""


@pytest.mark.parametrize(("check", "given"), cases_of("reconcile-apply", CHECKS))
def test_case(check: Check, given: Given, request: pytest.FixtureRequest) -> None:
    check(request.getfixturevalue("stage" if check in EMPTY else "loaded"), given)

"""Activations of segments: made, run, changed outside, taken over, cut off and taken away."""

from __future__ import annotations

import re
import shutil
from typing import Any

import pytest
from segment_stage import ACTIVATION, ADDRESS, FILE, LIST, SEGMENTS, activated, asked, built
from stage import BUYERS, SERVICE_KEY, Stage, files_below, leaks

__all__ = ["activated", "built"]


def only(stage: Stage) -> dict[str, Any]:
    (one,) = asked(stage, "GET", LIST)
    found: dict[str, Any] = one
    return found


def put(stage: Stage, **fields: Any) -> None:
    one = only(stage)
    asked(stage, "PUT", f"/audiences/1/segments/{one['segmentId']}/syndications/{one['id']}", fields)


def planned(stage: Stage) -> dict[str, list[str]]:
    changes = stage.tdr("plan", "--format", "json", expect=None).document["changes"]
    return {one["address"]: [field["path"] for field in one["fields"]] for one in changes if one["actions"] != ["noop"]}


def test_the_first_run_makes_the_audience_and_the_schedule_goes_on_then(activated: Stage) -> None:
    one = only(activated)

    assert len(activated.members()) == BUYERS
    assert one["connectorConfig"]["action"] == "REPLACE_CURRENT_AUDIENCE"
    assert one["connectorConfig"]["audience_id_replace"] == activated.audiences()[0]["id"]
    assert one["columns"][0]["source"] == {"column": "email"}
    assert (one["repeatUnit"], one["startAt"][11:], one["timezone"]) == ("day", "03:00:00", "Asia/Tokyo")
    assert (one["notifyOn"], one["emailRecipients"], one["description"]) == (
        ["onFailure"],
        [1],
        f"tdr:shop/local/{ADDRESS}",
    )
    assert [run["status"] for run in one["executions"]] == ["success"]
    activated.tdr("plan", "--detailed-exitcode")
    assert activated.records()[ADDRESS]["id"] == "1/1/1"


def test_a_run_sends_the_people_of_today_and_is_told_with_its_log(activated: Stage) -> None:
    activated.load(range(30))
    activated.tdr("run", "parentsegment/people")

    run = activated.tdr("run", ADDRESS, "--format", "json").document

    assert (run["status"], len(activated.members())) == ("success", 30)
    logged = activated.tdr("logs", ADDRESS, "--format", "json").document
    assert logged["job_id"] == run["job_id"]
    assert "exporting 30 rows to pinterest" in activated.tdr("logs", ADDRESS).out
    told = activated.tdr("status", ADDRESS, "--format", "json").document["resources"][0]
    assert [one["status"] for one in told["runs"]][:2] == ["success", "success"]


def test_what_leaves_is_shown_before_it_does(built: Stage) -> None:
    built.write(FILE, ACTIVATION)

    told = built.tdr("plan", "--format", "json").document["egress"]

    assert [(one["column"], one["pii"], one["hashing"], one["change"]) for one in told] == [
        ("email", "email", "sha256", "starts")
    ]
    out = built.tdr("plan").out
    assert "during this apply, by its first run" in out


def test_what_somebody_changed_is_drift_and_is_put_back_without_touching_the_rest(activated: Stage) -> None:
    put(
        activated,
        allColumns=True,
        repeatUnit="week",
        repeatSubFrequency=[1, 3],
        startAt="2026-01-05T09:00:00",
        activationTemplateId="t-1",
        notifyOn=["onSuccess"],
    )

    assert planned(activated) == {ADDRESS: ["/all_columns", "/cron", "/notify_when"]}
    activated.tdr("drift", expect=2)
    activated.tdr("apply", "--yes", *activated.approvals())
    one = only(activated)
    assert (one["allColumns"], one["repeatUnit"], one["notifyOn"]) == (False, "day", ["onFailure"])
    assert one["activationTemplateId"] == "t-1"
    activated.tdr("plan", "--detailed-exitcode")


def test_a_changed_document_is_changed_in_place(activated: Stage) -> None:
    activated.edit(FILE, "schedule: nightly", 'schedule: {cron: "*/15 * * * *"}\n  description: For spring')
    activated.edit(FILE, "membership: replace", "membership: add")

    assert planned(activated) == {
        ADDRESS: ["/cron", "/description", "/export/action", "/export/audience_id_add_people", "/timezone"]
    }
    activated.tdr("apply", "--yes")
    one = only(activated)
    assert (one["repeatUnit"], one["repeatFrequency"], one["description"]) == ("minute", 15, "For spring")
    assert "audience_id_replace" not in one["connectorConfig"]
    activated.tdr("plan", "--detailed-exitcode")


@pytest.mark.parametrize(
    ("cron", "fields"),
    [
        ("@hourly", {"repeatUnit": "hour"}),
        ("30 9 * * 1,0", {"repeatUnit": "week", "repeatSubFrequency": [1, 7]}),
        ("@monthly", {"repeatUnit": "month"}),
        ("0 3 1,15 * *", {"repeatUnit": None, "scheduleType": "cron", "scheduleOption": "0 3 1,15 * *"}),
        ("", {"repeatUnit": "none"}),
    ],
)
def test_a_schedule_is_kept_by_its_meaning(activated: Stage, cron: str, fields: dict[str, Any]) -> None:
    activated.edit(FILE, "schedule: nightly", f'schedule: {{cron: "{cron}"}}')
    activated.tdr("apply", "--yes")

    assert {name: only(activated)[name] for name in fields} == fields
    activated.tdr("plan", "--detailed-exitcode")


def test_a_document_that_is_gone_takes_its_activation_away_schedule_first(activated: Stage) -> None:
    (activated.folder / FILE).unlink()

    said = activated.tdr("apply", "--yes", *activated.approvals(), TDR_LOG="debug")

    assert asked(activated, "GET", LIST) == []
    sent = re.findall(r"(PUT|DELETE)\S*.{0,40}/syndications/", said.err)
    assert sent == ["PUT", "DELETE"], said.err


def test_all_of_it_goes_in_the_order_it_can(activated: Stage) -> None:
    for name in (FILE, "manifests/segments.yaml"):
        (activated.folder / name).unlink()

    activated.tdr("apply", "--yes", *activated.approvals())

    assert asked(activated, "GET", "/audiences") == []


def test_a_mapping_goes_there_and_comes_back_as_it_was(activated: Stage) -> None:
    with_columns = asked_columns()
    put(activated, columns=with_columns, notifyOn=[], emailRecipients=[], description="By hand")
    forget(activated)
    (activated.folder / FILE).unlink()

    said = activated.tdr("import", "--all", "--yes", expect=None)

    # Pinterest takes one column, so a mapping of four is told and left alone.
    assert "takes one column" in said.out + said.err
    put(activated, columns=with_columns[:1])
    activated.tdr("import", "--all", "--yes")
    text = (activated.folder / "manifests/activations/spring-to-pinterest.yaml").read_text(encoding="utf-8")
    assert "segment: spring" in text
    assert "audience: spring-buyers" in text
    assert "column: email" in text
    assert planned(activated) == {}


def asked_columns() -> list[dict[str, Any]]:
    return [
        {"column": "email", "source": {"column": "email"}},
        {"column": "season", "source": {"column": "spring"}},
        {"column": "source", "source": {"string": "shop", "parameters": []}},
        {"column": "told", "source": {"string": "$1", "parameters": [{"type": "SegmentName"}]}},
    ]


def forget(stage: Stage) -> None:
    stage.tdr("state", "rm", ADDRESS)


def test_one_is_taken_over_by_its_id_or_by_its_name(activated: Stage) -> None:
    forget(activated)
    activated.tdr("import", ADDRESS, "1/1/1")
    activated.tdr("plan", "--detailed-exitcode")

    forget(activated)
    # Its mark says whose it is, so that nobody is asked.
    activated.tdr("apply", "--yes")
    assert len(asked(activated, "GET", LIST)) == 1
    activated.tdr("plan", "--detailed-exitcode")


def test_an_account_is_taken_over_with_segments_and_their_activations(activated: Stage) -> None:
    for path in (FILE, "manifests/segments.yaml"):
        (activated.folder / path).unlink()
    for name in ("state.json", "journal.jsonl"):
        (activated.state / name).unlink(missing_ok=True)
    shutil.rmtree(activated.state / "history")

    activated.tdr("import", "--all", "--yes")

    text = (activated.folder / "manifests/activations/spring-to-pinterest.yaml").read_text(encoding="utf-8")
    assert "segment: spring" in text
    assert "@" not in text
    assert planned(activated) == {}


def test_two_of_one_name_are_never_guessed_between(activated: Stage) -> None:
    one = only(activated)
    fields = {key: one[key] for key in ("name", "connectionId", "connectorConfig", "columns")}
    asked(
        activated, "POST", "/audiences/1/segments/1/syndications", {**fields, "connectionId": int(one["connectionId"])}
    )
    forget(activated)

    said = activated.tdr("plan", expect=None)

    assert "2 objects have its name: 1/1/1" in said.out + said.err


def test_a_parent_segment_that_was_never_built_is_told_and_the_next_apply_goes_on(loaded: Stage) -> None:
    loaded.write("manifests/segments.yaml", SEGMENTS)
    loaded.write(FILE, ACTIVATION)

    said = loaded.tdr("apply", "--yes", expect=None)

    assert said.code != 0
    assert "the parent segment was not run yet" in said.out + said.err
    loaded.tdr("run", "parentsegment/people")
    loaded.tdr("apply", "--yes")
    assert (len(loaded.members()), len(loaded.audiences()), len(asked(loaded, "GET", LIST))) == (BUYERS, 1, 1)
    loaded.tdr("plan", "--detailed-exitcode")


def test_nothing_of_people_and_no_secret_is_kept_or_said(activated: Stage) -> None:
    activated.tdr("plan", "--format", "json")
    places = {path: content for path, content in files_below(activated.state).items() if not path.startswith("service")}
    places["said"] = "\n".join(activated.heard).encode()

    assert leaks(places, [SERVICE_KEY, "customer.1+club@example.com", "local@localhost"]) == []


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("segment: spring", "segment: sprnig", "sprnig"),
        ("{segment: spring}", "{}", "needs either a `query` or a `segment`"),
        ("  columns: [{column: email}]\n", "", "needs `columns`, or `all_columns: true`"),
        ("[{column: email}]", "[{column: spring}]", "audience/spring-buyers takes one column, called 'email'"),
        ("[{column: email}]", "[{value: x}]", "needs `as`, its name where it goes"),
        ("[{column: email}]", "[{column: email, value: x}]", "needs exactly one of `column`, `value` and `build`"),
        ("schedule: nightly", "priority: 1", "`priority` belongs to an activation `from: {query: …}`"),
        ("schedule: nightly", 'schedule: {cron: "@daily", delay: 1h}', "has no delay at Treasure Data"),
        ("when: [failure]", "when: [never]", "never"),
    ],
)
def test_a_mistake_is_told_at_its_place(built: Stage, before: str, after: str, words: str) -> None:
    built.write(FILE, ACTIVATION)
    built.edit(FILE, before, after)

    said = built.tdr("validate", expect=7)

    assert words in said.out + said.err
    assert f"{FILE}:" in said.out + said.err


def test_an_address_of_nobody_is_named_by_its_place(built: Stage) -> None:
    built.write(FILE, ACTIVATION.replace("Local@localhost", "nobody@example.com"))

    said = built.tdr("plan", expect=None)

    assert said.code == 1
    assert "`notify.emails[0]` is the address of no user" in said.err
    assert "nobody@" not in said.out + said.err


def test_a_schedule_whose_runs_fail_for_their_settings_goes_off_and_status_says_so(activated: Stage) -> None:
    put(activated, columns=[])
    day = 86_400
    with activated.opened() as runtime:
        assert runtime.embedded is not None
        service = runtime.embedded.service()
        fired = []
        for number in range(1, 8):
            fired.append(service.tick(runtime.clock.now() + number * day))
            assert service.wait(60)

    assert fired == [1] * 5 + [0, 0]
    told = activated.tdr("status", ADDRESS, "--format", "json", expect=2).document["findings"]
    found = {one["rule"]: one for one in told}
    assert (
        found["schedule-gone"]["message"] == "its schedule '0 3 * * *' is not there any more after 5 failures in a row"
    )
    assert "5 runs failed" in found["failing"]["message"]
    assert planned(activated) == {ADDRESS: ["/columns", "/cron"]}
    activated.tdr("apply", "--yes")
    assert only(activated)["repeatUnit"] == "day"
    activated.tdr("run", ADDRESS)
    activated.tdr("status", ADDRESS)

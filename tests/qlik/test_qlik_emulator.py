"""The tenant on this machine, held against what facts and descriptions of Qlik's API say."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import httpx
import pytest
import yaml

from reconciler.emulators.qlik.sandbox import QlikSandbox

SECRET = "FAKE-app-secret"


def made(raw: httpx.Client, declared: dict[str, Any]) -> str:
    answer = raw.post("/data-connections", json=declared)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["qID"])


def page(raw: httpx.Client, declared: dict[str, Any]) -> str:
    """Id of a new page of consent."""
    told = raw.post("/data-connections", json=declared | {"authUrlOnly": True})
    return str(httpx.URL(told.json()["authUrl"]).path.rpartition("/")[2])


def code_header(qlik: QlikSandbox, raw: httpx.Client, declared: dict[str, Any]) -> dict[str, str]:
    code = qlik.control.call("POST", f"/authorisations/{page(raw, declared)}/approve")["code"]
    return {"qlik-auth-code": code}


def rename(name: str) -> list[dict[str, str]]:
    return [{"op": "replace", "path": "/qName", "value": name}]


# -- who asks --------------------------------------------------------------------------------------------------------


def test_a_stranger_is_refused_in_the_form_of_errors(raw: httpx.Client) -> None:
    answer = raw.get("/data-connections", headers={"authorization": "Bearer FAKE-other"})

    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["status"], error["title"]) == (401, 401, "Unauthorized")


def test_a_machine_gets_a_token_that_ends(qlik: QlikSandbox, raw: httpx.Client) -> None:
    asked = {"grant_type": "client_credentials", "client_id": "machine-1", "client_secret": "FAKE-secret-of-machine-1"}
    token = httpx.post(f"{qlik.base_url}/oauth/token", json=asked).json()

    bearer = {"authorization": f"Bearer {token['access_token']}"}
    assert raw.get("/spaces", headers=bearer).status_code == 200
    qlik.control.advance(token["expires_in"])
    assert raw.get("/spaces", headers=bearer).status_code == 401


def test_a_machine_with_another_secret_gets_none(qlik: QlikSandbox) -> None:
    asked = {"grant_type": "client_credentials", "client_id": "machine-1", "client_secret": "FAKE-wrong"}

    assert httpx.post(f"{qlik.base_url}/oauth/token", json=asked).status_code == 401


def test_ended_keys_are_refused(qlik: QlikSandbox, raw: httpx.Client) -> None:
    qlik.control.call("DELETE", "/keys")

    assert raw.get("/spaces").status_code == 401


def test_writes_have_a_lower_limit_than_reads(qlik: QlikSandbox, raw: httpx.Client, declared: dict[str, Any]) -> None:
    qlik.control.knobs(reads_per_minute=3, writes_per_minute=1)
    made(raw, declared)
    refused = raw.post("/data-connections", json=declared | {"qName": "another"})

    assert refused.status_code == 429
    assert raw.get("/data-connections").status_code == 200
    qlik.control.advance(int(refused.headers["retry-after"]))
    assert raw.post("/data-connections", json=declared | {"qName": "another"}).status_code == 201


# -- connections -----------------------------------------------------------------------------------------------------


def test_properties_are_told_on_request_and_the_secret_never(raw: httpx.Client, declared: dict[str, Any]) -> None:
    at = f"/data-connections/{made(raw, declared)}"

    whole = raw.get(at, params={"parseConnection": "true"})
    assert whole.json()["connectionProperties"] == {"clientId": "app-1"}
    assert "connectionProperties" not in raw.get(at).json()
    assert SECRET not in whole.text + raw.get("/data-connections").text


def test_a_name_is_taken_once_in_a_space(qlik: QlikSandbox, raw: httpx.Client, declared: dict[str, Any]) -> None:
    space = qlik.control.call("POST", "/spaces", {"name": "Marketing"})["id"]
    made(raw, declared)

    assert raw.post("/data-connections", json=declared).status_code == 409
    assert raw.post("/data-connections", json=declared | {"space": space}).status_code == 201
    assert raw.post("/data-connections", json=declared | {"space": "no-such"}).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"datasourceID": "no-such"},
        {"connectionProperties": {"clientId": "app-1"}},
        {"connectionProperties": {"clientId": "a", "clientSecret": "b", "colour": "red"}},
        {"tags": ["t"] * 33},
        {"qName": ""},
    ],
    ids=["data source", "no secret", "unknown property", "tags", "no name"],
)
def test_what_makes_no_sense_makes_nothing(
    qlik: QlikSandbox, raw: httpx.Client, declared: dict[str, Any], wrong: dict[str, Any]
) -> None:
    qlik.control.knobs(refuses_other_properties=True)
    assert raw.post("/data-connections", json=declared | wrong).status_code == 400
    assert raw.get("/data-connections").json()["data"] == []


def test_pages_of_a_list_follow_one_another(raw: httpx.Client, declared: dict[str, Any]) -> None:
    for number in range(5):
        made(raw, declared | {"qName": f"connection {number}"})

    names, at = [], "/data-connections?limit=2"
    while at:
        told = raw.get(at).json()
        assert told["meta"]["count"] == len(told["data"])
        names += [one["qName"] for one in told["data"]]
        at = told["links"].get("next", {}).get("href", "")
    assert sorted(names) == [f"connection {number}" for number in range(5)]


def test_a_deleted_connection_is_gone(raw: httpx.Client, declared: dict[str, Any]) -> None:
    at = f"/data-connections/{made(raw, declared)}"

    assert [raw.delete(at).status_code, raw.get(at).status_code, raw.delete(at).status_code] == [204, 404, 404]


def test_a_patch_is_whole_or_nothing(raw: httpx.Client, declared: dict[str, Any]) -> None:
    at = f"/data-connections/{made(raw, declared)}"
    operations = [*rename("New name"), {"op": "replace", "path": "/qType", "value": "other"}]

    assert raw.patch(at, json=operations).status_code == 400
    assert raw.get(at).json()["qName"] == "Pinterest ads"


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        ({"op": "add", "path": "/connectionProperties/a~1b~0c", "value": "new"}, 204),
        ({"op": "remove", "path": "/connectionProperties/a~1b~0c"}, 204),
        ({"op": "remove", "path": "/connectionProperties/nothing"}, 400),
        ({"op": "add", "path": "/connectionProperties/a/b~0c", "value": "new"}, 400),
        ({"op": "add", "path": "/connectionProperties/a~1b~c", "value": "new"}, 400),
    ],
    ids=["change", "remove", "remove nothing", "bare slash", "bare tilde"],
)
def test_places_are_written_as_json_patch_has_them(
    raw: httpx.Client, declared: dict[str, Any], operation: dict[str, str], status: int
) -> None:
    declared["connectionProperties"]["a/b~c"] = "old"
    at = f"/data-connections/{made(raw, declared)}"

    assert raw.patch(at, json=[operation]).status_code == status
    told = raw.get(at, params={"parseConnection": "true"}).json()["connectionProperties"]
    assert told.get("a/b~c") == ("old" if status == 400 else operation.get("value"))


# -- consent ---------------------------------------------------------------------------------------------------------


def test_the_address_of_consent_makes_nothing(raw: httpx.Client, declared: dict[str, Any]) -> None:
    told = raw.post("/data-connections", json=declared | {"authUrlOnly": True})

    assert (told.status_code, list(told.json())) == (201, ["authUrl"])
    assert "app-1" in httpx.get(told.json()["authUrl"]).text
    assert raw.get("/data-connections").json()["data"] == []


def test_a_code_authorises_once(qlik: QlikSandbox, raw: httpx.Client, declared: dict[str, Any]) -> None:
    at = f"/data-connections/{made(raw, declared)}"
    code = code_header(qlik, raw, declared)
    assert "qCredentialsID" not in raw.get(at).json()

    assert raw.patch(at, json=rename("Pinterest ads"), headers=code).status_code == 204
    assert raw.get(at).json()["qCredentialsID"]
    assert raw.patch(at, json=rename("Pinterest ads"), headers=code).status_code == 400


@pytest.mark.parametrize("deed", ["refuse", "expire"])
def test_a_page_that_is_over_gives_no_code(
    qlik: QlikSandbox, raw: httpx.Client, declared: dict[str, Any], deed: str
) -> None:
    opened = page(raw, declared)
    qlik.control.call("POST", f"/authorisations/{opened}/{deed}")

    with pytest.raises(ValueError, match="the page is"):
        qlik.control.call("POST", f"/authorisations/{opened}/approve")


def test_a_code_that_is_old_or_of_another_app_is_refused(
    qlik: QlikSandbox, raw: httpx.Client, declared: dict[str, Any]
) -> None:
    at = f"/data-connections/{made(raw, declared)}"
    other = declared | {"connectionProperties": {"clientId": "app-2", "clientSecret": SECRET}}
    assert raw.patch(at, json=rename("x"), headers=code_header(qlik, raw, other)).status_code == 400

    old = code_header(qlik, raw, declared)
    qlik.control.advance(601)
    assert raw.patch(at, json=rename("x"), headers=old).status_code == 400
    assert "qCredentialsID" not in raw.get(at).json()


@pytest.mark.parametrize(("knob", "status"), [("ignored", 201), ("taken", 201), ("needed", 400)])
def test_a_code_on_post_is_what_the_knob_says(
    qlik: QlikSandbox, raw: httpx.Client, declared: dict[str, Any], knob: str, status: int
) -> None:
    qlik.control.knobs(code_on_post=knob)
    with_code = raw.post(
        "/data-connections", json=declared | {"qName": "with"}, headers=code_header(qlik, raw, declared)
    )

    assert raw.post("/data-connections", json=declared).status_code == status
    assert (with_code.status_code, "qCredentialsID" in with_code.json()) == (201, knob != "ignored")


def test_another_app_needs_another_consent(qlik: QlikSandbox, raw: httpx.Client, declared: dict[str, Any]) -> None:
    found = made(raw, declared)
    qlik.control.call("POST", f"/connections/{found}/authorise")
    other = [{"op": "replace", "path": "/connectionProperties/clientId", "value": "app-2"}]

    assert raw.patch(f"/data-connections/{found}", json=other).status_code == 204
    assert "qCredentialsID" not in raw.get(f"/data-connections/{found}").json()


@pytest.mark.parametrize("form", ["mapping", "list", "schema"])
def test_properties_of_a_source_are_told(qlik: QlikSandbox, raw: httpx.Client, form: str) -> None:
    qlik.control.knobs(api_specs=form, property_names="snake")

    assert "client_secret" in raw.get("/data-sources/qdi-pinterest-marketing/api-specs").text


# -- projects --------------------------------------------------------------------------------------------------------


@pytest.fixture
def task(qlik: QlikSandbox) -> tuple[str, str]:
    """Project and task."""
    project = qlik.control.call("POST", "/projects", {"name": "Ads"})["id"]
    made = qlik.control.call("POST", f"/projects/{project}/tasks", {"name": "Ads landing", "prepared": True})
    return project, made["id"]


def exported(raw: httpx.Client, project: str) -> dict[str, str]:
    content = raw.post(f"/di-projects/{project}/actions/export", json={"includeBindings": True}).content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def imported(raw: httpx.Client, project: str, files: dict[str, str]) -> httpx.Response:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return raw.post(f"/di-projects/{project}/actions/import", files={"zip": content.getvalue()})


def test_what_is_exported_can_be_imported_changed(raw: httpx.Client, task: tuple[str, str]) -> None:
    files = exported(raw, task[0])
    at = "qtcp_tasks/Ads landing/task.yaml"
    document = yaml.safe_load(files[at])
    document["settings"]["fullLoadOnly"] = True

    assert imported(raw, task[0], files | {at: yaml.safe_dump(document)}).status_code == 200
    assert yaml.safe_load(exported(raw, task[0])[at]) == document


@pytest.mark.parametrize("spoiled", ["qtcp_project.yaml", "qtcp_tasks/Ads landing/task.yaml"])
def test_an_import_that_is_broken_changes_nothing(raw: httpx.Client, task: tuple[str, str], spoiled: str) -> None:
    files = exported(raw, task[0])

    assert imported(raw, task[0], files | {spoiled: "a: [\n"}).status_code == 400
    assert exported(raw, task[0]) == files


def test_a_prepared_method_changes_only_with_leave_to_recreate(raw: httpx.Client, task: tuple[str, str]) -> None:
    project, found = task
    prepare = f"/di-projects/{project}/di-tasks/{found}/actions/prepare"
    assert raw.post(prepare, json={"allowRecreate": False}).status_code == 202
    files = exported(raw, project)
    at = "qtcp_tasks/Ads landing/task.yaml"
    imported(raw, project, files | {at: files[at] + "  fullLoadOnly: true\n"})

    assert raw.post(prepare, json={"allowRecreate": False}).status_code == 400
    begun = raw.post(prepare, json={"allowRecreate": True}).json()["actionId"]
    states = [raw.get(f"/di-projects/actions/{begun}").json()["state"] for _ in range(3)]
    assert states == ["EXECUTING", "COMPLETED", "COMPLETED"]


def test_a_task_runs_and_is_stopped(raw: httpx.Client, task: tuple[str, str]) -> None:
    at = f"/di-projects/{task[0]}/di-tasks/{task[1]}/runtime"

    def state() -> str:
        return str(raw.get(f"{at}/state").json().get("lastRun", {}).get("state"))

    assert state() == "None"
    assert raw.post(f"{at}/actions/stop").status_code == 409
    assert raw.post(f"{at}/actions/start").status_code == 204
    assert raw.post(f"{at}/actions/start").status_code == 409
    assert state() == "RUNNING"
    assert raw.post(f"{at}/actions/stop").status_code == 204
    assert state() == "CANCELED"


def test_an_unprepared_task_cannot_run(qlik: QlikSandbox, raw: httpx.Client, task: tuple[str, str]) -> None:
    other = qlik.control.call("POST", f"/projects/{task[0]}/tasks", {"name": "New"})["id"]
    at = f"/di-projects/{task[0]}/di-tasks/{other}/runtime"

    assert raw.get(f"{at}/state").json()["runReadiness"]["state"] == "NOT_RUNNABLE"
    assert raw.post(f"{at}/actions/start").status_code == 409

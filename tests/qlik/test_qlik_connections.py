"""A connection in Qlik Cloud as people keep one: declared, made once, let in by a person, edited outside, removed."""

from __future__ import annotations

import pytest
from tenant_stage import ADDRESS, APP_SECRET, FILE, KEY, TenantStage


def test_from_a_document_to_a_connection_that_a_person_let_in(tenant: TenantStage) -> None:
    planned = tenant.tdr("plan", "--detailed-exitcode", expect=2)
    assert f"+ {ADDRESS}" in planned.out

    applied = tenant.tdr("apply", "--yes")
    assert "waits for a person: open " in applied.err
    assert "/oauth-page/" in applied.err
    made = tenant.the_connection()
    assert made["properties"] == {"clientId": "1500001", "startTime": "2026-01-01"}
    assert not made["is_authorised"]

    waiting = tenant.tdr("plan", "--detailed-exitcode")
    assert "waits for a person: open " in waiting.out
    drift = tenant.tdr("drift", "--format", "json").document
    assert drift["summary"]["converging"] == 1
    status = tenant.tdr("status", "--format", "json", expect=2).document
    assert [(one["rule"], one["address"]) for one in status["findings"]] == [("waits-for-consent", ADDRESS)]
    assert "/oauth-page/" in status["findings"][0]["hint"]

    tenant.consent_in_the_console()
    settled = tenant.tdr("plan", "--detailed-exitcode")
    assert "waits for a person" not in settled.out
    assert tenant.tdr("status", "--format", "json").document["healthy"]

    tenant.control("PATCH", f"/connections/{made['id']}", {"properties": {"startTime": "2025-06-01"}})
    moved = tenant.tdr("drift", "--format", "json", expect=2).document
    assert [field["path"] for field in moved["resources"][0]["fields"]] == ["/start_time"]
    tenant.tdr("apply", "--yes")
    assert tenant.the_connection()["properties"]["startTime"] == "2026-01-01"
    assert tenant.the_connection()["is_authorised"], "a new first day needs no new consent"

    tenant.tdr("destroy", "--yes", "--env", "local")
    assert tenant.connections() == []


def test_applying_again_while_it_waits_makes_no_second(tenant: TenantStage) -> None:
    for _ in range(3):
        tenant.tdr("apply", "--yes")

    assert len(tenant.connections()) == 1


@pytest.mark.parametrize("kind", ["answer_lost", "truncated", "html"])
def test_a_creation_whose_answer_is_lost_is_found_again(tenant: TenantStage, kind: str) -> None:
    tenant.qlik.control.fault(kind, method="POST", path="/api/v1/data-connections")

    tenant.tdr("apply", "--yes", expect=None)
    tenant.tdr("apply", "--yes")

    assert len(tenant.connections()) == 1
    tenant.tdr("plan", "--detailed-exitcode")


def test_a_code_lets_it_in_at_the_next_apply(tenant: TenantStage) -> None:
    code = tenant.code_of(tenant.tdr("apply", "--yes").err)
    tenant.stage.edit(FILE, "  start_time", "  code: ${secret:env:PINTEREST_CODE}\n  start_time")

    planned = tenant.tdr("plan", "--detailed-exitcode", expect=2, PINTEREST_CODE=code)
    assert "authorised" in planned.out
    applied = tenant.tdr("apply", "--yes", PINTEREST_CODE=code)
    assert tenant.the_connection()["is_authorised"]
    again = tenant.tdr("plan", "--detailed-exitcode", PINTEREST_CODE=code)
    assert code not in planned.out + applied.out + applied.err + again.out


@pytest.mark.parametrize("knob", ["ignored", "taken", "needed"])
def test_a_code_that_is_there_from_the_start_is_used_once(tenant: TenantStage, knob: str) -> None:
    tenant.qlik.control.knobs(code_on_post=knob)
    page = tenant.qlik.tenant.world.open_page("1500001")
    tenant.stage.edit(FILE, "  start_time", "  code: ${secret:env:PINTEREST_CODE}\n  start_time")
    code = str(tenant.control("POST", f"/authorisations/{page.id}/approve")["code"])

    tenant.tdr("apply", "--yes", PINTEREST_CODE=code)

    assert tenant.the_connection()["is_authorised"]
    tenant.tdr("plan", "--detailed-exitcode", PINTEREST_CODE=code)


def test_a_code_that_is_old_from_the_start_leaves_a_connection_that_waits(tenant: TenantStage) -> None:
    tenant.stage.edit(FILE, "  start_time", "  code: ${secret:env:PINTEREST_CODE}\n  start_time")

    made = tenant.tdr("apply", "--yes", PINTEREST_CODE="FAKE-old-code")
    page = tenant.code_of(made.err)
    tenant.tdr("apply", "--yes", PINTEREST_CODE=page)

    assert tenant.the_connection()["is_authorised"]
    tenant.tdr("plan", "--detailed-exitcode", PINTEREST_CODE=page)


def test_where_a_connection_needs_a_code_the_page_is_told(tenant: TenantStage) -> None:
    tenant.qlik.control.knobs(code_on_post="needed")

    refused = tenant.tdr("apply", "--yes", expect=1)

    assert "/oauth-page/" in refused.out + refused.err
    assert tenant.connections() == []


@pytest.mark.parametrize("what", ["refused", "old", "invented"])
def test_a_code_that_is_of_no_use_changes_nothing_and_says_what_now(tenant: TenantStage, what: str) -> None:
    said = tenant.tdr("apply", "--yes").err
    page = said.partition("/oauth-page/")[2].partition("?")[0]
    code = "FAKE-code-that-nobody-gave"
    match what:
        case "refused":
            tenant.control("POST", f"/authorisations/{page}/refuse")
        case "old":
            code = tenant.code_of(said)
            tenant.control("POST", f"/authorisations/{page}/expire")
    tenant.stage.edit(FILE, "  start_time", "  code: ${secret:env:PINTEREST_CODE}\n  start_time")

    failed = tenant.tdr("apply", "--yes", expect=1, PINTEREST_CODE=code)

    assert "put the new code in place of the old" in failed.out + failed.err
    assert code not in failed.out + failed.err
    assert not tenant.the_connection()["is_authorised"]


def test_consent_that_was_taken_back_is_seen(tenant: TenantStage) -> None:
    tenant.tdr("apply", "--yes")
    tenant.consent_in_the_console()
    tenant.control("POST", f"/connections/{tenant.the_connection()['id']}/revoke")

    assert "waits for a person" in tenant.tdr("plan", "--detailed-exitcode").out


def test_another_app_waits_for_another_consent(tenant: TenantStage) -> None:
    tenant.tdr("apply", "--yes")
    tenant.consent_in_the_console()
    tenant.stage.edit(FILE, '"1500001"', '"1500002"')

    applied = tenant.tdr("apply", "--yes")

    assert tenant.the_connection()["properties"]["clientId"] == "1500002"
    assert "waits for a person" in applied.err
    tenant.tdr("plan", "--detailed-exitcode")


def test_a_new_secret_is_sent_and_shown_by_nobody(tenant: TenantStage) -> None:
    tenant.tdr("apply", "--yes")
    planned = tenant.tdr("plan", "--detailed-exitcode", expect=2, PINTEREST_APP_SECRET="FAKE-rotated-app-secret")
    applied = tenant.tdr("apply", "--yes", PINTEREST_APP_SECRET="FAKE-rotated-app-secret")

    (kept,) = tenant.qlik.tenant.world.connections.values()
    assert kept.client_secret == "FAKE-rotated-app-secret"
    assert "secret_rotated" in planned.out
    assert "FAKE-rotated" not in planned.out + applied.out + applied.err


@pytest.mark.parametrize("kind", ["cut", "answer_lost", "cut_midway"])
def test_a_new_secret_gets_there_whatever_becomes_of_the_answer(tenant: TenantStage, kind: str) -> None:
    tenant.tdr("apply", "--yes")
    # As often as one request is repeated.
    tenant.qlik.control.fault(kind, method="PATCH", path="/api/v1/data-connections/*", count=5)

    tenant.tdr("apply", "--yes", PINTEREST_APP_SECRET="FAKE-rotated-app-secret")

    (kept,) = tenant.qlik.tenant.world.connections.values()
    assert kept.client_secret == "FAKE-rotated-app-secret"


def test_what_is_taken_out_of_the_document_is_taken_out_there(tenant: TenantStage) -> None:
    tenant.tdr("apply", "--yes")
    tenant.stage.edit(FILE, "  start_time: 2026-01-01\n", "")

    tenant.tdr("apply", "--yes")

    assert "startTime" not in tenant.the_connection()["properties"]
    tenant.tdr("plan", "--detailed-exitcode")


def test_a_gateway_is_named_as_people_name_it(tenant: TenantStage) -> None:
    tenant.stage.edit(FILE, "  start_time", "  gateway: Main gateway\n  start_time")

    tenant.tdr("apply", "--yes")

    assert tenant.the_connection()["properties"]["gateway"] == "gw-0001"
    tenant.tdr("plan", "--detailed-exitcode")


@pytest.mark.parametrize(
    "written",
    [
        "property_names: {end_time: startTime, gateway: startTime}",
        "property_names: {end_time: endTime}\n  other_properties: {endTime: '2026-02-01'}",
    ],
    ids=["two-fields", "field-and-other"],
)
def test_a_property_belongs_to_one_field(tenant: TenantStage, written: str) -> None:
    tenant.stage.edit(FILE, "  start_time", f"  {written}\n  start_time")

    said = tenant.tdr("plan", expect=None)

    assert said.code != 0
    assert "is written twice: each belongs to one field" in said.out + said.err
    assert tenant.connections() == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("space: Marketing", "space: Sales", "no space called 'Sales'"),
        ("  start_time", "  gateway: Other\n  start_time", "there are: Main gateway"),
        ("  start_time", "  source: Pinterest Adverts\n  start_time", "Pinterest Marketing"),
    ],
    ids=["space", "gateway", "source"],
)
def test_what_is_not_there_is_told_with_what_is(tenant: TenantStage, before: str, after: str, said: str) -> None:
    tenant.stage.edit(FILE, before, after)

    failed = tenant.tdr("apply", "--yes", expect=1)

    assert said in failed.out + failed.err
    assert tenant.connections() == []


@pytest.mark.parametrize("knobs", [{"api_specs": "list"}, {"api_specs": "schema", "property_names": "snake"}])
def test_properties_are_found_whatever_the_tenant_calls_them(tenant: TenantStage, knobs: dict[str, str]) -> None:
    tenant.qlik.control.knobs(**knobs)

    tenant.tdr("apply", "--yes")

    assert "2026-01-01" in tenant.the_connection()["properties"].values()
    tenant.tdr("plan", "--detailed-exitcode")


def test_a_connection_that_is_there_is_taken_over_with_leave(tenant: TenantStage) -> None:
    tenant.tdr("apply", "--yes")
    tenant.consent_in_the_console()
    tenant.tdr("state", "rm", ADDRESS)
    tenant.stage.edit(FILE, "  client_secret: ${secret:env:PINTEREST_APP_SECRET}\n", "")

    held = tenant.tdr("apply", "--yes", expect=3)
    assert "adoption_required" in held.out + held.err
    tenant.stage.edit(FILE, "spec:\n", "lifecycle: {adopt: always}\nspec:\n")
    tenant.tdr("apply", "--yes")

    assert tenant.the_connection()["is_authorised"], "nothing was sent that would need a new consent"
    tenant.tdr("plan", "--detailed-exitcode")


def test_import_writes_documents_that_change_nothing(tenant: TenantStage) -> None:
    tenant.tdr("apply", "--yes")
    tenant.consent_in_the_console()
    tenant.tdr("state", "rm", ADDRESS)
    (tenant.stage.folder / FILE).unlink()

    tenant.tdr("import", "--all", "--yes")

    tenant.tdr("plan", "--detailed-exitcode")
    assert len(tenant.stage.records()) == 1


def test_a_connection_that_somebody_removed_is_made_again(tenant: TenantStage) -> None:
    tenant.tdr("apply", "--yes")
    before = tenant.the_connection()["id"]
    tenant.control("DELETE", f"/connections/{before}")

    assert tenant.tdr("drift", "--format", "json", expect=2).document["summary"]["missing"] == 1
    tenant.tdr("apply", "--yes")

    assert tenant.the_connection()["id"] != before


def test_what_is_protected_is_not_destroyed(tenant: TenantStage) -> None:
    tenant.stage.edit(FILE, "spec:\n", "lifecycle: {protect: true}\nspec:\n")
    tenant.tdr("apply", "--yes")

    held = tenant.tdr("destroy", "--yes", "--env", "local", expect=3)

    assert "protected" in held.out + held.err
    assert len(tenant.connections()) == 1


def test_a_key_that_is_refused_decides_nothing(tenant: TenantStage) -> None:
    tenant.tdr("apply", "--yes")
    tenant.control("DELETE", "/keys")

    failed = tenant.tdr("plan", expect=1)

    assert "make a new one" in failed.out + failed.err
    assert KEY not in failed.out + failed.err
    assert len(tenant.connections()) == 1


def test_without_a_tenant_the_document_is_refused_before_anything_is_asked(tenant: TenantStage) -> None:
    tenant.stage.write("manifests/environments/local.yaml", "{}\n")

    refused = tenant.tdr("validate", expect=None)

    assert refused.code != 0
    assert "no-tenant" in refused.out + refused.err


def test_another_tenant_is_not_taken_for_the_one_of_the_environment(tenant: TenantStage) -> None:
    tenant.stage.write(
        "manifests/environments/local.yaml",
        'accounts: {qlik: shop.eu.qlikcloud.com}\nqlik: {tenant: "${var:tenant}", api_key: "${secret:env:QLIK_API_KEY}"}\n',
    )

    assert "the environment belongs to 'shop.eu.qlikcloud.com'" in tenant.tdr("plan", expect=3).err


def test_nothing_secret_is_written_or_said(tenant: TenantStage) -> None:
    tenant.tdr("apply", "--yes")
    tenant.tdr("plan", "--format", "json")
    tenant.tdr("status", expect=2)
    tenant.tdr("apply", "--yes", "--format", "json", PINTEREST_APP_SECRET="FAKE-another-secret")

    files = [path for path in tenant.stage.state.rglob("*") if path.is_file()]
    told = "".join(tenant.stage.heard) + "".join(path.read_bytes().decode("latin-1") for path in files)
    assert files
    assert not [secret for secret in (KEY, APP_SECRET, "FAKE-another-secret") if secret in told]


def test_where_no_page_of_consent_is_told_nothing_is_made_by_asking(tenant: TenantStage) -> None:
    tenant.qlik.control.knobs(heeds_auth_url_only=False)
    tenant.tdr("apply", "--yes")

    said = [tenant.tdr("plan", "--detailed-exitcode").out for _ in range(2)]

    assert len(tenant.connections()) == 1
    assert all("authenticate the connection 'Pinterest ads' in Qlik Cloud" in one for one in said)


def test_asking_for_the_page_where_a_code_is_needed_leaves_nothing(tenant: TenantStage) -> None:
    tenant.qlik.control.knobs(heeds_auth_url_only=False)
    tenant.qlik.control.fault("error", method="POST", path="/api/v1/data-connections", status=400, message="no code")

    tenant.tdr("apply", "--yes", expect=1)

    assert tenant.connections() == []


def test_properties_that_cannot_be_patched_are_changed_in_the_console(tenant: TenantStage) -> None:
    tenant.tdr("apply", "--yes")
    tenant.qlik.control.knobs(patches_properties=False)
    tenant.stage.edit(FILE, "2026-01-01", "2026-02-01")

    refused = tenant.tdr("apply", "--yes", expect=1)
    assert "change it at http" in refused.out + refused.err
    made = tenant.the_connection()["id"]
    tenant.control("PATCH", f"/connections/{made}", {"properties": {"startTime": "2026-02-01"}})

    tenant.tdr("plan", "--detailed-exitcode")


def test_another_member_may_tell_of_consent(tenant: TenantStage) -> None:
    tenant.tdr("apply", "--yes")
    tenant.stage.write(
        "manifests/environments/local.yaml",
        'qlik: {tenant: "${var:tenant}", api_key: "${secret:env:QLIK_API_KEY}", authorised_by: links.self.href}\n',
    )

    assert "waits for a person" not in tenant.tdr("plan", "--detailed-exitcode").out


def test_a_machine_may_ask_in_the_place_of_a_key(tenant: TenantStage) -> None:
    tenant.stage.write(
        "manifests/environments/local.yaml",
        'qlik: {tenant: "${var:tenant}", client_id: machine-1, client_secret: "${secret:env:MACHINE_SECRET}"}\n',
    )

    tenant.tdr("apply", "--yes", MACHINE_SECRET="FAKE-secret-of-machine-1")

    assert len(tenant.connections()) == 1


@pytest.mark.parametrize(
    "target",
    ["api_key: a, client_id: b, client_secret: c", "client_id: b", ""],
    ids=["key and machine", "machine without secret", "nobody"],
)
def test_an_environment_says_who_asks_exactly_once(tenant: TenantStage, target: str) -> None:
    written = target.replace(": a", ": '${secret:env:QLIK_API_KEY}'").replace(": c", ": '${secret:env:QLIK_API_KEY}'")
    tenant.stage.write("manifests/environments/local.yaml", f"qlik: {{tenant: 'https://x.example.com', {written}}}\n")

    refused = tenant.tdr("validate", expect=7)

    assert "client_id" in refused.out + refused.err

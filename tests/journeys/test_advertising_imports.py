"""What is advertised at Pinterest, read into a table: declared, applied, run again, taken over; refused where it cannot work."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import yaml
from stage import ACCOUNT, Stage

from reconciler.connectors.sources.pinterest_marketing_tables import TABLES, Metrics, Objects
from reconciler.model.advertising import METRICS, TARGETED, TIMELESS, AdTable

IMPORT = """\
apiVersion: tdr/v1
kind: Import
metadata: {name: campaigns}
spec:
  from: {type: pinterest_marketing, connection: %s, ad_account_id: "%s", table: %s%s}
  to: {database: shop, table: campaigns%s}
"""


def declare(
    stage: Stage, more: str = "", placed: str = "", table: str = "campaigns", connection: str = "pinterest-main"
) -> None:
    stage.write("manifests/campaigns.yaml", IMPORT % (connection, ACCOUNT, table, more, placed))


def put(stage: Stage, key: str, name: str, updated: int) -> None:
    fields = {"ad_account_id": ACCOUNT, "name": name, "status": "ARCHIVED", "updated_time": updated, "start_time": None}
    stage.control.call("PUT", f"/objects/campaigns/{key}", fields)


def rows(stage: Stage, name: str = "campaigns", columns: str = "id, name", order: str = "id") -> list[list[object]]:
    with stage.opened() as runtime:
        assert runtime.embedded is not None
        service = runtime.embedded.service()
        table = service.catalog.table("shop", name)
        with service.warehouse.connection() as connection:
            found = connection.execute(
                f'SELECT {columns} FROM "{table.home}"."t{table.physical}" ORDER BY {order}'
            ).fetchall()
        return [list(row) for row in found]


def test_what_changed_comes_with_each_run_and_nothing_is_left_to_change(stage: Stage) -> None:
    (stage.folder / "manifests/activation.yaml").unlink()
    put(stage, "626700000001", "Spring", 1_700_000_000)
    declare(stage)
    stage.tdr("apply", "--yes")
    stage.tdr("plan", "--detailed-exitcode")
    stage.tdr("run", "import/campaigns")
    assert rows(stage) == [["626700000001", "Spring"]]

    put(stage, "626700000001", "Late spring", 1_700_000_100)
    put(stage, "626700000002", "Summer", 1_700_000_200)
    stage.tdr("run", "import/campaigns")

    assert rows(stage) == [["626700000001", "Late spring"], ["626700000002", "Summer"]]
    stage.tdr("plan", "--detailed-exitcode")


def test_changes_stand_in_a_table_beside_and_nothing_is_left_to_change(stage: Stage) -> None:
    (stage.folder / "manifests/activation.yaml").unlink()
    put(stage, "626700000001", "Spring", 1_700_000_000)
    declare(stage, ", method: cdc-change-tables, compare: true, change_table: campaigns_changes, header_prefix: h_")
    stage.tdr("apply", "--yes")
    stage.tdr("run", "import/campaigns")
    put(stage, "626700000001", "Late spring", 1_700_000_100)
    stage.tdr("run", "import/campaigns")

    assert rows(stage) == [["626700000001", "Spring"]]
    assert rows(stage, "campaigns_changes", "h_change_oper, id, name") == [["U", "626700000001", "Late spring"]]
    stage.tdr("plan", "--detailed-exitcode")


def test_rows_that_are_gone_go_with_the_method_that_compares(stage: Stage) -> None:
    (stage.folder / "manifests/activation.yaml").unlink()
    for number in (1, 2):
        put(stage, f"62670000000{number}", f"Campaign {number}", 1_700_000_000)
    declare(stage, ", method: reload-and-compare")
    stage.tdr("apply", "--yes")
    stage.tdr("run", "import/campaigns")
    stage.control.call("DELETE", "/objects/campaigns/626700000001")

    stage.tdr("run", "import/campaigns")

    assert rows(stage) == [["626700000002", "Campaign 2"]]


def test_a_load_that_somebody_else_made_is_taken_over(stage: Stage) -> None:
    (stage.folder / "manifests/activation.yaml").unlink()
    declare(stage, ", method: full-load", ", mode: replace")
    stage.tdr("apply", "--yes")
    (stage.folder / "manifests/campaigns.yaml").unlink()
    stage.tdr("state", "rm", "import/campaigns")

    stage.tdr("import", "--all", "--yes", "--kind", "import", expect=None)

    written = yaml.safe_load((stage.folder / "manifests/imports/campaigns.yaml").read_text())["spec"]
    assert written["from"] == {
        "type": "pinterest_marketing",
        "connection": "pinterest-main",
        "ad_account_id": ACCOUNT,
        "table": "campaigns",
        "method": "full-load",
    }
    assert written["to"]["mode"] == "replace"
    stage.tdr("plan", "--detailed-exitcode")


@pytest.mark.parametrize(
    ("table", "column", "path"),
    [
        ("targeting_analytics", "ad_account_id", "/ad_accounts/*/targeting_analytics"),
        ("report_campaign_targeting", "campaign_id", "/ad_accounts/*/reports"),
    ],
)
def test_who_was_reached_comes_with_each_run_and_a_lie_is_told(
    stage: Stage, table: str, column: str, path: str
) -> None:
    (stage.folder / "manifests/activation.yaml").unlink()
    stage.control.knobs(report_s=0)
    day = datetime.fromtimestamp(stage.control.call("GET", "/")["now"], UTC).date() - timedelta(days=2)
    level = "ADVERTISER_TARGETING" if table == "targeting_analytics" else "CAMPAIGN_TARGETING"
    told = {"ad_account_id": ACCOUNT, "level": level, "id": ACCOUNT, "date": str(day)}
    for value, spend in (("female", 3), ("male", 4)):
        by = {"TARGETING_TYPE": "GENDER", "TARGETING_VALUE": value}
        stage.control.call("POST", "/metrics", {**told, "values": {"SPEND_IN_MICRO_DOLLAR": spend}, "by": by})
    declare(stage, ", targeting_types: [GENDER]", table=table)
    stage.tdr("apply", "--yes")
    stage.tdr("run", "import/campaigns")
    columns = f"{column}, date, targeting_type, targeting_value, spend_in_micro_dollar"
    reached = [[ACCOUNT, str(day), "GENDER", "female", 3], [ACCOUNT, str(day), "GENDER", "male", 4]]
    assert rows(stage, columns=columns, order="targeting_value") == reached
    stage.tdr("plan", "--detailed-exitcode")

    stage.control.fault("bare", path=path, count=None)
    said = stage.tdr("run", "import/campaigns", expect=1)

    assert {"/ad_accounts/*/reports": "no token came"}.get(path, "something else than rows") in said.out + said.err
    assert rows(stage, columns=columns, order="targeting_value") == reached


def test_what_metrics_are_told_apart_by_is_kept_and_taken_over(stage: Stage) -> None:
    (stage.folder / "manifests/activation.yaml").unlink()
    asked = ", targeting_types: [GENDER, GEO], key: [CAMPAIGN_ID, DATE, TARGETING_TYPE, TARGETING_VALUE, PIN_ID]"
    declare(stage, asked, table="report_campaign_targeting")
    stage.tdr("apply", "--yes")
    stage.tdr("plan", "--detailed-exitcode")
    declare(stage, asked.replace("GENDER, ", ""), table="report_campaign_targeting")
    assert "targeting_types" in stage.tdr("plan", "--detailed-exitcode", expect=2).out
    declare(stage, asked, table="report_campaign_targeting")
    (stage.folder / "manifests/campaigns.yaml").unlink()
    stage.tdr("state", "rm", "import/campaigns")

    stage.tdr("import", "--all", "--yes", "--kind", "import", expect=None)

    written = yaml.safe_load((stage.folder / "manifests/imports/campaigns.yaml").read_text())["spec"]["from"]
    assert written["targeting_types"] == ["GENDER", "GEO"]
    assert written["key"] == ["CAMPAIGN_ID", "DATE", "TARGETING_TYPE", "TARGETING_VALUE", "PIN_ID"]
    stage.tdr("plan", "--detailed-exitcode")


@pytest.mark.parametrize(
    ("more", "placed", "table", "told"),
    [
        ("", "", "keywords", "tells no times of changes"),
        (", start_time: 2026-01-01, method: reload", ", mode: replace", "conversion_tags", "choose nothing"),
        (", start_time: 2026-02-01, end_time: 2026-01-01", "", "campaigns", "`end_time` is before `start_time`"),
        (", method: reload-and-compare, start_time: 2026-01-01", "", "campaigns", "only a part of them would be asked"),
        (", method: reload-and-compare", "", "campaign_analytics", "only a part of them would be asked"),
        (", apply: true", "", "campaigns", "`apply` is for `method: cdc-change-tables`"),
        (", method: cdc-change-tables", ", mode: replace", "campaigns", "goes with `mode: append`"),
        (", metrics: [SPEND_IN_DOLLAR]", "", "ads", "for tables of metrics"),
        (", key: [id]", "", "ads", "for tables of metrics"),
        ("", "", "report_ad_group_targeting", "needs `targeting_types`"),
        (", targeting_types: [SEX]", "", "report_ad_group_targeting", "GENDER"),
        (", targeting_types: [GENDER]", "", "report_keyword", "is for tables of targeting"),
        (", method: full-load", "", "campaigns", "goes with `mode: replace`"),
        ("", ", mode: replace", "campaigns", "goes with `mode: append`"),
        ("", "", "campaings", "campaigns"),
    ],
)
def test_what_cannot_work_is_told_before_anything_is_made(
    stage: Stage, more: str, placed: str, table: str, told: str
) -> None:
    declare(stage, more, placed, table)

    said = stage.tdr("plan", expect=7)

    assert told in said.out + said.err


def test_another_vendors_connection_is_refused(stage: Stage) -> None:
    stage.write(
        "manifests/files.yaml", "apiVersion: tdr/v1\nkind: Connection\nmetadata: {name: disk}\nspec: {type: files}\n"
    )
    declare(stage, connection="disk")

    said = stage.tdr("plan", expect=7)

    assert "connection/disk is no connection to Pinterest" in said.out + said.err


def test_manifests_know_the_tables_of_the_source() -> None:
    assert {table.value for table in AdTable} == set(TABLES)
    timeless = {name for name, kind in TABLES.items() if isinstance(kind, Objects) and not kind.cursor}
    assert {table.value for table in TIMELESS} == timeless
    assert {table.value for table in METRICS} == {name for name, kind in TABLES.items() if isinstance(kind, Metrics)}
    targeted = {name for name, kind in TABLES.items() if isinstance(kind, Metrics) and kind.is_targeted}
    assert {table.value for table in TARGETED} == targeted

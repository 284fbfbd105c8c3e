from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from export_world import settings_of

from reconciler.connectors.destinations.pinterest_settings import Action, identifier_of, read_settings
from reconciler.errors import Permanent
from reconciler.model.json import Json
from reconciler.model.kinds import Identifier

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "cases"
ADD = "add_people_to_current_audience"


def case(case_id: str) -> dict[str, Any]:
    file = SHARED / "activation-settings.yaml"
    if not file.exists():
        pytest.skip("the shared cases are not beside this checkout")
    return next(one for one in yaml.safe_load(file.read_text())["cases"] if one["id"] == case_id)


def test_act_001_the_published_sample_is_read_with_a_notice() -> None:
    dig = yaml.safe_load((SHARED / case("act-001")["given"]["file"]).read_text())
    written = dig["+export_members"]["result_settings"]

    settings = read_settings(written)

    assert settings.action is Action.ADD
    assert settings.action == "ADD_PEOPLE_TO_CURRENT_AUDIENCE"
    assert settings.audience_id == "2542620000001"
    assert settings.skips_invalid
    assert settings.limit_records_per_request == 10_000
    assert settings.notices() == (
        "`audience_description` has no effect with action `add_people_to_current_audience`",
        "`audience_name` has no effect with action `add_people_to_current_audience`",
    )
    assert read_settings({**written, "action": ADD}) == settings
    otherwise = {name: value for name, value in written.items() if name != "ignore_invalid_records"}
    assert read_settings({**otherwise, "ignore_error": True}).skips_invalid
    with pytest.raises(Permanent, match="are the same setting"):
        read_settings({**written, "ignore_error": True})


def test_act_002_the_missing_setting_of_each_action_is_named() -> None:
    named = []
    for written in case("act-002")["given"]["settings_list"]:
        complete = settings_of(ADD, "1")
        del complete["audience_id_add_people"]
        with pytest.raises(Permanent) as caught:
            read_settings({**complete, **written})
        named.append(caught.value.message)

    assert named == [
        f"settings of the Pinterest export: `{name}` is missing: action `{action}` needs it"
        for name, action in [
            ("audience_id_add_people", "add_people_to_current_audience"),
            ("audience_id_remove_people", "remove_people_to_current_audience"),
            ("audience_id_replace", "replace_current_audience"),
        ]
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"audience_id_add_poeple": "1"},
            "`audience_id_add_poeple` is not a setting, did you mean `audience_id_add_people`?",
        ),
        (
            {"action": "add_people_to_curent_audience"},
            "`action`: is no action; did you mean `ADD_PEOPLE_TO_CURRENT_AUDIENCE`?",
        ),
        ({"audience_id_add_people": "vip"}, "`audience_id_add_people` must be an audience's id, digits only"),
        ({"audience_type": "visitor"}, "`audience_type`: input should be 'customer_list'"),
        ({"ad_account_id": ""}, "`ad_account_id`: string should match pattern '^[0-9]{1,18}$'"),
        ({"limit_records_per_request": 0}, "`limit_records_per_request`: input should be greater than or equal to 1"),
        ({"retry_count": -1}, "`retry_count`: input should be greater than or equal to 0"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(changes: dict[str, Json], message: str) -> None:
    with pytest.raises(Permanent) as caught:
        read_settings({**settings_of(ADD, "643"), **changes})
    assert caught.value.message == f"settings of the Pinterest export: {message}"


def test_all_problems_are_told_at_once_and_no_secret_with_them() -> None:
    written = {**settings_of(ADD, ""), "client_secret": 17, "refresh_token": "", "actoin": "x"}
    with pytest.raises(Permanent) as caught:
        read_settings(written)
    message = caught.value.message
    assert "`refresh_token`" in message
    assert "`actoin` is not a setting, did you mean `action`?" in message
    assert "`audience_id_add_people` is missing" in message
    for secret in ("s3cret", "r3fresh", "17"):
        assert secret not in message


def test_secrets_do_not_show() -> None:
    assert "s3cret" not in repr(read_settings(settings_of(ADD, "643")))
    assert "r3fresh" not in str(read_settings(settings_of(ADD, "643")))


def test_numbers_and_flags_may_be_text_and_ids_numbers() -> None:
    written = settings_of(ADD, "643", limit_records_per_request="10000", ignore_error="true")
    settings = read_settings({**written, "audience_id_add_people": 643})
    assert (settings.audience_id, settings.limit_records_per_request, settings.skips_invalid) == ("643", 10_000, True)


def test_what_is_not_written_has_the_values_of_the_page() -> None:
    settings = read_settings(settings_of(ADD, "643"))
    assert not settings.skips_invalid
    assert settings.limit_records_per_request is None
    assert (settings.retry_count, settings.retry_initial_wait_millis, settings.max_retry_wait_millis) == (
        7,
        500,
        300_000,
    )
    timeouts = (settings.connection_timeout_secs, settings.write_timeout_secs, settings.read_timeout_secs)
    assert timeouts == (180, 60, 180)


@pytest.mark.parametrize("action", list(Action))
def test_every_action_is_read_in_either_case(action: Action) -> None:
    target = {"audience_name": "vip"} if action is Action.CREATE else {}
    ids = {f"audience_id_{name}": "643" for name in ("replace", "delete", "add_people", "remove_people")}
    base = {name: value for name, value in settings_of(ADD, "1").items() if not name.startswith("audience_id")}
    for written in (action.value, action.value.lower()):
        assert read_settings({**base, **ids, **target, "action": written}).action is action


@pytest.mark.parametrize("name", list(Identifier))
def test_one_text_column_of_a_known_name_is_taken(name: Identifier) -> None:
    assert identifier_of({name.value: "VARCHAR"}) is name


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({}, "the query returns 0 columns (none) and must return exactly one of `email`, `maid`, `idfa`"),
        (
            {"email": "VARCHAR", "email_1": "VARCHAR"},
            "the query returns 2 columns (`email`, `email_1`) and must return exactly one of `email`, `maid`, `idfa`",
        ),
        ({"mail": "VARCHAR"}, "the query's column is called 'mail' and must be one of `email`, `maid`, `idfa`"),
        ({"Email": "VARCHAR"}, "the query's column is called 'Email' and must be one of `email`, `maid`, `idfa`"),
        ({"email": "BIGINT"}, "the column `email` is of type BIGINT and must be text"),
        ({"email": "BLOB"}, "the column `email` is of type BLOB and must be text"),
    ],
)
def test_other_columns_are_refused(columns: dict[str, str], message: str) -> None:
    with pytest.raises(Permanent) as caught:
        identifier_of(columns)
    assert caught.value.message == message

from __future__ import annotations

import httpx
import pytest

from reconciler.emulators.remote_control import RemoteControl

LISTS = "/ad_accounts/549700000001/customer_lists"
SAFETY_NET = '100;w=1;name="safety_net_app_id_user_id"'
EXCEEDED = {
    "code": 8,
    "message": "This request exceeded a rate limit. This can happen if the client exceeds one\nof the published rate "
    "limits or if multiple write operations are applied to\nan object within a short time window.",
}


def limits(answer: httpx.Response) -> tuple[str, str, str]:
    headers = answer.headers
    return headers["x-ratelimit-limit"], headers["x-ratelimit-remaining"], headers["x-ratelimit-reset"]


def create(client: httpx.Client) -> httpx.Response:
    return client.post(LISTS, json={"name": "vip", "records": "a@example.com"})


def test_headers_tell_of_the_window_nearest_to_exhaustion(client: httpx.Client, control: RemoteControl) -> None:
    control.knobs(rate_tier="standard", rate_limits={"ads_write": 3})

    assert limits(client.get(LISTS)) == (f'100, {SAFETY_NET}, 1000;w=60;name="ads_read_app_id_user_id"', "99", "1")
    assert limits(create(client)) == (f'3, {SAFETY_NET}, 3;w=60;name="ads_write_app_id_user_id"', "2", "40")


def test_a_category_that_is_used_up_answers_429_until_its_window_ends(
    client: httpx.Client, control: RemoteControl
) -> None:
    control.knobs(rate_tier="standard", rate_limits={"ads_write": 2})
    assert [create(client).status_code for _ in range(2)] == [200, 200]

    refused = create(client)
    assert (refused.status_code, refused.json()) == (429, EXCEEDED)
    assert limits(refused) == (f'2, {SAFETY_NET}, 2;w=60;name="ads_write_app_id_user_id"', "0", "40")
    assert "retry-after" not in refused.headers
    assert client.get(LISTS).status_code == 200
    control.advance(39)
    assert create(client).status_code == 429
    control.advance(1)
    assert create(client).status_code == 200
    assert len(client.get(LISTS).json()["items"]) == 3


def test_a_trial_app_waits_for_the_next_day(client: httpx.Client, control: RemoteControl) -> None:
    control.knobs(rate_tier="trial", rate_limits={"ads_write": 1})
    assert create(client).status_code == 200

    refused = create(client)

    seconds_left = 86_400 - 1_790_000_000 % 86_400
    assert limits(refused) == (f'1, {SAFETY_NET}, 1;w=86400;name="ads_write_app_id"', "0", str(seconds_left))
    control.advance(seconds_left)
    assert create(client).status_code == 200


def test_a_hundred_calls_a_second_is_the_most(unchecked: httpx.Client, control: RemoteControl) -> None:
    control.knobs(rate_tier="standard")

    statuses = [unchecked.get(LISTS).status_code for _ in range(101)]

    assert statuses == [200] * 100 + [429]
    control.advance(1)
    assert unchecked.get(LISTS).status_code == 200


@pytest.mark.parametrize(
    ("path", "category"),
    [("/ad_accounts", "ads_read"), ("/user_account", "org_read"), (f"{LISTS}/1", "ads_read")],
)
def test_each_operation_has_its_category(client: httpx.Client, path: str, category: str) -> None:
    assert f'name="{category}_app_id_user_id"' in client.get(path).headers["x-ratelimit-limit"]


def test_refused_calls_tell_of_limits_too(stranger: httpx.Client) -> None:
    for answer in (stranger.get("/ad_accounts"), stranger.delete("/ad_accounts"), stranger.post("/oauth/token")):
        assert answer.headers["x-ratelimit-limit"].startswith("100, ")

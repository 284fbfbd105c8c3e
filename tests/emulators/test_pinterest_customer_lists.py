from __future__ import annotations

import hashlib

import httpx
import pytest

from reconciler.emulators.remote_control import RemoteControl

LISTS = "/ad_accounts/549700000001/customer_lists"
JANE = "86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d"  # of jane.doe@example.com
JOHN = hashlib.sha256(b"john@example.com").hexdigest()


def create(client: httpx.Client, name: str = "vip", records: str = JANE, **more: object) -> dict[str, object]:
    answer = client.post(LISTS, json={"name": name, "records": records, **more})
    assert answer.status_code == 200, answer.text
    created: dict[str, object] = answer.json()
    return created


def people(number: int) -> str:
    return ",".join(hashlib.sha256(str(n).encode()).hexdigest() for n in range(number))


def invalid(reason: str) -> dict[str, object]:
    return {"code": 1, "message": f"Invalid request: {reason}"}


def test_a_created_list_is_there_at_once(client: httpx.Client) -> None:
    created = create(client, records=f"{JANE},{JOHN},")

    assert created == {
        "ad_account_id": "549700000001",
        "created_time": 1_790_000_000,
        "id": "4189755",
        "name": "vip",
        "num_batches": 1,
        "num_removed_user_records": 0,
        "num_uploaded_user_records": 2,
        "type": "customerlist",
        "updated_time": 1_790_000_000,
        "exceptions": {},
        "status": "PROCESSING",
    }
    assert client.get(f"{LISTS}/4189755").json() == created
    assert client.get(LISTS).json() == {"items": [{**created, "is_nca": False}], "bookmark": None}


def test_two_lists_may_have_one_name(client: httpx.Client) -> None:
    create(client)
    create(client)

    assert [(item["id"], item["name"]) for item in client.get(LISTS).json()["items"]] == [
        ("4189755", "vip"),
        ("4189756", "vip"),
    ]


def test_counters_count_records_and_calls_not_people(client: httpx.Client, control: RemoteControl) -> None:
    create(client, records=JANE)
    control.advance(60)

    client.patch(f"{LISTS}/4189755", json={"operation_type": "ADD", "records": f"{JANE},{JANE},{JOHN}"})
    answer = client.patch(f"{LISTS}/4189755", json={"operation_type": "REMOVE", "records": f"{JANE},{'0' * 64}"})

    assert answer.status_code == 200
    body = answer.json()
    assert (body["num_batches"], body["num_uploaded_user_records"], body["num_removed_user_records"]) == (3, 4, 2)
    assert (body["created_time"], body["updated_time"]) == (1_790_000_000, 1_790_000_060)
    assert control.members("4189755") == [JOHN]


def test_members_are_never_returned(client: httpx.Client) -> None:
    create(client, records=JANE)

    for path in (LISTS, f"{LISTS}/4189755"):
        assert JANE not in client.get(path).text
    assert client.get(f"{LISTS}/4189755/members").status_code == 404


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"records": JANE}, "'name' is a required property"),
        ({"name": "vip"}, "'records' is a required property"),
        ({"name": 7, "records": JANE}, "'name' is not of type 'string'"),
        ({"name": "", "records": JANE}, "'name' must have 1 to 255 characters"),
        ({"name": "x" * 256, "records": JANE}, "'name' must have 1 to 255 characters"),
        ({"name": "vip", "records": [JANE]}, "'records' is not of type 'string'"),
        ({"name": "vip", "records": ""}, "'records' is empty"),
        ({"name": "vip", "records": ",,"}, "'records' is empty"),
        (
            {"name": "vip", "records": JANE, "list_type": "email"},
            "'list_type' value 'email' is not one of ['EMAIL', 'IDFA', 'MAID', 'LR_ID', 'DLX_ID', 'HASHED_PINNER_ID']",
        ),
        (["vip"], "the body is not an object"),
    ],
)
def test_a_list_that_is_not_well_described_is_refused(client: httpx.Client, body: object, reason: str) -> None:
    answer = client.post(LISTS, json=body)

    assert (answer.status_code, answer.json()) == (400, invalid(reason))
    assert client.get(LISTS).json()["items"] == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"records": JANE}, "'operation_type' is a required property"),
        (
            {"operation_type": "add", "records": JANE},
            "'operation_type' value 'add' is not one of ['ADD', 'REMOVE']",
        ),
        (
            {"operation_type": "REPLACE", "records": JANE},
            "'operation_type' value 'REPLACE' is not one of ['ADD', 'REMOVE']",
        ),
        ({"operation_type": "ADD"}, "'records' is a required property"),
        ({"operation_type": "ADD", "records": None}, "'records' is a required property"),
    ],
)
def test_a_change_that_is_not_well_described_is_refused(client: httpx.Client, body: object, reason: str) -> None:
    before = create(client)

    answer = client.patch(f"{LISTS}/4189755", json=body)

    assert (answer.status_code, answer.json()) == (400, invalid(reason))
    assert client.get(f"{LISTS}/4189755").json() == before


def test_bodies_must_be_json_and_say_so(client: httpx.Client) -> None:
    as_text = client.post(LISTS, content='{"name": "vip"}', headers={"content-type": "text/plain"})
    broken = client.post(LISTS, content='{"name": ', headers={"content-type": "application/json"})

    assert as_text.json() == invalid("the body must be application/json")
    assert broken.json() == invalid("the body is not JSON")


def test_unknown_fields_are_ignored(client: httpx.Client) -> None:
    assert create(client, ad_account_id="7", color="red")["ad_account_id"] == "549700000001"


def test_a_list_cannot_be_renamed(client: httpx.Client) -> None:
    create(client)

    client.patch(f"{LISTS}/4189755", json={"operation_type": "ADD", "records": JANE, "name": "new"})

    assert client.get(f"{LISTS}/4189755").json()["name"] == "vip"


def test_a_list_belongs_to_its_account(client: httpx.Client) -> None:
    create(client)

    assert client.get("/ad_accounts/549700000002/customer_lists/4189755").status_code == 404
    assert client.get("/ad_accounts/549700000002/customer_lists").json()["items"] == []


@pytest.mark.parametrize(("number", "status"), [(99, "TOO_SMALL"), (100, "READY")])
def test_processing_ends_after_a_day(client: httpx.Client, control: RemoteControl, number: int, status: str) -> None:
    create(client, records=people(number))

    control.advance(86_399)
    assert client.get(f"{LISTS}/4189755").json()["status"] == "PROCESSING"
    control.advance(1)
    after = client.get(f"{LISTS}/4189755").json()
    assert (after["status"], after["updated_time"]) == (status, 1_790_086_400)


def test_each_change_starts_processing_again(client: httpx.Client, control: RemoteControl) -> None:
    create(client, records=people(100))
    control.advance(86_400)
    assert client.get(f"{LISTS}/4189755").json()["status"] == "READY"

    removal = client.patch(f"{LISTS}/4189755", json={"operation_type": "REMOVE", "records": people(1)})
    assert removal.json()["status"] == "PROCESSING"
    control.advance(86_400)
    assert client.get(f"{LISTS}/4189755").json()["status"] == "TOO_SMALL"


def test_only_a_part_of_the_people_has_an_account(client: httpx.Client, control: RemoteControl) -> None:
    control.knobs(match_ratio=0.6)
    create(client, records=people(1000))

    matching = sum(int(digest[:8], 16) < 0.6 * 2**32 for digest in people(1000).split(","))
    (found,) = control.lists()
    assert (found["members"], found["matched"]) == (1000, matching)
    assert 550 < matching < 650


@pytest.mark.parametrize(
    ("knob", "status", "exceptions", "members"),
    [
        ("ignore", 200, {}, [JANE]),
        ("exceptions", 200, {"code": 1, "message": "2 records are invalid."}, [JANE]),
        ("refuse", 400, None, None),
    ],
)
def test_invalid_values_do_what_the_knob_says(
    client: httpx.Client,
    control: RemoteControl,
    knob: str,
    status: int,
    exceptions: dict[str, object] | None,
    members: list[str] | None,
) -> None:
    control.knobs(invalid_records=knob)

    answer = client.post(LISTS, json={"name": "vip", "records": f"{JANE},nobody,{JOHN.upper()}"})

    assert answer.status_code == status
    if status == 400:
        assert answer.json() == invalid("2 of 3 records are not valid")
    else:
        assert (answer.json()["exceptions"], answer.json()["num_uploaded_user_records"]) == (exceptions, 3)
        assert control.members("4189755") == members


def test_an_empty_batch_counts_nothing_where_it_is_accepted(client: httpx.Client, control: RemoteControl) -> None:
    control.knobs(empty_records="accept")

    assert create(client, records="")["num_uploaded_user_records"] == 0


def test_a_body_over_the_limit_is_refused(client: httpx.Client, control: RemoteControl) -> None:
    control.knobs(body_limit_bytes=1_000)
    create(client, records=people(10))

    answer = client.patch(f"{LISTS}/4189755", json={"operation_type": "ADD", "records": people(5_000)})

    assert (answer.status_code, answer.json()) == (413, invalid("body is larger than 1000 bytes"))
    assert client.get(f"{LISTS}/4189755").json()["num_batches"] == 1


def test_members_can_be_counted_only(client: httpx.Client, control: RemoteControl) -> None:
    control.knobs(members="count", match_ratio=0.5)
    create(client, records=people(300))
    client.patch(f"{LISTS}/4189755", json={"operation_type": "REMOVE", "records": people(100)})

    (found,) = control.lists()
    assert (found["members"], found["matched"], found["num_uploaded_user_records"]) == (200, 100, 300)
    assert control.members("4189755") == []

"""Whatever is sent in whatever order: members and counters are those of a set and three sums."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import httpx
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from reconciler.emulators.sandbox import Sandbox

LISTS = "/ad_accounts/549700000001/customer_lists"
PEOPLE = [f"person{n}@example.com" for n in range(12)]
VALUES = PEOPLE + [hashlib.sha256(person.encode()).hexdigest() for person in PEOPLE] + ["nobody", "Upper@Example.com"]

batches = st.lists(st.sampled_from(VALUES), min_size=1, max_size=8)


@dataclass
class Expected:
    """What a list should be."""

    members: set[str] = field(default_factory=set)
    uploaded: int = 0
    removed: int = 0
    batches: int = 0


def digests(values: list[str]) -> set[str]:
    hashed = {hashlib.sha256(value.encode()).hexdigest() for value in values if value in PEOPLE}
    return hashed | {value for value in values if len(value) == 64}


class Membership(RuleBasedStateMachine):
    """Drives the emulator over HTTP beside a dictionary."""

    sandbox: Sandbox
    client: httpx.Client
    lists = Bundle("lists")

    def __init__(self) -> None:
        super().__init__()
        self.sandbox.control.reset()
        self.client.headers["authorization"] = f"Bearer {self.sandbox.control.access_token()}"
        self.expected: dict[str, Expected] = {}

    @rule(target=lists, values=batches)
    def create(self, values: list[str]) -> str:
        answer = self.client.post(LISTS, json={"name": "vip", "records": ",".join(values)})
        list_id = str(answer.json()["id"])
        self.expected[list_id] = Expected(digests(values), uploaded=len(values), batches=1)
        return list_id

    @rule(list_id=lists, values=batches)
    def add(self, list_id: str, values: list[str]) -> None:
        self._patch(list_id, "ADD", values)
        expected = self.expected[list_id]
        expected.members |= digests(values)
        expected.uploaded += len(values)
        expected.batches += 1

    @rule(list_id=lists, values=batches)
    def remove(self, list_id: str, values: list[str]) -> None:
        self._patch(list_id, "REMOVE", values)
        expected = self.expected[list_id]
        expected.members -= digests(values)
        expected.removed += len(values)
        expected.batches += 1

    @rule(list_id=lists)
    def send_nonsense(self, list_id: str) -> None:
        assert self.client.patch(f"{LISTS}/{list_id}", json={"operation_type": "CLEAR"}).status_code == 400

    @rule(seconds=st.sampled_from([1, 86_400]))
    def wait(self, seconds: int) -> None:
        self.sandbox.control.advance(seconds)

    @invariant()
    def lists_are_as_expected(self) -> None:
        items = self.client.get(LISTS, params={"page_size": 250}).json().get("items", [])
        assert {
            item["id"]: Expected(
                set(self.sandbox.control.members(item["id"])),
                item["num_uploaded_user_records"],
                item["num_removed_user_records"],
                item["num_batches"],
            )
            for item in items
        } == self.expected

    def _patch(self, list_id: str, operation: str, values: list[str]) -> None:
        body = {"operation_type": operation, "records": ",".join(values)}
        assert self.client.patch(f"{LISTS}/{list_id}", json=body).status_code == 200


def test_members_are_a_set_and_counters_are_sums(sandbox: Sandbox, unchecked: httpx.Client) -> None:
    machine = type("BoundMembership", (Membership,), {"sandbox": sandbox, "client": unchecked})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )

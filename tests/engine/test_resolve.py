"""The audience resolver, row by row."""

from __future__ import annotations

import pytest

from reconciler.engine.resolve import Audience, resolve
from reconciler.errors import Denied
from reconciler.model.activation import AudienceVerbs, Outcome, Resolution, Verb
from reconciler.model.address import Address
from reconciler.model.kinds import Membership
from reconciler.model.observation import Finding, Observation, Seen, Unreadable
from reconciler.model.record import Record
from reconciler.model.unknown import Unknown

AUDIENCE = Address("audience", "vip")
VERBS = AudienceVerbs(
    create="MAKE",
    create_title_setting="title",
    create_description_setting="text",
    on_existing={membership: Verb(membership.name, f"id_{membership.value}") for membership in Membership},
)
REPLACE, ADD, REMOVE, CLEAR = Membership.REPLACE, Membership.ADD, Membership.REMOVE, Membership.CLEAR
ABSENT = Finding()


def one(remote_id: str, **computed: int) -> Observation:
    return Observation(remote_id, {"title": "VIP"}, computed, created_at=1_700_000_000)


def audience(seen: Seen | None, *, record: Record | None = None, chosen_id: str = "", made: bool = False) -> Audience:
    return Audience(AUDIENCE, "VIP", "Best buyers", seen, record, chosen_id, made)


@pytest.mark.parametrize("membership", [REPLACE, ADD])
def test_an_absent_audience_is_made_by_the_first_run(membership: Membership) -> None:
    assert resolve(membership, audience(ABSENT), VERBS) == Resolution(
        Outcome.BOOTSTRAP,
        mode="MAKE",
        settings={"title": "VIP", "text": "Best buyers"},
        why="audience_absent",
        evidence="no audience 'VIP'; its first run makes it",
    )


@pytest.mark.parametrize("membership", [REMOVE, CLEAR])
def test_an_absent_audience_is_not_made_in_order_to_empty_it(membership: Membership) -> None:
    resolution = resolve(membership, audience(ABSENT), VERBS)

    assert (resolution.outcome, resolution.mode, resolution.why) == (Outcome.NOTHING, "", "audience_absent")


@pytest.mark.parametrize("membership", list(Membership))
@pytest.mark.parametrize(
    "seen",
    [Finding(by_key=(one("77"),)), Finding(by_id=one("77")), Finding(by_id=one("77"), by_key=(one("77"), one("78")))],
    ids=["by its title", "by its id", "by its id among homonyms"],
)
def test_the_one_audience_is_written_to_by_its_id(membership: Membership, seen: Finding) -> None:
    resolution = resolve(membership, audience(seen), VERBS)

    assert resolution.outcome is Outcome.STEADY
    assert resolution.mode == membership.name
    assert resolution.settings == {f"id_{membership.value}": "77"}
    assert resolution.audience_id == "77"


@pytest.mark.parametrize("membership", list(Membership))
def test_of_two_with_one_title_none_is_guessed(membership: Membership) -> None:
    resolution = resolve(membership, audience(Finding(by_key=(one("77", size=0), one("78", size=1200)))), VERBS)

    assert resolution.outcome is Outcome.REFUSE
    assert resolution.why == "ambiguous_identity"
    assert resolution.evidence == ("77 size 0 created 2023-11-14T22:13:20Z; 78 size 1200 created 2023-11-14T22:13:20Z")


def test_the_document_may_choose_among_homonyms() -> None:
    resolution = resolve(ADD, audience(Finding(by_key=(one("77"), one("78"))), chosen_id="78"), VERBS)

    assert (resolution.outcome, resolution.audience_id) == (Outcome.STEADY, "78")


def test_a_chosen_id_that_is_not_there_is_refused() -> None:
    resolution = resolve(ADD, audience(Finding(by_key=(one("77"),)), chosen_id="99"), VERBS)

    assert (resolution.outcome, resolution.why) == (Outcome.REFUSE, "audience_id_not_found")


@pytest.mark.parametrize("membership", list(Membership))
def test_an_audience_that_cannot_be_read_is_not_absent(membership: Membership) -> None:
    resolution = resolve(membership, audience(Unreadable(Denied("not permitted", status=403))), VERBS)

    assert (resolution.outcome, resolution.mode, resolution.settings) == (Outcome.UNKNOWN, "", {})
    assert resolution.evidence == "audience/vip: not permitted"


def test_a_recorded_audience_that_is_gone_is_made_anew() -> None:
    resolution = resolve(REPLACE, audience(ABSENT, record=Record("77", {})), VERBS)

    assert resolution.outcome is Outcome.BOOTSTRAP


@pytest.mark.parametrize("membership", list(Membership))
def test_what_another_activation_makes_first_is_written_to_steadily(membership: Membership) -> None:
    resolution = resolve(membership, audience(ABSENT, made=True), VERBS)

    assert resolution.outcome is Outcome.STEADY
    assert resolution.settings == {f"id_{membership.value}": Unknown(AUDIENCE)}


@pytest.mark.parametrize(
    ("record", "chosen_id", "expected"),
    [
        (None, "", (Outcome.REFUSE, "audience_unknown", "")),
        (Record("77", {}), "", (Outcome.STEADY, "audience_exists", "77")),
        (Record("77", {}), "78", (Outcome.STEADY, "audience_exists", "78")),
    ],
    ids=["nothing known", "id from the state", "id from the document"],
)
def test_without_credentials_only_a_known_id_will_do(
    record: Record | None, chosen_id: str, expected: tuple[Outcome, str, str]
) -> None:
    resolution = resolve(REPLACE, audience(None, record=record, chosen_id=chosen_id), VERBS)

    assert (resolution.outcome, resolution.why, resolution.audience_id) == expected

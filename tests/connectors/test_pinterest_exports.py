from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator

import duckdb
import pytest
from export_world import Exports, digest, settings_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pinterest_fake import FAULTS, Fault, Killed

from reconciler.errors import Conflict, NotFound, OutcomeUnknown, Permanent, ProviderError, Transient

ADD = "add_people_to_current_audience"
REMOVE = "remove_people_to_current_audience"
REPLACE = "replace_current_audience"
CLEAR = "delete_current_audience"
CREATE = "create_new_audience"

PEOPLE = [f"person{number}@example.com" for number in range(12)]


def digests(*people: str) -> set[str]:
    return {digest(person) for person in people}


def test_replace_sends_only_differences(exports: Exports) -> None:
    audience = exports.api.with_audience()
    exports.run(PEOPLE[:4], settings_of(REPLACE, audience))
    exports.api.writes.clear()

    report = exports.run(PEOPLE[2:5], settings_of(REPLACE, audience))

    assert exports.api.members_of(audience) == digests(*PEOPLE[2:5])
    assert exports.api.writes == [("remove", 2), ("add", 1)]
    assert (report.rows, report.sent, report.removed, report.requests) == (3, 1, 2, 2)
    exports.api.writes.clear()
    assert exports.run(PEOPLE[2:5], settings_of(REPLACE, audience)).requests == 0
    assert exports.api.writes == []


def test_add_remove_and_clear_do_what_they_say(exports: Exports) -> None:
    audience = exports.api.with_audience()
    exports.run(PEOPLE[:3], settings_of(ADD, audience))
    exports.run(PEOPLE[2:5], settings_of(ADD, audience))
    assert exports.api.members_of(audience) == digests(*PEOPLE[:5])
    exports.run(PEOPLE[1:2], settings_of(REMOVE, audience))
    assert exports.api.members_of(audience) == digests(*PEOPLE[:1], *PEOPLE[2:5])
    assert exports.run([], settings_of(CLEAR, audience)).removed == 4
    assert exports.api.members_of(audience) == set()
    assert audience in exports.api.by_audience


def test_a_removal_also_reaches_members_of_unknown_origin(exports: Exports) -> None:
    audience = exports.api.with_audience(members=frozenset(digests(*PEOPLE[:3])))
    exports.run(PEOPLE[:1], settings_of(REMOVE, audience))
    assert exports.api.members_of(audience) == digests(*PEOPLE[1:3])


def test_replacing_a_list_of_unknown_members_says_what_it_cannot_do(exports: Exports) -> None:
    audience = exports.api.with_audience(members=frozenset(digests("stranger@example.com")))
    exports.run(PEOPLE[:2], settings_of(REPLACE, audience))
    assert exports.api.members_of(audience) == digests("stranger@example.com", *PEOPLE[:2])
    assert any("its members cannot be read" in event for event in exports.events)


def test_an_audience_made_here_is_replaced_exactly_and_without_that_notice(exports: Exports) -> None:
    report = exports.run(PEOPLE[:3], settings_of(CREATE, "vip"))
    exports.events.clear()
    exports.run(PEOPLE[2:4], settings_of(REPLACE, report.audience_id))
    assert exports.api.members_of(report.audience_id) == digests(*PEOPLE[2:4])
    assert not any("cannot be read" in event for event in exports.events)


def test_create_makes_the_list_with_the_first_batch_and_then_the_audience(exports: Exports) -> None:
    report = exports.run(PEOPLE[:5], settings_of(CREATE, "vip", limit_records_per_request=2, audience_description="d"))
    assert exports.api.writes == [("create list", 2), ("add", 2), ("add", 1), ("create audience", 0)]
    assert exports.api.members_of(report.audience_id) == digests(*PEOPLE[:5])
    assert (report.sent, report.requests) == (5, 4)


def test_create_fails_when_the_audience_exists(exports: Exports) -> None:
    exports.run(PEOPLE[:2], settings_of(CREATE, "vip"))
    exports.api.writes.clear()
    with pytest.raises(Conflict, match="the audience 'vip' exists already: 102"):
        exports.run(PEOPLE[:2], settings_of(CREATE, "vip"))
    assert exports.api.writes == []


def test_a_create_repeated_by_the_same_job_is_done_already(exports: Exports) -> None:
    first = exports.run(PEOPLE[:2], settings_of(CREATE, "vip"), job="one")
    exports.api.writes.clear()
    assert exports.run(PEOPLE[:2], settings_of(CREATE, "vip"), job="one").audience_id == first.audience_id
    assert exports.api.writes == []


def test_a_list_of_the_same_name_that_was_there_before_is_not_taken_for_ours(exports: Exports) -> None:
    exports.api.with_audience("vip", frozenset(digests("stranger@example.com")))
    exports.api.by_audience.clear()
    exports.api.faults = iter(["lost after acting"])
    report = exports.run(PEOPLE[:2], settings_of(CREATE, "vip"))
    assert exports.api.members_of(report.audience_id) == digests(*PEOPLE[:2])
    assert len(exports.api.by_list) == 2


def test_several_lists_that_may_be_ours_stop_the_run(exports: Exports) -> None:
    exports.api.faults = iter(["killed before"])
    with pytest.raises(Killed):
        exports.run(PEOPLE[:2], settings_of(CREATE, "vip"))
    for _ in range(2):
        exports.api.with_audience("vip")
    exports.api.by_audience.clear()
    with pytest.raises(Permanent, match="several customer lists named 'vip' belong to no audience: 102, 104"):
        exports.run(PEOPLE[:2], settings_of(CREATE, "vip"))


@pytest.mark.parametrize("position", range(4))
@pytest.mark.parametrize("fault", FAULTS[1:])
def test_a_create_that_breaks_anywhere_is_gone_on_with_and_never_doubled(
    exports: Exports, fault: Fault, position: int
) -> None:
    exports.api.faults = iter([*["none"] * position, fault])
    wanted = settings_of(CREATE, "vip", limit_records_per_request=2)
    report = None
    try:
        report = exports.run(PEOPLE[:5], wanted)
    except (ProviderError, Killed):
        # Another job, another day, other rows.
        report = exports.run(PEOPLE[3:8], wanted)
        people = PEOPLE[3:8]
    else:
        people = PEOPLE[:5]
    assert len(exports.api.by_list) == 1
    assert len(exports.api.by_audience) == 1
    assert exports.api.members_of(report.audience_id) == digests(*people)


@pytest.mark.parametrize(("action", "target"), [(CREATE, "vip"), (REPLACE, None)])
def test_nothing_valid_is_refused_before_any_request(exports: Exports, action: str, target: str | None) -> None:
    audience = exports.api.with_audience("other", frozenset(digests(*PEOPLE)))
    with pytest.raises(Permanent, match="no valid row"):
        exports.run(["", None], settings_of(action, target or audience, ignore_invalid_records=True))
    assert exports.api.writes == []


def test_an_empty_replace_can_be_allowed(exports: Exports) -> None:
    exports.allow_empty_replace = True
    audience = exports.api.with_audience()
    exports.run(PEOPLE[:2], settings_of(REPLACE, audience))
    exports.run([], settings_of(REPLACE, audience))
    assert exports.api.members_of(audience) == set()


def test_an_audience_that_is_not_there_is_named(exports: Exports) -> None:
    with pytest.raises(NotFound, match="audience 643 is not in ad account 549700000001"):
        exports.run(PEOPLE[:1], settings_of(ADD, "643"))
    assert exports.api.closed == 1


def test_batches_are_halved_when_the_vendor_finds_them_too_large(exports: Exports) -> None:
    exports.api.largest = 3
    audience = exports.api.with_audience()
    exports.run(PEOPLE, settings_of(ADD, audience, limit_records_per_request=12))
    assert exports.api.sizes() == [3, 3, 3, 3]
    assert exports.api.members_of(audience) == digests(*PEOPLE)


def test_a_first_batch_that_is_too_large_is_halved_as_well(exports: Exports) -> None:
    exports.api.largest = 3
    report = exports.run(PEOPLE, settings_of(CREATE, "vip", limit_records_per_request=12))
    assert exports.api.members_of(report.audience_id) == digests(*PEOPLE)
    assert len(exports.api.by_list) == 1


def test_a_cancelled_run_stops_and_the_next_goes_on(exports: Exports) -> None:
    audience = exports.api.with_audience()
    limited = settings_of(ADD, audience, limit_records_per_request=5)

    def cancelling() -> Iterator[Fault]:
        exports.cancelled.set()
        yield "none"

    exports.api.faults = cancelling()
    with pytest.raises(Transient, match="the run was cancelled after 5 of 12 members"):
        exports.run(PEOPLE, limited)
    exports.cancelled.clear()
    assert exports.run(PEOPLE, limited).sent == 7
    assert exports.api.members_of(audience) == digests(*PEOPLE)


@pytest.mark.parametrize("action", [ADD, REPLACE, REMOVE])
def test_what_a_stopped_run_did_is_not_done_again(exports: Exports, action: str) -> None:
    audience = exports.api.with_audience(members=frozenset(digests(*PEOPLE)) if action == REMOVE else frozenset())
    exports.api.faults = iter(["none", "none", "refused"])
    limited = settings_of(action, audience, limit_records_per_request=3)
    with pytest.raises(Transient):
        exports.run(PEOPLE, limited, job="one")
    exports.run(PEOPLE, limited, job="one")
    assert exports.api.sizes() == [3, 3, 3, 3]


def test_no_address_is_in_messages_events_or_files(exports: Exports) -> None:
    planted = "planted.person@example.com"
    audience = exports.api.with_audience()
    exports.api.faults = iter(["lost before acting"])
    rows = [planted, f"x,{planted}", "broken", None]
    messages = []
    for ignoring in (True, False):
        with pytest.raises(ProviderError) as caught:
            exports.run(rows, settings_of(ADD, audience, ignore_invalid_records=ignoring))
        messages += [str(caught.value), caught.value.hint]
    assert [type(message) for message in messages] == [str] * 4
    everything = "\n".join([*messages, *exports.events]).encode() + exports.bytes_on_disk()
    assert planted.encode() not in everything
    assert b"planted" not in everything
    assert b"broken" not in everything
    assert b'{"row": 2, "reason": "forbidden_character"}' in everything


def test_a_query_that_breaks_on_a_value_does_not_quote_it(exports: Exports) -> None:
    audience = exports.api.with_audience()
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE people AS SELECT 'planted@example.com' AS email")
        connection.execute("CREATE VIEW rows AS SELECT CAST(CAST(email AS INTEGER) AS VARCHAR) AS email FROM people")
        with pytest.raises(Permanent, match="the rows could not be read: ConversionException") as caught:
            exports.run_on(connection, settings_of(ADD, audience))
    assert "planted" not in f"{caught.value!r} {caught.value.hint} {caught.value.__cause__!r}"


def test_one_list_has_one_writer(exports: Exports) -> None:
    audience = exports.api.with_audience()
    inner: list[BaseException] = []

    class Nested:
        def __next__(self) -> Fault:
            exports.api.faults = iter(())
            try:
                exports.run(PEOPLE[:1], settings_of(ADD, audience))
            except Transient as error:
                inner.append(error)
            return "none"

        def __iter__(self) -> Nested:
            return self

    exports.api.faults = Nested()
    exports.run(PEOPLE[:2], settings_of(ADD, audience))
    assert [str(error) for error in inner] == ["another export is writing to `549700000001-101`"]
    assert exports.api.members_of(audience) == digests(*PEOPLE[:2])


STEP = st.tuples(
    st.sampled_from([ADD, REMOVE, REPLACE, CLEAR]),
    st.sets(st.sampled_from(PEOPLE)),
    st.lists(st.sampled_from(FAULTS), max_size=4),
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(STEP, min_size=1, max_size=5),
    last=st.sets(st.sampled_from(PEOPLE), min_size=1),
    size=st.integers(1, 4),
)
def test_whatever_happened_before_a_replace_leaves_exactly_its_rows(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[str, set[str], list[Fault]]],
    last: set[str],
    size: int,
) -> None:
    exports = Exports(tmp_path_factory.mktemp("law"), allow_empty_replace=True)
    audience = exports.api.with_audience()
    for action, people, faults in steps:
        before = set(exports.api.members_of(audience))
        exports.api.faults = itertools.chain(faults)
        try:
            exports.run(sorted(people), settings_of(action, audience, limit_records_per_request=size))
        except (ProviderError, Killed):
            continue
        after = exports.api.members_of(audience)
        expected = {
            ADD: before | digests(*people),
            REMOVE: before - digests(*people),
            REPLACE: digests(*people),
            CLEAR: set(),
        }
        assert after == expected[action]
    exports.api.faults = iter(())

    exports.run(sorted(last), settings_of(REPLACE, audience, limit_records_per_request=size))

    assert exports.api.members_of(audience) == digests(*last)
    exports.api.writes.clear()
    exports.run(sorted(last), settings_of(REPLACE, audience))
    assert exports.api.writes == []


def test_an_unknown_outcome_is_sent_again_by_the_next_run(exports: Exports) -> None:
    audience = exports.api.with_audience()
    exports.api.faults = iter(["lost before acting"])
    with pytest.raises(OutcomeUnknown):
        exports.run(PEOPLE[:2], settings_of(ADD, audience))
    exports.run(PEOPLE[1:3], settings_of(REPLACE, audience))
    assert exports.api.members_of(audience) == digests(*PEOPLE[1:3])


def test_an_audience_removed_by_somebody_is_made_of_its_old_list_again(exports: Exports) -> None:
    first = exports.run(PEOPLE[:3], settings_of(CREATE, "vip")).audience_id
    list_id = exports.api.by_audience.pop(first).list_id

    second = exports.run(PEOPLE[2:5], settings_of(CREATE, "vip")).audience_id

    assert second != first
    assert [one.list_id for one in exports.api.lists()] == [list_id]
    assert exports.api.members_of(second) == digests(*PEOPLE[2:5])


def test_a_list_whose_members_are_not_known_is_not_used_again(exports: Exports) -> None:
    first = exports.run(PEOPLE[:3], settings_of(CREATE, "vip")).audience_id
    exports.api.by_audience.pop(first)
    shutil.rmtree(exports.folder / "ledger" / "lists")

    second = exports.run(PEOPLE[2:5], settings_of(CREATE, "vip")).audience_id

    assert len(exports.api.lists()) == 2
    assert exports.api.members_of(second) == digests(*PEOPLE[2:5])

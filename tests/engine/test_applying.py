"""Making it so, also when answers are lost, vendors refuse and processes die."""

from __future__ import annotations

import itertools

import pytest
from scene import Killed, Scene, activation, audience, planned, query
from vendors import lost

from reconciler.engine.applying import Status
from reconciler.errors import Permanent
from reconciler.model.resource import Resource

DOCUMENTS = (audience(description="Best"), activation(), query("q"))


def outcome(scene: Scene) -> tuple[object, object, object]:
    """Everything that must be equal after an undisturbed and after a disturbed run."""
    members = [made["members"] for made in scene.audiences.objects.values()]
    remembered = scene.remembered()
    for record in remembered.values():
        assert record["phase"] == ""
    return remembered, scene.exports.objects, members


def test_the_first_run_makes_the_audience_and_leaves_the_export_steady(scene: Scene) -> None:
    applied = scene.apply(*DOCUMENTS)

    assert applied.is_complete
    assert [made["members"] for made in scene.audiences.objects.values()] == [{"a", "b", "c"}]
    assert scene.exports.objects["vip-daily"] == {
        "sql": "SELECT email FROM buyers",
        "cron": "0 3 * * *",
        "export": {"action": "REPLACE", "id_replace": "501"},
    }
    assert scene.exports.log == ["create vip-daily", "run vip-daily", "update vip-daily", "create q"]


def test_a_second_apply_writes_nothing(scene: Scene) -> None:
    scene.apply(*DOCUMENTS)
    before = list(scene.exports.log)

    assert scene.apply(*DOCUMENTS).results == ()
    assert scene.exports.log == before


def lines_of(documents: tuple[Resource, ...], scene: Scene) -> int:
    scene.apply(*documents)
    return scene.lines


@pytest.mark.parametrize("side", ["before", "after"])
def test_killed_at_any_journal_line_the_next_apply_converges(
    tmp_path_factory: pytest.TempPathFactory, side: str
) -> None:
    undisturbed = Scene(tmp_path_factory.mktemp("undisturbed"))
    total = lines_of(DOCUMENTS, undisturbed)
    assert total >= 9

    for line in range(1, total + 1):
        scene = Scene(tmp_path_factory.mktemp(f"killed-{side}-{line}"))
        setattr(scene, f"kill_{side}", line)
        with pytest.raises(Killed):
            scene.apply(*DOCUMENTS)
        scene.kill_before = scene.kill_after = 0

        assert not scene.plan(*DOCUMENTS).plan.gates, f"line {line}"
        assert scene.apply(*DOCUMENTS).is_complete, f"line {line}"

        assert outcome(scene)[1:] == outcome(undisturbed)[1:], f"line {line}"
        assert _comparable(scene) == _comparable(undisturbed), f"line {line}"
        assert scene.plan(*DOCUMENTS).plan.is_empty, f"line {line}"
        assert scene.store().read().unfinished == ()


def _comparable(scene: Scene) -> object:
    return outcome(scene)[0]


@pytest.mark.parametrize("side", ["before", "after"])
def test_killed_twice_it_still_converges(tmp_path_factory: pytest.TempPathFactory, side: str) -> None:
    undisturbed = Scene(tmp_path_factory.mktemp("undisturbed"))
    total = lines_of(DOCUMENTS, undisturbed)

    for first, second in itertools.product(range(1, total + 1), range(1, 5)):
        scene = Scene(tmp_path_factory.mktemp(f"twice-{side}-{first}-{second}"))
        for line in (first, second):
            setattr(scene, f"kill_{side}", line)
            try:
                scene.apply(*DOCUMENTS)
            except Killed:
                continue
        scene.kill_before = scene.kill_after = 0
        scene.apply(*DOCUMENTS)

        assert outcome(scene) == outcome(undisturbed), f"lines {first}, {second}"


def test_killed_while_changing_replacing_and_deleting_it_converges(tmp_path_factory: pytest.TempPathFactory) -> None:
    after = (audience(description="Changed"), activation(cron="0 5 * * *"), query("q", database="other"), query("new"))
    before = (*DOCUMENTS, query("old"))

    def through(name: str, kill: int = 0) -> Scene:
        scene = Scene(tmp_path_factory.mktemp(name))
        scene.apply(*before)
        if kill:
            scene.kill_after = kill
            with pytest.raises(Killed):
                scene.apply(*after)
            scene.kill_after = 0
        scene.apply(*after)
        return scene

    undisturbed = Scene(tmp_path_factory.mktemp("whole"))
    undisturbed.apply(*before)
    undisturbed.apply(*after)
    total = undisturbed.lines
    assert total >= 10

    for line in range(1, total + 1):
        scene = through(f"line-{line}", line)
        assert outcome(scene) == outcome(undisturbed), f"line {line}"
        assert scene.plan(*after).plan.is_empty, f"line {line}"


@pytest.mark.parametrize("verb", ["create", "update", "delete"])
def test_an_answer_lost_after_the_vendor_acted_is_settled_by_looking(scene: Scene, verb: str) -> None:
    scene.apply(query("q"), query("old"))
    scene.exports.after_write = lost(verb)

    applied = scene.apply(query("q", sql="SELECT 2"), query("new"))

    assert applied.is_complete
    assert scene.exports.log.count("create new") == 1
    assert scene.exports.objects.keys() == {"q", "new"}
    assert scene.plan(query("q", sql="SELECT 2"), query("new")).plan.is_empty


@pytest.mark.parametrize("verb", ["create", "run", "update"])
def test_an_answer_lost_during_a_bootstrap_makes_no_second_audience(scene: Scene, verb: str) -> None:
    scene.exports.after_write = lost(verb)

    first = scene.apply(*DOCUMENTS)
    second = scene.apply(*DOCUMENTS)

    assert second.is_complete, second
    assert first.count(Status.DONE) >= 1
    assert len(scene.audiences.objects) == 1
    assert [made["members"] for made in scene.audiences.objects.values()] == [{"a", "b", "c"}]
    assert scene.plan(*DOCUMENTS).plan.is_empty


def test_a_second_bootstrap_in_the_same_second_is_a_run_of_its_own(scene: Scene) -> None:
    scene.apply(*DOCUMENTS)
    began = scene.clock.now()

    elsewhere = audience(description="Best", ad_account_id="549700000002")
    assert scene.apply(elsewhere, *DOCUMENTS[1:]).is_complete

    assert scene.clock.now() == began
    assert scene.exports.log.count("run vip-daily") == 2
    assert [made["members"] for made in scene.audiences.objects.values()] == [{"a", "b", "c"}]


def test_a_first_run_that_made_the_audience_and_then_failed_is_filled_up(scene: Scene) -> None:
    scene.exports.fail_run_after_making = 1

    scene.apply(*DOCUMENTS)
    scene.apply(*DOCUMENTS)

    assert [made["members"] for made in scene.audiences.objects.values()] == [{"a", "b", "c"}]
    assert scene.plan(*DOCUMENTS).plan.is_empty
    assert scene.remembered()["activation/vip-daily"]["phase"] == ""


def test_a_failed_change_stops_only_what_needs_it(scene: Scene) -> None:
    def refuse(verb: str, name: str) -> None:
        if name == "vip-daily":
            raise Permanent("422 query does not parse", status=422)

    scene.exports.before_write = refuse

    applied = scene.apply(*DOCUMENTS)

    assert {str(result.address): result.status for result in applied.results} == {
        "activation/vip-daily": Status.FAILED,
        "audience/vip": Status.SKIPPED,
        "query/q": Status.DONE,
    }
    assert planned(scene.plan(*DOCUMENTS)) == {"activation/vip-daily": "create", "audience/vip": "create"}


def test_after_the_first_failure_nothing_is_begun_when_asked(scene: Scene) -> None:
    def refuse(verb: str, name: str) -> None:
        if name == "b":
            raise Permanent("422 query does not parse", status=422)

    scene.fail_fast = True
    scene.exports.before_write = refuse

    applied = scene.apply(query("a"), query("b"), query("c"), query("d"))

    assert [(result.address.name, result.status) for result in applied.results] == [
        ("a", Status.DONE),
        ("b", Status.FAILED),
        ("c", Status.SKIPPED),
        ("d", Status.SKIPPED),
    ]
    assert applied.results[2].message == "query/b failed, and nothing is begun after a failure"
    scene.exports.before_write = lambda *_: None
    assert scene.apply(query("a"), query("b"), query("c"), query("d")).is_complete


def test_when_it_is_stopped_only_what_is_under_way_is_finished(scene: Scene) -> None:
    def stop(verb: str, name: str) -> None:
        if name == "b":
            scene.stop.set()

    scene.exports.before_write = stop

    applied = scene.apply(query("a"), query("b"), query("c"), query("d"))

    assert applied.interrupted
    assert [(result.address.name, result.status) for result in applied.results] == [
        ("a", Status.DONE),
        ("b", Status.DONE),
        ("c", Status.SKIPPED),
        ("d", Status.SKIPPED),
    ]


def test_an_older_audience_of_that_title_is_never_taken_for_our_own(scene: Scene) -> None:
    scene.exports.after_write = lambda verb, name: scene.audiences.make("VIP", {"x"}) if verb == "create" else None
    scene.clock.seconds += 10_000

    def age(verb: str, name: str) -> None:
        if verb == "create" and name == "vip-daily":
            made = scene.audiences.make("VIP", {"x"})
            scene.audiences.objects[made]["created_at"] -= 9_000

    scene.exports.after_write = age

    applied = scene.apply(audience(), activation())

    assert applied.results[0].status is Status.FAILED
    assert [made["members"] for made in scene.audiences.objects.values()] == [{"x"}]


def test_no_secret_is_in_the_state_folder(scene: Scene) -> None:
    scene.apply(*DOCUMENTS)

    everything = b"".join(path.read_bytes() for path in scene.folder.rglob("*") if path.is_file())
    assert b"FAKE-token" not in everything
    assert b"k1:" in everything, "but its fingerprint is"


@pytest.mark.parametrize("side", ["before", "after"])
def test_killed_while_a_document_is_renamed_the_audience_stays(
    tmp_path_factory: pytest.TempPathFactory, side: str
) -> None:
    renamed = (audience("people"), activation(to="people"))
    for line in itertools.count(1):
        scene = Scene(tmp_path_factory.mktemp(f"renamed-{side}-{line}"))
        scene.apply(audience(), activation())
        setattr(scene, f"kill_{side}", line)
        try:
            scene.apply(*renamed)
        except Killed:
            scene.kill_before = scene.kill_after = 0
            scene.apply(*renamed)
        else:
            assert line > 2, "both the new and the old name take a line"
            break

        assert list(scene.audiences.objects) == ["501"], f"line {line}"
        assert scene.remembered().keys() == {"activation/vip-daily", "audience/people"}, f"line {line}"
        assert scene.plan(*renamed).plan.is_empty, f"line {line}"

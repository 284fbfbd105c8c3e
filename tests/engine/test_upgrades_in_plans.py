"""A release that says something otherwise than the one before is told as that, and as nobody's edit."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from scene import Scene, activation, audience, query
from vendors import ExportVendor

from reconciler.engine.applying import Applied
from reconciler.engine.planning import Prepared
from reconciler.engine.world import World
from reconciler.model.change import FieldChange, Origin, Reason, Update, fields_of
from reconciler.model.resource import Resource
from reconciler.ports.provider import Context, Desired


class TidyVendor(ExportVendor):
    """A provider whose next release writes SQL without its semicolon."""

    tidies = False

    def desired(self, resource: Resource, context: Context) -> Desired:
        desired = super().desired(resource, context)
        sql = desired.attributes.get("sql")
        if not self.tidies or not isinstance(sql, str):
            return desired
        return replace(desired, attributes={**desired.attributes, "sql": sql.rstrip(";")})


@dataclass
class Releases(Scene):
    """The same world under one release after the other."""

    release: str = "0.1.0"
    exports: Any = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.exports = TidyVendor(self.clock, self.audiences)

    def world(self, *resources: Resource) -> World:
        return replace(super().world(*resources), release=self.release)

    def upgrade(self, release: str = "0.2.0") -> None:
        self.release = release
        self.exports.tidies = True


@pytest.fixture
def world(scene: Scene) -> Releases:
    return Releases(scene.folder)


def only(prepared: Prepared) -> FieldChange:
    (found,) = [change for one in prepared.plan.changes for change in fields_of(one).values()]
    return found


def test_what_only_the_release_changed_comes_from_the_upgrade(world: Releases) -> None:
    world.apply(query("q", "SELECT 1;"))
    world.upgrade()

    prepared = world.plan(query("q", "SELECT 1;"))

    (change,) = prepared.plan.changes
    assert isinstance(change, Update)
    assert change.reason is Reason.SCHEMA_UPGRADED
    found = only(prepared)
    assert (found.origin, found.introduced_in, found.before, found.after) == (
        Origin.UPGRADE,
        "0.2.0",
        "SELECT 1;",
        "SELECT 1",
    )
    assert prepared.plan.origins() == {"upgrade": 1}


def test_it_is_applied_once_and_then_remembered(world: Releases) -> None:
    world.apply(query("q", "SELECT 1;"))
    world.upgrade()
    world.apply(query("q", "SELECT 1;"))

    assert world.plan(query("q", "SELECT 1;")).plan.is_empty
    assert world.remembered()["query/q"]["written_by"] == "0.2.0"


@pytest.mark.parametrize("after", ["SELECT 2;", "SELECT 2"])
def test_what_the_manifest_changed_comes_from_the_manifest(after: str, world: Releases) -> None:
    world.apply(query("q", "SELECT 1;"))
    world.upgrade()

    found = only(world.plan(query("q", after)))

    assert (found.origin, found.introduced_in) == (Origin.CONFIG, "")


def test_what_the_vendor_changed_too_is_drift(world: Releases) -> None:
    world.apply(query("q", "SELECT 1;"))
    world.upgrade()
    world.exports.objects["q"]["sql"] = "SELECT 99"

    prepared = world.plan(query("q", "SELECT 1;"))

    assert only(prepared).origin is Origin.DRIFT
    assert prepared.plan.origins() == {"drift": 1}


def test_the_same_release_never_takes_the_blame(world: Releases) -> None:
    world.apply(query("q", "SELECT 1;"))
    world.upgrade(release="0.1.0")

    assert only(world.plan(query("q", "SELECT 1;"))).origin is Origin.CONFIG


def test_what_an_audience_made_anew_changes_is_not_the_releases(world: Releases) -> None:
    documents = (audience(), activation(sql="SELECT email FROM buyers"))
    world.apply(*documents)
    world.apply(*documents)
    world.upgrade()
    world.audiences.objects.clear()

    origins = {found.origin for one in world.plan(*documents).plan.changes for found in fields_of(one).values()}

    assert Origin.UPGRADE not in origins


def test_a_release_that_changes_nothing_writes_nothing(world: Releases) -> None:
    documents = (audience(), activation(sql="SELECT email FROM buyers"), query("q"))
    world.apply(*documents)
    world.apply(*documents)
    before = world.remembered()
    world.upgrade()

    applied: Applied = world.apply(*documents)

    assert applied.results == ()
    assert world.lines == 0
    assert world.remembered() == before

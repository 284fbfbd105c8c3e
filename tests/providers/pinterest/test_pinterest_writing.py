"""What the provider changes, refuses to change, and says beforehand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from pinterest_scene import ACCOUNT, PARTNER, VIP, Scene, audience, connection, remembered

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.errors import Denied, NotFound, OutcomeUnknown, Permanent, ProviderError
from reconciler.model.activation import AudienceVerbs, Verb
from reconciler.model.address import Address
from reconciler.model.connections import FilesConnection
from reconciler.model.kinds import Membership
from reconciler.model.observation import Finding
from reconciler.model.record import Record
from reconciler.model.resource import Origin, Resource
from reconciler.model.spec import Lifecycle
from reconciler.ports.provider import Context, FieldClass, Provider
from reconciler.providers.pinterest.provider import PinterestProvider


def patches(scene: Scene) -> list[dict[str, object]]:
    return [one["body"] for one in scene.control.traffic() if one["method"] == "PATCH"]


@pytest.mark.parametrize(
    ("declared", "paths", "body"),
    [
        (audience(title="New"), ["/title"], {"operation_type": "UPDATE", "name": "New"}),
        (audience(description="New"), ["/description"], {"operation_type": "UPDATE", "description": "New"}),
        (audience(description=None), ["/description"], {"operation_type": "UPDATE", "description": ""}),
        (
            audience(title="A", description="B"),
            ["/description", "/title"],
            {"operation_type": "UPDATE", "name": "A", "description": "B"},
        ),
    ],
    ids=["title", "description", "description dropped", "both"],
)
def test_an_update_sends_only_what_differs(
    declared: Resource, paths: Sequence[str], body: dict[str, object], scene: Scene
) -> None:
    scene.control.knobs(journal_bodies=True)
    audience_id = scene.there()
    desired = scene.provider.desired(declared, scene.context)

    changed = scene.provider.update(declared, audience_id, desired, paths)

    assert patches(scene) == [body]
    found = scene.found(declared, remembered(audience_id))
    assert found.by_id == changed
    assert changed.attributes == {"description": "", **desired.attributes}


@pytest.mark.parametrize("path", ["/ad_account_id", "/identifier"])
def test_what_pinterest_cannot_change_is_refused_before_any_call(path: str, scene: Scene) -> None:
    desired = scene.provider.desired(audience(), scene.context)

    with pytest.raises(Permanent) as caught:
        scene.provider.update(audience(), "1", desired, ["/title", path])

    assert caught.value.message == f"Pinterest cannot change {path} of an audience"
    assert scene.calls() == []
    assert scene.provider.kinds["audience"].classes[path] is FieldClass.IMMUTABLE


@pytest.mark.parametrize("kind", ["answer_lost", "cut_midway", "truncated", "malformed"])
def test_an_update_whose_answer_is_lost_is_sent_again(kind: str, scene: Scene) -> None:
    audience_id = scene.there()
    scene.control.fault(kind, method="PATCH")
    declared = audience(title="New")

    scene.provider.update(declared, audience_id, scene.provider.desired(declared, scene.context), ["/title"])

    assert [one["name"] for one in scene.control.audiences()] == ["New"]


def test_an_update_that_never_gets_an_answer_is_unknown(scene: Scene) -> None:
    audience_id = scene.there()
    scene.control.fault("answer_lost", method="PATCH", count=None)
    declared = audience(title="New")

    with pytest.raises(OutcomeUnknown):
        scene.provider.update(declared, audience_id, scene.provider.desired(declared, scene.context), ["/title"])


@pytest.mark.parametrize("removed_audiences", ["hidden", "archived"])
def test_removing_twice_is_not_an_error(removed_audiences: str, scene: Scene) -> None:
    scene.control.knobs(removed_audiences=removed_audiences)
    audience_id = scene.there()
    for _ in range(2):
        scene.provider.delete(VIP, audience_id, remembered(audience_id))

    assert scene.found(audience(), remembered(audience_id)) == Finding()
    assert len(scene.control.lists()) == 1


def test_a_removal_whose_answer_is_lost_succeeds(scene: Scene) -> None:
    audience_id = scene.there()
    scene.control.fault("answer_lost", method="PATCH")

    scene.provider.delete(VIP, audience_id, remembered(audience_id))

    assert scene.found(audience()) == Finding()


def test_not_found_because_the_account_is_gone_is_no_success(scene: Scene) -> None:
    audience_id = scene.there()
    scene.control.call("DELETE", f"/accounts/{ACCOUNT}")

    with pytest.raises(NotFound, match=r"AdAccount not found\."):
        scene.provider.delete(VIP, audience_id, remembered(audience_id))


def test_without_the_role_nothing_is_removed(scene: Scene) -> None:
    audience_id = scene.there(account=PARTNER)

    with pytest.raises(Denied):
        scene.provider.delete(VIP, audience_id, remembered(audience_id, account=PARTNER))


@pytest.mark.parametrize("record", [Record("1", {}), remembered("1", through="gone")], ids=["empty", "connection gone"])
def test_a_removal_without_a_way_there_says_so(record: Record, scene: Scene) -> None:
    with pytest.raises(Permanent, match="the connection it was made through is not declared any more"):
        scene.provider.delete(VIP, "1", record)


def test_making_one_is_left_to_the_first_export(scene: Scene) -> None:
    with pytest.raises(Permanent) as caught:
        scene.provider.create(audience(), scene.provider.desired(audience(), scene.context))

    assert caught.value.message == "audience/vip: Pinterest makes an audience only together with its first members"
    assert scene.calls() == []


def test_there_is_no_switch(scene: Scene) -> None:
    with pytest.raises(Permanent) as caught:
        scene.provider.disable(VIP, "1", remembered("1"))

    assert caught.value.message == "audience/vip: an audience at Pinterest cannot be switched off, only removed"
    assert caught.value.hint == "write `on_delete: forget` to leave it there, or `on_delete: delete` to remove it"


def test_the_words_of_the_export_are_the_vendors() -> None:
    assert (
        PinterestProvider.verbs
        == PinterestProvider.kinds["audience"].verbs
        == AudienceVerbs(
            create="CREATE_NEW_AUDIENCE",
            create_title_setting="audience_name",
            create_description_setting="audience_description",
            on_existing={
                Membership.REPLACE: Verb("REPLACE_CURRENT_AUDIENCE", "audience_id_replace"),
                Membership.ADD: Verb("ADD_PEOPLE_TO_CURRENT_AUDIENCE", "audience_id_add_people"),
                Membership.REMOVE: Verb("REMOVE_PEOPLE_TO_CURRENT_AUDIENCE", "audience_id_remove_people"),
                Membership.CLEAR: Verb("DELETE_CURRENT_AUDIENCE", "audience_id_delete"),
            },
        )
    )


def test_it_is_a_provider_and_a_destination(scene: Scene) -> None:
    provider: Provider = scene.provider

    assert provider.name == "pinterest"


def test_an_undeclared_description_is_nobodys_business(scene: Scene) -> None:
    assert "description" not in scene.provider.desired(audience(description=None), scene.context).attributes
    assert scene.provider.desired(audience(description=""), scene.context).attributes["description"] == ""
    assert scene.provider.kinds["audience"].defaults == {"description": ""}


@pytest.mark.parametrize(
    ("declared", "found"),
    [
        (connection(), []),
        (connection(base_url="https://proxy.example.com"), []),
        (connection(base_url="http://127.0.0.1:8765/v5"), []),
        (connection(base_url="http://localhost:8765/v5"), []),
        (connection(base_url="http://[::1]:8765/v5"), []),
        (
            connection(base_url="http://proxy.example.com"),
            [
                Diagnostic(
                    rule="credentials-in-clear",
                    message="`connection/main` sends its credentials unencrypted to another machine",
                    severity=Severity.WARNING,
                    subject="audience/vip",
                    path="/spec/connection",
                    hint="use an https address",
                )
            ],
        ),
        (
            Resource(Address("connection", "main"), FilesConnection(type="files"), Lifecycle(), Origin("f.yaml", 0)),
            [
                Diagnostic(
                    rule="audience-connection-type",
                    message="`connection/main` is of type `files`, which has no audiences",
                    subject="audience/vip",
                    path="/spec/connection",
                    hint="name a connection of type `pinterest`",
                )
            ],
        ),
    ],
    ids=["own", "https", "loopback", "localhost", "loopback 6", "clear", "files"],
)
def test_what_can_be_said_offline_is_said(declared: Resource, found: list[Diagnostic], scene: Scene) -> None:
    context = Context({declared.address: declared})

    assert list(scene.provider.check(audience(), context)) == found
    assert scene.calls() == []


@pytest.mark.parametrize("kind", ["cut", "answer_lost", "rate_limited", "error", "html", "malformed", "truncated"])
@pytest.mark.parametrize("verb", ["update", "delete"])
def test_every_fault_that_lasts_is_one_of_our_errors(verb: str, kind: str, scene: Scene) -> None:
    audience_id = scene.there()
    scene.control.fault(kind, count=None, path="/ad_accounts/**")
    desired = scene.provider.desired(audience(), scene.context)
    writes = {
        "update": lambda: scene.provider.update(audience(), audience_id, desired, ["/title"]),
        "delete": lambda: scene.provider.delete(VIP, audience_id, remembered(audience_id)),
    }
    if verb == "delete" and kind in {"malformed", "truncated"}:
        writes[verb]()  # nothing is read from its answer
        return

    with pytest.raises(ProviderError):
        writes[verb]()

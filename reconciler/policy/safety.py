"""The set `safety`: documents that are valid and still likely to hurt."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.address import Address
from reconciler.model.imports import ImportSpec, Placement
from reconciler.model.kinds import ActivationSpec, Membership
from reconciler.model.policy import Level
from reconciler.model.resource import Resource
from reconciler.policy.rules import Declared, Found, Rule


def _fed_twice(resource: Resource, declared: Declared) -> Iterator[Found]:
    spec = resource.spec
    if not isinstance(spec, ActivationSpec) or spec.membership is not Membership.REPLACE:
        return
    target = Address("audience", spec.to.audience)
    others = [
        str(user)
        for user in declared.users.get(target, ())
        if user != resource.address and user.kind == "activation" and _fills(declared.resources[user])
    ]
    if others:
        yield Found("/spec/membership", f"replaces the members of {target}, which {', '.join(others)} feeds too")


def _fed_by_several(resource: Resource, declared: Declared) -> Iterator[Found]:
    """Told once an audience, at the last of them; where one replaces, `audience-fed-twice` says worse."""
    spec = resource.spec
    if not isinstance(spec, ActivationSpec) or spec.membership is not Membership.ADD:
        return
    target = Address("audience", spec.to.audience)
    feeding = [user for user in declared.users.get(target, ()) if user.kind == "activation"]
    adding = [user for user in feeding if _membership(declared.resources[user]) is Membership.ADD]
    is_replaced = any(_membership(declared.resources[user]) is Membership.REPLACE for user in feeding)
    if len(adding) > 1 and not is_replaced and resource.address == adding[-1]:
        others = ", ".join(str(user) for user in adding[:-1])
        yield Found("/spec/to/audience", f"adds to {target}, as does {others}: nobody can tell whose a member is")


def _membership(resource: Resource) -> Membership | None:
    return resource.spec.membership if isinstance(resource.spec, ActivationSpec) else None


def _fills(resource: Resource) -> bool:
    spec = resource.spec
    return isinstance(spec, ActivationSpec) and spec.membership in (Membership.ADD, Membership.REPLACE)


def _clears_by_itself(resource: Resource, declared: Declared) -> Iterator[Found]:
    del declared
    spec = resource.spec
    if isinstance(spec, ActivationSpec) and spec.membership is Membership.CLEAR and spec.schedule is not None:
        yield Found("/spec/schedule", "clears its audience by itself, on a schedule")


def _replaces_by_itself(resource: Resource, declared: Declared) -> Iterator[Found]:
    del declared
    spec = resource.spec
    if isinstance(spec, ImportSpec) and spec.to.mode is Placement.REPLACE and spec.schedule is not None:
        yield Found("/spec/to/mode", "empties its table at every scheduled run, new rows or none")


def _unused(resource: Resource, declared: Declared) -> Iterator[Found]:
    if not declared.users.get(resource.address):
        yield Found("", "is a connection that nothing uses")


RULES = (
    Rule(
        "audience-fed-twice",
        Level.WARN,
        frozenset({"activation"}),
        "An audience whose members one activation replaces is fed by no other, for each run would undo the other's.",
        "let both add, or give each an audience of its own",
        _fed_twice,
    ),
    Rule(
        "audience-fed-by-several",
        Level.WARN,
        frozenset({"activation"}),
        "An audience is added to by one activation, so that one query says who is in it.",
        "find all members by one query; or waive the rule where several are meant",
        _fed_by_several,
    ),
    Rule(
        "clear-on-schedule",
        Level.GATE,
        frozenset({"activation"}),
        "An activation that clears its audience is run by hand.",
        "leave the schedule out and run it with `tdr run`",
        _clears_by_itself,
    ),
    Rule(
        "import-replaces-always",
        Level.WARN,
        frozenset({"import"}),
        "A scheduled import does not empty its table when there is nothing new.",
        "write `mode: replace_on_new_data`",
        _replaces_by_itself,
    ),
    Rule(
        "unused-connection",
        Level.WARN,
        frozenset({"connection"}),
        "A connection, which holds credentials, is used by something.",
        "remove its document, or name it where it is needed",
        _unused,
    ),
)

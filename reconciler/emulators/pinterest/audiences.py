"""``/ad_accounts/{ad_account_id}/audiences``.

Source: openapi.json 5.23.0; the effect of REMOVE on what is visible is not published.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.emulators.faults import ListedLate
from reconciler.emulators.pinterest import rules
from reconciler.emulators.pinterest.call import Call
from reconciler.emulators.pinterest.objects import Audience
from reconciler.emulators.pinterest.paging import is_descending, page
from reconciler.emulators.pinterest.refusals import Refused, invalid, not_found
from reconciler.model.json import Json


def list_audiences(call: Call) -> dict[str, Json]:
    """GET: the account's audiences; names may repeat. Nobody shares audiences with a sandbox, so RECEIVED is empty."""
    try:
        newest_first = is_descending(call)
    except ValueError:
        raise _bad_parameters() from None
    ownership = call.query.get("ownership_type", "OWNED")
    if ownership not in {"OWNED", "RECEIVED"}:
        raise _bad_parameters()
    now = call.world.now()
    audiences = [
        item
        for item in call.world.audiences.values()
        if ownership == "OWNED"
        and item.account_id == call.account_id
        and not _is_gone(call, item)
        and not (item.hiding and item.hiding.from_list(now))
    ]
    return page(call, audiences[::-1] if newest_first else audiences, lambda item: item.id, Audience.listed)


def create_audience(call: Call) -> dict[str, Json]:
    """POST."""
    name = call.name()
    audience_type = call.choice("audience_type", rules.AUDIENCE_TYPES)
    rule = _rule(call)
    rules.check(call.world, call.account_id, audience_type, rule)
    return call.world.add_audience(
        call.account_id,
        name=name,
        audience_type=audience_type,
        rule=rule,
        description=_description(call),
        late=call.fault(ListedLate),
    ).written()


def get_audience(call: Call) -> dict[str, Json]:
    """GET by id."""
    found = _present(call)
    if found.hiding and found.hiding.from_get(call.world.now()):
        raise not_found("Audience")
    return found.shown()


def update_audience(call: Call) -> dict[str, Json]:
    """PATCH: change what is sent, or remove the audience."""
    target = _present(call)
    operation = call.choice("operation_type", ("UPDATE", "REMOVE"), default="UPDATE")
    if operation == "REMOVE":
        call.world.archive_audience(target)
        return target.written()
    if target.status == "ARCHIVED":
        raise invalid("the audience is archived")
    rule = _rule(call) if "rule" in call.body else None
    if rule is not None:
        rules.check(call.world, call.account_id, target.audience_type, rule)
        if call.world.knobs.repointing == "refuse" and rule.get("customer_list_id") != target.list_id:
            raise invalid("'rule.customer_list_id' cannot be changed")
    name = call.name() if "name" in call.body else None
    call.world.change_audience(target, name=name, description=_description(call), rule=rule)
    return target.written()


def _present(call: Call) -> Audience:
    found = call.audience()
    if _is_gone(call, found):
        raise not_found("Audience")
    return found


def _is_gone(call: Call, audience: Audience) -> bool:
    return audience.status == "ARCHIVED" and call.world.knobs.removed_audiences == "hidden"


def _rule(call: Call) -> Mapping[str, Json]:
    rule = call.body.get("rule")
    if rule is None:
        raise invalid("'rule' is a required property")
    if not isinstance(rule, Mapping):
        raise invalid("'rule' is not of type 'object'")
    return rule


def _description(call: Call) -> str | None:
    return call.text("description") if call.body.get("description") is not None else None


def _bad_parameters() -> Refused:
    return Refused(400, 400, "Invalid ad account audience parameters.")

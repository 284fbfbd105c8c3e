"""The query language of searches: filters, groups, and the days that dates of contacts are compared by.

Source: Intercom's description 2.16 of searches, and of Preview where that differs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from reconciler.emulators.intercom.call import PREVIEW, Call
from reconciler.emulators.intercom.paging import LARGEST, Asked
from reconciler.emulators.intercom.refusals import Refused, invalid, invalid_order
from reconciler.emulators.intercom.world import Object
from reconciler.model.json import Json

Test = Callable[[Object], bool]
_GROUPED, _DEEP = 15, 2
_ORDERED = frozenset({"<", ">", "<=", ">="})
_ALL = _ORDERED | {"=", "!=", "IN", "NIN", "~", "!~", "^", "$"}
_CONTACT_DATES = frozenset(
    f"{name}_at"
    for name in (
        *("created", "signed_up", "updated", "last_seen", "last_contacted", "last_replied"),
        *("last_email_opened", "last_email_clicked"),
    )
)
_CONTACT_TEXTS = frozenset(
    ("id", "role", "name", "avatar", "owner_id", "email", "email_domain", "phone", "external_id", "language_override")
) | {"browser", "browser_language", "os", "location.country", "location.region", "location.city", "segment_id"}
_CONVERSATION_DATES = frozenset({"created_at", "updated_at", "waiting_since", "snoozed_until"})
_CONVERSATION_TEXTS = frozenset(
    ("id", "state", "priority", "open", "read", "admin_assignee_id", "team_assignee_id", "source.type", "source.id")
) | {"source.delivered_as", "source.subject", "source.author.id", "source.author.type", "source.author.email"}


def contacts(call: Call) -> Test:
    """What the query of a search of contacts takes.

    Raises:
        Refused: 400, with what is wrong with it.
    """
    knobs = call.world.knobs
    by_day = knobs.date_filters == "day" or (knobs.date_filters == "version" and call.version < PREVIEW)
    zone = ZoneInfo(knobs.timezone)

    def leaf(field: str, operator: str, value: Json) -> Test:
        if field in _CONTACT_DATES:
            return _by_day(field, operator, _seconds(value), zone) if by_day else _by_second(field, operator, value, 0)
        if field == "tag_id":
            if operator not in {"=", "!="}:
                raise invalid("tag_id takes = and != only")
            return lambda one: (str(value) in _texts(one.get("tag_ids"))) is (operator == "=")
        if field not in _CONTACT_TEXTS and not field.startswith("custom_attributes."):
            raise invalid(f"{field} is not a valid search field")
        return _plain(field, operator, value)

    return _group(call.body.get("query"), leaf, 1)


def conversations(call: Call) -> Test:
    """What the query of a search of conversations takes.

    Raises:
        Refused: 400, with what is wrong with it.
    """
    slack = 1 if call.world.knobs.greater_in_conversations == "inclusive" else 0

    def leaf(field: str, operator: str, value: Json) -> Test:
        if field in _CONVERSATION_DATES:
            return _by_second(field, operator, value, slack)
        if field not in _CONVERSATION_TEXTS:
            raise invalid(f"{field} is not a valid search field")
        return _plain(field, operator, value)

    return _group(call.body.get("query"), leaf, 1)


def asked(call: Call, *, default_size: int) -> Asked:
    """The page that the body asks for. A cursor in the address is not looked at.

    Raises:
        Refused: 400.
    """
    pagination = call.body.get("pagination")
    told: Mapping[str, Json] = pagination if isinstance(pagination, Mapping) else {}
    size = call.count("per_page", told.get("per_page"), default=default_size, most=LARGEST)
    cursor = told.get("starting_after")
    if "starting_after" in told and not (isinstance(cursor, str) and cursor):
        raise invalid("starting_after must be a string")
    sort = call.body.get("sort")
    order: Mapping[str, Json] = sort if isinstance(sort, Mapping) else {}
    direction = order.get("order", "descending")
    if direction not in {"ascending", "descending"}:
        raise invalid_order(direction)
    return Asked(
        [call.path, call.body.get("query")],
        size,
        cursor if isinstance(cursor, str) else None,
        str(order.get("field", "updated_at")),
        is_descending=direction == "descending",
    )


def _group(query: Json, leaf: Callable[[str, str, Json], Test], depth: int) -> Test:
    if not isinstance(query, Mapping):
        raise Refused(400, "missing_parameter", "query is required")
    operator, value = query.get("operator"), query.get("value")
    if operator in {"AND", "OR"}:
        if not isinstance(value, list) or not value or len(value) > _GROUPED or depth > _DEEP:
            raise invalid(f"a group takes 1 to {_GROUPED} filters, and groups nest {_DEEP} deep")
        tests = [_group(one, leaf, depth + 1) for one in value]
        return (
            (lambda one: all(test(one) for test in tests))
            if operator == "AND"
            else (lambda one: any(test(one) for test in tests))
        )
    field = query.get("field")
    if not isinstance(field, str) or operator not in _ALL or not isinstance(operator, str):
        raise invalid("a filter has a field, an operator and a value")
    return leaf(field, operator, value)


def _by_day(field: str, operator: str, value: int, zone: ZoneInfo) -> Test:
    """Dates up to 2.16: the value is cut to its day in the workspace's zone."""
    if operator not in {"=", "<", ">"}:
        raise invalid(f"the operator {operator} is not supported for date fields")
    day = datetime.fromtimestamp(value, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    begin = int(day.timestamp())
    following = (day + timedelta(hours=36)).replace(hour=0)
    end = int(following.timestamp())

    def test(one: Object) -> bool:
        at = one.get(field)
        if not isinstance(at, int):
            return False
        return at >= end if operator == ">" else at < begin if operator == "<" else begin <= at < end

    return test


def _by_second(field: str, operator: str, value: Json, slack: int) -> Test:
    """Dates of conversations, and of contacts in Preview. *slack* 1 takes the second itself with ``>`` and ``<``, too."""
    bound = _seconds(value)
    if operator not in {"=", "!=", *_ORDERED}:
        raise invalid(f"the operator {operator} is not supported for date fields")

    def test(one: Object) -> bool:
        at = one.get(field)
        if not isinstance(at, int):
            return False
        return {
            "=": at == bound,
            "!=": at != bound,
            "<": at < bound + slack,
            ">": at > bound - slack,
            "<=": at <= bound,
            ">=": at >= bound,
        }[operator]

    return test


def _plain(field: str, operator: str, value: Json) -> Test:
    if operator in _ORDERED:
        raise invalid(f"the operator {operator} is not supported for {field}")
    wanted = {_text(one) for one in value} if isinstance(value, list) else {_text(value)}
    if operator in {"IN", "NIN"} and not isinstance(value, list):
        raise invalid(f"{operator} takes a list")
    only = next(iter(wanted), "")

    def test(one: Object) -> bool:
        told = _text(_at(one, field))
        return {
            "=": told in wanted,
            "!=": told not in wanted,
            "IN": told in wanted,
            "NIN": told not in wanted,
            "~": only in told,
            "!~": only not in told,
            "^": told.startswith(only),
            "$": told.endswith(only),
        }[operator]

    return test


def _at(one: Object, field: str) -> Json:
    value: Json = one
    for name in field.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _text(value: Json) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def _texts(value: Json) -> set[str]:
    return {str(one) for one in value} if isinstance(value, list) else set()


def _seconds(value: Json) -> int:
    """Unix seconds, as a number or as text. Milliseconds are a date far ahead, which nothing matches."""
    try:
        return min(int(str(value)), 32_503_680_000)
    except ValueError:
        raise invalid("a date is Unix seconds") from None

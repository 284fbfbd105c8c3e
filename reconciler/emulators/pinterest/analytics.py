"""How it went: at once for what an account asks of a few objects, and as reports that take their time.

Source: openapi.json 5.23.0. Metrics are kept by day: a question by the hour is checked and finds nothing. Recorded of reports:
the second request for the same is told that it is finished, the link is signed by its address and takes no other credentials.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeAlias

import orjson
from starlette.requests import Request
from starlette.responses import Response

from reconciler.emulators.pinterest.ad_objects import ids, many
from reconciler.emulators.pinterest.call import Call
from reconciler.emulators.pinterest.promotions import LEVELS, TARGETING, Metrics, Report
from reconciler.emulators.pinterest.refusals import Refused, invalid
from reconciler.emulators.pinterest.world import World
from reconciler.model.json import Json

Row: TypeAlias = dict[str, str | int | float]

GRANULARITIES: Final = ("TOTAL", "DAY", "HOUR", "WEEK", "MONTH")
_SYNC: Final = {"HOUR": (8, 3), "": (90, 90)}
_REPORT: Final = {
    "HOUR": (8, 3),
    "PRODUCT_ITEM": (92, 31),
    "PRODUCT_ITEM_TARGETING": (92, 31),
    "": (914, 186),
}
_TYPES: Final = (
    *("KEYWORD", "APPTYPE", "GENDER", "LOCATION", "PLACEMENT", "COUNTRY", "TARGETED_INTEREST", "PINNER_INTEREST"),
    *("AUDIENCE_INCLUDE", "GEO", "AGE_BUCKET", "REGION", "AGE_BUCKET_AND_GENDER"),
)
_TYPES_OF_REPORTS: Final = (
    *_TYPES,
    *("MEDIA_TYPE", "AUDIENCE_MULTIPLIER", "CREATIVE_ENHANCEMENTS", "LOCAL_ADS_STORE_CODE"),
)
_ONLY_IN: Final = {"MEDIA_TYPE": "PRODUCT_ITEM_TARGETING", "AUDIENCE_MULTIPLIER": "CAMPAIGN_TARGETING"}
_MOST_TYPES, _MOST_TYPES_OF_REPORTS = 15, 5
_LINK_S: Final = 300
_REPORT_S: Final = 3_600


def analyser(level: str, parameter: str) -> Callable[[Call], Json]:
    """What answers a question for the metrics of *level*; *parameter* names its ids, "" where the account is meant."""

    def answer(call: Call) -> Json:
        granularity, first, last = _asked(call.query, call.world.now(), _SYNC)
        wanted = (
            ids(call, parameter, most=100 if level == "PIN_PROMOTION" else 250) if parameter else (call.account_id,)
        )
        columns = many(call, "columns")
        if not columns:
            raise invalid("'columns' is a required property")
        if not wanted:
            raise invalid(f"'{parameter}' is a required property")
        found = _between(call, level, first, last, lambda one: one.id in wanted)
        return [{**row} for _, row in _rows(found, granularity, columns, first)]

    return answer


def targeting(call: Call) -> Json:
    """GET targeting_analytics: an account's metrics for each targeting type on its own."""
    granularity, first, last = _asked(call.query, call.world.now(), _SYNC)
    columns, types = many(call, "columns"), many(call, "targeting_types")
    if not columns:
        raise invalid("'columns' is a required property")
    _check_types(types, _TYPES, _MOST_TYPES)
    found = _between(call, "ADVERTISER_TARGETING", first, last, lambda one: one.by[TARGETING[0]] in types)
    rows = (dict(row) for _, row in _rows(found, granularity, columns, first))
    return {
        "data": [
            {"targeting_type": row.pop(TARGETING[0]), "targeting_value": row.pop(TARGETING[1]), "metrics": {**row}}
            for row in rows
        ]
    }


def create_report(call: Call) -> dict[str, Json]:
    """POST reports: a token to ask with."""
    body = {name: value for name, value in call.body.items() if isinstance(value, str)}
    for name in ("start_date", "end_date", "granularity", "level"):
        call.text(name)
    columns = call.body.get("columns")
    if not isinstance(columns, list) or not columns or not all(isinstance(name, str) for name in columns):
        raise invalid("'columns' is a required property")
    level = call.choice("level", tuple(LEVELS))
    types = _targeting(call, level)
    if level.startswith("PRODUCT_ITEM"):
        _refuse_ads(call, columns)
    granularity, first, last = _asked(body, call.world.now(), _REPORT)
    token = hashlib.sha256(orjson.dumps([call.account_id, call.body], option=orjson.OPT_SORT_KEYS)).hexdigest() + "=="
    now, knobs, reports = call.world.now(), call.world.knobs, call.world.promotions.reports
    known = reports.get(token)
    if known is None or known.status(now) not in {"IN_PROGRESS", "FINISHED"}:
        found = _between(
            call,
            level,
            first,
            last,
            lambda one: any(one.values.values()) and (not types or one.by.get(TARGETING[0]) in types),
        )
        by_id: dict[str, list[Json]] = {}
        for key, row in _rows(found, granularity, [str(name) for name in columns], first):
            by_id.setdefault(key, []).append({**row})
        ready_at = now + knobs.report_s
        reports[token] = Report(token, call.account_id, dict(by_id), ready_at, ready_at + _REPORT_S, knobs.report_fate)
    elif known.status(now) == "FINISHED":
        return {"report_status": "FINISHED", "token": token, "message": "The report is ready: get it."}
    return {"report_status": "IN_PROGRESS", "token": token, "message": None}


def get_report(call: Call) -> dict[str, Json]:
    """GET reports: how far it is, and where it is."""
    token = call.query.get("token")
    if not token:
        raise invalid("'token' is a required property")
    report = call.world.promotions.reports.get(token)
    if report is None or report.account_id != call.account_id:
        return {"report_status": "DOES_NOT_EXIST", "url": None, "size": None}
    status = report.status(call.world.now())
    if status != "FINISHED":
        return {"report_status": status, "url": None, "size": None}
    until = int(call.world.now()) + _LINK_S
    url = f"{call.origin}/downloads/{token.rstrip('=')}.json?until={until}"
    return {"report_status": "FINISHED", "url": url, "size": len(orjson.dumps(report.body))}


def download(world: World, request: Request) -> Response:
    """A report, for whoever has its link and brings nothing else."""
    report = world.promotions.reports.get(request.path_params["token"] + "==")
    until = request.query_params.get("until", "")
    if "authorization" in request.headers:
        return Response("<Error><Code>InvalidArgument</Code></Error>", 400, media_type="application/xml")
    if report is None or not until.isdecimal() or world.now() >= int(until):
        return Response("<Error><Code>AccessDenied</Code></Error>", 403, media_type="application/xml")
    return Response(orjson.dumps(report.body), media_type="application/json")


def _targeting(call: Call, level: str) -> tuple[str, ...]:
    """What a report of targeting tells apart by; all where nothing is said, for the description does not ask for it."""
    types = call.body.get("targeting_types")
    if types is None:
        return ()
    if not isinstance(types, list):
        raise invalid("'targeting_types' is not of type 'array'")
    _check_types(types, _TYPES_OF_REPORTS, _MOST_TYPES_OF_REPORTS)
    if not level.endswith("_TARGETING"):
        raise invalid("'targeting_types' requires 'level' to be a value ending in _TARGETING")
    if elsewhere := [one for one in types if _ONLY_IN.get(str(one), level) != level]:
        raise invalid(f"{elsewhere[0]} is only available in {_ONLY_IN[str(elsewhere[0])]} level")
    return tuple(map(str, types))


def _check_types(types: Sequence[Json], known: Sequence[str], most: int) -> None:
    if not 1 <= len(types) <= most:
        raise invalid(f"'targeting_types' must have 1 to {most} items")
    if strange := [one for one in types if one not in known]:
        raise invalid(f"'targeting_types' value {strange[0]!r} is not one of {list(known)}")


def _refuse_ads(call: Call, columns: Iterable[Json]) -> None:
    """Of items of products, ads are neither chosen nor told; which columns these are is not listed anywhere."""
    if given := [name for name in ("ad_ids", "ad_statuses") if name in call.body]:
        raise invalid(f"'{given[0]}' is not allowed for Product Item level reports")
    for name in map(str, columns):
        if name in {"AD_ID", "AD_NAME", "AD_STATUS"} or name.startswith("PIN_PROMOTION_"):
            raise invalid(f"column {name} is not allowed for Product Item level reports")


def _asked(query: Mapping[str, str], now: float, limits: Mapping[str, tuple[int, int]]) -> tuple[str, date, date]:
    """Granularity, first and last day of a question.

    Raises:
        Refused: 400, one is missing, is none, is too long ago or too far from the other.
    """
    days = {}
    for name in ("start_date", "end_date"):
        if name not in query:
            raise invalid(f"'{name}' is a required property")
        try:
            days[name] = date.fromisoformat(query[name])
        except ValueError:
            raise invalid(f"'{name}' value {query[name]!r} is not a 'date'") from None
    granularity = query.get("granularity", "")
    if granularity not in GRANULARITIES:
        raise invalid(f"'granularity' value {granularity!r} is not one of {list(GRANULARITIES)}")
    first, last = days["start_date"], days["end_date"]
    back, wide = limits.get(granularity) or limits.get(query.get("level", "")) or limits[""]
    if last < first:
        raise invalid("'end_date' must not be before 'start_date'")
    if first < datetime.fromtimestamp(now, UTC).date() - timedelta(days=back):
        raise Refused(400, 1, f"You can only get data from the last {back} days.")
    if (last - first).days > wide:
        raise Refused(400, 1, f"The time range specified is too large, it must be less than {wide} days")
    return granularity, first, last


def _between(call: Call, level: str, first: date, last: date, is_wanted: Callable[[Metrics], bool]) -> list[Metrics]:
    found = (one for one in call.world.promotions.metrics.values() if one.account_id == call.account_id)
    of_level = (one for one in found if one.level == level and first <= date.fromisoformat(one.date) <= last)
    return sorted(
        filter(is_wanted, of_level), key=lambda one: (int(one.id), one.date, sorted(map(str, one.by.values())))
    )


def _rows(found: Iterable[Metrics], granularity: str, columns: Sequence[str], first: date) -> list[tuple[str, Row]]:
    """Whose they are, and one row for each object and period, flat; numbers of the days in it added up."""
    if granularity == "HOUR":
        return []
    rows: dict[tuple[str, str, frozenset[tuple[str, str | int]]], Row] = {}
    for one in found:
        period = _period(date.fromisoformat(one.date), granularity, first)
        row = rows.setdefault((one.id, period, frozenset(one.by.items())), _begun(one, period, columns))
        for name in columns:
            if name in one.values:
                row[name] = float(row.get(name, 0)) + one.values[name] if name in row else one.values[name]
    return [(key, row) for (key, _, _), row in rows.items()]


def _begun(one: Metrics, period: str, columns: Sequence[str]) -> Row:
    own = {LEVELS[one.level]: one.id} if LEVELS[one.level] else {}
    apart = {name: value for name, value in one.by.items() if name in TARGETING or name in columns}
    return {**own, **({"DATE": period} if period else {}), **apart}


def _period(day: date, granularity: str, first: date) -> str:
    match granularity:
        case "DAY":
            return day.isoformat()
        case "WEEK":
            return max(first, day - timedelta(days=day.weekday())).isoformat()
        case "MONTH":
            return max(first, day.replace(day=1)).isoformat()
        case _:
            return ""

"""REST: versions, describe, queries, limits, and single rows."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from email.utils import formatdate, parsedate_to_datetime

from starlette.responses import Response

from reconciler.emulators.salesforce.bulk2 import key_of
from reconciler.emulators.salesforce.call import Call, in_json
from reconciler.emulators.salesforce.refusals import Refused, not_found
from reconciler.emulators.salesforce.schema import SObject
from reconciler.emulators.salesforce.soql import SoqlError, parsed
from reconciler.emulators.salesforce.writing import HeaderError, Writer, header_of
from reconciler.model.json import Json

_PERMISSION = re.compile(r"\s*select\s+(Permissions\w+)\s+from\s+UserPermissionAccess\s*", re.IGNORECASE)


def objects(call: Call) -> Response:
    """``GET /sobjects``."""
    told = [one.listed(call.version) for one in call.world.objects.values()]
    return in_json({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": told})


def describe(call: Call) -> Response:
    """``GET /sobjects/{object}/describe``; 304 for who knows it already."""
    sobject = _object(call)
    since = call.headers.get("if-modified-since")
    # To the second, as HTTP has it; what changes within one is new to those who ask in the next.
    changed_s = float(math.ceil(call.world.altered_at))
    headers = {"Last-Modified": formatdate(changed_s, usegmt=True)}
    try:
        if since and parsedate_to_datetime(since).timestamp() >= changed_s:
            return Response(b"", 304, headers)
    except ValueError:
        pass  # a date that is none asks for nothing
    answer = in_json(sobject.described(call.version))
    answer.headers.update(headers)
    return answer


def query(call: Call) -> Response:
    """``GET /query``."""
    return _queried(call, deleted=False)


def query_all(call: Call) -> Response:
    """``GET /queryAll``, which finds what lies in the recycle bin, too."""
    return _queried(call, deleted=True)


def _queried(call: Call, *, deleted: bool) -> Response:
    call.world.settle()
    text = call.query.get("q", "")
    permission = _PERMISSION.fullmatch(text)
    if permission is not None and call.world.knobs.tells_permissions:
        may = call.world.knobs.hard_delete or permission[1].lower() != "permissionsbulkapiharddelete"
        record: dict[str, Json] = {"attributes": {"type": "UserPermissionAccess"}, permission[1]: may}
        return in_json({"totalSize": 1, "done": True, "records": [record]})
    try:
        found = parsed(call.world, text, deleted=deleted)
    except SoqlError as error:
        raise Refused(400, error.code, str(error)) from None
    if found.counts:
        return in_json({"totalSize": len(found.records), "done": True, "records": []})
    rows = found.nested(call.version)
    locator = call.world.next_id("01g")
    call.world.pages[locator] = rows
    return _page(call, locator, 0)


def more(call: Call) -> Response:
    """``GET /query/{locator}-{start}``."""
    locator, _, start = call.ids["locator"].rpartition("-")
    if locator not in call.world.pages or not start.isdecimal():
        raise Refused(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    return _page(call, locator, int(start))


def _page(call: Call, locator: str, start: int) -> Response:
    rows, size = call.world.pages[locator], call.world.knobs.page_rows
    end = start + size
    told: dict[str, Json] = {"totalSize": len(rows), "done": end >= len(rows), "records": rows[start:end]}
    if end < len(rows):
        told["nextRecordsUrl"] = f"/services/data/v{call.version}/query/{locator}-{end}"
    return in_json(told)


def limits(call: Call) -> Response:
    """``GET /limits``."""
    world = call.world
    told = {
        "DailyApiRequests": (world.knobs.daily_calls, world.calls),
        "DailyBulkApiBatches": (world.knobs.daily_batches, world.batches),
        "DailyBulkV2QueryJobs": (10_000, sum(job.api == 2 and bool(job.soql) for job in world.jobs.values())),
    }
    return in_json({name: {"Max": most, "Remaining": max(most - used, 0)} for name, (most, used) in told.items()})


def record_count(call: Call) -> Response:
    """``GET /limits/recordCount``."""
    call.world.settle()
    wanted = {name.lower() for name in call.query.get("sObjects", "").split(",") if name}
    counts = [
        {"name": one.name, "count": sum(1 for _ in call.world.records.all(one))}
        for name, one in call.world.objects.items()
        if not wanted or name in wanted
    ]
    return in_json({"sObjects": [one for one in counts if one["count"]]})


def create(call: Call) -> Response:
    """``POST /sobjects/{object}``."""
    return _written(call, _object(call), "insert", call.fields(), status=201)


def row(call: Call) -> Response:
    """``GET``, ``PATCH`` (update) and ``DELETE`` of ``/sobjects/{object}/{id}``."""
    sobject, record_id = _object(call), call.ids["record"]
    method = call.ids["method"]
    if method == "GET":
        call.world.settle()
        found = call.world.records.found(sobject, sobject.columns[0], record_id)
        if not found:
            raise not_found()
        url = f"/services/data/v{call.version}/sobjects/{sobject.name}/{found[0].id}"
        values = {one.name: found[0].get(one.name) for one in sobject.columns if one.type != "address"}
        return in_json({"attributes": {"type": sobject.name, "url": url}, **values})
    if method == "DELETE":
        return _written(call, sobject, "delete", {"Id": record_id}, status=204)
    return _written(call, sobject, "update", {**call.fields(), "Id": record_id}, status=204)


def upsert(call: Call) -> Response:
    """``PATCH /sobjects/{object}/{key}/{value}``; ``updateOnly=true`` makes nothing new."""
    sobject, value = _object(call), call.ids["value"]
    key = key_of(sobject, "upsert", call.ids["key"], code="INVALID_FIELD")
    if key is None:
        raise not_found()
    found = call.world.records.found(sobject, key, value)
    if len(found) > 1:
        base = f"/services/data/v{call.version}/sobjects/{sobject.name}"
        return in_json([f"{base}/{one.id}" for one in found], 300)
    if not found and call.query.get("updateOnly", "").lower() == "true":
        raise not_found()
    fields = {**call.fields(), **({} if key.name == "Id" else {key.name: value})}
    if found:
        return _written(call, sobject, "update", {**fields, "Id": found[0].id}, status=200)
    return _written(call, sobject, "insert", fields, status=201)


def _written(call: Call, sobject: SObject, operation: str, fields: Mapping[str, Json], *, status: int) -> Response:
    flat = {name: value for name, value in fields.items() if name != "attributes"}
    try:
        for name in flat:
            header_of(call.world, sobject, name)
    except HeaderError as error:
        raise Refused(400, "INVALID_FIELD", f"{error} on sobject of type {sobject.name}") from None
    (outcome,) = Writer(call.world, operation, sobject, None).write([flat])
    if outcome.error is not None:
        code = 404 if outcome.error.code in {"INVALID_CROSS_REFERENCE_KEY", "ENTITY_IS_DELETED"} else 400
        raise Refused(code, outcome.error.code, outcome.error.message)
    if status == 204:
        return Response(b"", 204)
    return in_json({"id": outcome.id, "success": True, "errors": [], "created": outcome.created}, status)


def _object(call: Call) -> SObject:
    found = call.world.objects.get(call.ids["object"].lower())
    if found is None:
        raise not_found()
    return found

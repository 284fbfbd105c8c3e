"""Bulk API 2.0: ``/services/data/vXX.X/jobs/ingest`` and ``/jobs/query``."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest

from starlette.responses import Response

from reconciler.emulators.salesforce import ids
from reconciler.emulators.salesforce.call import Call, fields_of, in_json
from reconciler.emulators.salesforce.jobs import READING, WRITING, Batch, Job
from reconciler.emulators.salesforce.multipart import parts
from reconciler.emulators.salesforce.refusals import Refused, no_hard_delete, not_found
from reconciler.emulators.salesforce.schema import Column, SObject
from reconciler.emulators.salesforce.soql import SoqlError, parsed
from reconciler.emulators.salesforce.tables import (
    DELIMITERS,
    ENDINGS,
    Table,
    TableError,
    of_csv,
    to_csv,
    within_limits,
)
from reconciler.emulators.salesforce.values import in_csv
from reconciler.emulators.salesforce.world import World
from reconciler.model.json import Json

_KINDS = {"ingest": WRITING, "query": READING}
_PLACE = re.compile(r"[0-9a-f]{1,12}")
_KNOWN = frozenset(
    {
        "object",
        "operation",
        "externalIdFieldName",
        "contentType",
        "lineEnding",
        "columnDelimiter",
        "assignmentRuleId",
        "query",
        "concurrencyMode",
    }
)


def create(call: Call) -> Response:
    """``POST /jobs/ingest``, perhaps along with the rows, which then are all of them."""
    rows: bytes | None = None
    if call.content_type == "multipart/form-data":
        told = parts(call.headers["content-type"], call.body)
        asked, rows = fields_of(told.get("job", b"")), told.get("content", b"")
        if len(rows.decode(errors="replace")) > call.world.knobs.multipart_characters:
            raise Refused(400, "LIMIT_EXCEEDED", "The rows of a multipart request exceed the maximum size")
    else:
        asked = call.fields()
    operation = str(asked.get("operation"))
    if operation not in WRITING:
        raise Refused(400, "INVALIDJOB", f"InvalidJob : Unknown operation: {operation}")
    sobject = _object(call.world, str(asked.get("object")))
    if operation == "hardDelete" and not call.world.knobs.hard_delete:
        raise no_hard_delete("FEATURENOTENABLED")
    key = key_of(sobject, operation, str(asked.get("externalIdFieldName") or ""), code="INVALIDJOB")
    job = _opened(call, asked, operation, sobject)
    job.key = key
    call.world.jobs[job.id] = job
    if rows is None:
        return in_json(_short(job) | _url(job))
    job.add(call.world, rows, _table(call.world, rows, job))
    _start(call.world, job)
    return in_json(_short(job))


def key_of(sobject: SObject, operation: str, name: str, *, code: str) -> Column | None:
    """The field that an upsert goes by.

    Raises:
        Refused: it needs one, or that is none.
    """
    if operation != "upsert":
        return None
    column = sobject.column(name)
    if not name or column is None or not column.is_key:
        told = f"Field name provided, {name} does not match an External ID, Salesforce Id, or indexed field"
        missing = "External ID was blank. An External ID must be specified when upserting"
        raise Refused(400, code, f"InvalidJob : {told} for {sobject.name}" if name else f"InvalidJob : {missing}")
    return column


def _object(world: World, name: str) -> SObject:
    found = world.objects.get(name.lower())
    if found is None:
        raise Refused(400, "INVALIDENTITY", f"InvalidEntity : Entity '{name}' is not supported by the Bulk API.")
    return found


def _opened(call: Call, asked: Mapping[str, Json], operation: str, sobject: SObject) -> Job:
    unknown = sorted(set(asked) - _KNOWN)
    ending, delimiter = str(asked.get("lineEnding") or "LF"), str(asked.get("columnDelimiter") or "COMMA")
    if unknown:
        raise Refused(400, "JSON_PARSER_ERROR", f'Unrecognized field "{unknown[0]}"')
    if ending not in ENDINGS or delimiter not in DELIMITERS or asked.get("contentType", "CSV") != "CSV":
        raise Refused(400, "INVALIDJOB", "InvalidJob : contentType, lineEnding or columnDelimiter is not supported")
    if asked.get("concurrencyMode", "Parallel") != "Parallel":
        raise Refused(400, "INVALIDJOB", "InvalidJob : concurrencyMode cannot be set")
    made = Job(call.world.next_id("750"), 2, operation, sobject, None, call.version, call.world.now())
    made.line_ending, made.delimiter = ending, delimiter
    return made


def upload(call: Call) -> Response:
    """``PUT /jobs/ingest/{id}/batches``: anything is taken, once."""
    job = _job(call, WRITING)
    if call.content_type != "text/csv":
        raise Refused(415, "UNSUPPORTED_MEDIA_TYPE", "The content type must be text/csv")
    if job.state != "Open" or job.batches:
        raise Refused(400, "INVALIDJOBSTATE", "Found multiple contents for job: only one upload is allowed")
    if 4 * -(-len(call.body) // 3) > call.world.knobs.upload_bytes:
        raise Refused(400, "LIMIT_EXCEEDED", "The upload exceeds the maximum size")
    job.add(call.world, call.body, _table(call.world, call.body, job))
    return Response(b"", 201)


def _table(world: World, body: bytes, job: Job) -> Table | TableError:
    try:
        return within_limits(of_csv(body, delimiter=job.delimiter, ending=job.line_ending), world.knobs)
    except TableError as error:
        return error


def change(call: Call) -> Response:
    """``PATCH /jobs/{ingest|query}/{id}``."""
    job = _job(call, WRITING | READING)
    wanted = str(call.fields().get("state"))
    if wanted not in {"UploadComplete", "Aborted"}:
        raise Refused(400, "INVALIDJOBSTATE", f"InvalidJobState : {wanted} is no state to change to")
    if job.state in {"JobComplete", "Failed", "Aborted"} or (wanted == "UploadComplete" and job.state != "Open"):
        raise Refused(400, "INVALIDJOBSTATE", f"InvalidJobState : the job is {job.state} already")
    if wanted == "Aborted":
        job.abort()
    else:
        if not job.batches:
            job.add(call.world, b"", None)
        _start(call.world, job)
    return in_json(_short(job))


def _start(world: World, job: Job) -> None:
    job.state = "UploadComplete"
    if world.knobs.polls == 0:
        job.work(world)


def read(call: Call) -> Response:
    """``GET /jobs/{ingest|query}/{id}``."""
    job = _job(call, WRITING | READING)
    job.look(call.world)
    _advance(job)
    return in_json(_whole(job))


def _advance(job: Job) -> None:
    """Take the state over from the batch that does the work."""
    states = {"InProgress": "InProgress", "Completed": "JobComplete", "Failed": "Failed"}
    if job.state in {"UploadComplete", "InProgress"}:
        for batch in job.batches.values():
            job.state = states.get(batch.state, job.state)


def delete(call: Call) -> Response:
    """``DELETE /jobs/{ingest|query}/{id}``, of jobs that are not at work."""
    job = _job(call, WRITING | READING)
    _advance(job)
    if job.state not in {"UploadComplete", "JobComplete", "Aborted", "Failed"}:
        raise Refused(400, "INVALIDJOBSTATE", f"InvalidJobState : a job that is {job.state} cannot be deleted")
    del call.world.jobs[job.id]
    return Response(b"", 204)


def listed(call: Call) -> Response:
    """``GET /jobs/{ingest|query}``."""
    kinds = _KINDS.get(call.ids["kind"])
    if kinds is None:
        raise not_found()
    jobs = [job for job in call.world.jobs.values() if job.operation in kinds]
    for job in jobs:
        if job.api == 2:
            _advance(job)
    records = [_short(job) | {"jobType": _type(job)} for job in jobs]
    return in_json({"done": True, "nextRecordsUrl": None, "records": records})


def results(call: Call) -> Response:
    """``GET /jobs/ingest/{id}/{successfulResults|failedResults|unprocessedrecords}``, in any case of letters."""
    job = _job(call, WRITING)
    _advance(job)
    batch = next(iter(job.batches.values()), None)
    table = batch.table if batch is not None else None
    names: Sequence[str] = table.names if table is not None else ()
    makers = {"successfulresults": _taken, "failedresults": _refused, "unprocessedrecords": _left}
    maker = makers.get(call.ids["which"].lower())
    if maker is None:
        raise not_found()
    if job.state not in {"JobComplete", "Failed", "Aborted"}:
        raise Refused(400, "INVALIDJOBSTATE", "InvalidJobState : the job is not complete")
    first, lines = maker(batch) if batch is not None and table is not None else maker(Batch("", "", b"", Table(())))
    if call.world.knobs.shuffle:
        random.Random(job.id).shuffle(lines)  # noqa: S311 - only another order, the same each time
    return _csv(to_csv([*first, *names], lines, delimiter=job.delimiter, ending=job.line_ending))


def _taken(batch: Batch) -> tuple[Sequence[str], list[list[str]]]:
    pairs = zip(batch.outcomes, _cells(batch), strict=False)
    lines = [[one.id, in_csv(one.created), *cells] for one, cells in pairs if one.error is None]
    return ("sf__Id", "sf__Created"), lines


def _refused(batch: Batch) -> tuple[Sequence[str], list[list[str]]]:
    pairs = zip(batch.outcomes, _cells(batch), strict=False)
    return ("sf__Id", "sf__Error"), [[one.id, one.error.text, *cells] for one, cells in pairs if one.error is not None]


def _left(batch: Batch) -> tuple[Sequence[str], list[list[str]]]:
    rows = zip_longest(_cells(batch), batch.outcomes)
    return (), [cells for cells, outcome in rows if outcome is None]


def _cells(batch: Batch) -> list[list[str]]:
    return batch.table.cells if batch.table is not None else []


def create_query(call: Call) -> Response:
    """``POST /jobs/query``."""
    asked = call.fields()
    operation, soql = str(asked.get("operation")), str(asked.get("query") or "")
    if operation not in READING:
        raise Refused(400, "INVALIDJOB", f"InvalidJob : Unknown operation: {operation}")
    try:
        query = parsed(call.world, soql)
    except SoqlError as error:
        raise Refused(400, error.code, str(error)) from None
    if query.counts:
        raise Refused(400, "API_ERROR", "Aggregate Relationships not supported in Bulk V2 Query")
    job = _opened(call, asked, operation, query.sobject)
    job.state, job.soql = "UploadComplete", soql
    call.world.jobs[job.id] = job
    job.add(call.world, soql.encode(), None)
    if call.world.knobs.polls == 0:
        job.work(call.world)
    return in_json(_short(job))


def query_results(call: Call) -> Response:
    """``GET /jobs/query/{id}/results``: a page, and where the next one is."""
    job = _job(call, READING)
    _advance(job)
    if job.version != call.version:
        raise Refused(409, "API_ERROR", "Results must be asked for by the version that made the job")
    if job.state != "JobComplete":
        raise Refused(400, "INVALIDJOBSTATE", "InvalidJobState : the job is not complete")
    (batch,) = job.batches.values()
    locator, most = call.query.get("locator", ""), call.query.get("maxRecords", "") or "50000"
    start = _place(locator, job.id)
    if start is None or not most.isdecimal() or int(most) < 1:
        raise Refused(400, "API_ERROR", "locator or maxRecords is not valid")
    page = batch.found[start : start + min(int(most), call.world.knobs.result_rows)]
    following = start + len(page)
    lines = [[in_csv(row[name]) for name in batch.columns] for row in page]
    answer = _csv(to_csv(batch.columns, lines, delimiter=job.delimiter, ending=job.line_ending))
    answer.headers["Sforce-NumberOfRecords"] = str(len(page))
    answer.headers["Sforce-Locator"] = f"{job.id[-6:]}x{following:x}" if following < len(batch.found) else "null"
    return answer


def _place(locator: str, job_id: str) -> int | None:
    if locator in {"", "null"}:
        return 0
    owner, _, place = locator.partition("x")
    return int(place, 16) if owner == job_id[-6:] and _PLACE.fullmatch(place) else None


def _csv(body: bytes) -> Response:
    return Response(body, 200, {"content-type": "text/csv"})


def _job(call: Call, kinds: frozenset[str]) -> Job:
    of_path = _KINDS.get(call.ids["kind"], frozenset()) if "kind" in call.ids else kinds
    found = call.world.jobs.get(ids.read(call.ids["job"]) or "")
    if found is None or found.api != 2 or found.operation not in of_path:
        raise not_found()
    return found


def _short(job: Job) -> dict[str, Json]:
    key: dict[str, Json] = {"externalIdFieldName": job.key.name} if job.key is not None else {}
    return {
        "id": job.id,
        "operation": job.operation,
        "object": job.sobject.name,
        "createdById": ids.USER_ID,
        "createdDate": job.made,
        "systemModstamp": job.made,
        "state": job.state,
        **key,
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(job.version),
        "lineEnding": job.line_ending,
        "columnDelimiter": job.delimiter,
    }


def _url(job: Job) -> dict[str, Json]:
    return {"contentUrl": f"services/data/v{job.version}/jobs/ingest/{job.id}/batches"}


def _type(job: Job) -> str:
    if job.api == 1:
        return "Classic"
    return "V2Query" if job.operation in READING else "V2Ingest"


def _whole(job: Job) -> dict[str, Json]:
    batches = job.batches.values()
    message = next((batch.message for batch in batches if batch.message and batch.is_over), "")
    failed: dict[str, Json] = {"numberRecordsFailed": sum(batch.failed for batch in batches), "apexProcessingTime": 0}
    failed |= {"apiActiveProcessingTime": 0}
    return {
        **_short(job),
        "jobType": _type(job),
        **({"errorMessage": message} if message else {}),
        **({} if job.operation in READING else failed | _url(job)),
        "numberRecordsProcessed": sum(batch.processed for batch in batches),
        "retries": 0,
        "totalProcessingTime": 0,
        "isPkChunkingSupported": True,
    }

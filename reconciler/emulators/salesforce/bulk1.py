"""Bulk API 1.0: ``/services/async/XX.X/job``, in XML and JSON. Source: Bulk API guide; recorded answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

import orjson
from starlette.responses import Response

from reconciler.emulators.salesforce import ids
from reconciler.emulators.salesforce.bulk2 import key_of
from reconciler.emulators.salesforce.call import Call
from reconciler.emulators.salesforce.jobs import READING, WRITING, Batch, Job
from reconciler.emulators.salesforce.refusals import NAMESPACE, Refused, no_hard_delete
from reconciler.emulators.salesforce.tables import (
    Table,
    TableError,
    of_csv,
    of_json,
    of_xml,
    to_csv,
    within_limits,
    xml_values,
)
from reconciler.emulators.salesforce.values import in_csv
from reconciler.emulators.salesforce.writing import Outcome
from reconciler.model.json import Json

_MODES = {"Parallel": False, "0": False, "": False, "Serial": True, "1": True}
_READERS = {"CSV": of_csv, "JSON": of_json, "XML": of_xml}


def create(call: Call) -> Response:
    """``POST /job``. Without a content type the job is XML."""
    as_json = call.content_type == "application/json"
    asked = _asked(call)
    operation, name = str(asked.get("operation", "")), str(asked.get("object", ""))
    kind, mode = str(asked.get("contentType") or "XML"), str(asked.get("concurrencyMode", ""))
    sobject = call.world.objects.get(name.lower())
    if operation not in WRITING | READING or kind not in _READERS or mode not in _MODES:
        raise Refused(400, "InvalidJob", "Unable to parse Job")
    if sobject is None:
        raise Refused(400, "InvalidEntity", f"Entity '{name}' is not supported by the Bulk API.")
    if operation == "hardDelete" and not call.world.knobs.hard_delete:
        raise no_hard_delete("FeatureNotEnabled")
    key = key_of(sobject, operation, str(asked.get("externalIdFieldName") or ""), code="InvalidJob")
    job = Job(call.world.next_id("750"), 1, operation, sobject, key, call.version, call.world.now())
    job.content_type, job.serial, job.as_json = kind, _MODES[mode], as_json
    call.world.jobs[job.id] = job
    return _told("jobInfo", _job_info(job), as_json=as_json, status=201)


def _asked(call: Call) -> Mapping[str, Json]:
    if call.content_type != "application/json":
        return xml_values(call.body)
    try:
        return call.fields()
    except Refused:
        raise Refused(400, "InvalidJob", "Unable to parse Job") from None


def read(call: Call) -> Response:
    """``GET /job/{id}``."""
    job = _job(call)
    job.look(call.world)
    return _told("jobInfo", _job_info(job), as_json=_speaks_json(job))


def change(call: Call) -> Response:
    """``POST /job/{id}``: Closed or Aborted."""
    job, wanted = _job(call), str(_asked(call).get("state"))
    if wanted not in {"Closed", "Aborted"}:
        raise Refused(400, "InvalidJob", "Unable to parse Job")
    if job.state != "Open" and not (job.state == "Closed" and wanted == "Aborted"):
        raise Refused(400, "InvalidJobState", f"Job is {job.state} already")
    if wanted == "Aborted":
        job.abort()
    else:
        job.state = "Closed"
    return _told("jobInfo", _job_info(job), as_json=_speaks_json(job))


def add(call: Call) -> Response:
    """``POST /job/{id}/batch``: begins at once; what is wrong with its rows shows later."""
    job, knobs = _job(call), call.world.knobs
    if job.state != "Open":
        raise Refused(400, "InvalidJobState", "Job is not open: no batch can be added")
    if len(call.body) > knobs.batch_bytes:
        told = f"Failed to read request. Exceeded max size limit of {knobs.batch_bytes}"
        raise Refused(400, "ClientInputError", told)
    if not call.body:
        raise Refused(400, "ClientInputError", "Request body is empty")
    batch = job.add(call.world, call.body, None if job.operation in READING else _table(call, job))
    answer = _told("batchInfo", _batch_info(job, batch), as_json=_speaks_json(job), status=201)
    if knobs.polls == 0:
        job.work(call.world)
    return answer


def _table(call: Call, job: Job) -> Table | TableError:
    try:
        table = within_limits(_READERS[job.content_type](call.body), call.world.knobs)
    except TableError as error:
        return error
    most, header = call.world.knobs.batch_rows, int(job.content_type == "CSV")
    if len(table.rows) <= most:
        return table
    told = f"Exceeded number of records: {len(table.rows) + header}. Number of records should be less than or equal to"
    return TableError(f"InvalidBatch : {told} {most + header}")


def listed(call: Call) -> Response:
    """``GET /job/{id}/batch``."""
    job = _job(call)
    job.look(call.world)
    told = [_batch_info(job, batch) for batch in job.batches.values()]
    if _speaks_json(job):
        return _json({"batchInfo": told})
    inner = "".join(f"<batchInfo>{_elements(one)}</batchInfo>" for one in told)
    return _xml(f'<batchInfoList xmlns="{NAMESPACE}">{inner}</batchInfoList>')


def one(call: Call) -> Response:
    """``GET /job/{id}/batch/{id}``."""
    job = _job(call)
    batch = _batch(call, job)
    job.look(call.world)
    return _told("batchInfo", _batch_info(job, batch), as_json=_speaks_json(job))


def sent(call: Call) -> Response:
    """``GET /job/{id}/batch/{id}/request``: the body as it came."""
    job = _job(call)
    kinds = {"CSV": "text/csv", "JSON": "application/json", "XML": "application/xml"}
    return Response(_batch(call, job).body, 200, {"content-type": kinds[job.content_type]})


def results(call: Call) -> Response:
    """``GET /job/{id}/batch/{id}/result``: a result a row in the order of the rows, or the ids of a query's results."""
    job = _job(call)
    batch = _batch(call, job)
    if not batch.is_over:
        raise Refused(400, "InvalidBatch", "Batch not completed")
    if job.operation in READING:
        if not batch.result_id:
            raise Refused(400, "InvalidBatch", "Records not processed")
        if _speaks_json(job):
            return _json([batch.result_id])
        return _xml(f'<result-list xmlns="{NAMESPACE}"><result>{batch.result_id}</result></result-list>')
    if not batch.outcomes and batch.state != "Completed":
        raise Refused(400, "InvalidBatch", "Records not processed")
    if job.content_type == "CSV":
        lines = [
            [row.id, in_csv(row.error is None), in_csv(row.created), row.error.text if row.error else ""]
            for row in batch.outcomes
        ]
        return _csv(to_csv(("Id", "Success", "Created", "Error"), lines))
    told = [_result(row) for row in batch.outcomes]
    if job.content_type == "JSON":
        return _json(told)
    inner = "".join(f"<result>{_elements(row)}</result>" for row in told)
    return _xml(f'<results xmlns="{NAMESPACE}">{inner}</results>')


def found(call: Call) -> Response:
    """``GET /job/{id}/batch/{id}/result/{id}``: what a query found."""
    job = _job(call)
    batch = _batch(call, job)
    if not batch.result_id or call.ids["result"][:15] != batch.result_id:
        raise Refused(400, "InvalidBatch", "there is no such result")
    if job.content_type == "CSV":
        lines = [[in_csv(row[name]) for name in batch.columns] for row in batch.found]
        return _csv(to_csv(batch.columns, lines))
    rows: list[dict[str, Json]] = [
        {"attributes": {"type": job.sobject.name, "url": ""}, **row} if _speaks_json(job) else row
        for row in batch.found
    ]
    if _speaks_json(job):
        return _json(rows)
    inner = "".join(f"<records>{_elements(row)}</records>" for row in rows)
    return _xml(f'<queryResult xmlns="{NAMESPACE}">{inner}</queryResult>')


def _result(row: Outcome) -> dict[str, Json]:
    errors: list[Json] = []
    if row.error is not None:
        errors = [{"statusCode": row.error.code, "message": row.error.message, "fields": list(row.error.fields)}]
    return {"success": row.error is None, "created": row.created, "id": row.id or None, "errors": errors}


def _job(call: Call) -> Job:
    told = call.world.jobs.get(ids.read(call.ids["job"]) or "")
    if told is None or told.api != 1:
        raise Refused(400, "InvalidJob", "Invalid job id")
    return told


def _batch(call: Call, job: Job) -> Batch:
    told = job.batches.get(ids.read(call.ids["batch"]) or "")
    if told is None:
        raise Refused(400, "InvalidBatch", "Invalid batch id")
    return told


def _speaks_json(job: Job) -> bool:
    return job.content_type == "JSON"


def _job_info(job: Job) -> dict[str, Json]:
    batches = job.batches.values()
    by_state = {
        f"numberBatches{state}": sum(batch.state == state for batch in batches)
        for state in ("Queued", "InProgress", "Completed", "Failed")
    }
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
        "concurrencyMode": "Serial" if job.serial else "Parallel",
        "contentType": job.content_type,
        **by_state,
        "numberBatchesTotal": len(batches),
        "numberRecordsProcessed": sum(batch.processed for batch in batches),
        "numberRetries": 0,
        "apiVersion": float(job.version),
        "numberRecordsFailed": sum(batch.failed for batch in batches),
        **_TIMES,
    }


_TIMES: dict[str, Json] = {"totalProcessingTime": 0, "apiActiveProcessingTime": 0, "apexProcessingTime": 0}


def _batch_info(job: Job, batch: Batch) -> dict[str, Json]:
    message: dict[str, Json] = {"stateMessage": batch.message} if batch.message and batch.is_over else {}
    return {
        "id": batch.id,
        "jobId": job.id,
        "state": batch.state,
        **message,
        "createdDate": batch.made,
        "systemModstamp": batch.made,
        "numberRecordsProcessed": batch.processed,
        "numberRecordsFailed": batch.failed,
        **_TIMES,
    }


def _told(root: str, members: Mapping[str, Json], *, as_json: bool, status: int = 200) -> Response:
    if as_json:
        return _json(members, status)
    return _xml(f'<{root} xmlns="{NAMESPACE}">{_elements(members)}</{root}>', status)


def _elements(members: Mapping[str, Json]) -> str:
    """Members as elements: absent instead of null, times with Z."""
    return "".join(_element(name, value) for name, value in members.items() if value is not None)


def _element(name: str, value: Json) -> str:
    if isinstance(value, Mapping):
        return f"<{name}>{_elements(value)}</{name}>"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "".join(_element(name, one) for one in value)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if name in {"createdDate", "systemModstamp"}:
        text = text.replace("+0000", "Z")
    return f"<{name}>{escape(text)}</{name}>"


# Content types without a charset, exactly: salesforce-bulk compares them with `==`.
def _json(told: object, status: int = 200) -> Response:
    return Response(orjson.dumps(told), status, {"content-type": "application/json"})


def _xml(text: str, status: int = 200) -> Response:
    return Response(
        f'<?xml version="1.0" encoding="UTF-8"?>{text}'.encode(), status, {"content-type": "application/xml"}
    )


def _csv(body: bytes) -> Response:
    return Response(body, 200, {"content-type": "text/csv"})

"""Runs of saved queries and imports. A run that exports is two jobs at the vendor and one here."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import orjson

from reconciler.apis.treasure_data import TreasureData
from reconciler.errors import NotFound, Permanent
from reconciler.model.address import Address
from reconciler.ports.clock import Clock
from reconciler.ports.provider import Job, JobStatus, Rows
from reconciler.providers.treasure_data import wire
from reconciler.providers.treasure_data.wire import Raw
from reconciler.scrubbing import Scrubber

# `booting` is in all of the vendor's clients, though not in its description of the API.
_STATUSES: Final = {"booting": JobStatus.RUNNING} | {status.value: status for status in JobStatus}
_MOST_ROWS: Final = 100_000
"""Of a result that is fetched whole for its first rows: some 10 MB."""
_LOG_TAIL: Final = 4_000
"""Characters of a log that are kept: the error of a failed run stands at its end."""


def run(api: TreasureData, clock: Clock, address: Address, remote_id: str, domain_key: str) -> str:
    """Start a run, as of now, and return its job's id; the same *domain_key* never starts a second one."""
    if address.kind == "import":
        return api.run_bulk_load(remote_id, domain_key)
    return api.run_saved_query(remote_id, int(clock.now()), domain_key)


def job(api: TreasureData, job_id: str) -> Job:
    """A run: its query, and after that its export."""
    raw = api.job(job_id)
    status = _status(raw)
    export_id = raw.get("linked_result_export_job_id")
    if status is not JobStatus.SUCCESS or export_id is None:
        return _job(job_id, status, raw, _log(raw, api.scrubber))
    export = api.job(wire.text(export_id))
    log = "\n".join(filter(None, (_log(raw, api.scrubber), _log(export, api.scrubber))))
    status = _status(export)
    whole = _job(job_id, JobStatus.RUNNING if status is JobStatus.QUEUED else status, export, log[-_LOG_TAIL:])
    return replace(
        whole,
        created_at=wire.unix_seconds(raw.get("created_at")),
        started_at=wire.unix_seconds(raw.get("start_at")),
    )


def retry(api: TreasureData, job_id: str) -> None:
    """Finish the export of a run.

    Raises:
        Permanent: only the embedded service can.
    """
    try:
        api.retry_export(job_id)
    except NotFound as error:
        raise Permanent(
            "this account finishes no exports: Treasure Data keeps no rows that were refused",
            hint="run it anew; `upsert` and `update` do no harm to what arrived",
        ) from error


def rows(api: TreasureData, job_id: str, limit: int) -> Rows | None:
    """The first *limit* rows of a finished query. The vendor gives all or none, so of a large result none."""
    raw = api.job(job_id)
    schema = wire.text(raw.get("hive_result_schema"))
    if not schema or wire.whole(raw.get("num_records")) > _MOST_ROWS:
        return None
    try:
        columns = tuple(wire.text(column[0]) for column in orjson.loads(schema))
        kept = api.job_rows(job_id)
    except (NotFound, orjson.JSONDecodeError):
        return None
    return Rows(columns, tuple(tuple(row) for row in kept[:limit] if isinstance(row, list)))


def last_job(api: TreasureData, address: Address, remote_id: str) -> Job | None:
    """The newest run, or None when there was none within the 90 days that the vendor remembers."""
    runs = api.bulk_load_jobs(remote_id) if address.kind == "import" else api.saved_query_history(remote_id, 1)
    if not runs:
        return None
    newest = max(runs, key=lambda raw: wire.whole(raw["job_id"]))
    return job(api, wire.text(newest["job_id"]))


def jobs(api: TreasureData, address: Address, remote_id: str, limit: int) -> list[Job]:
    """The newest *limit* runs, newest first; a run that exported is looked at once more, for its export's end."""
    raws = api.bulk_load_jobs(remote_id) if address.kind == "import" else api.saved_query_history(remote_id, limit)
    newest = sorted(raws, key=lambda raw: wire.whole(raw["job_id"]), reverse=True)[:limit]
    return [_listed(api, raw) for raw in newest]


def _listed(api: TreasureData, raw: Raw) -> Job:
    job_id = wire.text(raw["job_id"])
    if raw.get("linked_result_export_job_id") is not None:
        return job(api, job_id)
    return _job(job_id, _status(raw), raw, "")


def _status(raw: Raw) -> JobStatus:
    """Where it stands; a word we do not know is something the vendor does before it is finished."""
    return _STATUSES.get(wire.text(raw.get("status")), JobStatus.RUNNING)


def _job(job_id: str, status: JobStatus, raw: Raw, log: str) -> Job:
    progress = raw.get("tdr_progress")  # told by the embedded service only
    told = progress if isinstance(progress, dict) else {}
    done, total = wire.whole(told.get("done")), wire.whole(told.get("total"))
    if status is JobStatus.SUCCESS and not done:
        # Runs of bulk loads are listed in other words than jobs. Source: td-client-ruby tests.
        done = wire.whole(raw.get("num_records", raw.get("records")))
    created, started, ended = (wire.unix_seconds(raw.get(name)) for name in ("created_at", "start_at", "end_at"))
    return Job(job_id, status, done, total, log, created, started, ended)


def _debug(raw: Raw) -> Raw:
    debug = raw.get("debug")
    return debug if isinstance(debug, dict) else {}


def _log(raw: Raw, scrubber: Scrubber) -> str:
    debug = _debug(raw)
    output, error = (wire.text(debug.get(stream)).strip() for stream in ("cmdout", "stderr"))
    parts = (output, "" if error in output else error)  # what ended the job may stand in both
    # Cleaned before it is cut, so that no cut leaves half a secret.
    return scrubber.clean("\n".join(filter(None, parts)))[-_LOG_TAIL:]

"""Exports to objects of Salesforce, by the result settings of Treasure Data's connector `sfdc_v2`.

Which job a part of the rows has is on disk before its rows leave, and a job is started only once they have arrived whole: a run
that was killed finds its jobs again, and an answer that got lost leaves a job without effect instead of records twice.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from reconciler.connectors.destinations import salesforce_rows as rows_of
from reconciler.connectors.destinations.salesforce_settings import SalesforceSettings, check_columns, read_settings
from reconciler.dataplane.durable import read_document, write_bytes, write_document
from reconciler.dataplane.exporter import columns_of_rows
from reconciler.dataplane.workspace import Workspace, open_workspace
from reconciler.errors import Permanent, ProviderError, Transient
from reconciler.ports.clock import Clock, SystemClock
from reconciler.ports.exports import ExportReport, ExportRequest, Progress

if TYPE_CHECKING:
    import duckdb
    from pydantic import SecretStr

    from reconciler.apis.salesforce import BulkJob, Salesforce
    from reconciler.model.json import Json

_LISTED: Final = 10_000
_UPLOADS: Final = 3
_LOCKED: Final = "UNABLE_TO_LOCK_ROW"
_UNPROCESSED: Final = "not_processed"


class BulkApi(Protocol):
    """What an export asks of Salesforce; see `apis.salesforce.Salesforce`."""

    def create(self, sobject: str, operation: str, key: str) -> str: ...  # noqa: D102 - as there
    def upload(self, job: str, rows: bytes) -> None: ...  # noqa: D102
    def start(self, job: str) -> None: ...  # noqa: D102
    def abort(self, job: str) -> None: ...  # noqa: D102
    def job(self, job: str) -> BulkJob: ...  # noqa: D102
    def failed(self, job: str) -> bytes: ...  # noqa: D102
    def unprocessed(self, job: str) -> bytes: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


class SalesforceDestination:
    """An `Exporter` for settings of type `sfdc_v2`.

    connect: opens the API for settings. folder: where runs under way are kept; it holds their rows until they are over.
    quarantine: folder for lists of rejected rows, one file a job; None for counts only.
    """

    def __init__(
        self,
        connect: Callable[[SalesforceSettings], BulkApi],
        folder: Path,
        *,
        quarantine: Path | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._connect = connect
        self._folder = folder
        self._quarantine = quarantine
        self._clock = clock or SystemClock()

    def check(self, request: ExportRequest, columns: Mapping[str, str]) -> None:
        """Refuse settings and columns that cannot work.

        Raises:
            Permanent: with what is wrong and what to write instead.
        """
        check_columns(read_settings(request.settings), columns)

    def export(
        self,
        request: ExportRequest,
        connection: duckdb.DuckDBPyConnection,
        progress: Progress,
        cancelled: threading.Event,
    ) -> ExportReport:
        """Send the rows of the view ``rows``, or go on with a run of the same job.

        Raises:
            ProviderError: see `Exporter.export`.
        """
        settings, columns = read_settings(request.settings), columns_of_rows(connection)
        check_columns(settings, columns)
        name = hashlib.sha256(request.job_id.encode()).hexdigest()[:32]
        folder = self._folder / "work" / name
        with open_workspace() as workspace:
            run = _Run(settings, list(columns), folder, workspace, self._clock, progress, cancelled)
            if run.finished is not None:
                return run.finished
            if not run.is_known:
                run.begin(connection, columns)
            try:
                run.judge_before_sending()
                api = self._connect(settings)
                try:
                    run.carry_out(api)
                finally:
                    api.close()
                if self._quarantine is not None and run.listed:
                    lines = (
                        json.dumps({"row": row, "reason": reason}) + "\n"
                        for row, reason in sorted(run.listed)[:_LISTED]
                    )
                    write_bytes(self._quarantine / f"{name}.jsonl", "".join(lines).encode())
                report = run.report()
                run.finish(report)
            except Permanent as error:
                run.end_with(error)
                raise
        return report


class _Run:
    """One export under way. Its journal is a document: rows, what was rejected, and for each part its job and what came of it."""

    def __init__(
        self,
        settings: SalesforceSettings,
        columns: list[str],
        folder: Path,
        workspace: Workspace,
        clock: Clock,
        progress: Progress,
        cancelled: threading.Event,
    ) -> None:
        self._settings = settings
        self._columns = columns
        self._folder = folder
        self._workspace = workspace
        self._clock = clock
        self._progress = progress
        self._cancelled = cancelled
        self._journal = cast("dict[str, Json]", read_document(folder / "run.json") or {})
        self.requests = 0

    @property
    def is_known(self) -> bool:
        """Whether a run of this job was begun; its rows are those staged then."""
        return bool(self._journal)

    @property
    def finished(self) -> ExportReport | None:
        """What came of a run of this job that is over; None while it is not.

        Raises:
            Permanent: it ended with this; what was taken by then is not sent a second time.
        """
        ended = self._journal.get("ended")
        if isinstance(ended, Mapping):
            raise Permanent(str(ended["message"]), hint=str(ended["hint"]))
        told = self._journal.get("report")
        return ExportReport(**cast("dict[str, Any]", told)) if isinstance(told, Mapping) else None

    def finish(self, report: ExportReport) -> None:
        """Take the rows away and keep the counts, so that the same job never sends twice."""
        counts = {
            "rows": report.rows,
            "rejected": dict(report.rejected),
            "sent": report.sent,
            "requests": report.requests,
        }
        self._end({"report": cast("Json", counts)})

    def end_with(self, error: Permanent) -> None:
        """Take the rows away and keep *error*, when records were made: the same job must not make them again."""
        if any("job" in part for part in cast("list[dict[str, Json]]", self._journal.get("parts") or [])):
            self._end({"ended": {"message": error.message, "hint": error.hint}})
        elif "ended" not in self._journal:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _end(self, journal: dict[str, Json]) -> None:
        self._journal = journal
        self._keep()
        for path in self._folder.iterdir():
            if path.name != "run.json":
                path.unlink()

    @property
    def _parts(self) -> list[dict[str, Json]]:
        return cast("list[dict[str, Json]]", self._journal["parts"])

    @property
    def _staged(self) -> Path:
        return self._folder / "rows.parquet"

    @property
    def listed(self) -> list[tuple[int, str]]:
        """Row number and reason of rows that were not taken; some of the first of each part."""
        found = rows_of.rejected(self._workspace, self._staged)
        for part in self._parts:
            found += [(row, code) for row, code in cast("list[tuple[int, str]]", part.get("refused", []))]
        return found

    def begin(self, connection: duckdb.DuckDBPyConnection, columns: Mapping[str, str]) -> None:
        """Stage the rows, and decide on the parts."""
        shutil.rmtree(self._folder, ignore_errors=True)
        settings = self._settings
        key = settings.unique if settings.mode == "update" else ""
        total, rejected = rows_of.stage(
            connection,
            self._workspace,
            columns,
            self._staged,
            key=key,
            erases=settings.empty_values == "erase" and bool(key),
        )
        spans = rows_of.parts(self._workspace, self._staged, self._columns)
        self._journal = {
            "rows": total,
            "rejected": cast("Json", rejected),
            "parts": [{"first": first, "last": last, "rows": rows, "state": "waiting"} for first, last, rows in spans],
        }
        self._keep()

    def judge_before_sending(self) -> None:
        """Send nothing when a row cannot be sent and none may be left out."""
        rejected = cast("dict[str, int]", self._journal["rejected"])
        if rejected and not self._settings.ignore_invalid_records:
            raise Permanent(
                f"nothing was sent: {_counted(rejected)}", hint="correct the query, or write `on_invalid: skip`"
            )
        for reason, count in rejected.items():
            self._progress(0, self._total, f"notice: {count} rows left out, {reason}")

    def carry_out(self, api: BulkApi) -> None:
        """Send every part, then wait for each; Salesforce works on them at the same time."""
        for part in self._parts:
            if part["state"] != "done":
                self._submit(api, part)
        for part in self._parts:
            if part["state"] != "done":
                self._settle(api, part)
                done = sum(int(cast("int", one["rows"])) for one in self._parts if one["state"] == "done")
                self._progress(done, self._total)

    def report(self) -> ExportReport:
        """What came of it.

        Raises:
            Permanent: every row was refused, or one was and none may be.
        """
        refused: Counter[str] = Counter()
        for part in self._parts:
            refused.update(cast("dict[str, int]", part["codes"]))
        sent = sum(int(cast("int", part["rows"])) for part in self._parts)
        taken = sent - refused.total()
        if refused and (taken == 0 or not self._settings.ignore_invalid_records):
            serial = "; records lock each other, so write `concurrency: serial`" if refused[_LOCKED] else ""
            raise Permanent(
                f"Salesforce refused {refused.total()} of {sent} rows: {_counted(refused)}",
                hint=f"the quarantine lists them by number{serial}",
            )
        return ExportReport(
            rows=self._total,
            rejected=dict(Counter(cast("dict[str, int]", self._journal["rejected"])) + refused),
            sent=taken,
            requests=self.requests,
        )

    @property
    def _total(self) -> int:
        return int(cast("int", self._journal["rows"]))

    def _keep(self) -> None:
        write_document(self._folder / "run.json", self._journal)

    def _submit(self, api: BulkApi, part: dict[str, Json]) -> None:
        """Have the part's rows arrive whole in a job that is started. One known from before is looked at first."""
        if "job" in part and api.job(str(part["job"])).state != "Open":
            return
        for attempt in range(1, _UPLOADS + 1):
            self._stop_if_cancelled()
            if "job" in part:
                self._give_up(api, str(part["job"]))
            part["job"] = api.create(self._settings.object, self._settings.operation, self._key)
            self._keep()  # before a row leaves
            body = rows_of.part_csv(
                self._workspace,
                self._staged,
                self._columns,
                int(cast("int", part["first"])),
                int(cast("int", part["last"])),
                self._folder / "part.csv",
            )
            self.requests += 1
            try:
                api.upload(str(part["job"]), body)
            except Transient:
                if attempt == _UPLOADS:
                    raise
                continue  # not started, so that whatever arrived stays without effect
            self._start(api, str(part["job"]))
            return

    @property
    def _key(self) -> str:
        return self._settings.unique if self._settings.operation == "upsert" else ""

    def _give_up(self, api: BulkApi, job: str) -> None:
        try:
            api.abort(job)
        except ProviderError:
            if api.job(job).state not in {"Open", "Aborted"}:
                raise

    def _start(self, api: BulkApi, job: str) -> None:
        try:
            api.start(job)
        except ProviderError:
            # Perhaps it was started and only the answer is lost; a start that arrives twice changes nothing.
            if api.job(job).state == "Open":
                api.start(job)

    def _settle(self, api: BulkApi, part: dict[str, Json]) -> None:
        """Wait for the job, and take down what became of each row."""
        from reconciler.apis.salesforce import ENDED  # noqa: PLC0415 - brings httpx's vocabulary along

        job, wait_s = str(part["job"]), 1.0
        while (told := api.job(job)).state not in ENDED:
            self._stop_if_cancelled()
            self._clock.sleep(wait_s)
            wait_s = min(wait_s * 1.5, 30.0)
        sent, span = int(cast("int", part["rows"])), (int(cast("int", part["first"])), int(cast("int", part["last"])))
        if told.state == "Failed" and told.processed == 0:
            raise Permanent(
                f"Salesforce refused a job as a whole: {told.message[:300]}",
                hint="look at the names of the query's columns",
            )
        refused = self._found(api.failed(job), span) if told.failed else []
        if told.processed < sent:
            refused += [(row, _UNPROCESSED) for row, _ in self._found(api.unprocessed(job), span)]
        if told.processed - told.failed + len(refused) != sent:
            raise Transient(
                f"job {job} of Salesforce does not account for all of its {sent} rows: {told.processed} processed, "
                f"{told.failed} failed, {len(refused)} given back",
                hint="a new run of the same job reads the results again; the job is kept for seven days",
            )
        part["codes"] = cast("Json", dict(Counter(code for _, code in refused)))
        part["refused"] = [[row, code] for row, code in refused[:_LISTED]]
        part["state"] = "done"
        self._keep()

    def _found(self, results: bytes, span: tuple[int, int]) -> list[tuple[int, str]]:
        scratch = self._folder / "results.csv"
        return rows_of.found_again(self._workspace, self._staged, self._columns, span, results, scratch)

    def _stop_if_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise Transient("the run was cancelled", hint="a new run of the same job goes on from there")


def _counted(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))


def connector(login_url: str | None, clock: Clock) -> Callable[[SalesforceSettings], Salesforce]:
    """What opens the API for an export. login_url: in the place of the connection's, for trying out."""

    def connect(settings: SalesforceSettings) -> Salesforce:
        from reconciler.apis.salesforce import connect as open_api  # noqa: PLC0415 - only a run that calls it pays
        from reconciler.http.retry import RetryPolicy  # noqa: PLC0415 - as above
        from reconciler.model.secret import Secret  # noqa: PLC0415 - as above

        client_id, secret, session = (
            Secret(f"result_settings:{name}", cast("SecretStr", getattr(settings, name)).get_secret_value())
            for name in ("client_id", "client_secret", "session_id")
        )
        is_app = settings.auth_method == "client_credentials"
        return open_api(
            login_url or settings.login_url,
            settings.api_version,
            app=(client_id, secret) if is_app else None,
            session=None if is_app else session,
            clock=clock,
            policy=RetryPolicy(
                attempts=settings.retry_limit + 3, first_wait_s=max(settings.retry_initial_wait_sec, 0.5)
            ),
        )

    return connect

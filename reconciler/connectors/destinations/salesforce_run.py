"""One export to Salesforce: rows are staged, what is in the way is taken away, and what is left is sent.

Each step is written down before the next one begins, so that a run that was killed goes on with the step it was at: what was
deleted is not asked for again, and what was sent is not sent again.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.connectors.destinations import salesforce_rows as rows_of
from reconciler.connectors.destinations.salesforce_codes import LOCKED, UNKNOWN, counted
from reconciler.connectors.destinations.salesforce_others import end_broken_off
from reconciler.connectors.destinations.salesforce_records import NO_RECORD, all_records, with_ids
from reconciler.connectors.destinations.salesforce_sending import Sending
from reconciler.dataplane.durable import write_bytes
from reconciler.errors import Permanent
from reconciler.ports.exports import ExportReport

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from reconciler.apis.salesforce import Salesforce
    from reconciler.connectors.destinations.salesforce_desk import Desk
    from reconciler.connectors.destinations.salesforce_journal import Journal, Stage

_LISTED: Final = 10_000
WRITE: Final = "write"
DELETE: Final = "delete"
_STAGED: Final = "rows.parquet"


def staged_by(desk: Desk) -> Path:
    """Where the rows of the query are, as text."""
    return desk.folder / (_STAGED if desk.settings.finds_ids else f"{WRITE}-1.parquet")


def begin(desk: Desk, connection: duckdb.DuckDBPyConnection, columns: Mapping[str, str]) -> None:
    """Stage the rows of the view ``rows``, and write that a run begins."""
    settings = desk.settings
    total, rejected = rows_of.stage(
        connection,
        desk.workspace,
        columns,
        staged_by(desk),
        key=settings.key,
        erases=settings.empty_values == "erase" and bool(settings.key),
    )
    desk.journal.begin(settings.target, f"{settings.mode} {settings.key}", total, rejected, list(columns))


def begin_again(desk: Desk, former: Journal) -> None:
    """Stage the rows that a *former* run kept, and write that a run begins which sends them once more."""
    rows = former.kept
    if rows is None:
        raise Permanent("no row is left to be sent again")
    desk.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    staged = desk.folder / f"{WRITE}-1.parquet"
    staged.touch(mode=0o600)
    shutil.copyfile(former.kept_file, staged)
    desk.journal.begin_again(former, rows)
    former.let_go()


class Run:
    """One export under way, in one org."""

    def __init__(self, api: Salesforce, desk: Desk) -> None:
        self._api = api
        self._desk = desk
        self._columns = desk.journal.columns
        self._sending = Sending(api, desk)

    def carry_out(self) -> ExportReport:
        """Do what the settings say, from where an earlier try stopped.

        Raises:
            Permanent: nothing may be left out and something had to be, or Salesforce took nothing.
            Transient: a later try goes on from there.
        """
        settings, journal = self._desk.settings, self._desk.journal
        removed = self._removed() if settings.mode == "truncate" and journal.retries is None else 0
        stage = journal.stage(WRITE) or self._begin_writing()
        self._sending.carry_out(stage)
        self._sending.keep_refused(stage)
        return self._report(stage, removed)

    def list_refused(self, target: Path) -> None:
        """Write the first rows that were not taken to *target*, by number and reason and never by value."""
        found = rows_of.rejected(self._desk.workspace, self._desk.folder)
        stage = self._desk.journal.stage(WRITE)
        if stage is not None:
            found += self._sending.refused(stage, _LISTED)
        if found:
            lines = (json.dumps({"row": row, "reason": reason}) + "\n" for row, reason in sorted(found)[:_LISTED])
            write_bytes(target, "".join(lines).encode())

    def _begin_writing(self) -> Stage:
        settings, folder, again = self._desk.settings, self._desk.folder, self._desk.journal.retries
        if again is not None:
            return self._sending.begin(WRITE, again.operation, again.columns, again.key)
        if not settings.finds_ids:
            return self._sending.begin(WRITE, settings.operation, self._columns, settings.key)
        columns = [name for name in self._columns if name != settings.key]
        rejected = with_ids(self._api, self._desk, folder / _STAGED, columns, folder / f"{WRITE}-1.parquet")
        judge(self._desk, rejected)
        rejected = dict(Counter(rejected) + Counter(self._desk.journal.rejected))
        return self._sending.begin(WRITE, settings.operation, ["Id", *columns], "Id", rejected)

    def _removed(self) -> int:
        """Delete all records that were there when the run began, and return how many they were.

        Raises:
            Permanent: some are left; nothing is inserted then.
        """
        settings, journal = self._desk.settings, self._desk.journal
        stage = journal.stage(DELETE)
        if stage is None:
            if journal.rows == sum(journal.rejected.values()):
                raise Permanent(
                    f"nothing was deleted: no row is there to be put in the place of the records of {settings.object}",
                    hint="a query that suddenly finds nothing is a mistake as a rule; if it is meant, delete them in Salesforce",
                )
            end_broken_off(self._api, self._desk)
            count = all_records(self._api, self._desk, self._desk.folder / f"{DELETE}-1.parquet")
            how = "for good" if settings.hard_delete else "into the recycle bin"
            self._desk.progress(0, journal.rows, f"deleting {count} records of {settings.object} {how}")
            stage = self._sending.begin(DELETE, settings.removal, ["Id"], "Id")
        self._sending.carry_out(stage)
        left = sum(stage.refused.values())
        if left:
            raise Permanent(
                f"{left} of {stage.rows} records of {settings.object} could not be deleted, and nothing was inserted: "
                f"{counted(stage.refused)}",
                hint="those deleted are gone; remove what holds the others"
                + _advice(stage.refused, settings.concurrency_mode)
                + ", then run again",
            )
        return stage.rows

    def _report(self, stage: Stage, removed: int) -> ExportReport:
        journal, settings = self._desk.journal, self._desk.settings
        refused = Counter(stage.refused)
        taken = stage.rows - refused.total()
        if refused and (taken == 0 or not settings.ignore_invalid_records):
            raise Permanent(
                f"Salesforce refused {refused.total()} of {stage.rows} rows: {counted(refused)}",
                hint="the quarantine lists them by number" + _advice(refused, settings.concurrency_mode),
            )
        if refused:
            advice = _advice(refused, settings.concurrency_mode)
            self._desk.progress(stage.rows, stage.rows, f"notice: {counted(refused)} refused{advice}")
        return ExportReport(
            rows=journal.rows,
            rejected=dict(Counter(journal.rejected) + refused),
            sent=taken,
            removed=removed,
            requests=self._desk.requests,
        )


def judge(desk: Desk, rejected: Mapping[str, int]) -> None:
    """Send nothing when a row cannot be sent and none may be left out. rejected: reason -> rows.

    Raises:
        Permanent: that is so.
    """
    wrong = {reason: count for reason, count in rejected.items() if reason != NO_RECORD}
    if wrong and not desk.settings.ignore_invalid_records:
        raise Permanent(f"nothing was sent: {counted(wrong)}", hint="correct the query, or write `on_invalid: skip`")
    for reason, count in rejected.items():
        desk.progress(0, desk.journal.rows, f"notice: {count} rows left out, {reason}")


def _advice(codes: Mapping[str, int], concurrency: str) -> str:
    told = ""
    if codes.get(LOCKED) and concurrency != "serial":
        told += "; records lock each other, so write `concurrency: serial`"
    if codes.get(UNKNOWN):
        told += "; whether those of unknown outcome became records, only a look into Salesforce tells"
    return told

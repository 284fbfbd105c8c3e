"""Exports to Pinterest audiences, by the result settings of Treasure Data's connector of that name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler import spills
from reconciler.connectors.destinations.pinterest_api import AudienceApi
from reconciler.connectors.destinations.pinterest_creation import Creator
from reconciler.connectors.destinations.pinterest_settings import (
    Action,
    PinterestSettings,
    identifier_of,
    read_settings,
)
from reconciler.connectors.destinations.pinterest_upload import Uploader, batch_size
from reconciler.dataplane.exporter import columns_of_rows
from reconciler.dataplane.ledger import Ledger, Run, Target
from reconciler.dataplane.quarantine import Rejections
from reconciler.dataplane.reasons import EXPLANATIONS, Reason
from reconciler.dataplane.screening import Screening, screen
from reconciler.errors import NotFound, Permanent
from reconciler.model.kinds import Identifier, Membership
from reconciler.ports.clock import Clock, SystemClock
from reconciler.ports.exports import ExportReport, ExportRequest, Progress

if TYPE_CHECKING:
    import threading

    import duckdb

_MEMBERSHIPS: Mapping[Action, Membership] = {
    Action.REPLACE: Membership.REPLACE,
    Action.DELETE: Membership.CLEAR,
    Action.ADD: Membership.ADD,
    Action.REMOVE: Membership.REMOVE,
}


class PinterestDestination:
    """An `Exporter` for settings of type `pinterest`.

    connect: opens the API for settings and the event that cancels a run (`pinterest_client.connect`).
    folder: where ledgers and the progress of creations are kept; losing it means that members sent before are not known.
    quarantine: folder for lists of rejected rows, one file a job; None for counts only.
    allow_empty_replace: whether a `replace` without a valid row empties the audience. Off: a query that suddenly finds
        nobody is a mistake far more often than a wish, and `clear` says the wish.
    """

    def __init__(
        self,
        connect: Callable[[PinterestSettings, threading.Event], AudienceApi],
        folder: Path,
        *,
        quarantine: Path | None = None,
        clock: Clock | None = None,
        allow_empty_replace: bool = False,
    ) -> None:
        self._connect = connect
        self._folder = folder
        self._quarantine = quarantine
        self._clock = clock or SystemClock()
        self._allow_empty_replace = allow_empty_replace

    def check(self, request: ExportRequest, columns: Mapping[str, str]) -> None:
        """Refuse settings and columns that cannot work.

        Raises:
            Permanent: with what is wrong and what to write instead.
        """
        read_settings(request.settings)
        identifier_of(columns)

    def export(
        self,
        request: ExportRequest,
        connection: duckdb.DuckDBPyConnection,
        progress: Progress,
        cancelled: threading.Event,
    ) -> ExportReport:
        """Bring the audience to what the settings' action says for the rows of the view ``rows``.

        Raises:
            ProviderError: see `Exporter.export`. Nothing was sent when the message names a row.
        """
        settings = read_settings(request.settings)
        identifier = identifier_of(columns_of_rows(connection))
        for notice in settings.notices():
            progress(0, 0, f"notice: {notice}")
        with self._screened(request, settings, identifier, connection, progress, cancelled) as (wanted, screening):
            api = self._connect(settings, cancelled)
            try:
                export = _Export(api, settings, request.job_id, Ledger(self._folder / "lists"), progress, cancelled)
                if settings.action is Action.CREATE:
                    creator = self._creator(api, settings)
                    return export.create(creator, identifier, wanted, screening)
                return export.change(_MEMBERSHIPS[settings.action], wanted, screening)
            finally:
                api.close()

    @contextmanager
    def _screened(
        self,
        request: ExportRequest,
        settings: PinterestSettings,
        identifier: Identifier,
        connection: duckdb.DuckDBPyConnection,
        progress: Progress,
        cancelled: threading.Event,
    ) -> Iterator[tuple[Path, Screening]]:
        """The keys to send, checked as a whole before any is sent; in a file that is gone afterwards, or with the next export."""
        name = hashlib.sha256(request.job_id.encode()).hexdigest()[:32]
        work = self._folder / "work"
        work.mkdir(mode=0o700, parents=True, exist_ok=True)
        with spills.spilling(work) as folder:
            wanted = folder / "wanted.keys"
            if settings.action is Action.DELETE:
                # What the query finds does not matter to an audience that is emptied.
                yield wanted, Screening(0, 0, Rejections())
                return
            screening = screen(connection, identifier, wanted, cancelled)
            if self._quarantine is not None and screening.rejections.total:
                screening.rejections.save(self._quarantine / f"{name}.jsonl")
            self._judge(settings, identifier, screening, progress)
            yield wanted, screening

    def _judge(
        self, settings: PinterestSettings, identifier: Identifier, screening: Screening, progress: Progress
    ) -> None:
        first = screening.rejections.first_invalid()
        if first is not None and not settings.skips_invalid:
            row, reason = first
            raise Permanent(
                _about_row(identifier, row, reason),
                hint="nothing was sent; correct the query, or set `ignore_invalid_records` to leave such rows out",
            )
        for reason, count in screening.rejections.counts().items():
            progress(0, screening.rows, f"notice: {count} rows left out, {reason.value}: {EXPLANATIONS[reason]}")
        if screening.keys:
            return
        if settings.action is Action.CREATE:
            raise Permanent(
                f"the audience {settings.audience_name!r} cannot be created: there is no valid row to create it with",
                hint="Pinterest makes a list only together with its first members",
            )
        if settings.action is Action.REPLACE and not self._allow_empty_replace:
            raise Permanent(
                f"audience {settings.audience_id} keeps its members: the query gave no valid row to replace them with",
                hint="correct the query; or, if the audience is to be emptied, say so with `membership: clear`",
            )

    def _creator(self, api: AudienceApi, settings: PinterestSettings) -> Creator:
        return Creator(api, self._folder / "creations", settings.ad_account_id, settings.audience_name, self._clock)


def _about_row(identifier: Identifier, row: int, reason: Reason) -> str:
    if reason is Reason.NOT_SHA256:
        return f"`{identifier.value}` must be SHA-256; found a raw id in row {row}"
    return f"row {row} cannot be sent, {reason.value}: {EXPLANATIONS[reason]}"


class _Export:
    """One export under way."""

    def __init__(
        self,
        api: AudienceApi,
        settings: PinterestSettings,
        job_id: str,
        ledger: Ledger,
        progress: Progress,
        cancelled: threading.Event,
    ) -> None:
        self._api = api
        self._settings = settings
        self._job_id = job_id
        self._ledger = ledger
        self._progress = progress
        self._cancelled = cancelled
        self._size = batch_size(settings.limit_records_per_request)

    def create(self, creator: Creator, identifier: Identifier, wanted: Path, screening: Screening) -> ExportReport:
        """Make the audience with exactly the keys of *wanted*, or go on with making it."""
        made = creator.start(self._job_id, lambda list_id: self._ledger.covers(self._target_of(list_id)))
        if made is not None:
            self._progress(screening.rows, screening.rows, f"audience {made.audience_id} was made by this job before")
            return _report(screening, made.audience_id)
        list_id, sent = creator.list_for(identifier, wanted, screening.keys, self._size)
        with self._ledger.target(self._target_of(list_id)) as target:
            if not target.is_complete:
                target.begin_with(creator.first, certain=sent > 0)
            run, requests = self._carry_out(target, list_id, Membership.REPLACE, wanted)
        audience = creator.audience_of(list_id, self._settings.audience_description)
        self._progress(screening.rows, screening.rows, f"audience {audience.audience_id} was created")
        return _report(
            screening,
            audience.audience_id,
            sent=sent + run.to_add,
            removed=run.to_remove,
            requests=requests + (1 if sent else 0) + 1,
        )

    def change(self, membership: Membership, wanted: Path, screening: Screening) -> ExportReport:
        """Do *membership* to the audience that the settings name."""
        audience_id = self._settings.audience_id
        list_id = self._list_of(audience_id)
        with self._ledger.target(self._target_of(list_id)) as target:
            if not target.is_complete and membership in (Membership.REPLACE, Membership.CLEAR):
                known = target.confirmed + target.uncertain
                self._progress(
                    0,
                    screening.rows,
                    f"notice: list {list_id} was not made here and its members cannot be read; "
                    f"of those it may have, only the {known} sent from here can be removed",
                )
            run, requests = self._carry_out(target, list_id, membership, wanted)
        return _report(screening, audience_id, sent=run.to_add, removed=run.to_remove, requests=requests)

    def _carry_out(self, target: Target, list_id: str, membership: Membership, wanted: Path) -> tuple[Run, int]:
        run = target.begin(membership, None if membership is Membership.CLEAR else wanted, self._job_id)
        uploader = Uploader(self._api, list_id, self._size, run.to_add + run.to_remove, self._progress, self._cancelled)
        uploader.carry_out(run)
        return run, uploader.requests

    def _list_of(self, audience_id: str) -> str:
        try:
            audience = self._api.audience(audience_id)
        except NotFound as error:
            raise NotFound(
                f"audience {audience_id} is not in ad account {self._settings.ad_account_id}",
                hint="look up its id at Pinterest, or create it anew",
                status=error.status,
                request_id=error.request_id,
            ) from error
        if audience.is_removed:
            raise Permanent(f"audience {audience_id} was removed at Pinterest", hint="create it anew")
        if not audience.list_id:
            raise Permanent(
                f"audience {audience_id} is not made of a customer list",
                hint="members can be sent to customer lists only",
            )
        return audience.list_id

    def _target_of(self, list_id: str) -> str:
        return f"{self._settings.ad_account_id}-{list_id}"


def _report(
    screening: Screening, audience_id: str, *, sent: int = 0, removed: int = 0, requests: int = 0
) -> ExportReport:
    return ExportReport(
        rows=screening.rows,
        rejected={reason.value: count for reason, count in screening.rejections.counts().items()},
        duplicates=screening.duplicates,
        sent=sent,
        removed=removed,
        requests=requests,
        audience_id=audience_id,
    )

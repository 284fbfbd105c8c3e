"""`tdr history`: what runs did. Asks no vendor."""

from __future__ import annotations

from reconciler.commands.answer import Answer
from reconciler.errors import NotKept, StateError
from reconciler.ports.clock import rfc3339
from reconciler.reports import history as reports
from reconciler.reports.documents import Document
from reconciler.wiring import Runtime


def history(runtime: Runtime, limit: int) -> Answer:
    """The newest *limit* runs that are kept, newest first; one whose document is damaged is told as such.

    A run that is let go of meanwhile is left out.
    """
    entries: list[Document] = []
    for run in list(reversed(runtime.store.runs()))[:limit]:
        try:
            entries.append(reports.entry(run, runtime.store.run(run)))
        except NotKept:
            continue
        except StateError as error:
            entries.append(reports.damaged(run, error.message))
    return Answer(reports.document(entries, runtime.environment_name, rfc3339(runtime.clock.now())))


def run(runtime: Runtime, run_id: str) -> Answer:
    """One run as it is kept.

    Raises:
        NotKept: it is not there. StateError: it is damaged.
    """
    kept = runtime.store.run(run_id)
    if not reports.is_run(kept):
        raise StateError(f"what is kept of run {run_id} is no report of one", hint="it is only a report; remove it")
    return Answer(dict(kept))

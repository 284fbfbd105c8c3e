"""The job that one run of a saved query is."""

from __future__ import annotations

import sqlite3

from reconciler.service.jobs import NewJob


def run_of(row: sqlite3.Row, scheduled_time: int, domain_key: str) -> NewJob:
    """The job that runs a saved query as of *scheduled_time* (Unix seconds)."""
    return NewJob(
        type=row["type"],
        database=row["database"],
        query=row["query"],
        target=row["target"],
        result=row["result"],
        priority=row["priority"],
        retry_limit=row["retry_limit"],
        domain_key=domain_key or None,
        scheduled_time=scheduled_time,
        query_id=row["id"],
    )

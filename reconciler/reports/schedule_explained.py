"""A schedule explained: its meaning in words, its next runs and everything to know of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.ports.clock import rfc3339
from reconciler.reports.documents import Document, heading
from reconciler.reports.schedules import run_document, run_line
from reconciler.schedule import Cron, Dialect, Remark, meaning, next_runs


def document(
    cron: Cron, zone: str, delay: int, found: Iterable[Remark], *, after: float, count: int, now: float
) -> Document:
    """A schedule that can be used. *delay* is in seconds, *after* and *now* are Unix seconds."""
    return _given(cron.text, zone, delay, cron.dialect, now) | {
        "is_valid": True,
        "canonical": cron.canonical,
        "meaning": meaning(cron, zone, delay),
        "after": rfc3339(after),
        "next": [run_document(run) for run in next_runs(cron, zone, after, count)],
        "findings": [_finding(remark) for remark in found],
    }


def refused(cron: str, zone: str, delay: int, dialect: Dialect, found: Iterable[Remark], now: float) -> Document:
    """One that cannot: only why."""
    return _given(cron, zone, delay, dialect, now) | {
        "is_valid": False,
        "canonical": None,
        "meaning": None,
        "after": None,
        "next": [],
        "findings": [_finding(remark) for remark in found],
    }


def _given(cron: str, zone: str, delay: int, dialect: Dialect, now: float) -> Document:
    return heading("schedule", rfc3339(now)) | {
        "cron": cron,
        "timezone": zone,
        "delay": delay,
        "dialect": dialect.value,
    }


def _finding(remark: Remark) -> Document:
    return {
        "rule": remark.rule,
        "field": remark.field,
        "severity": remark.severity.value,
        "message": remark.message,
        "hint": remark.hint,
    }


def text(document: Mapping[str, Any]) -> str:
    """One that can be used: meaning, next runs, findings. Ends with a line break."""
    lines = [document["meaning"]]
    lines += [f"  {run_line(run, document['timezone'])}" for run in document["next"]]
    lines += [f"{finding['severity']}: {finding['message']}" for finding in document["findings"]]
    return "\n".join(lines) + "\n"


def complaints(document: Mapping[str, Any]) -> Iterator[str]:
    """Lines of why one cannot be used, each with what to write instead."""
    for finding in document["findings"]:
        yield f"error: {finding['field']}: {finding['message']}"
        if finding["hint"]:
            yield f"hint: {finding['hint']}"

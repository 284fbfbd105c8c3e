"""One document into any format. Only the module that a format needs is loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from reconciler.reports.formats import Format

TEXTS = {
    "tdr.plan": ("text", "plan"),
    "tdr.run": ("text", "run"),
    "tdr.run, kept": ("history", "run_text"),
    "tdr.error": ("text", "error"),
    "tdr.plan_diff": ("plan_diff", "plan_diff"),
    "tdr.job": ("rows", "job"),
    "tdr.preview": ("rows", "preview"),
    "tdr.validation": ("text", "validation"),
    "tdr.drift": ("drift", "text"),
    "tdr.refresh": ("refreshing", "text"),
    "tdr.import": ("importing", "imported"),
    "tdr.status": ("status", "text"),
    "tdr.history": ("history", "text"),
    "tdr.explanation": ("explaining", "text"),
    "tdr.schedule": ("schedule_explained", "text"),
    "tdr.tdx": ("tdx", "text"),
    "tdr.kinds": ("kinds", "text"),
    "tdr.fmt": ("formatting", "text"),
}
"""Format -> module of `reports` and its function; the others are tables."""
WITH_MORE = {"tdr.plan", "tdr.drift"}
"""Formats that --verbose shows more of."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How somebody wants to read a document.

    verbose: also what stays as it is, in text and on pages.
    max_chars: of a page, which then leaves out what can be missed; None for as many as there are.
    """

    verbose: bool = False
    max_chars: int | None = None


def render(document: dict[str, Any], wanted: Format, reading: Reading) -> str:
    """*document* in the format *wanted*. Ends with a line break.

    Raises:
        TdrError: what must not be left out does not fit into `max_chars`.
    """
    match wanted:
        case Format.TEXT:
            return as_text(document, verbose=reading.verbose)
        case Format.MARKDOWN:
            return str(_function("markdown", "page")(document, verbose=reading.verbose, max_chars=reading.max_chars))
        case Format.HTML:
            return str(_function("html.page", "page")(document, verbose=reading.verbose))
        case Format.JUNIT | Format.SARIF:
            return str(_function(wanted.value, "document")(document))
        case Format.JSON | Format.JSONL:
            import orjson  # noqa: PLC0415 - not for what is read by people

            option = orjson.OPT_INDENT_2 if wanted is Format.JSON else 0
            return orjson.dumps(document, option=option | orjson.OPT_APPEND_NEWLINE).decode()


def as_text(document: dict[str, Any], *, verbose: bool = False) -> str:
    """*document* for a terminal, without colours."""
    name = str(document["format"])
    if name == "tdr.run" and "who" in document:
        name = "tdr.run, kept"
    write = _function(*TEXTS.get(name, ("text", "table")))
    return str(write(document, verbose=verbose) if name in WITH_MORE else write(document))


def _function(module: str, name: str) -> Callable[..., object]:
    found: Callable[..., object] = getattr(import_module(f"reconciler.reports.{module}"), name)
    return found

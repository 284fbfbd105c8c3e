"""The frame of every page, and what keeps it harmless: all values are escaped, and nothing but its own style and script may act."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import cache
from typing import Any, Final

from markupsafe import Markup

from reconciler.reports.html import plan
from reconciler.reports.html.templating import asset, templates
from reconciler.reports.rendering import as_text

_RESULTS: Final = ("failed", "unknown", "skipped", "done")


def page(document: dict[str, Any], *, verbose: bool) -> str:
    """*document* as a page of its own. Ends with a line break.

    verbose: also name what stays as it is.
    """
    style, script = asset("page.css"), asset("page.js")
    own = f"style-src {_digest(style)}; script-src {_digest(script)}"
    policy = f"default-src 'none'; {own}; img-src data:; base-uri 'none'; form-action 'none'"
    frame = {"style": Markup(style), "script": Markup(script), "policy": policy}  # noqa: S704 - files of ours
    name, values = content(document, verbose=verbose)
    return _templates().get_template(name).render(frame | values | {"layout": "base.html"}).rstrip() + "\n"


_templates = cache(templates)


def content(document: dict[str, Any], *, verbose: bool) -> tuple[str, dict[str, Any]]:
    """The template that shows *document*, and what it asks for but its `layout`."""
    match document["format"]:
        case "tdr.plan":
            return "plan.html", plan.view(document, verbose=verbose)
        case "tdr.drift":
            return "drift.html", _drift(document, verbose=verbose)
        case "tdr.run":
            return "run.html", _run(document)
        case name:
            title = str(name).removeprefix("tdr.").replace("_", " ").capitalize()
            return "text.html", {"title": title, "text": as_text(document, verbose=verbose)}


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _drift(document: dict[str, Any], *, verbose: bool) -> dict[str, Any]:
    from reconciler.reports import drift  # noqa: PLC0415 - each page loads what it needs
    from reconciler.reports.text import warning_lines  # noqa: PLC0415 - as above
    from reconciler.reports.values import moved  # noqa: PLC0415 - as above

    order = ("missing", "unknown", "drifted", "converging", "in_sync")
    entries = [one for one in document["resources"] if verbose or one["verdict"] != "in_sync"]
    entries.sort(key=lambda one: (order.index(one["verdict"]), one["address"]))
    return {
        "title": f"Drift of {document['environment']}",
        "document": document,
        "warnings": warning_lines(document),
        "entries": [
            (
                one,
                drift.SYMBOLS[one["verdict"]],
                [line for field in one["fields"] for line in moved(field["path"], field["applied"], field["found"])],
                drift.changed(one),
            )
            for one in entries
        ],
    }


def _run(document: dict[str, Any]) -> dict[str, Any]:
    results = sorted(document["results"], key=lambda one: _RESULTS.index(one["status"]))
    what = str(document.get("operation", "apply")).capitalize()
    return {"title": f"{what} to {document['environment']}", "document": document, "results": results}

"""Documents as pages of Markdown: for comments, summaries of jobs and issues."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.reports import drift_markdown, plan_markdown, run_markdown
from reconciler.reports.characters import block, prose
from reconciler.reports.fitting import fitted
from reconciler.reports.rendering import as_text
from reconciler.reports.values import counted

_SHORTEST = 20
"""Lines of any other document that stay on a page that is too long."""

PAGES: Mapping[str, Callable[..., str]] = {
    "tdr.plan": plan_markdown.plan,
    "tdr.run": run_markdown.run,
    "tdr.drift": drift_markdown.drift,
    "tdr.validation": run_markdown.validation,
    "tdr.error": run_markdown.error,
}
"""Format -> what makes its page; the others are their text in a block."""


def page(document: dict[str, Any], *, verbose: bool, max_chars: int | None) -> str:
    """*document* as a page of at most *max_chars* characters. Ends with a line break.

    Raises:
        TdrError: what must not be left out is longer.
    """
    make: Callable[..., str] = PAGES.get(str(document["format"]), _other)
    return make(document, max_chars=max_chars, verbose=verbose)


def _other(document: dict[str, Any], *, max_chars: int | None, verbose: bool) -> str:
    lines = as_text(document, verbose=verbose).splitlines()
    name = str(document["format"]).removeprefix("tdr.").replace("_", " ")
    left_out = max(0, len(lines) - _SHORTEST)

    def render(cuts: int) -> str:
        shown = lines[:_SHORTEST] if cuts else lines
        return f"### {prose(name.capitalize())}\n\n{block(shown)}\n"

    return fitted(render, [f"the last {counted(left_out, 'line')}" if left_out else ""], max_chars)

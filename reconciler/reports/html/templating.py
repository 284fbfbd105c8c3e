"""Templates in which every value is text."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reconciler.reports.characters import visible

_FOLDER: Final = Path(__file__).with_name("templates")


def templates(*folders: Path) -> Environment:
    """Templates of *folders*, then those of pages. A template says by `layout` what it stands in."""
    return Environment(
        loader=FileSystemLoader([*folders, _FOLDER]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def asset(name: str) -> str:
    """The style sheet or the script of pages."""
    return (_FOLDER / name).read_text("utf-8")


def _harmless(value: object) -> object:
    """Marks that reorder a line are shown, not obeyed."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

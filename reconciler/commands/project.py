"""`tdr init` and `tdr schema`: what somebody needs before there is a project."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from reconciler.diagnostics import did_you_mean
from reconciler.errors import TdrError, UsageError
from reconciler.manifest.json_schema import SCHEMAS, json_schema, umbrella_schema

TEMPLATE = Path(__file__).parent / "project_template"
RENAMED = {"gitignore": ".gitignore"}


def init(folder: Path, name: str | None) -> Iterator[Path]:
    """Write a project that runs as it is; yields what was written.

    Raises:
        UsageError: *name* is none, or one of the files exists already; then nothing is written.
    """
    folder = folder.resolve()
    project = name or re.sub(r"[^a-z0-9-]+", "-", folder.name.lower()).strip("-") or "project"
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", project):
        raise UsageError(f"{project!r} is no name of a project; use lower-case letters, digits and `-`")
    sources = sorted(path for path in TEMPLATE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    targets = {source: _target(folder, source) for source in sources}
    if there := [str(target.relative_to(folder)) for target in targets.values() if target.exists()]:
        raise UsageError(f"{there[0]} exists already in {str(folder)!r}", hint="choose an empty folder: tdr init DIR")
    try:
        for source, target in targets.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(source.read_text(encoding="utf-8").replace("PROJECT", project), encoding="utf-8")
            yield target
    except OSError as error:
        raise TdrError(f"{error.filename} cannot be written: {error.strerror}") from error


def _target(folder: Path, source: Path) -> Path:
    relative = source.relative_to(TEMPLATE)
    return folder / relative.with_name(RENAMED.get(relative.name, relative.name))


def schema(kind: str | None) -> str:
    """JSON Schema of *kind*, of `Project` (`tdr.yaml`) or `Environment`; without *kind* of any document.

    Raises:
        UsageError: there is no such kind.
    """
    if kind is not None and kind not in SCHEMAS:
        known = ", ".join(SCHEMAS)
        raise UsageError(f"there is no schema of {kind!r}", hint=did_you_mean(kind, SCHEMAS) or f"schemas: {known}")
    return json.dumps(json_schema(kind) if kind else umbrella_schema(), indent=2, ensure_ascii=False) + "\n"


def write_schemas(folder: Path, kind: str | None) -> Iterator[Path]:
    """The schema of *kind*; without it all of them, and `manifest.json` for any document. Yields what was written.

    Raises:
        UsageError: there is no such kind; then nothing is written.
    """
    wanted = [kind] if kind else [None, *SCHEMAS]
    texts = {folder / f"{(name or 'manifest').lower()}.json": schema(name) for name in wanted}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
            yield path
    except OSError as error:
        raise TdrError(f"{error.filename} cannot be written: {error.strerror}") from error

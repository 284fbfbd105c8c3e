"""`tdr init` and `tdr schema`: what somebody needs before there is a project."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from reconciler.commands.pipelines import Forge, Pipeline
from reconciler.diagnostics import did_you_mean
from reconciler.errors import TdrError, UsageError
from reconciler.manifest.environment import choose
from reconciler.manifest.json_schema import SCHEMAS, json_schema, umbrella_schema
from reconciler.manifest.project import SETTINGS, read_project

TEMPLATE = Path(__file__).parent / "project_template"
_WRITABLE = "choose a folder that can be written to"
RENAMED = {"gitignore": ".gitignore"}

OF_A_NEW_PROJECT = "prod"
"""The environment of a pipeline that is written with its project: the one that is there runs on this machine only."""


def pipeline_of(forge: Forge, folder: Path, environment: str | None) -> Pipeline:
    """The pipeline of the project in *folder*, or of the one that is to be.

    environment: may be one that is yet to be declared; None for the only one there is.

    Raises:
        UsageError: *environment* is no name, or there are several and none is named.
        ManifestError: the settings of the project cannot be read.
    """
    if environment is None:
        is_there = (folder / SETTINGS).exists()
        environment = choose(read_project(folder.resolve()), None) if is_there else OF_A_NEW_PROJECT
    return Pipeline(forge, environment)


def init(folder: Path, name: str | None, pipeline: Pipeline | None = None) -> Iterator[Path]:
    """Write a project that runs as it is, and its pipeline; yields what was written.

    A project that is there already only gets the pipeline.

    Raises:
        UsageError: *name* is none, or one of the files exists already; then nothing is written.
    """
    folder = folder.resolve()
    texts: dict[Path, str] = {}
    if pipeline is None or not (folder / SETTINGS).exists():
        texts |= _project(folder, name)
    elif name is not None:
        raise UsageError(f"{str(folder)!r} is a project already, with a name of its own", hint="leave --name out")
    if pipeline is not None:
        texts[folder / pipeline.file] = pipeline.text()
    if there := [str(path.relative_to(folder)) for path in texts if path.exists()]:
        hint = "choose an empty folder: tdr init DIR" if pipeline is None else "move it away to have it written anew"
        raise UsageError(f"{there[0]} exists already in {str(folder)!r}", hint=hint)
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            yield path
    except OSError as error:
        raise TdrError(f"{error.filename} cannot be written: {error.strerror}", hint=_WRITABLE) from error


def _project(folder: Path, name: str | None) -> dict[Path, str]:
    project = name or re.sub(r"[^a-z0-9-]+", "-", folder.name.lower()).strip("-") or "project"
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", project):
        raise UsageError(f"{project!r} is no name of a project", hint="--name: lower-case letters, digits and `-`")
    sources = sorted(path for path in TEMPLATE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {
        _target(folder, source): source.read_text(encoding="utf-8").replace("PROJECT", project) for source in sources
    }


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
        raise TdrError(f"{error.filename} cannot be written: {error.strerror}", hint=_WRITABLE) from error

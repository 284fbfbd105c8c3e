"""`tdr fmt`: manifests, environments and settings in one form, whatever state the rest of the project is in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from reconciler.commands import written_files
from reconciler.commands.answer import DIFFERENCES, FAILED, INVALID, OK, Answer
from reconciler.commands.sole_writing import alone
from reconciler.diagnostics import Diagnostic, Position
from reconciler.errors import ManifestError, TdrError, UsageError
from reconciler.manifest.files import FileRefused, confined, read_file
from reconciler.manifest.findings import Findings
from reconciler.manifest.folder import manifest_files
from reconciler.manifest.formatting import formatted
from reconciler.manifest.key_order import Shape
from reconciler.manifest.project import ENVIRONMENTS, SETTINGS, SUFFIXES, Project
from reconciler.manifest.shapes import fields_of
from reconciler.manifest.syntax import read_documents
from reconciler.manifest.tree import Tree
from reconciler.model.environment import EnvironmentSpec, ProjectSpec
from reconciler.ports.clock import Clock, rfc3339
from reconciler.reports import formatting as reports
from reconciler.reports.formatting import Formatted

STDIN = "-"


class Doing(Enum):
    """What becomes of a file that is not in form."""

    WRITE = "write"
    CHECK = "check"
    """Nothing, and the exit code says so."""
    SHOW = "show"
    """Nothing."""


@dataclass(frozen=True, slots=True)
class _File:
    """A file to look at. *path*: links followed. *name*: for messages. *shape*: of what is no document of a kind."""

    path: Path
    name: str
    shape: Shape = None


def fmt(folder: Path, paths: Sequence[str], clock: Clock, doing: Doing) -> Answer:
    """Put files in form.

    folder: what relative paths are relative to. paths: files and folders; all of the project when there are none.

    Raises:
        UsageError: a path is not there, or a folder belongs to no project.
        LockHeld: another command is writing documents.
    """
    findings = Findings()
    root = _root(folder)
    named = [file for path in paths for file in _named(folder / path, findings)]
    files = named if paths else _of_project(_required(root, folder), findings)
    writing = alone(root, clock) if doing is Doing.WRITE and root is not None else nullcontext()
    problems = list(findings.diagnostics)
    looked: list[Formatted] = []
    with writing:
        for file in {file.path: file for file in files}.values():
            try:
                looked.append(_formatted(file, doing))
            except ManifestError as error:
                problems += error.diagnostics
            except TdrError as error:
                problems.append(_refused(file.name, error.message, error.hint))
    document = reports.document(looked, problems, rfc3339(clock.now()), check=doing is not Doing.WRITE)
    return Answer(document, _exit_code(looked, problems, doing))


def from_stdin(data: bytes, clock: Clock, doing: Doing) -> tuple[Answer, bytes]:
    """What was given, in form; *data* itself when it cannot be read as manifests.

    What it is, is told by what it says.
    """
    try:
        text = formatted(data, "<stdin>", _shape_of(data))
    except ManifestError as error:
        document = reports.document([], error.diagnostics, rfc3339(clock.now()), check=doing is not Doing.WRITE)
        return Answer(document, INVALID), data
    looked = [Formatted("<stdin>", data, text, is_written=False)]
    document = reports.document(looked, (), rfc3339(clock.now()), check=doing is not Doing.WRITE)
    return Answer(document, _exit_code(looked, (), doing)), text


def _formatted(file: _File, doing: Doing) -> Formatted:
    try:
        data = read_file(file.path, file.name)
    except FileRefused as refused:
        raise TdrError(refused.message, hint=refused.hint) from refused
    text = formatted(data, file.name, file.shape)
    is_written = doing is Doing.WRITE and text != data
    if is_written:
        if written_files.content(file.path, file.name) != data:
            raise TdrError(f"{file.name} was changed meanwhile", hint="it was left alone; run the command again")
        written_files.replace(file.path, text)
    return Formatted(file.name, data, text, is_written=is_written)


def _refused(file: str, message: str, hint: str) -> Diagnostic:
    return Diagnostic(reports.NOT_WRITTEN, message, position=Position(file), hint=hint)


def _exit_code(looked: Iterable[Formatted], problems: Sequence[Diagnostic], doing: Doing) -> int:
    if any(problem.is_error and problem.rule != reports.NOT_WRITTEN for problem in problems):
        return INVALID
    if any(problem.is_error for problem in problems):
        return FAILED
    return DIFFERENCES if doing is Doing.CHECK and any(file.is_different for file in looked) else OK


# -- which files ---------------------------------------------------------------------------------------------------------


def _root(start: Path) -> Path | None:
    """The folder of the project that *start* is in; whether its settings are right does not matter here."""
    begin = start.resolve()
    return next((folder for folder in (begin, *begin.parents) if (folder / SETTINGS).is_file()), None)


def _required(root: Path | None, start: Path) -> Path:
    if root is None:
        raise UsageError(
            f"no {SETTINGS} in {str(start)!r} or above it", hint="go to a project, or name the files: tdr fmt FILE"
        )
    return root


def _named(path: Path, findings: Findings) -> list[_File]:
    if path.is_dir():
        inside = path.resolve()
        return [
            file
            for file in _of_project(_required(_root(path), path), findings)
            if file.path.is_relative_to(inside) or file.path == inside
        ]
    if not path.exists():
        raise UsageError(f"there is no file {str(path)!r}", hint="name files, folders or - for stdin")
    real, root = path.resolve(), _root(path.parent)
    if root is None:
        return [_File(real, str(path))]
    name = real.relative_to(root).as_posix() if real.is_relative_to(root) else str(path)
    folder = root / _settings(root).manifests / ENVIRONMENTS
    if real.name == SETTINGS:
        return [_File(real, name, ProjectSpec)]
    return [_File(real, name, EnvironmentSpec if real.parent == folder else None)]


def _of_project(root: Path, findings: Findings) -> list[_File]:
    """`tdr.yaml`, the files of environments and all manifests."""
    settings = _settings(root)
    environments = root / settings.manifests / ENVIRONMENTS
    written = sorted(environments.iterdir()) if environments.is_dir() else []
    found = [_File((root / SETTINGS).resolve(), SETTINGS, ProjectSpec)]
    found += [
        _File(confined(root, path.relative_to(root).as_posix()), path.relative_to(root).as_posix(), EnvironmentSpec)
        for path in written
        if path.suffix in SUFFIXES and not path.name.startswith(".")
    ]
    manifests = manifest_files(Project(root, settings), findings)
    return found + [_File(confined(root, file.file), file.file) for file in manifests]


def _settings(root: Path) -> ProjectSpec:
    """Where the project keeps its files; where it would when its settings cannot be read."""
    tree = _first((root / SETTINGS).read_bytes())
    said = {key: value for key in ("manifests", "state") if isinstance(value := tree.get(key), str)}
    try:
        confined(root, said.get("manifests", ""))
    except FileRefused:
        said.pop("manifests")
    return ProjectSpec.model_validate({"project": "project", **said})


def _shape_of(data: bytes) -> Shape:
    """The model of settings or of an environment when the text is one; None for documents of kinds."""
    tree = _first(data)
    if "kind" in tree or not tree:
        return None
    if "project" in tree:
        return ProjectSpec
    return EnvironmentSpec if tree.keys() <= fields_of(EnvironmentSpec).keys() else None


def _first(data: bytes) -> dict[str, Tree]:
    documents = read_documents(data, SETTINGS).documents
    tree = documents[0].tree if documents else None
    return tree if isinstance(tree, dict) else {}

"""A project is the folder of the nearest `tdr.yaml`: its settings, and where its environments are written down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from reconciler.diagnostics import Diagnostic, Position
from reconciler.errors import ManifestError, UsageError
from reconciler.manifest.files import FileRefused, confined, read_file
from reconciler.manifest.findings import Findings, ManifestFile, Place
from reconciler.manifest.mistakes import mistakes
from reconciler.manifest.pointers import pointer
from reconciler.manifest.syntax import read_documents
from reconciler.manifest.tree import Tree
from reconciler.model.address import NAME
from reconciler.model.environment import ProjectSpec

SETTINGS = "tdr.yaml"
ENVIRONMENTS = "environments"
SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class WrittenEnvironment:
    """An environment as it is written, unresolved: at *path* of the document at *place*."""

    place: Place
    path: str
    tree: Tree


@dataclass(frozen=True, slots=True)
class Project:
    """One project.

    root: folder of `tdr.yaml`, absolute, links followed.
    spec: what `tdr.yaml` says; its `environments` stay empty here, because an environment is read only when it is chosen.
    environments: names of the environments that are declared, sorted.
    """

    root: Path
    spec: ProjectSpec
    written: Mapping[str, WrittenEnvironment] = field(default_factory=dict, repr=False)

    @property
    def environments(self) -> tuple[str, ...]:
        """Names of the declared environments, sorted."""
        return tuple(sorted(self.written))

    @property
    def manifests(self) -> Path:
        """Folder of the manifests."""
        return self.root / self.spec.manifests


def find_project(start: Path) -> Project:
    """The project that *start* (a folder) is in.

    Raises:
        UsageError: no folder from *start* upwards has a `tdr.yaml`.
        ManifestError: `tdr.yaml` or a file of an environment cannot be read.
    """
    begin = start.resolve()
    root = next((folder for folder in (begin, *begin.parents) if (folder / SETTINGS).is_file()), None)
    if root is None:
        raise UsageError(
            f"no {SETTINGS} in {str(start)!r} or above it", hint="go to a project, or begin one with `tdr init`"
        )
    return read_project(root)


def read_project(root: Path) -> Project:
    """The project whose `tdr.yaml` is in *root*.

    Raises:
        ManifestError: it, or a file of an environment, cannot be read.
    """
    findings = Findings()
    tree, place = only_mapping(root / SETTINGS, SETTINGS, findings)
    settings = {key: value for key, value in tree.items() if key != ENVIRONMENTS}
    spec = None
    try:
        spec = ProjectSpec.model_validate(settings)
        manifests = confined(root, spec.manifests)
    except ValidationError as error:
        for mistake in mistakes(error, ProjectSpec, tree):
            findings.add(mistake.rule, mistake.message, place, mistake.path, hint=mistake.hint, at_key=mistake.at_key)
    except FileRefused as refused:
        findings.add(refused.rule, refused.message, place, "/manifests", hint=refused.hint)
    if spec is None or findings.has_errors:
        raise ManifestError(findings.diagnostics)
    in_files: dict[str, WrittenEnvironment] = {}
    for name, environment in _in_files(root, manifests / ENVIRONMENTS, findings):
        if name in in_files:
            message = f"environment `{name}` is written in `{in_files[name].place.file.file}` too"
            findings.add("duplicate-environment", message, environment.place, hint="remove one of the two files")
        in_files[name] = environment
    written = {**_in_settings(tree, place, findings), **in_files}
    for name, environment in written.items():
        if not NAME.fullmatch(name):
            hint = "lower-case letters, digits, -, _ and ."
            message = f"{name!r} cannot be the name of an environment"
            findings.add("invalid-value", message, environment.place, environment.path, hint=hint, at_key=True)
    if findings.has_errors:
        raise ManifestError(findings.diagnostics)
    return Project(root, spec, written)


def _in_settings(tree: Mapping[str, Tree], place: Place, findings: Findings) -> dict[str, WrittenEnvironment]:
    environments = tree.get(ENVIRONMENTS)
    if environments is None:
        return {}
    if not isinstance(environments, dict):
        findings.add("wrong-type", "`environments` must be a mapping", place, f"/{ENVIRONMENTS}", hint="write NAME: {}")
        return {}
    return {
        name: WrittenEnvironment(place, pointer(ENVIRONMENTS, name), {} if written is None else written)
        for name, written in environments.items()
    }


def _in_files(root: Path, folder: Path, findings: Findings) -> Iterator[tuple[str, WrittenEnvironment]]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix in SUFFIXES and not path.name.startswith("."):
            tree, place = only_mapping(path, path.relative_to(root).as_posix(), findings)
            yield path.stem, WrittenEnvironment(place, "", tree)


def only_mapping(path: Path, file: str, findings: Findings) -> tuple[dict[str, Tree], Place]:
    """The one document of a settings file; an empty file is an empty mapping."""
    try:
        read = ManifestFile(file, read_file(path, file))
    except FileRefused as refused:
        findings.extend([Diagnostic(refused.rule, refused.message, position=Position(file), hint=refused.hint)])
        raise ManifestError(findings.diagnostics) from refused
    parsed = read_documents(read.data, file)
    findings.extend(parsed.problems)
    if any(problem.is_error for problem in parsed.problems):
        raise ManifestError(findings.diagnostics)
    if not parsed.documents:
        return {}, Place(read, 1, is_secretive=True)
    first = parsed.documents[0]
    place = Place(read, first.line, is_secretive=True)
    if len(parsed.documents) > 1:
        second = Place(read, parsed.documents[1].line, is_secretive=True)
        findings.add("one-document", f"`{file}` holds one document only", second, hint="remove the others")
    if not isinstance(first.tree, dict):
        findings.add("wrong-type", "the document must be a mapping", place, hint="write KEY: VALUE")
        raise ManifestError(findings.diagnostics)
    return first.tree, place

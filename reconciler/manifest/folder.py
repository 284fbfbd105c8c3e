"""The manifest files of a project, and the documents in them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from reconciler.diagnostics import Diagnostic, Position, Severity
from reconciler.manifest.cache import TreeCache
from reconciler.manifest.files import FileRefused, confined, read_file
from reconciler.manifest.findings import Findings, ManifestFile
from reconciler.manifest.project import ENVIRONMENTS, SETTINGS, SUFFIXES, Project
from reconciler.manifest.syntax import read_documents
from reconciler.manifest.tree import Document
from reconciler.model.unicode import is_unicode


def manifest_files(project: Project, findings: Findings) -> list[ManifestFile]:
    """All ``*.yaml`` and ``*.yml`` below the manifests folder but those of environments, sorted by path.

    Hidden files and folders are left out. A link is followed to a file inside the project and nowhere else.
    """
    files = []
    for path in sorted(_walk(project, findings)):
        relative = _relative(project, path)
        if not is_unicode(relative):
            position = Position(os.fsencode(relative).decode(errors="replace"))
            message, hint = "the name of the file or of its folder is not UTF-8", "rename it"
            findings.extend([Diagnostic("not-utf-8", message, position=position, hint=hint)])
            continue
        try:
            if os.path.islink(path):  # noqa: PTH114 - ten thousand times; a Path each is the larger part of it
                confined(project.root, relative)
            files.append(ManifestFile(relative, read_file(path, relative)))
        except FileRefused as refused:
            findings.extend([Diagnostic(refused.rule, refused.message, position=Position(relative), hint=refused.hint)])
    return files


def _walk(project: Project, findings: Findings) -> Iterator[str]:
    """Paths of the files. What else the project keeps is passed over, for the manifests folder may be its root."""
    skipped = {project.manifests / ENVIRONMENTS, project.root / project.spec.state}
    for parent, folders, names in os.walk(project.manifests):
        folders[:] = [name for name in folders if not name.startswith(".") and Path(parent, name) not in skipped]
        for folder in folders:
            path = os.path.join(parent, folder)  # noqa: PTH118 - see above
            if os.path.islink(path):  # noqa: PTH114 - see above
                message = "the folder is a link, and manifests in it are not read"
                hint = "put the files themselves below the manifests folder"
                position = Position(_relative(project, path))
                findings.extend([Diagnostic("link-not-followed", message, Severity.WARNING, position, hint=hint)])
        for name in names:
            if name.endswith(SUFFIXES) and not name.startswith(".") and name != SETTINGS:
                yield os.path.join(parent, name)  # noqa: PTH118 - see above


def _relative(project: Project, path: str) -> str:
    return Path(path).relative_to(project.root).as_posix()


def documents_of(file: ManifestFile, cache: TreeCache, findings: Findings) -> tuple[Document, ...]:
    """The documents of *file*, from the cache when its bytes are known."""
    known = cache.get(file.digest)
    if known is not None:
        return known
    parsed = read_documents(file.data, file.file)
    if parsed.problems:
        findings.extend(parsed.problems)
    else:
        cache.put(file.digest, parsed.documents)
    return parsed.documents
